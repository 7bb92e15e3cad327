//! The format of a disk image by its bytes or its name.

use std::io::Read as _;
use std::path::Path;

use kit::disk_image::{Format, Window};

use crate::cli::problem::{Problem, Result};

/// How much of a file is looked at.
const HEAD: u64 = 128;

/// The format that the file's bytes, or else its name, speak for. The cloud looks for itself.
///
/// # Errors
/// When it cannot be read.
pub fn guess(path: &Path) -> Result<&'static str> {
    let unreadable = |error| Problem::io(&format!("cannot read {}", path.display()), &error);
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let found = Window::of(&mut file).map_err(unreadable)?.inspect().format;
    let is_iso = found == Format::Raw && extension(path.to_str().unwrap_or_default()) == "iso";
    Ok(if is_iso { Format::Iso } else { found }.as_str())
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

#[cfg(test)]
mod tests {
    use kit::disk_image::testing;

    use super::*;

    #[test]
    fn the_bytes_tell_the_format() {
        let directory = tempfile::tempdir().unwrap();
        for (name, bytes, format) in [
            ("disk.img", testing::qcow2(1 << 20), "qcow2"),
            ("disk.raw", testing::vdi(1 << 20), "vdi"),
            ("fixed.img", testing::vhd_fixed(&[0; 4096]), "vhd"),
            ("boot.img", b"\xeb\x63\x90".to_vec(), "raw"),
            ("empty.iso", Vec::new(), "iso"),
        ] {
            let path = directory.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(guess(&path).unwrap(), format);
        }
    }

    #[test]
    fn a_url_may_tell_it_too() {
        assert_eq!(of_url("https://host/a.b/x.QCOW2?token=y.raw"), Some("qcow2"));
        assert_eq!(of_url("https://host.iso/x"), None);
        assert_eq!(of_url("https://host/x.img"), None);
    }
}
