//! Disks for guests that are none: small files that say what they stand for.

use std::path::Path;

use futures_util::future::BoxFuture;
use hypervisor::Backing;
use kit::disk_image::Format;

use super::{DiskError, DiskTool, Purpose};

/// Makes files of a few bytes; a base has to be there all the same.
#[derive(Debug, Default)]
pub(crate) struct FakeDisks;

fn write(path: &Path, text: String) -> BoxFuture<'static, Result<(), DiskError>> {
    // A few bytes to the page cache: quicker than the way to another thread and back.
    let written = std::fs::write(path, text).map_err(DiskError::io("making a fake disk"));
    Box::pin(std::future::ready(written))
}

impl DiskTool for FakeDisks {
    fn overlay<'a>(&'a self, path: &'a Path, base: &'a Backing, size: u64) -> BoxFuture<'a, Result<(), DiskError>> {
        if let Err(error) = std::fs::metadata(&base.path) {
            return Box::pin(std::future::ready(Err(DiskError::io("finding a base image")(error))));
        }
        write(path, format!("a fake overlay of {size} bytes\n"))
    }

    fn blank<'a>(&'a self, path: &'a Path, size: u64, purpose: Purpose) -> BoxFuture<'a, Result<(), DiskError>> {
        write(path, format!("a fake disk of {size} bytes: {purpose:?}\n"))
    }

    fn flatten<'a>(&'a self, overlay: &'a Path, to: &'a Path) -> BoxFuture<'a, Result<(), DiskError>> {
        let copied = std::fs::metadata(overlay).and_then(|_| std::fs::write(to, hypervisor::fake::empty_disk()));
        Box::pin(std::future::ready(copied.map_err(DiskError::io("copying a fake disk"))))
    }

    fn convert<'a>(&'a self, from: &'a Path, format: Format, to: &'a Path) -> BoxFuture<'a, Result<(), DiskError>> {
        let converted = std::fs::metadata(from).map_err(DiskError::io("finding an image"));
        match converted {
            Ok(_) => write(to, format!("once a {format}\n")),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}
