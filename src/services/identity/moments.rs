//! The order of issuing and revoking, whatever the clock does.
//!
//! A token is good if it was issued after the last moment that revoked tokens of its user or scope. Were both told by the clock
//! alone, one that is set back would refuse fresh tokens (issued "before" an earlier revocation), and would let a token
//! live on that was issued "after" a later one. So every moment is later than all before it: the clock's
//! time, or a microsecond after the last moment. The last one is kept in the database, so that this holds over a restart, too.
//! When a token expires is told by the clock.

use std::sync::atomic::{AtomicI64, Ordering};

use kit::Timestamp;
use kit::time::{from_micros, to_micros};

/// Moments, each later than the one before.
#[derive(Default)]
pub(crate) struct Moments {
    last: AtomicI64,
    saved: AtomicI64,
}

impl Moments {
    /// A moment, at `now` or after it.
    pub(crate) fn next(&self, now: Timestamp) -> Timestamp {
        let now = to_micros(now);
        let later = |last: i64| now.max(last.saturating_add(1));
        let before = self.last.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(later(last)));
        from_micros(later(before.unwrap_or_else(|last| last)))
    }

    /// All further moments come after `past`, which is on the disk.
    pub(crate) fn go_on_from(&self, past: Timestamp) {
        self.last.fetch_max(to_micros(past), Ordering::SeqCst);
        self.saved.fetch_max(to_micros(past), Ordering::SeqCst);
    }

    /// The last moment, if it was not answered before: to be written to the disk.
    pub(crate) fn unsaved(&self) -> Option<Timestamp> {
        let last = self.last.load(Ordering::SeqCst);
        (self.saved.swap(last, Ordering::SeqCst) < last).then(|| from_micros(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_only_goes_on() {
        let moments = Moments::default();
        let second = |second: i64| from_micros(second * 1_000_000);
        assert_eq!(moments.next(second(10)), second(10));
        assert_eq!(moments.next(second(10)), from_micros(10_000_001));
        assert_eq!(moments.next(second(5)), from_micros(10_000_002), "the clock was set back");
        assert_eq!(moments.next(second(11)), second(11));
        assert_eq!(moments.unsaved(), Some(second(11)));
        assert_eq!(moments.unsaved(), None);
        let restarted = Moments::default();
        restarted.go_on_from(second(11));
        assert_eq!(restarted.unsaved(), None);
        assert_eq!(restarted.next(second(6)), from_micros(11_000_001));
    }
}
