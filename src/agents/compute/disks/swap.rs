//! The header of a Linux swap disk, as `mkswap` writes it.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

const PAGE: u64 = 4096;
const MAGIC: &[u8] = b"SWAPSPACE2";

/// Makes a raw disk of `size` bytes at `path` with swap space on it.
///
/// # Errors
/// What the file system says.
pub(crate) fn format(path: &Path, size: u64) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.set_len(size)?;
    let last_page = u32::try_from((size / PAGE).saturating_sub(1)).unwrap_or(u32::MAX);
    file.seek(SeekFrom::Start(1024))?;
    let version: u32 = 1;
    file.write_all(&version.to_le_bytes())?;
    file.write_all(&last_page.to_le_bytes())?;
    file.seek(SeekFrom::Start(PAGE - MAGIC.len() as u64))?;
    file.write_all(MAGIC)
}

#[cfg(test)]
mod tests {
    #[test]
    fn blkid_knows_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("swap");
        super::format(&path, 8 << 20).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(&bytes[4086..4096], b"SWAPSPACE2");
        assert_eq!(bytes.len(), 8 << 20);
        // The type is asserted where the tool is installed.
        if let Ok(output) = std::process::Command::new("/usr/sbin/blkid").arg("-p").arg(&path).output() {
            assert!(String::from_utf8_lossy(&output.stdout).contains("TYPE=\"swap\""), "{output:?}");
        }
    }
}
