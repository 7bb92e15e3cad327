//! How many wrong passwords are put up with, before anybody is locked out by name.
//!
//! Only failures count: who knows the password is never held up by how often it is used. Three token buckets, each for
//! what the others leave open:
//!
//! * **A user from one source** (`user_*`). Guessing at one user is refused (429) there soon. It is refused there only: the
//!   user logs in from everywhere else, so that nobody locks out somebody else by guessing.
//! * **A source, whoever the user** (`source_*`). Trying one password on many users is refused (429). A single user's bucket
//!   lets through fewer failures than this one forgives over the same time, so that guessing at one does not use it
//!   up. Whoever has logged in from this source before passes it by: a guesser behind the same
//!   address translation, or proxy, does not lock out those who work there.
//! * **A user from everywhere** (`everywhere_*`), much larger. Many sources that guess at one user are not refused but slowed down:
//!   a refusal would be the lockout that they may be after. Here too who has logged in from this source before passes.
//!
//! Keystone's own lockout by name is a setting apart ([`domain::password`](crate::domain::password)) and off unless asked for.
//!
//! Invariants: a source is a host's address, in IPv6 the /64 that a host can choose from; loopback is one like any other. A user that does not
//! exist has a bucket as one that does. A map never holds more than [`MOST`] buckets: full ones are dropped, then the fullest.
//! What is kept of a user or a source is a keyed hash. Time is monotonic: a clock that is set does nothing here.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kit::Fault;
use kit::config::LoginLimits;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The most buckets in one map.
const MOST: usize = 10_000;

/// How long it counts that a user has logged in from a source.
const WELL_KNOWN: Duration = Duration::from_secs(14 * 86_400);

/// The most logins that are held up at once; further ones are refused.
const MOST_DELAYED: usize = 256;

/// A login, as the limits know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    source: u64,
    user: u64,
    pair: u64,
}

/// How large a bucket is and how fast it fills up.
#[derive(Debug, Clone, Copy)]
struct Rate {
    burst: f64,
    per_second: f64,
}

impl Rate {
    fn new(burst: u32, per_minute: u32) -> Self {
        Self { burst: f64::from(burst.max(1)), per_second: f64::from(per_minute.max(1)) / 60.0 }
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// Buckets of one rate.
struct Buckets {
    rate: Rate,
    map: HashMap<u64, Bucket>,
}

impl Buckets {
    fn new(burst: u32, per_minute: u32) -> Self {
        Self { rate: Rate::new(burst, per_minute), map: HashMap::new() }
    }

    fn tokens(&self, bucket: &Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.tokens + since * self.rate.per_second).min(self.rate.burst)
    }

    /// How long until `key` may fail again; none: it may.
    fn wait(&self, key: u64, now: Instant) -> Option<Duration> {
        let lacking = 1.0 - self.tokens(self.map.get(&key)?, now);
        (lacking > 0.0).then(|| Duration::from_secs_f64(lacking / self.rate.per_second))
    }

    fn take(&mut self, key: u64, now: Instant) {
        let tokens = self.map.get(&key).map_or(self.rate.burst, |bucket| self.tokens(bucket, now));
        if !self.map.contains_key(&key) && self.map.len() >= MOST {
            self.make_room(now);
        }
        self.map.insert(key, Bucket { tokens: (tokens - 1.0).max(0.0), at: now });
    }

    fn make_room(&mut self, now: Instant) {
        let rate = self.rate;
        let full = |bucket: &Bucket| {
            let since = now.saturating_duration_since(bucket.at).as_secs_f64();
            bucket.tokens + since * rate.per_second >= rate.burst
        };
        self.map.retain(|_, bucket| !full(bucket));
        if self.map.len() < MOST {
            return;
        }
        let fullest = self.map.iter().max_by(|one, two| self.tokens(one.1, now).total_cmp(&self.tokens(two.1, now)));
        if let Some(key) = fullest.map(|(key, _)| *key) {
            self.map.remove(&key);
        }
    }
}

struct State {
    pairs: Buckets,
    sources: Buckets,
    users: Buckets,
    /// Who has logged in from where, and when last.
    known: HashMap<u64, Instant>,
}

impl State {
    fn knows(&self, pair: u64, now: Instant) -> bool {
        self.known.get(&pair).is_some_and(|at| now.saturating_duration_since(*at) < WELL_KNOWN)
    }

