//! What a part says of its own condition: what is wrong now, and what was wrong and has been put right.
//!
//! Everything here is shown to anybody who asks (`/readyz`): the reasons are fixed sentences without ids, addresses or
//! paths, and the compiler sees to that. Details belong in the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

/// What a part says of its condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// What is wrong now, in short sentences.
    pub reasons: BTreeSet<&'static str>,
    /// What was found wrong since the start and put right.
    pub repairs: Vec<Repair>,
}

/// What was found wrong and put right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// What was done.
    pub what: &'static str,
    /// How often.
    pub times: u64,
    /// When last.
    pub last_at: Timestamp,
}

/// A part's own condition, shared between the part and whoever shows it.
#[derive(Debug, Clone, Default)]
pub struct Conditions(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    reasons: BTreeSet<&'static str>,
    repairs: BTreeMap<&'static str, (u64, Timestamp)>,
}

impl Conditions {
    /// Says whether `reason` holds.
    pub fn set(&self, reason: &'static str, holds: bool) {
        let mut inner = self.lock();
        if holds {
            inner.reasons.insert(reason);
        } else {
            inner.reasons.remove(reason);
        }
    }

    /// Says that something was put right.
    pub fn repaired(&self, what: &'static str, at: Timestamp) {
        let mut inner = self.lock();
        let repair = inner.repairs.entry(what).or_insert((0, at));
        *repair = (repair.0.saturating_add(1), at);
    }

    /// The condition now.
    #[must_use]
    pub fn now(&self) -> Condition {
        let inner = self.lock();
        let repairs = inner.repairs.iter().map(|(what, (times, at))| Repair { what, times: *times, last_at: *at });
        Condition { reasons: inner.reasons.clone(), repairs: repairs.collect() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_and_go_and_repairs_are_counted() {
        let conditions = Conditions::default();
        assert_eq!(conditions.now(), Condition::default());
        conditions.set("the sky is falling", true);
        conditions.set("the sky is falling", true);
        conditions.set("the sea is rising", false);
        assert_eq!(conditions.now().reasons, ["the sky is falling"].into());
        conditions.set("the sky is falling", false);
        let (first, second) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        conditions.repaired("the sky was propped up", first);
        conditions.repaired("the sky was propped up", second);
        let repairs = vec![Repair { what: "the sky was propped up", times: 2, last_at: second }];
        assert_eq!(conditions.now(), Condition { reasons: BTreeSet::new(), repairs });
    }
}
