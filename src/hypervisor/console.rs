//! What a guest printed on its serial console: the log's end is read, its size bounded.
//!
//! With a daemon virtlogd writes it and starts a new one every 2 MiB (`/etc/libvirt/virtlogd.conf`), keeping the older
//! as `LOG.0`. In the embedded driver QEMU writes it itself, opened for appending; there [`rotate`] does what
//! virtlogd does, by copying and truncating, which needs no help from QEMU. What a guest prints between the two is
//! lost: it is a log of a console, and a guest that fills its host's disk is worse.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Past this size a log is rotated: virtlogd's own default.
pub const ROTATE_AT: u64 = 2 * 1024 * 1024;

/// The last `lines` lines (all when `None`) of `log`, and of the older one if need be; at most `limit` bytes.
pub fn tail(log: &Path, lines: Option<usize>, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = end_of(log, limit)?;
    if bytes.len() < limit && enough_lines(&bytes, lines).is_none() {
        let mut older = end_of(&older(log), limit - bytes.len())?;
        older.append(&mut bytes);
        bytes = older;
    }
    Ok(last_lines(bytes, lines))
}

/// The last `lines` lines of `bytes`; all when `None`.
pub fn last_lines(mut bytes: Vec<u8>, lines: Option<usize>) -> Vec<u8> {
    let start = enough_lines(&bytes, lines).unwrap_or(0);
    bytes.split_off(start)
}

/// Where the last `lines` lines begin, if there are more than that.
fn enough_lines(bytes: &[u8], lines: Option<usize>) -> Option<usize> {
    let lines = lines?;
    if lines == 0 {
        return Some(bytes.len());
    }
    // The newline that ends the last line is no line of its own.
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let mut newlines = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    newlines.nth(lines - 1).map(|(at, _)| at + 1)
}

/// The last `limit` bytes; none of a file that is not there.
fn end_of(path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(limit)))?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where the older half of a log is kept.
fn older(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(".0");
    PathBuf::from(name)
}

/// Bounds the log: past `limit` bytes it becomes the older one and begins anew.
pub fn rotate(log: &Path, limit: u64) -> std::io::Result<()> {
    let size = match std::fs::metadata(log) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if size > limit {
        std::fs::write(older(log), end_of(log, usize::try_from(limit).unwrap_or(usize::MAX))?)?;
        OpenOptions::new().write(true).open(log)?.set_len(0)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_log_that_is_not_there_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(tail(&dir.path().join("log"), None, 100).unwrap(), b"");
        rotate(&dir.path().join("log"), 1).unwrap();
    }

    #[test]
    fn the_older_log_fills_up() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        std::fs::write(older(&log), "a\nb\n").unwrap();
        std::fs::write(&log, "c\n").unwrap();
        assert_eq!(tail(&log, Some(1), 100).unwrap(), b"c\n");
        assert_eq!(tail(&log, Some(2), 100).unwrap(), b"b\nc\n");
        assert_eq!(tail(&log, None, 100).unwrap(), b"a\nb\nc\n");
        assert_eq!(tail(&log, None, 4).unwrap(), b"b\nc\n");
        assert_eq!(tail(&log, Some(0), 100).unwrap(), b"");
    }

    #[test]
    fn one_that_appends_goes_on_after_a_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mut writer = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        writer.write_all(b"0123456789").unwrap();
        rotate(&log, 4).unwrap();
        writer.write_all(b"ab").unwrap();
        assert_eq!(std::fs::read(&log).unwrap(), b"ab");
        assert_eq!(tail(&log, None, 100).unwrap(), b"6789ab");
    }

    proptest! {
        #[test]
        fn a_tail_is_that_many_lines(text in "[ab\n]{0,60}", lines in 1_usize..8) {
            let dir = tempfile::tempdir().unwrap();
            let log = dir.path().join("log");
            std::fs::write(&log, &text).unwrap();
            let got = String::from_utf8(tail(&log, Some(lines), 1000).unwrap()).unwrap();
            prop_assert!(text.ends_with(&got));
            let all: Vec<&str> = text.lines().collect();
            let wanted: Vec<&str> = all.iter().skip(all.len().saturating_sub(lines)).copied().collect();
            prop_assert_eq!(got.lines().collect::<Vec<_>>(), wanted);
        }
    }
}
