//! Batches of bytes, and the few buffers that an intake lends them from: all that it holds in memory.
//!
//! A batch begins at an address that a disk takes bytes from directly. Its buffer goes back when the last who works on it is
//! done, and whoever wants the next waits for that.

use std::ops::Deref;

use http_kit::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many bytes a full batch has.
pub const BATCH: usize = 1 << 20;
/// What the address of a batch, and what goes past the page cache, is a multiple of.
pub const ALIGN: usize = 4096;
/// How many batches of an intake there are at once: one is gathered, the others are worked on.
const AT_ONCE: usize = 4;

/// The buffers of an intake. They are made when they are first needed.
pub struct Buffers {
    free: Receiver<Vec<u8>>,
    home: Sender<Vec<u8>>,
}

impl Buffers {
    /// All of them, free.
    pub fn new() -> Self {
        let (home, free) = channel(AT_ONCE);
        for _ in 0..AT_ONCE {
            // There is room for all.
            let _there = home.try_send(Vec::new());
        }
        Self { free, home }
    }

    /// An empty batch, once a buffer is free.
    pub async fn lend(&mut self) -> Batch {
        // The channel is open: this holds a sender.
        let mut buffer = self.free.recv().await.unwrap_or_default();
        buffer.clear();
        buffer.reserve_exact(BATCH + ALIGN);
        let begin = buffer.as_ptr().align_offset(ALIGN).min(ALIGN);
        buffer.resize(begin, 0);
        Batch { buffer, begin, home: self.home.clone() }
    }
}

/// Bytes in one piece, at most [`BATCH`] of them.
pub struct Batch {
    buffer: Vec<u8>,
    begin: usize,
    home: Sender<Vec<u8>>,
}

impl Batch {
    /// Takes as much of `chunk` as there is room for.
    pub fn fill(&mut self, chunk: &mut Bytes) {
        let room = BATCH - self.len();
        let taken = chunk.split_to(chunk.len().min(room));
        self.buffer.extend_from_slice(&taken);
    }

    /// Whether there is no room left.
    pub fn is_full(&self) -> bool {
        self.len() >= BATCH
    }
}

impl Deref for Batch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(self.begin..).unwrap_or_default()
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Nobody waits for it where the intake is over.
        let _over = self.home.try_send(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_batch_is_aligned_whatever_comes_and_there_are_only_so_many() {
        let mut buffers = Buffers::new();
        let mut held = Vec::new();
        for round in 0..AT_ONCE {
            let (mut batch, mut chunk) = (buffers.lend().await, Bytes::from(vec![7; BATCH + 5]));
            batch.fill(&mut Bytes::from_static(b"abc"));
            batch.fill(&mut chunk);
            assert!(batch.is_full() && batch.starts_with(b"abc") && batch.ends_with(&[7]));
            assert_eq!((batch.len(), chunk.len(), batch.as_ptr().align_offset(ALIGN)), (BATCH, 8, 0), "{round}");
            held.push(Arc::new(batch));
        }
        let shared = held[0].clone();
        let waiting = tokio::spawn(async move { buffers.lend().await.len() });
        drop(held.remove(0));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "somebody still works on it");
        drop(shared);
        assert_eq!(waiting.await.unwrap(), 0, "it comes back empty");
    }
}