    fn remember(&mut self, pair: u64, now: Instant) {
        if !self.known.contains_key(&pair) && self.known.len() >= MOST {
            self.known.retain(|_, at| now.saturating_duration_since(*at) < WELL_KNOWN);
            let oldest = self.known.iter().min_by_key(|(_, at)| **at).map(|(key, _)| *key);
            if let Some(oldest) = oldest.filter(|_| self.known.len() >= MOST) {
                self.known.remove(&oldest);
            }
        }
        self.known.insert(pair, now);
    }
}

/// What keeps passwords from being guessed.
pub(crate) struct Limiter {
    keys: RandomState,
    state: Option<Mutex<State>>,
    delay: Duration,
    delayed: Arc<Semaphore>,
}

impl Limiter {
    pub(crate) fn new(settings: &LoginLimits) -> Self {
        let state = settings.enabled.then(|| {
            Mutex::new(State {
                pairs: Buckets::new(settings.user_burst, settings.user_per_minute),
                sources: Buckets::new(settings.source_burst, settings.source_per_minute),
                users: Buckets::new(settings.everywhere_burst, settings.everywhere_per_minute),
                known: HashMap::new(),
            })
        });
        Self {
            keys: RandomState::new(),
            state,
            delay: Duration::from_millis(settings.delay_ms),
            delayed: Arc::new(Semaphore::new(MOST_DELAYED)),
        }
    }

    /// A login as `user` (any text that always names the same one) from `source`.
    pub(crate) fn attempt(&self, source: Option<IpAddr>, user: &str) -> Attempt {
        let source = self.keys.hash_one(source.map(network));
        let user = self.keys.hash_one(user);
        Attempt { source, user, pair: self.keys.hash_one((source, user)) }
    }

    /// Whether `attempt` may go on now.
    ///
    /// # Errors
    /// 429 with when to try again.
    pub(crate) fn check(&self, attempt: Attempt) -> Result<(), Fault> {
        let now = Instant::now();
        let wait = self.with(|state| {
            let of_source = || state.sources.wait(attempt.source, now).filter(|_| !state.knows(attempt.pair, now));
            state.pairs.wait(attempt.pair, now).or_else(of_source)
        });
        wait.flatten().map_or(Ok(()), |wait| Err(too_many(wait)))
    }

    /// Lets `attempt` go on, after a while where the user's password is being guessed from everywhere.
    ///
    /// # Errors
    /// 429 with when to try again.
    pub(crate) async fn admit(&self, attempt: Attempt) -> Result<(), Fault> {
        self.check(attempt)?;
        let now = Instant::now();
        let slow =
            self.with(|state| state.users.wait(attempt.user, now).is_some_and(|_| !state.knows(attempt.pair, now)));
        if slow == Some(true) {
            let Ok(_place) = self.delayed.try_acquire() else { return Err(too_many(self.delay)) };
            tokio::time::sleep(self.delay).await;
        }
        Ok(())
    }

    /// `attempt` had the wrong password.
    pub(crate) fn failed(&self, attempt: Attempt) {
        let now = Instant::now();
        self.with(|state| {
            state.pairs.take(attempt.pair, now);
            state.sources.take(attempt.source, now);
            state.users.take(attempt.user, now);
        });
    }

