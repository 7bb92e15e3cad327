//! `qemu-img`, told every format and never left to guess: a raw disk that is taken for a qcow2 is how a guest reads its host.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kit::disk_image::Format;

use crate::limited::{Limits, ToolError, run, watch};

const PROGRAM: &str = "qemu-img";
/// How often what is written is measured.
const MEASURED_EVERY: Duration = Duration::from_millis(500);
/// What `stat` counts blocks in, in bytes.
const STAT_BLOCK: u64 = 512;

/// A disk that is to be written in another format.
#[derive(Debug, Clone)]
pub struct Conversion<'a> {
    /// The file, inspected and found to be of `from_format`.
    pub from: &'a Path,
    /// Its format.
    pub from_format: Format,
    /// The file that is made or replaced. What failed may leave half of it.
    pub to: &'a Path,
    /// [`Format::Raw`] or [`Format::Qcow2`].
    pub to_format: Format,
    /// The most room on the disk that the result may take, in bytes; a small image can unfold to any size.
    pub max_bytes: u64,
}

impl Conversion<'_> {
    /// Converts; `progress` is told how many of 10,000 parts are done. Dropped before its end, the process is killed.
    ///
    /// # Errors
    /// When `qemu-img` fails, takes too long or too much, or the result grows too large.
    pub async fn run(&self, progress: impl FnMut(u16)) -> Result<(), ToolError> {
        let arguments: Vec<OsString> = vec![
            "convert".into(),
            "-p".into(),
            "-f".into(),
            driver(self.from_format).into(),
            "-O".into(),
            driver(self.to_format).into(),
            plain(self.from),
            plain(self.to),
        ];
        let mut progress = Progress { line: Vec::new(), told: None, tell: progress };
        let limits = Limits::WHOLE_DISK;
        tokio::select! {
            done = watch(PROGRAM, limits, arguments, |piece| progress.hear(piece)) => done?,
            error = outgrown(self.to, self.max_bytes) => return Err(error),
        }
        match allocated(self.to).await {
            Ok(bytes) if bytes > self.max_bytes => Err(ToolError::TooLarge { program: PROGRAM, limit: self.max_bytes }),
            Ok(_) => Ok(()),
            Err(source) => Err(ToolError::Start { program: PROGRAM, source }),
        }
    }
}

/// Makes (or replaces) a qcow2 of `size` bytes at `path`, on `base` where there is one.
///
/// # Errors
/// When `qemu-img` fails or takes too long.
pub async fn create_qcow2(path: &Path, size: u64, base: Option<(&Path, Format)>) -> Result<(), ToolError> {
    let mut arguments: Vec<OsString> = ["create", "-q", "-f", "qcow2"].map(OsString::from).into();
    if let Some((base, format)) = base {
        arguments.extend(["-F".into(), driver(format).into(), "-b".into(), plain(base)]);
    }
    arguments.extend([plain(path), size.to_string().into()]);
    run(PROGRAM, Limits::QUICK, arguments).await
}

/// What QEMU calls a format. What it must not open under its own name, it gets as raw bytes.
#[must_use]
pub fn driver(format: Format) -> &'static str {
    match format {
        Format::Qcow2 => "qcow2",
        Format::Vmdk => "vmdk",
        Format::Vhd => "vpc",
        Format::Vhdx => "vhdx",
        Format::Vdi => "vdi",
        _ => "raw",
    }
}

/// A path that is taken for nothing else: `nbd:x` and `json:{}` are names of things on the network to QEMU, `-x` an option.
fn plain(path: &Path) -> OsString {
    if path.is_absolute() { path.into() } else { Path::new(".").join(path).into_os_string() }
}

/// Comes back when the file takes more than `limit` bytes on the disk.
async fn outgrown(path: &Path, limit: u64) -> ToolError {
    loop {
        tokio::time::sleep(MEASURED_EVERY).await;
        // Not there yet, or gone: that is for the process to say.
        if allocated(path).await.is_ok_and(|bytes| bytes > limit) {
            return ToolError::TooLarge { program: PROGRAM, limit };
        }
    }
}

async fn allocated(path: &Path) -> io::Result<u64> {
    let path: PathBuf = path.to_owned();
    let blocks = tokio::task::spawn_blocking(move || std::fs::metadata(path).map(|metadata| metadata.blocks())).await;
    Ok(blocks.map_err(io::Error::other)??.saturating_mul(STAT_BLOCK))
}

