//! A lane: one kind of work on batches, in their order, beside the other kinds.
//!
//! Each batch is worked on by a thread of its own turn, so that a client that stands still holds no thread. It takes one of
//! the places that all uploads share.

use std::io;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use super::batch::Batch;
use crate::backends::blocking;

/// One kind of work, with its state.
pub struct Lane<S> {
    state: State<S>,
    places: Arc<Semaphore>,
}

enum State<S> {
    Rest(S),
    Work(AbortOnDropHandle<io::Result<S>>),
    Lost,
}

impl<S: Send + 'static> Lane<S> {
    /// A lane that begins with `state` and works in `places`.
    pub fn new(state: S, places: &Arc<Semaphore>) -> Self {
        Self { state: State::Rest(state), places: places.clone() }
    }

    /// Does `work` on `batch` after those before.
    ///
    /// # Errors
    /// What earlier work failed with, once that is known. It fails for good then.
    pub async fn take(
        &mut self,
        batch: Arc<Batch>,
        work: impl FnOnce(&mut S, &[u8]) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        if matches!(&self.state, State::Work(handle) if handle.is_finished()) {
            self.state = State::Rest(self.rest().await?);
        }
        let (before, places) = (std::mem::replace(&mut self.state, State::Lost), self.places.clone());
        let turn = async move {
            let mut state = before.settled().await?;
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            blocking(move || {
                let _place = place;
                work(&mut state, &batch)?;
                Ok(state)
            })
            .await
        };
        self.state = State::Work(AbortOnDropHandle::new(tokio::spawn(turn)));
        Ok(())
    }

    /// The state, once nothing is under way.
    ///
    /// # Errors
    /// What work failed with.
    pub async fn rest(&mut self) -> io::Result<S> {
        std::mem::replace(&mut self.state, State::Lost).settled().await
    }
}

impl<S> State<S> {
    async fn settled(self) -> io::Result<S> {
        match self {
            Self::Rest(state) => Ok(state),
            Self::Work(handle) => handle.await.map_err(io::Error::other)?,
            Self::Lost => Err(io::Error::other("it was given up")),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_kit::Bytes;

    use super::super::batch::Buffers;
    use super::*;

    async fn batch(buffers: &mut Buffers, text: &'static str) -> Arc<Batch> {
        let mut batch = buffers.lend().await;
        batch.fill(&mut Bytes::from_static(text.as_bytes()));
        Arc::new(batch)
    }

    fn keep(seen: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
        seen.extend_from_slice(bytes);
        if bytes == b"bad" { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
    }

    #[tokio::test]
    async fn batches_are_worked_on_in_their_order() {
        let (mut buffers, mut lane) = (Buffers::new(), Lane::new(Vec::new(), &Arc::new(Semaphore::new(1))));
        for text in ["one ", "two ", "three ", "four ", "five ", "six"] {
            lane.take(batch(&mut buffers, text).await, keep).await.unwrap();
        }
        assert_eq!(lane.rest().await.unwrap(), b"one two three four five six");
        assert!(lane.rest().await.is_err(), "it is over");
    }

    #[tokio::test]
    async fn what_fails_is_said_and_nothing_comes_after_it() {
        let (mut buffers, mut lane) = (Buffers::new(), Lane::new(Vec::new(), &Arc::new(Semaphore::new(1))));
        lane.take(batch(&mut buffers, "bad").await, keep).await.unwrap();
        let failed = loop {
            match lane.take(batch(&mut buffers, "good").await, |_, _| panic!("after a failure")).await {
                Ok(()) => tokio::task::yield_now().await,
                Err(error) => break error,
            }
        };
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
        assert!(lane.rest().await.is_err());
    }
}
