//! The file that bytes are written to: zeros are left out of it, and the rest goes past the page cache where the file system
//! lets it. What comes in is not read again soon, and memory is the guests'; writing is half as dear for the processor so.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use super::batch::ALIGN;

/// How many bytes are looked at at once, whether they are all zeros and can be left out of the file.
const HOLE: usize = 64 * 1024;
/// Fewer zeros than this are written: a file system has no smaller hole.
const BLOCK: usize = 4096;
/// How much is written through the page cache before the disk is told to take it, so that little is left to wait for at the end.
const FLUSH_EVERY: usize = 32 << 20;
static ZEROS: [u8; HOLE] = [0; HOLE];

/// Writes `bytes` at `at` into a file that had nothing there; zeros become a hole. Its length must be set at the end.
///
/// # Errors
/// What the file system says.
pub fn put(file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
    put_with(at, bytes, |at, run| file.write_all_at(run, at))
}

/// As [`put`], with `write` for what is not a hole, in runs as long as they can be.
fn put_with(at: u64, bytes: &[u8], mut write: impl FnMut(u64, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let (mut begin, mut end) = (0, 0);
    let mut flush = |begin: usize, end: usize| match bytes.get(begin..end) {
        Some(run) if !run.is_empty() => write(at + begin as u64, run),
        _ => Ok(()),
    };
    for piece in bytes.chunks(HOLE) {
        let zeros = piece.len() >= BLOCK && ZEROS.get(..piece.len()) == Some(piece);
        if zeros {
            flush(begin, end)?;
            begin = end + piece.len();
        }
        end += piece.len();
    }
    flush(begin, end)
}

/// A file that grows.
pub struct Target {
    file: File,
    /// The same file, past the page cache; none where that cannot be.
    direct: Option<File>,
    at: u64,
    unflushed: usize,
}

impl Target {
    /// The file at `path`, made anew.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        let flags = OFlags::DIRECT.bits().cast_signed();
        let direct = OpenOptions::new().write(true).custom_flags(flags).open(path).ok();
        Ok(Self { file, direct, at: 0, unflushed: 0 })
    }

    /// Writes what comes next. What is at an address of whole [`ALIGN`]s and as long goes past the page cache.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (file, direct, unflushed) = (&self.file, &mut self.direct, &mut self.unflushed);
        put_with(self.at, bytes, |at, run| {
            if let Some(past) = direct.as_ref().filter(|_| is_aligned(at, run)) {
                match past.write_all_at(run, at) {
                    // Some file systems open it so, and then do not write.
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => *direct = None,
                    other => return other,
                }
            }
            *unflushed += run.len();
            file.write_all_at(run, at)
        })?;
        self.at += bytes.len() as u64;
        if self.unflushed >= FLUSH_EVERY {
            self.unflushed = 0;
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Ends it: all of it is on the disk then.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(self) -> io::Result<()> {
        self.file.set_len(self.at)?;
        self.file.sync_all()
    }
}

fn is_aligned(at: u64, run: &[u8]) -> bool {
    let whole = ALIGN as u64;
    at.is_multiple_of(whole) && run.len().is_multiple_of(ALIGN) && run.as_ptr().align_offset(ALIGN) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes in pieces of zeros and of others, of lengths around what matters.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let length = prop_oneof![1..100_usize, Just(BLOCK), Just(HOLE), BLOCK - 1..3 * HOLE];
        let piece = (any::<bool>(), length).prop_map(|(zeros, length)| vec![if zeros { 0 } else { 7 }; length]);
        proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_file_is_what_was_written_however_it_was_cut(bytes in pieces(), cut in 1..200_000_usize, direct: bool) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("file");
            let mut target = Target::create(&path).unwrap();
            if !direct {
                target.direct = None;
            }
            for part in bytes.chunks(cut) {
                target.write(part).unwrap();
            }
            target.finish().unwrap();
            prop_assert!(std::fs::read(&path).unwrap() == bytes);
        }
    }
}
