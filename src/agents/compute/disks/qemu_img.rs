//! Disks by `qemu-img`, through the runner that all of cloudbox shares ([`imaging`]).

use std::path::Path;

use futures_util::future::BoxFuture;
use hypervisor::{Backing, DiskFormat};
use imaging::limited::{Limits, run};
use imaging::qemu_img::{Conversion, create_qcow2};
use kit::disk_image::Format;

use super::{DiskError, DiskTool, Purpose, blocking, make_private, swap};

/// The real disk tool.
#[derive(Debug, Default)]
pub(crate) struct QemuImg;

async fn overlay(path: &Path, base: &Backing, size: u64) -> Result<(), DiskError> {
    let format = match base.format {
        DiskFormat::Raw => Format::Raw,
        DiskFormat::Qcow2 => Format::Qcow2,
    };
    create_qcow2(path, size, Some((&base.path, format))).await?;
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
    let label = format!("ephemeral{index}");
    let arguments = ["-q".as_ref(), "-F".as_ref(), "-L".as_ref(), label.as_ref(), path.as_os_str()];
    let formatted = run("mkfs.ext4", Limits::QUICK, arguments);
    if let Err(error) = formatted.await {
        // Nova's default is a formatted disk; a guest can do it itself.
        tracing::warn!(error = %error, "an ephemeral disk stays without a file system");
    }
    Ok(())
}

async fn convert(from: &Path, format: Format, to: &Path) -> Result<(), DiskError> {
    // The size of the disk in it bounds what comes out.
    let conversion = Conversion { from, from_format: format, to, to_format: Format::Qcow2, max_bytes: u64::MAX };
    Ok(conversion.run(|_| ()).await?)
}

impl DiskTool for QemuImg {
    fn overlay<'a>(&'a self, path: &'a Path, base: &'a Backing, size: u64) -> BoxFuture<'a, Result<(), DiskError>> {
        Box::pin(overlay(path, base, size))
    }

    fn blank<'a>(&'a self, path: &'a Path, size: u64, purpose: Purpose) -> BoxFuture<'a, Result<(), DiskError>> {
        Box::pin(blank(path, size, purpose))
    }

    fn flatten<'a>(&'a self, overlay: &'a Path, to: &'a Path) -> BoxFuture<'a, Result<(), DiskError>> {
        // The overlay names its base and the base's format: qemu-img reads through it.
        Box::pin(convert(overlay, Format::Qcow2, to))
    }

    fn convert<'a>(&'a self, from: &'a Path, format: Format, to: &'a Path) -> BoxFuture<'a, Result<(), DiskError>> {
        Box::pin(convert(from, format, to))
    }
}

#[cfg(test)]
mod tests {
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

    /// A guest that writes the header of a qcow2 which names a file of the host to its disk.
    #[tokio::test]
    async fn a_copy_holds_whatever_the_guest_wrote_and_lies_on_nothing() {
        if !installed() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mut hostile = kit::disk_image::testing::qcow2(1 << 20);
        kit::disk_image::testing::put(&mut hostile, 8, &64u64.to_be_bytes());
        kit::disk_image::testing::put(&mut hostile, 16, &11u32.to_be_bytes());
        kit::disk_image::testing::put(&mut hostile, 64, b"/etc/passwd");
        hostile.resize(2 << 20, 9);
        std::fs::write(path("base"), &hostile).unwrap();
        let backing = Backing { path: path("base"), format: DiskFormat::Raw };
        QemuImg.overlay(&path("disk"), &backing, 2 << 20).await.unwrap();
        for _ in 0..2 {
            QemuImg.flatten(&path("disk"), &path("copy")).await.unwrap();
        }
        let found = kit::disk_image::Window::of(&mut std::fs::File::open(path("copy")).unwrap()).unwrap().inspect();
        assert_eq!(found.judge("qcow2", u64::MAX), Ok(()));
        assert_eq!(found.virtual_size, Some(2 << 20));
        let (from, to) = (&*path("copy"), &*path("raw"));
        let (from_format, to_format, max_bytes) = (Format::Qcow2, Format::Raw, u64::MAX);
        Conversion { from, from_format, to, to_format, max_bytes }.run(|_| ()).await.unwrap();
        assert!(std::fs::read(to).unwrap() == hostile);
    }

    #[tokio::test]
    async fn a_failure_says_what_the_program_said() {
        if !installed() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let missing = Backing { path: dir.path().join("missing"), format: DiskFormat::Raw };
        let error = QemuImg.overlay(&dir.path().join("disk"), &missing, 1 << 20).await.unwrap_err();
        let fault = kit::Fault::from(error);
        assert!(fault.chain().contains("missing") && !fault.message().contains("missing"), "{}", fault.chain());
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
        QemuImg.convert(&vdi, Format::Vdi, &qcow2).await.unwrap();
        assert!(std::fs::read(&qcow2).unwrap().starts_with(b"QFI\xfb"));
        assert!(QemuImg.convert(&vdi, Format::Qcow2, &dir.path().join("no")).await.is_err());
        let disk = dir.path().join("eph");
        QemuImg.blank(&disk, 16 << 20, Purpose::Ephemeral(0)).await.unwrap();
        assert_eq!(std::fs::metadata(&disk).unwrap().len(), 16 << 20);
    }
}