/// Reads `    (12.34/100%)\r`, again and again.
struct Progress<F> {
    line: Vec<u8>,
    told: Option<u16>,
    tell: F,
}

impl<F: FnMut(u16)> Progress<F> {
    const LONGEST: usize = 64;

    fn hear(&mut self, piece: &[u8]) {
        for byte in piece {
            match byte {
                b'\r' | b'\n' => {
                    let parts = parse(&self.line);
                    self.line.clear();
                    if parts.is_some() && parts != self.told {
                        self.told = parts;
                        (self.tell)(parts.unwrap_or_default());
                    }
                }
                byte if self.line.len() < Self::LONGEST => self.line.push(*byte),
                _ => {}
            }
        }
    }
}

fn parse(line: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(line).ok()?.trim().strip_prefix('(')?;
    let (whole, hundredths) = text.split_once('/')?.0.split_once('.')?;
    let parts = whole.parse::<u16>().ok()?.checked_mul(100)?.checked_add(hundredths.parse().ok()?)?;
    (parts <= 10_000).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversion<'a>(from: &'a Path, from_format: Format, to: &'a Path, to_format: Format) -> Conversion<'a> {
        Conversion { from, from_format, to, to_format, max_bytes: 1 << 30 }
    }

    #[test]
    fn progress_is_read_in_any_pieces() {
        let mut seen = Vec::new();
        let mut progress = Progress { line: Vec::new(), told: None, tell: |parts| seen.push(parts) };
        for piece in [
            "    (0.00/100%)\r",
            "    (12.",
            "34/100%)\r    (12.34/100%)\r",
            "rubbish\r(999.99/1)\r",
            "    (100.00/100%)\r\n",
        ] {
            progress.hear(piece.as_bytes());
        }
        assert_eq!(seen, [0, 1234, 10_000]);
    }

    #[tokio::test]
    async fn a_disk_goes_there_and_back_in_every_format() {
        let directory = tempfile::tempdir().unwrap();
        let (raw, back) = (directory.path().join("raw"), directory.path().join("back"));
        let bytes: Vec<u8> = (0..1u32 << 20).map(|number| (number / 777) as u8).collect();
        std::fs::write(&raw, &bytes).unwrap();
        for format in [Format::Qcow2, Format::Vmdk, Format::Vhdx, Format::Vdi] {
            let there = directory.path().join(format.as_str());
            conversion(&raw, Format::Raw, &there, format).run(|_| ()).await.unwrap();
            let mut last = 0;
            conversion(&there, format, &back, Format::Raw).run(|parts| last = parts).await.unwrap();
            assert_eq!(last, 10_000);
            assert!(std::fs::read(&back).unwrap() == bytes, "{format}");
            assert!(conversion(&raw, format, &back, Format::Raw).run(|_| ()).await.is_err());
        }
    }

    #[tokio::test]
    async fn what_unfolds_too_far_is_stopped() {
        let directory = tempfile::tempdir().unwrap();
        let (raw, qcow2) = (directory.path().join("raw"), directory.path().join("qcow2"));
        std::fs::write(&raw, vec![7; 4 << 20]).unwrap();
        let small = Conversion { max_bytes: 1 << 20, ..conversion(&raw, Format::Raw, &qcow2, Format::Qcow2) };
        assert!(matches!(small.run(|_| ()).await, Err(ToolError::TooLarge { limit: 1_048_576, .. })));
    }

    #[tokio::test]
    async fn an_overlay_names_its_base_and_its_format() {
        let directory = tempfile::tempdir().unwrap();
        let (base, disk) = (directory.path().join("base"), directory.path().join("disk"));
        std::fs::write(&base, vec![7; 65536]).unwrap();
        for _ in 0..2 {
            create_qcow2(&disk, 1 << 30, Some((&base, Format::Raw))).await.unwrap();
        }
        let head = std::fs::read(&disk).unwrap();
        assert_eq!(u64::from_be_bytes(head[24..32].try_into().unwrap()), 1 << 30);
        assert!(String::from_utf8_lossy(&head).contains(base.to_str().unwrap()));
        assert!(create_qcow2(&disk, 1, Some((&directory.path().join("no"), Format::Raw))).await.is_err());
    }

    #[test]
    fn a_path_is_never_a_protocol() {
        assert_eq!(plain(Path::new("nbd:x:1")), "./nbd:x:1");
        assert_eq!(plain(Path::new("/a:b")), "/a:b");
    }
}
