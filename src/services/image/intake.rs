//! Taking in bytes: from a stream to a file, hashed, inspected and counted on the way.
//!
//! Bytes are gathered into batches while the batch before is worked on by two threads: one for MD5, one for the file, SHA-512
//! and the inspection. That is all that an intake holds in memory. A batch takes a place of the store's [`Stores::writers`]
//! in turn, so that many uploads share the processors and a client that stands still holds none.
//!
//! [`Stores::writers`]: crate::backends::Stores::writers

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA512};
use futures_util::{Stream, StreamExt as _};
use http_kit::Bytes;
use kit::Fault;
use kit::disk_image::{Inspection, Window};
use md5::{Digest as _, Md5};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use crate::backends::{blocking, disk_fault};

/// How much is gathered before it is worked on.
const BATCH: usize = 1 << 20;
/// How much is written before the disk is told to begin with it, so that little is left to wait for at the end.
const FLUSH_EVERY: u64 = 32 << 20;
/// How many bytes are looked at at once, whether they are all zeros and can be left out of the file.
const HOLE: usize = 64 * 1024;
/// Fewer zeros than this are written: a file system has no smaller hole.
const BLOCK: usize = 4096;
static ZEROS: [u8; HOLE] = [0; HOLE];

/// How many bytes are taken, and what is answered to more.
#[derive(Debug, Clone)]
pub struct Limit {
    /// The most.
    pub bytes: u64,
    /// The answer to one more.
    pub fault: Fault,
}

/// What is done with the bytes.
pub struct Wish {
    /// The file that they are written to, which is made; none: they are only looked at.
    pub to: Option<PathBuf>,
    /// Whether they are hashed.
    pub hash: bool,
    /// How many are taken.
    pub limit: Limit,
}

/// What came in.
#[derive(Debug)]
pub struct Received {
    /// How many bytes.
    pub size: u64,
    /// MD5 in hexadecimal; empty where none was wished.
    pub md5: String,
    /// SHA-512 in hexadecimal; empty where none was wished.
    pub sha512: String,
    /// What the bytes are.
    pub inspection: Inspection,
}

/// Takes in `source` to its end. The file is on the disk then; when it fails, there may be a part of it.
///
/// `seen` is told how many bytes there are after each batch.
///
/// # Errors
/// What the source, the limit or the disk says.
pub async fn receive<S>(
    source: S,
    wish: Wish,
    writers: &Arc<Semaphore>,
    mut seen: impl FnMut(u64),
) -> Result<Received, Fault>
where
    S: Stream<Item = Result<Bytes, Fault>>,
{
    let mut source = pin!(source.fuse());
    let mut work = Work::begin(&wish).await?;
    let mut size = 0;
    loop {
        let gathered = gather(&mut source).await;
        let batch = match gathered {
            Ok(batch) => batch,
            Err(fault) => return work.give_up(fault).await,
        };
        let Some(bytes) = batch.iter().map(Bytes::len).reduce(|sum, length| sum + length) else { break };
        size += bytes as u64;
        if size > wish.limit.bytes {
            return work.give_up(wish.limit.fault).await;
        }
        work.take(batch, writers).await?;
        seen(size);
    }
    work.end(size).await
}

/// The next chunks of `source`, about a batch; none at its end.
async fn gather(source: &mut (impl Stream<Item = Result<Bytes, Fault>> + Unpin)) -> Result<Vec<Bytes>, Fault> {
    let (mut batch, mut length) = (Vec::new(), 0);
    while length < BATCH {
        match source.next().await {
            Some(Ok(chunk)) if chunk.is_empty() => {}
            Some(Ok(chunk)) => {
                length += chunk.len();
                batch.push(chunk);
            }
            Some(Err(fault)) => return Err(fault),
            None => break,
        }
    }
    Ok(batch)
}

/// Writes `bytes` at `at` into a file that had nothing there; zeros become a hole. Its length must be set at the end.
///
/// # Errors
/// What the file system says.
pub fn put(file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
    let mut at = at;
    for piece in bytes.chunks(HOLE) {
        let zeros = piece.len() >= BLOCK && ZEROS.get(..piece.len()) == Some(piece);
        if !zeros {
            file.write_all_at(piece, at)?;
        }
        at += piece.len() as u64;
    }
    Ok(())
}

/// The file, and what is worked out of the bytes but MD5.
struct Desk {
    file: Option<Arc<File>>,
    at: u64,
    sha512: Option<Context>,
    window: Window,
}

impl Desk {
    fn take(&mut self, batch: &[Bytes]) -> io::Result<()> {
        for chunk in batch {
            if let Some(sha512) = &mut self.sha512 {
                sha512.update(chunk);
            }
            self.window.push(chunk);
            if let Some(file) = &self.file {
                put(file, self.at, chunk)?;
            }
            self.at += chunk.len() as u64;
        }
        Ok(())
    }
}

type Halves = (Option<Md5>, Desk);
type HalvesUnderWay = (JoinHandle<Option<Md5>>, JoinHandle<io::Result<Desk>>);

/// The work on the bytes: at rest between batches, or under way on one.
struct Work {
    at_rest: Option<Halves>,
    under_way: Option<HalvesUnderWay>,
    file: Option<Arc<File>>,
    flush: Option<JoinHandle<io::Result<()>>>,
    unflushed: u64,
}

impl Work {
    async fn begin(wish: &Wish) -> Result<Self, Fault> {
        let file = match wish.to.clone() {
            None => None,
            Some(path) => Some(Arc::new(blocking(move || File::create(path)).await.map_err(disk_fault)?)),
        };
        let desk = Desk {
            file: file.clone(),
            at: 0,
            sha512: wish.hash.then(|| Context::new(&SHA512)),
            window: Window::default(),
        };
        let halves = (wish.hash.then(Md5::new), desk);
        Ok(Self { at_rest: Some(halves), under_way: None, file, flush: None, unflushed: 0 })
    }

