//! Taking an image's bytes in: written, hashed and looked at as they come. Blocking.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use kit::disk_image::Window;
use kit::{Fault, FaultKind};
use tokio_util::sync::CancellationToken;

use super::{refusal, remove_draft};
use crate::disks::DiskError;

/// How much is read at once.
const CHUNK: usize = 1 << 20;
/// The grain of holes: a file system's block.
const BLOCK: usize = 4096;

/// What the bytes have to be.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// The image, for messages.
    pub name: String,
    /// Their SHA-512 in hexadecimal.
    pub sha512: Option<String>,
    /// The format that they were declared to be in.
    pub disk_format: String,
}

/// Bytes on their way into a draft.
pub(super) struct Intake {
    file: File,
    checks: Checks,
}

/// What is found out about bytes as they go by.
struct Checks {
    digest: digest::Context,
    window: Window,
}

impl Checks {
    fn new() -> Self {
        Self { digest: digest::Context::new(&digest::SHA512), window: Window::default() }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.window.push(bytes);
    }

    fn finish(self, expected: &Expected) -> Result<(), Fault> {
        let found = kit::hex(self.digest.finish().as_ref());
        if expected.sha512.as_ref().is_some_and(|wanted| !wanted.eq_ignore_ascii_case(&found)) {
            let text = format!("Image {} is corrupt: its data do not match its checksum.", expected.name);
            return Err(Fault::new(FaultKind::Internal, text));
        }
        // How large a disk may be is the image service's to say, and the flavor's.
        let judged = self.window.inspect().judge(&expected.disk_format, u64::MAX);
        judged.map_err(|objection| refusal(&expected.name, &objection.to_string()))
    }
}

impl Intake {
    /// A new draft at `path`.
    pub fn create(path: &Path) -> Result<Self, DiskError> {
        let file = File::create(path).map_err(DiskError::io("making a draft"))?;
        Ok(Self { file, checks: Checks::new() })
    }

    /// Takes the next bytes. Zeroes become a hole.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        self.checks.push(bytes);
        for block in bytes.chunks(BLOCK) {
            let written = if block.len() == BLOCK && block.iter().all(|byte| *byte == 0) {
                self.file.seek(SeekFrom::Current(BLOCK as i64)).map(|_| ())
            } else {
                self.file.write_all(block)
            };
            written.map_err(DiskError::io("writing a draft"))?;
        }
        Ok(())
    }

    /// Ends the draft, and says whether it is what was expected.
    pub fn finish(self, expected: &Expected) -> Result<(), Fault> {
        self.file.set_len(self.checks.window.size()).map_err(DiskError::io("ending a draft"))?;
        self.checks.finish(expected)
    }
}

/// Copies `from` to the draft `to`, sharing blocks where the file system can; says whether there is such a file here.
pub(super) async fn copy(
    from: PathBuf,
    to: PathBuf,
    expected: Expected,
    stop: CancellationToken,
) -> Result<bool, Fault> {
    let copied = tokio::task::spawn_blocking(move || {
        let copied = copy_blocking(&from, &to, &expected, &stop);
        if stop.is_cancelled() {
            // Whoever wanted it went away, and has removed what there was by then.
            remove_draft(&to);
        }
        copied
    });
    copied.await.unwrap_or_else(|_| Err(DiskError::CutOff.into()))
}

fn copy_blocking(from: &Path, to: &Path, expected: &Expected, stop: &CancellationToken) -> Result<bool, Fault> {
    // Once it is open its bytes stay, whoever deletes the image meanwhile.
    let Some(source) = open(from)? else { return Ok(false) };
    if reflink_copy::reflink(from, to).is_ok() {
        let mut checks = Checks::new();
        read_all(File::open(to).map_err(DiskError::io("opening a draft"))?, stop, |bytes| {
            checks.push(bytes);
            Ok(())
        })?;
        checks.finish(expected)?;
    } else {
        let mut intake = Intake::create(to)?;
        read_all(source, stop, |bytes| intake.push(bytes))?;
        intake.finish(expected)?;
    }
    Ok(true)
}

fn open(path: &Path) -> Result<Option<File>, DiskError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DiskError::io("opening an image")(error)),
    }
}

fn read_all(
    mut file: File,
    stop: &CancellationToken,
    mut take: impl FnMut(&[u8]) -> Result<(), DiskError>,
) -> Result<(), DiskError> {
    let mut buffer = vec![0; CHUNK];
    loop {
        if stop.is_cancelled() {
            return Err(DiskError::CutOff);
        }
        match file.read(&mut buffer).map_err(DiskError::io("reading an image"))? {
            0 => return Ok(()),
            count => take(buffer.get(..count).unwrap_or_default())?,
        }
    }
}
