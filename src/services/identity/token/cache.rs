//! What tokens were validated to, remembered until identity changes.
//!
//! Every write to identity's tables moves the generation on, and with it all that was remembered before is
//! worth nothing. A validation takes the generation before it reads the database: what it read may be
//! newer than that, never older.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use kit::{Identity, Timestamp};

/// The most tokens remembered; when there are more, all are forgotten.
const MOST: usize = 4096;

/// How long a validation holds at most. It bounds the harm of a write that the database finished after
/// its caller had been told that it took too long.
const LONGEST: Duration = Duration::from_secs(30);

/// A state of identity's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// Tokens are remembered by digest, so that no token can be read out of the memory of this map.
type Digest = [u8; 32];

struct Remembered {
    identity: Arc<Identity>,
    generation: Generation,
    until: Timestamp,
}

/// What tokens were validated to.
#[derive(Default)]
pub(crate) struct Cache {
    generation: AtomicU64,
    entries: Mutex<HashMap<Digest, Remembered>>,
}

impl Cache {
    /// The present generation.
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::SeqCst))
    }

    /// Forgets everything: identity has changed.
    pub(crate) fn advance(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// What `token` was validated to, if that still holds at `now`.
    pub(crate) fn get(&self, token: &str, now: Timestamp) -> Option<Arc<Identity>> {
        let key = key(token)?;
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let found = entries.get(&key)?;
        (found.generation == self.generation() && now < found.until).then(|| found.identity.clone())
    }

    /// Remembers what `token` was validated to from what the database held at `generation` or later.
    pub(crate) fn put(&self, token: &str, identity: Arc<Identity>, generation: Generation, now: Timestamp) {
        let Some(key) = key(token) else { return };
        let until = now.checked_add(LONGEST).unwrap_or(now).min(identity.expires_at);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.clear();
        }
        entries.insert(key, Remembered { identity, generation, until });
    }
}

fn key(token: &str) -> Option<Digest> {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use kit::{DomainRef, Scope, UserRef};

    use super::*;

    fn identity(expires_at: i64) -> Arc<Identity> {
        let domain = DomainRef { id: "default".into(), name: "Default".to_owned() };
        Arc::new(Identity {
            user: UserRef { id: "u".into(), name: "u".to_owned(), domain, password_expires_at: None },
            scope: Scope::Unscoped,
            basis: kit::Basis::User,
            roles: Vec::new(),
            methods: Vec::new(),
            audit_ids: Vec::new(),
            issued_at: second(0),
            expires_at: second(expires_at),
            authentication_micros: 0,
        })
    }

    fn second(second: i64) -> Timestamp {
        kit::time::from_micros(second * 1_000_000)
    }

    #[test]
    fn a_validation_holds_until_identity_changes_or_the_token_ends() {
        let cache = Cache::default();
        cache.put("t", identity(10), cache.generation(), second(1));
        assert!(cache.get("t", second(9)).is_some());
        assert!(cache.get("t", second(10)).is_none());
        assert!(cache.get("other", second(1)).is_none());
        cache.advance();
        assert!(cache.get("t", second(1)).is_none());
    }

    #[test]
    fn what_was_read_before_a_write_is_not_remembered_after_it() {
        let cache = Cache::default();
        let before = cache.generation();
        cache.advance();
        cache.put("t", identity(10), before, second(1));
        assert!(cache.get("t", second(1)).is_none());
    }

    #[test]
    fn it_is_bounded_in_number_and_time() {
        let cache = Cache::default();
        for number in 0..=MOST {
            cache.put(&number.to_string(), identity(3_600), cache.generation(), second(0));
        }
        assert!(cache.entries.lock().unwrap().len() <= MOST);
        assert!(cache.get(&MOST.to_string(), second(29)).is_some());
        assert!(cache.get(&MOST.to_string(), second(30)).is_none());
    }
}