    /// Waits for the batch before, and begins with `batch`.
    async fn take(&mut self, batch: Vec<Bytes>, writers: &Arc<Semaphore>) -> Result<(), Fault> {
        let (md5, mut desk) = self.rest().await?;
        self.unflushed += batch.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        self.flush().await?;
        // The semaphore is never closed.
        let place: Option<OwnedSemaphorePermit> = writers.clone().acquire_owned().await.ok();
        let same = batch.clone();
        let md5 = tokio::task::spawn_blocking(move || {
            let mut md5 = md5?;
            same.iter().for_each(|chunk| md5.update(chunk));
            Some(md5)
        });
        let desk = tokio::task::spawn_blocking(move || {
            let _place = place;
            desk.take(&batch)?;
            Ok(desk)
        });
        self.under_way = Some((md5, desk));
        Ok(())
    }

    /// Waits until nothing is under way.
    async fn rest(&mut self) -> Result<Halves, Fault> {
        if let Some((md5, desk)) = self.under_way.take() {
            let (md5, desk) = (md5.await, desk.await);
            let lost = |error| Fault::internal("writing an image", error);
            return Ok((md5.map_err(lost)?, desk.map_err(lost)?.map_err(disk_fault)?));
        }
        self.at_rest.take().ok_or_else(|| Fault::internal("writing an image", "it was given up"))
    }

    /// Has what was written go to the disk meanwhile.
    async fn flush(&mut self) -> Result<(), Fault> {
        let busy = self.flush.as_ref().is_some_and(|flush| !flush.is_finished());
        let Some(file) = self.file.clone().filter(|_| self.unflushed >= FLUSH_EVERY && !busy) else { return Ok(()) };
        self.flushed().await?;
        self.unflushed = 0;
        self.flush = Some(tokio::task::spawn_blocking(move || file.sync_data()));
        Ok(())
    }

    async fn flushed(&mut self) -> Result<(), Fault> {
        match self.flush.take() {
            None => Ok(()),
            Some(flush) => flush.await.map_err(|error| Fault::internal("writing an image", error))?.map_err(disk_fault),
        }
    }

    /// Leaves it, for `fault`: nothing of it runs when this returns.
    async fn give_up(mut self, fault: Fault) -> Result<Received, Fault> {
        let rested = self.rest().await.map(|_| ());
        if let Err(other) = rested.and(self.flushed().await) {
            tracing::debug!(error = %other.chain(), "an upload that was given up could not be written either");
        }
        Err(fault)
    }

    async fn end(mut self, size: u64) -> Result<Received, Fault> {
        let (md5, desk) = self.rest().await?;
        self.flushed().await?;
        if let Some(file) = self.file.take() {
            let written = blocking(move || {
                file.set_len(size)?;
                file.sync_all()
            });
            written.await.map_err(disk_fault)?;
        }
        Ok(Received {
            size,
            md5: md5.map(|md5| kit::hex(&md5.finalize())).unwrap_or_default(),
            sha512: desk.sha512.map(|sha512| kit::hex(sha512.finish().as_ref())).unwrap_or_default(),
            inspection: desk.window.inspect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn wish(to: Option<PathBuf>, most: u64) -> Wish {
        Wish { to, hash: true, limit: Limit { bytes: most, fault: Fault::too_large("too large") } }
    }

    fn writers() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(1))
    }

    #[tokio::test]
    async fn what_is_written_is_what_came_and_zeros_take_no_room() {
        use std::os::unix::fs::MetadataExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("draft");
        let mut bytes: Vec<u8> = (0..5_000_000_u32).flat_map(u32::to_le_bytes).collect();
        bytes.extend(vec![0; 8 << 20]);
        let chunks: Vec<_> = bytes.chunks(100_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let mut last = 0;
        let received =
            receive(stream::iter(chunks), wish(Some(path.clone()), 1 << 30), &writers(), |seen| last = seen).await;
        let received = received.unwrap();
        assert_eq!((received.size, last), (bytes.len() as u64, bytes.len() as u64));
        assert_eq!(received.md5, kit::hex(&Md5::digest(&bytes)));
        assert_eq!(received.sha512, kit::hex(aws_lc_rs::digest::digest(&SHA512, &bytes).as_ref()));
        assert!(std::fs::read(&path).unwrap() == bytes);
        assert!(std::fs::metadata(&path).unwrap().blocks() * 512 < 21 << 20);
    }

    #[tokio::test]
    async fn too_much_and_too_little_are_told_apart() {
        let chunk = || Ok(Bytes::from_static(&[7; 1000]));
        let received = receive(stream::iter([chunk(), chunk()]), wish(None, 2000), &writers(), |_| {}).await.unwrap();
        assert_eq!(received.size, 2000);
        let more = receive(stream::iter([chunk(), chunk(), chunk()]), wish(None, 2000), &writers(), |_| {}).await;
        assert_eq!(more.unwrap_err().message(), "too large");
        let cut = stream::iter([chunk(), Err(Fault::bad_request("gone"))]);
        assert_eq!(receive(cut, wish(None, 2000), &writers(), |_| {}).await.unwrap_err().message(), "gone");
        let nothing = receive(stream::iter([]), wish(None, 0), &writers(), |_| {}).await.unwrap();
        assert_eq!((nothing.size, nothing.md5.as_str()), (0, "d41d8cd98f00b204e9800998ecf8427e"));
    }
}