    /// `attempt` had the right password.
    pub(crate) fn succeeded(&self, attempt: Attempt) {
        self.with(|state| state.remember(attempt.pair, Instant::now()));
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> Option<T> {
        let state = self.state.as_ref()?;
        Some(act(&mut state.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn too_many(wait: Duration) -> Fault {
    let seconds = wait.as_secs_f64().ceil().max(1.0);
    Fault::too_many("Too many failed logins, try again later.", Duration::from_secs_f64(seconds))
}

/// The address, without what a single host can vary.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use kit::FaultKind;

    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn there(number: u32) -> Option<IpAddr> {
        Some(IpAddr::V4(number.into()))
    }

    fn limiter() -> Limiter {
        Limiter::new(&LoginLimits {
            enabled: true,
            user_burst: 3,
            user_per_minute: 6,
            source_burst: 10,
            source_per_minute: 60,
            everywhere_burst: 20,
            everywhere_per_minute: 60,
            delay_ms: 2000,
        })
    }

    fn fail(limiter: &Limiter, source: Option<IpAddr>, user: &str, times: u32) {
        (0..times).for_each(|_| limiter.failed(limiter.attempt(source, user)));
    }

    fn refused(limiter: &Limiter, source: Option<IpAddr>, user: &str) -> bool {
        limiter.check(limiter.attempt(source, user)).is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_guesser_is_refused_where_he_guesses_and_nowhere_else() {
        let limiter = limiter();
        fail(&limiter, HERE, "alice", 2);
        assert!(!refused(&limiter, HERE, "alice"));
        fail(&limiter, HERE, "alice", 1);
        let fault = limiter.check(limiter.attempt(HERE, "alice")).unwrap_err();
        assert_eq!((fault.kind(), fault.retry_after()), (FaultKind::TooMany, Some(Duration::from_secs(10))));
        assert!(!refused(&limiter, there(1), "alice"), "alice logs in from elsewhere");
        assert!(!refused(&limiter, HERE, "bob"), "and others from here");
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!refused(&limiter, HERE, "alice"));
    }

    #[tokio::test(start_paused = true)]
    async fn many_users_from_one_source_are_refused_but_for_those_who_work_there() {
        let limiter = limiter();
        limiter.succeeded(limiter.attempt(HERE, "colleague"));
        for number in 0..10 {
            fail(&limiter, HERE, &format!("user{number}"), 1);
        }
        assert!(refused(&limiter, HERE, "user99"));
        assert!(!refused(&limiter, HERE, "colleague"));
        assert!(!refused(&limiter, there(1), "user99"));
        fail(&limiter, HERE, "colleague", 3);
        assert!(refused(&limiter, HERE, "colleague"), "a colleague's password cannot be guessed either");
    }

    #[tokio::test(start_paused = true)]
    async fn many_sources_slow_a_user_down_and_lock_nobody_out() {
        let limiter = limiter();
        limiter.succeeded(limiter.attempt(HERE, "alice"));
        for number in 0..20 {
            fail(&limiter, there(number), "alice", 1);
        }
        let took = async |source| {
            let begun = Instant::now();
            limiter.admit(limiter.attempt(source, "alice")).await.unwrap();
            begun.elapsed()
        };
        assert!(took(there(99)).await >= Duration::from_secs(2));
        // The time that this took has forgiven two failures.
        fail(&limiter, there(50), "alice", 2);
        assert_eq!(took(HERE).await, Duration::ZERO, "where alice has logged in before");
        let begun = Instant::now();
        limiter.admit(limiter.attempt(there(99), "bob")).await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_cannot_choose_itself_another_source() {
        let limiter = limiter();
        let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        fail(&limiter, address("2001:db8::1"), "alice", 3);
        assert!(refused(&limiter, address("2001:db8::ffff:1"), "alice"));
        assert!(!refused(&limiter, address("2001:db8:0:1::1"), "alice"));
        fail(&limiter, HERE, "alice", 3);
        assert!(refused(&limiter, address("::ffff:127.0.0.1"), "alice"));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_and_the_emptiest_buckets_stay() {
        let limiter = limiter();
        fail(&limiter, HERE, "alice", 3);
        for number in 0..u32::try_from(MOST).unwrap() + 100 {
            fail(&limiter, there(number), "nobody", 1);
            limiter.succeeded(limiter.attempt(there(number), "x"));
        }
        let sizes = limiter
            .with(|state| [state.pairs.map.len(), state.sources.map.len(), state.users.map.len(), state.known.len()]);
        assert!(sizes.unwrap().iter().all(|size| *size <= MOST), "{sizes:?}");
        assert!(refused(&limiter, HERE, "alice"));
    }

    #[tokio::test(start_paused = true)]
    async fn there_may_be_no_limits() {
        let limiter = Limiter::new(&LoginLimits { enabled: false, ..LoginLimits::default() });
        fail(&limiter, HERE, "alice", 10_000);
        assert!(limiter.admit(limiter.attempt(HERE, "alice")).await.is_ok());
    }
}
