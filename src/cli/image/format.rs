//! The format of a disk image by its first bytes.

use std::io::Read as _;
use std::path::Path;

use crate::cli::problem::{Problem, Result};

/// How much of a file is looked at.
const HEAD: u64 = 128;

/// The format that the file's first bytes, or else its name, speak for. The cloud looks for itself.
///
/// # Errors
/// When it cannot be read.
pub fn guess(path: &Path) -> Result<&'static str> {
    Ok(of(&head(path)?, &extension(path.to_str().unwrap_or_default())))
}

/// The format that the name of what is at `url` speaks for.
#[must_use]
pub fn of_url(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    match extension(path).as_str() {
        "qcow2" => Some("qcow2"),
        "raw" => Some("raw"),
        "vmdk" => Some("vmdk"),
        "vdi" => Some("vdi"),
        "vhd" => Some("vhd"),
        "vhdx" => Some("vhdx"),
        "iso" => Some("iso"),
        _ => None,
    }
}

/// A file's first bytes.
///
/// # Errors
/// When it cannot be read.
pub fn head(path: &Path) -> Result<Vec<u8>> {
    let doing = || format!("cannot read {}", path.display());
    let mut head = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| Problem::io(&doing(), &error))?;
    file.take(HEAD).read_to_end(&mut head).map_err(|error| Problem::io(&doing(), &error))?;
    Ok(head)
}

fn extension(path: &str) -> String {
    path.rsplit('/').next().and_then(|name| Some(name.rsplit_once('.')?.1.to_lowercase())).unwrap_or_default()
}

fn of(head: &[u8], extension: &str) -> &'static str {
    const MAGIC: &[(usize, &[u8], &str)] = &[
        (0, b"QFI\xfb", "qcow2"),
        (0, b"KDMV", "vmdk"),
        (0, b"vhdxfile", "vhdx"),
        (0, b"conectix", "vhd"),
        (0x40, &[0x7f, 0x10, 0xda, 0xbe], "vdi"),
    ];
    let magic = MAGIC.iter().find(|(at, magic, _)| head.get(*at..).is_some_and(|head| head.starts_with(magic)));
    match magic {
        Some((_, _, format)) => format,
        None if extension == "iso" => "iso",
        None => "raw",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_format() {
        assert_eq!(of(b"QFI\xfb\0\0\0\x03", "img"), "qcow2");
        assert_eq!(of(b"\xeb\x63\x90", "img"), "raw");
        assert_eq!(of(b"", "iso"), "iso");
        let mut vdi = vec![0; 0x40];
        vdi.extend([0x7f, 0x10, 0xda, 0xbe]);
        assert_eq!(of(&vdi, ""), "vdi");
    }

    #[test]
    fn a_url_may_tell_it_too() {
        assert_eq!(of_url("https://host/a.b/x.QCOW2?token=y.raw"), Some("qcow2"));
        assert_eq!(of_url("https://host.iso/x"), None);
        assert_eq!(of_url("https://host/x.img"), None);
    }
}
