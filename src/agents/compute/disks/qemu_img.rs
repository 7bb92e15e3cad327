//! Disks by `qemu-img`, with limits on its memory, processor time and wall-clock time.
//!
//! Images come from strangers: what opens them runs under `prlimit`, and is always told the format.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hypervisor::Backing;
use tokio::process::Command;

use super::{DiskError, DiskTool, Purpose, blocking, make_private, swap};

/// How much of what a program prints is kept.
const SAID_MAX: usize = 400;

/// What a program may use.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Address space in bytes.
    memory: u64,
    /// Processor time, in seconds.
    cpu_secs: u64,
    /// Wall-clock time, in seconds.
    wall_secs: u64,
}

/// For what only writes metadata: Nova's own limits.
const QUICK: Limits = Limits { memory: 1 << 30, cpu_secs: 30, wall_secs: 60 };
/// For what reads and writes a whole disk.
const LONG: Limits = Limits { memory: 4 << 30, cpu_secs: 1200, wall_secs: 3000 };

/// The real disk tool.
#[derive(Debug, Default)]
pub(crate) struct QemuImg;

/// Runs `program`, and says why it failed.
async fn run(program: &'static str, limits: Limits, arguments: impl FnOnce(&mut Command)) -> Result<(), DiskError> {
    let mut command = Command::new("prlimit");
    command.arg(format!("--as={}", limits.memory)).arg(format!("--cpu={}", limits.cpu_secs)).arg("--").arg(program);
    arguments(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    let ended = tokio::time::timeout(Duration::from_secs(limits.wall_secs), command.output()).await;
    let late = |_elapsed| DiskError::Late { program, seconds: limits.wall_secs };
    let output = ended.map_err(late)?.map_err(DiskError::io(format!("running {program}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said: String = String::from_utf8_lossy(&output.stderr).trim().chars().take(SAID_MAX).collect();
    Err(DiskError::Program { program, status: output.status.to_string(), said })
}

async fn overlay(path: &Path, base: &Backing, size: u64) -> Result<(), DiskError> {
    run("qemu-img", QUICK, |command| {
        command.args(["create", "-q", "-f", "qcow2", "-F", base.format.as_str(), "-b"]);
        command.arg(&base.path).arg(path).arg(size.to_string());
    })
    .await?;
    make_private(path)
}

async fn blank(path: &Path, size: u64, purpose: Purpose) -> Result<(), DiskError> {
    let file = path.to_owned();
    blocking(move || {
        let made = match purpose {
            Purpose::Swap => swap::format(&file, size),
            Purpose::Ephemeral(_) => std::fs::File::create(&file).and_then(|disk| disk.set_len(size)),
        };
        made.map_err(DiskError::io("making an empty disk"))?;
        make_private(&file)
    })
    .await?;
    let Purpose::Ephemeral(index) = purpose else { return Ok(()) };
    let formatted = run("mkfs.ext4", QUICK, |command| {
        command.args(["-q", "-F", "-L", &format!("ephemeral{index}")]).arg(path);
    });
    if let Err(error) = formatted.await {
        // Nova's default is a formatted disk; a guest can do it itself.
        tracing::warn!(error = %error, "an ephemeral disk stays without a file system");
    }
    Ok(())
}

async fn convert(from: &Path, format: &'static str, to: &Path) -> Result<(), DiskError> {
    run("qemu-img", LONG, |command| {
        command.args(["convert", "-q", "-f", format, "-O", "qcow2"]).arg(from).arg(to);
    })
    .await
}

impl DiskTool for QemuImg {
    fn overlay<'a>(&'a self, path: &'a Path, base: &'a Backing, size: u64) -> BoxFuture<'a, Result<(), DiskError>> {
        Box::pin(overlay(path, base, size))
    }

    fn blank<'a>(&'a self, path: &'a Path, size: u64, purpose: Purpose) -> BoxFuture<'a, Result<(), DiskError>> {
        Box::pin(blank(path, size, purpose))
    }

    fn convert<'a>(
        &'a self,
        from: &'a Path,
        format: &'static str,
        to: &'a Path,
    ) -> BoxFuture<'a, Result<(), DiskError>> {
        Box::pin(convert(from, format, to))
    }
}

#[cfg(test)]
mod tests {
    use hypervisor::DiskFormat;

    use super::*;

    /// Whether the tools that the product needs are here; they are on every machine that runs real guests.
    fn installed() -> bool {
        ["/usr/bin/qemu-img", "/usr/bin/prlimit"].iter().all(|path| Path::new(path).exists())
    }

    #[tokio::test]
    async fn an_overlay_names_its_base_and_has_its_size() {
        if !installed() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let (base, disk) = (dir.path().join("base"), dir.path().join("disk"));
        std::fs::write(&base, vec![7; 65536]).unwrap();
        let backing = Backing { path: base.clone(), format: DiskFormat::Raw };
        QemuImg.overlay(&disk, &backing, 1 << 30).await.unwrap();
        QemuImg.overlay(&disk, &backing, 1 << 30).await.unwrap();
        let head = std::fs::read(&disk).unwrap();
        assert_eq!(&head[..4], b"QFI\xfb");
        assert_eq!(u64::from_be_bytes(head[24..32].try_into().unwrap()), 1 << 30);
        let text = String::from_utf8_lossy(&head);
        assert!(text.contains(base.to_str().unwrap()));
    }

    #[tokio::test]
    async fn a_failure_says_what_the_program_said() {
        if !installed() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let missing = Backing { path: dir.path().join("missing"), format: DiskFormat::Raw };
        let error = QemuImg.overlay(&dir.path().join("disk"), &missing, 1 << 20).await.unwrap_err();
        assert!(matches!(&error, DiskError::Program { said, .. } if said.contains("missing")), "{error}");
        assert!(!kit::Fault::from(error).message().contains("missing"));
    }

    #[tokio::test]
    async fn a_vhd_becomes_a_qcow2_and_a_blank_disk_has_its_size() {
        if !installed() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let (raw, vdi, qcow2) = (dir.path().join("raw"), dir.path().join("vdi"), dir.path().join("qcow2"));
        std::fs::write(&raw, vec![9; 1 << 20]).unwrap();
        let made = std::process::Command::new("qemu-img")
            .args(["convert", "-f", "raw", "-O", "vdi"])
            .args([&raw, &vdi])
            .status()
            .unwrap();
        assert!(made.success());
        QemuImg.convert(&vdi, "vdi", &qcow2).await.unwrap();
        assert!(std::fs::read(&qcow2).unwrap().starts_with(b"QFI\xfb"));
        assert!(QemuImg.convert(&vdi, "qcow2", &dir.path().join("no")).await.is_err());
        let disk = dir.path().join("eph");
        QemuImg.blank(&disk, 16 << 20, Purpose::Ephemeral(0)).await.unwrap();
        assert_eq!(std::fs::metadata(&disk).unwrap().len(), 16 << 20);
    }
}
