//! Taking in bytes: from a stream to a file, hashed, inspected and counted on the way.
//!
//! Bytes are gathered into batches, which three lanes work on beside each other: MD5, SHA-512 with the inspection, and the
//! file. That is all that an intake holds in memory. A batch's turn in a lane takes a place of the store's [`Stores::writers`],
//! so that many uploads share the processors and a client that stands still holds none.
//!
//! [`Stores::writers`]: crate::backends::Stores::writers

mod batch;
mod lane;
mod md5;
mod target;

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA512};
use futures_util::{Stream, StreamExt as _};
use http_kit::Bytes;
use kit::Fault;
use kit::disk_image::{Inspection, Window};
use tokio::sync::Semaphore;

use self::batch::{Batch, Buffers};
use self::lane::Lane;
use self::md5::Md5;
use self::target::Target;
pub use self::target::put;
use crate::backends::{blocking, disk_fault};

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
    let mut work = Work::begin(&wish, writers).await?;
    let (mut buffers, mut rest, mut size) = (Buffers::new(), Bytes::new(), 0);
    loop {
        let mut batch = buffers.lend().await;
        if let Err(fault) = gather(&mut source, &mut rest, &mut batch).await {
            return work.give_up(fault).await;
        }
        if batch.is_empty() {
            return work.end(size).await;
        }
        size += batch.len() as u64;
        if size > wish.limit.bytes {
            return work.give_up(wish.limit.fault).await;
        }
        if let Err(fault) = work.take(batch).await.map_err(disk_fault) {
            return work.give_up(fault).await;
        }
        seen(size);
    }
}

/// Fills `batch` with what is left of the chunk before and with the next ones of `source`. At its end it is not full.
async fn gather(
    source: &mut (impl Stream<Item = Result<Bytes, Fault>> + Unpin),
    rest: &mut Bytes,
    batch: &mut Batch,
) -> Result<(), Fault> {
    batch.fill(rest);
    while !batch.is_full() {
        match source.next().await {
            Some(chunk) => *rest = chunk?,
            None => break,
        }
        batch.fill(rest);
    }
    Ok(())
}

/// What is worked out of the bytes but MD5.
struct Look {
    sha512: Option<Context>,
    window: Window,
}

impl Look {
    fn take(&mut self, bytes: &[u8]) {
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
        self.window.push(bytes);
    }
}

/// The work on the bytes. What is not wished has no lane.
struct Work {
    md5: Option<Lane<Md5>>,
    look: Lane<Look>,
    file: Option<Lane<Target>>,
}

impl Work {
    async fn begin(wish: &Wish, places: &Arc<Semaphore>) -> Result<Self, Fault> {
        let target = match wish.to.clone() {
            None => None,
            Some(path) => Some(blocking(move || Target::create(&path)).await.map_err(disk_fault)?),
        };
        let md5 = wish.hash.then(Md5::new).transpose().map_err(disk_fault)?;
        let look = Look { sha512: wish.hash.then(|| Context::new(&SHA512)), window: Window::default() };
        Ok(Self {
            md5: md5.map(|md5| Lane::new(md5, places)),
            look: Lane::new(look, places),
            file: target.map(|target| Lane::new(target, places)),
        })
    }

    /// Has all lanes work on `batch`; says what one of them failed with before.
    async fn take(&mut self, batch: Batch) -> io::Result<()> {
        let batch = Arc::new(batch);
        if let Some(file) = &mut self.file {
            file.take(batch.clone(), Target::write).await?;
        }
        if let Some(md5) = &mut self.md5 {
            md5.take(batch.clone(), Md5::update).await?;
        }
        let push = |look: &mut Look, bytes: &[u8]| {
            look.take(bytes);
            Ok(())
        };
        self.look.take(batch, push).await
    }

    /// Leaves it, for `fault`: nothing of it runs when this returns.
    async fn give_up(mut self, fault: Fault) -> Result<Received, Fault> {
        if let Err(other) = self.rest().await {
            tracing::debug!(error = %other, "an upload that was given up could not be written either");
        }
        Err(fault)
    }

    /// Waits until nothing is under way.
    async fn rest(&mut self) -> io::Result<(Option<Md5>, Look, Option<Target>)> {
        let (md5, look) = (rest(&mut self.md5).await, self.look.rest().await);
        let target = rest(&mut self.file).await;
        Ok((md5?, look?, target?))
    }

    async fn end(mut self, size: u64) -> Result<Received, Fault> {
        let (md5, look, target) = self.rest().await.map_err(disk_fault)?;
        if let Some(target) = target {
            blocking(move || target.finish()).await.map_err(disk_fault)?;
        }
        let md5 = md5.map(Md5::finish).transpose().map_err(disk_fault)?;
        Ok(Received {
            size,
            md5: md5.map(|md5| kit::hex(&md5)).unwrap_or_default(),
            sha512: look.sha512.map(|sha512| kit::hex(sha512.finish().as_ref())).unwrap_or_default(),
            inspection: look.window.inspect(),
        })
    }
}

async fn rest<S: Send + 'static>(lane: &mut Option<Lane<S>>) -> io::Result<Option<S>> {
    match lane {
        Some(lane) => lane.rest().await.map(Some),
        None => Ok(None),
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
        let mut md5 = Md5::new().unwrap();
        md5.update(&bytes).unwrap();
        assert_eq!(received.md5, kit::hex(&md5.finish().unwrap()));
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
