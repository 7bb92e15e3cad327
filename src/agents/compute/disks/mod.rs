//! Making disk files: overlays, empty disks, conversions, and clearing them away.
//!
//! [`DiskTool`] is what makes a file's contents; [`qemu_img`] is the real one, [`fake`] leaves a few bytes for guests
//! that are none. No tool probes a format: each is told.

pub(crate) mod fake;
pub(crate) mod qemu_img;
pub(crate) mod swap;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use hypervisor::Backing;
use imaging::ToolError;
use kit::disk_image::Format;
use kit::{Fault, FaultKind};

/// Why a disk could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiskError {
    /// The file system said no.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// What it said.
        source: std::io::Error,
    },
    /// A program failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A task of ours ended without an answer.
    #[error("the task was cut off")]
    CutOff,
}

impl DiskError {
    /// [`DiskError::Io`] while `doing`.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    fn is_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded),
            Self::Tool(error) => error.is_full(),
            Self::CutOff => false,
        }
    }
}

impl From<DiskError> for Fault {
    fn from(error: DiskError) -> Self {
        if error.is_full() {
            return Self::new(FaultKind::Internal, "The host has no disk space left.").caused_by(error);
        }
        Self::internal("making a disk", error)
    }
}

/// What an empty disk is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Files; the label is `ephemeral0`, ….
    Ephemeral(usize),
    /// Swapping.
    Swap,
}

/// Makes disk files. Whatever is there already is replaced; a verb that fails may leave half a file.
pub(crate) trait DiskTool: Send + Sync + 'static {
    /// A qcow2 of `size` bytes on `base`.
    fn overlay<'a>(&'a self, path: &'a Path, base: &'a Backing, size: u64) -> BoxFuture<'a, Result<(), DiskError>>;

    /// An empty raw disk of `size` bytes.
    fn blank<'a>(&'a self, path: &'a Path, size: u64, purpose: Purpose) -> BoxFuture<'a, Result<(), DiskError>>;

    /// What the qcow2 `overlay` and all that it lies on hold, as a qcow2 that lies on nothing. Nobody may write to it meanwhile.
    fn flatten<'a>(&'a self, overlay: &'a Path, to: &'a Path) -> BoxFuture<'a, Result<(), DiskError>>;

    /// The disk in `from`, of `format`, as a qcow2.
    fn convert<'a>(&'a self, from: &'a Path, format: Format, to: &'a Path) -> BoxFuture<'a, Result<(), DiskError>>;
}

/// Does `work` away from the async workers.
///
/// # Errors
/// What it fails with.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DiskError> + Send + 'static,
) -> Result<T, DiskError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(DiskError::CutOff))
}

/// Makes a directory that others may pass through but not list.
///
/// # Errors
/// What the file system says.
pub(crate) fn make_directory(path: &Path) -> Result<(), DiskError> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o711).create(path);
    made.and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)))
        .map_err(DiskError::io("making a directory"))
}

/// Removes a directory with all in it; fine when there is none.
///
/// # Errors
/// What the file system says.
pub(crate) async fn remove_directory(path: PathBuf) -> Result<(), DiskError> {
    blocking(move || match std::fs::remove_dir_all(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(DiskError::io("removing a directory")(error)),
        _ => Ok(()),
    })
    .await
}

/// Lets nobody but its owner open a file.
pub(crate) fn make_private(path: &Path) -> Result<(), DiskError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(DiskError::io("closing a file"))
}

/// Whether files in `directory` can be opened past the page cache.
pub(crate) fn direct_io_works(directory: &Path) -> bool {
    use std::os::unix::fs::OpenOptionsExt as _;
    let probe = directory.join(".direct-io");
    let direct = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).unwrap_or_default();
    let opened = std::fs::OpenOptions::new().create(true).truncate(false).write(true).custom_flags(direct).open(&probe);
    let works = opened.is_ok();
    if let Err(error) = std::fs::remove_file(&probe)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(%error, "a probe file stays behind");
    }
    works
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_as_such_and_a_path_never() {
        let full = std::io::Error::from(ErrorKind::StorageFull);
        let fault = Fault::from(DiskError::io("writing /secret")(full));
        assert_eq!(fault.message(), "The host has no disk space left.");
        let other = Fault::from(DiskError::io("writing /secret")(std::io::Error::other("x")));
        assert!(!other.message().contains("secret"));
        assert!(other.chain().contains("secret"));
    }

    #[tokio::test]
    async fn directories_come_and_go_again_and_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        make_directory(&path).unwrap();
        make_directory(&path).unwrap();
        std::fs::write(path.join("f"), "x").unwrap();
        remove_directory(path.clone()).await.unwrap();
        remove_directory(path.clone()).await.unwrap();
        assert!(!path.exists());
    }
}
