//! Reading a file as a stream: one chunk in memory at a time.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use http_kit::Bytes;

use super::blocking;

/// How much is read at once.
const CHUNK: u64 = 256 * 1024;

/// Opens the file at `path`; it and how long it is.
///
/// # Errors
/// What the file system says.
pub async fn open(path: PathBuf) -> io::Result<(File, u64)> {
    blocking(move || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    })
    .await
}

/// The bytes of `file` in `range`. A file that is shorter is an error: the reader must notice.
pub fn stream(file: File, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    try_unfold((Arc::new(file), range), |(file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let (source, at) = (file.clone(), range.start);
        let wanted = usize::try_from(CHUNK.min(range.end - at)).unwrap_or(usize::MAX);
        let chunk = blocking(move || {
            let mut chunk = vec![0; wanted];
            source.read_exact_at(&mut chunk, at)?;
            Ok(Bytes::from(chunk))
        })
        .await?;
        let next = at + chunk.len() as u64;
        Ok(Some((chunk, (file, next..range.end))))
    })
}
