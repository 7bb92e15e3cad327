//! Turns: one workflow at a time works on a subject.
//!
//! What a workflow has written may be seen, and acted on, before its own end is in the journal: a volume that is
//! `available` is deleted while the workflow that made it still ends. What is asked then waits for its turn instead of
//! being lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Which subjects are worked on.
#[derive(Debug, Default)]
pub struct Turns {
    taken: Mutex<HashMap<String, CancellationToken>>,
    ended: Notify,
}

/// A subject that nobody else works on until this is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Arc<Turns>,
    subject: String,
    cancel: CancellationToken,
}

impl Turns {
    /// `subject`, if nobody works on it.
    pub fn try_take(self: &Arc<Self>, subject: &str) -> Option<Turn> {
        let mut taken = self.taken();
        if taken.contains_key(subject) {
            return None;
        }
        let cancel = CancellationToken::new();
        taken.insert(subject.to_owned(), cancel.clone());
        Some(Turn { turns: Arc::clone(self), subject: subject.to_owned(), cancel })
    }

    /// `subject`, once nobody works on it. It has no deadline: a workflow has one for each of its steps.
    pub async fn take(self: &Arc<Self>, subject: &str) -> Turn {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            // Whoever ends after this look is heard.
            ended.as_mut().enable();
            if let Some(turn) = self.try_take(subject) {
                return turn;
            }
            ended.await;
        }
    }

    /// Has the work on `subject` cancelled; whether there is any.
    pub fn cancel(&self, subject: &str) -> bool {
        self.taken().get(subject).map(CancellationToken::cancel).is_some()
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// What [`Turns::cancel`] cancels.
    #[must_use]
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.taken().remove(&self.subject);
        self.turns.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_subject_is_one_s_at_a_time_and_nobody_is_lost() {
        let turns = Arc::new(Turns::default());
        let first = turns.take("a").await;
        assert!(turns.try_take("a").is_none());
        assert!(turns.try_take("b").is_some(), "others are free");
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let turns = Arc::clone(&turns);
                tokio::spawn(async move { drop(turns.take("a").await) })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|task| !task.is_finished()));
        drop(first);
        for task in waiting {
            task.await.unwrap();
        }
        assert!(turns.try_take("a").is_some());
    }

    #[test]
    fn the_one_that_works_is_cancelled() {
        let turns = Arc::new(Turns::default());
        assert!(!turns.cancel("a"));
        let turn = turns.try_take("a").unwrap();
        assert!(turns.cancel("a") && turn.cancel().is_cancelled());
        drop(turn);
        assert!(!turns.cancel("a"));
        assert!(!turns.try_take("a").unwrap().cancel().is_cancelled(), "the next one is another");
    }
}
