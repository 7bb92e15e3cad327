//! Hashing passwords: Argon2id, off the async workers, a few at a time.
//!
//! What makes a password a good one is told in [`domain::password`](crate::domain::password).
//!
//! Invariants: a wrong password, an unknown user and a user without a password cost the same; nobody waits for a turn
//! for ever; the 19 MiB that a hash takes go back to the operating system at once.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use kit::config::PasswordHashing;
use kit::{Fault, Secret};
use subtle::ConstantTimeEq as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// The most that a setting or a stored hash may ask for.
pub(crate) const MOST_MEMORY_KIB: u32 = 256 * 1024;
/// The most passes.
pub(crate) const MOST_PASSES: u32 = 16;
/// The most lanes.
pub(crate) const MOST_LANES: u32 = 16;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// glibc gives freed blocks of this size straight back to the operating system, whatever it learnt from earlier ones
/// (its dynamic threshold ends at 32 MiB); smaller ones it may keep. What is not touched costs nothing.
const ALWAYS_MAPPED_BLOCKS: usize = 33 * 1024;

/// Why a password was not hashed or compared.
#[derive(Debug, thiserror::Error)]
enum HashError {
    #[error("the stored hash is not one")]
    Damaged,
    #[error("the operating system gives no randomness")]
    Randomness,
    #[error("Argon2 refuses its input")]
    Argon2(#[source] argon2::Error),
}

/// What a hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    fn params(self) -> Result<Params, HashError> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(HASH_BYTES)).map_err(HashError::Argon2)
    }
}

/// Memory that one hash leaves to the next, while somebody waits: to have it from the operating system anew costs a
/// third of a hash. Who finishes when nobody waits gives all of it back.
#[derive(Default)]
struct Spare {
    waiting: AtomicUsize,
    memory: Mutex<Vec<Vec<Block>>>,
}

impl Spare {
    fn take(&self) -> Vec<Block> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn leave(&self, used: Vec<Block>) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            memory.push(used);
        } else {
            memory.clear();
        }
    }
}

/// One who waits for a turn.
struct Waiting<'s>(&'s Spare);

impl<'s> Waiting<'s> {
    fn new(spare: &'s Spare) -> Self {
        spare.waiting.fetch_add(1, Ordering::SeqCst);
        Self(spare)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Hashes and compares passwords, a bounded number at once.
pub(crate) struct Passwords {
    cost: Cost,
    turns: Arc<Semaphore>,
    concurrency: usize,
    spare: Arc<Spare>,
    /// How many hashes were worked out.
    runs: Arc<AtomicU64>,
}

impl Passwords {
    /// As `settings` say, which were checked before.
    pub(crate) fn new(settings: &PasswordHashing) -> Self {
        let PasswordHashing { memory_kib, passes, lanes, concurrency } = *settings;
        let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let concurrency = if concurrency == 0 { processors() } else { concurrency };
        Self {
            cost: Cost { memory_kib, passes, lanes },
            turns: Arc::new(Semaphore::new(concurrency)),
            concurrency,
            spare: Arc::default(),
            runs: Arc::default(),
        }
    }

    /// `password` as a PHC string to store.
    ///
    /// # Errors
    /// 503 where no turn came in time.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String, Fault> {
        let (turn, cost) = (self.turn().await?, self.cost);
        self.run(turn, move |memory| hash(password.expose(), cost, memory)).await
    }

    /// Whether `password` is the one that was `stored`. Without one it takes as long, and is not.
    ///
    /// # Errors
    /// 503 where no turn came in time.
    pub(crate) async fn verify(&self, password: Secret, stored: Option<String>) -> Result<bool, Fault> {
        self.verify_admitted(password, stored, || Ok(())).await
    }

    /// As [`verify`](Self::verify); when the turn has come, and before anything is worked out, `admit` may still refuse.
    ///
    /// # Errors
    /// 503 where no turn came in time; what `admit` says.
    pub(crate) async fn verify_admitted(
        &self,
        password: Secret,
        stored: Option<String>,
        admit: impl FnOnce() -> Result<(), Fault>,
    ) -> Result<bool, Fault> {
        let (turn, cost) = (self.turn().await?, self.cost);
        admit()?;
        self.run(turn, move |memory| match &stored {
            Some(stored) => verify(password.expose(), stored, memory),
            // Nobody's password: the cost of a real one, and never equal.
            None => digest(password.expose(), &[0; SALT_BYTES], cost.params()?, memory).map(|_| false),
        })
        .await
    }

    /// Whether `password` is one of `stored`.
    ///
    /// # Errors
    /// 503 where no turn came in time.
    pub(crate) async fn is_one_of(&self, password: &Secret, stored: Vec<String>) -> Result<bool, Fault> {
        for hash in stored {
            if self.verify(password.clone(), Some(hash)).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether `stored` was made with the present settings.
    pub(crate) fn is_current(&self, stored: &str) -> bool {
        Stored::parse(stored).is_ok_and(|stored| stored.cost == self.cost)
    }

    /// How many hashes were worked out so far.
    #[cfg(test)]
    pub(crate) fn runs(&self) -> u64 {
        self.runs.load(Ordering::SeqCst)
    }

    async fn run<T: Send + 'static>(
        &self,
        turn: OwnedSemaphorePermit,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Fault> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let spare = self.spare.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut memory = spare.take();
            let result = work(&mut memory);
            spare.leave(memory);
            drop(turn);
            result
        });
        match done.await {
            Ok(result) => result.map_err(|error| Fault::internal("hashing a password", error)),
            Err(error) => Err(Fault::internal("hashing a password", error)),
        }
    }

    /// Gives back what was left for somebody who went away before his turn.
    pub(crate) fn tidy(&self) {
        if self.turns.available_permits() == self.concurrency {
            self.spare.memory.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let _waiting = Waiting::new(&self.spare);
        match tokio::time::timeout(PATIENCE, self.turns.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(closed)) => Err(Fault::internal("waiting to hash a password", closed)),
            Err(_) => Err(Fault::busy("Too many are logging in, try again later.", Duration::from_secs(1))),
        }
    }
}

/// A stored hash, taken apart.
struct Stored {
    cost: Cost,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Stored {
    fn parse(text: &str) -> Result<Self, HashError> {
        let parts: Vec<&str> = text.split('$').collect();
        let ["", "argon2id", "v=19", settings, salt, digest] = parts.as_slice() else {
            return Err(HashError::Damaged);
        };
        let number = |name: &str| {
            settings.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('=')?.parse::<u32>().ok())
        };
        let (Some(memory_kib), Some(passes), Some(lanes)) = (number("m"), number("t"), number("p")) else {
            return Err(HashError::Damaged);
        };
        if memory_kib > MOST_MEMORY_KIB || passes > MOST_PASSES || lanes > MOST_LANES {
            return Err(HashError::Damaged);
        }
        let bytes = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_| HashError::Damaged);
        Ok(Self { cost: Cost { memory_kib, passes, lanes }, salt: bytes(salt)?, digest: bytes(digest)? })
    }
}

fn hash(password: &str, cost: Cost, memory: &mut Vec<Block>) -> Result<String, HashError> {
    let mut salt = [0_u8; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| HashError::Randomness)?;
    let digest = digest(password, &salt, cost.params()?, memory)?;
    let Cost { memory_kib, passes, lanes } = cost;
    Ok(format!(
        "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(digest)
    ))
}

fn verify(password: &str, stored: &str, memory: &mut Vec<Block>) -> Result<bool, HashError> {
    let stored = Stored::parse(stored)?;
    let digest = digest(password, &stored.salt, stored.cost.params()?, memory)?;
    Ok(digest.as_slice().ct_eq(&stored.digest).into())
}

/// Works in `memory`, whatever is in it.
fn digest(password: &str, salt: &[u8], params: Params, memory: &mut Vec<Block>) -> Result<[u8; HASH_BYTES], HashError> {
    let blocks = params.block_count();
    if memory.capacity() < blocks {
        *memory = Vec::with_capacity(blocks.max(ALWAYS_MAPPED_BLOCKS));
    }
    memory.resize(blocks, Block::new());
    let mut digest = [0_u8; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut digest, memory)
        .map_err(HashError::Argon2)?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(concurrency: usize) -> Passwords {
        Passwords::new(&PasswordHashing { concurrency, ..PasswordHashing::default() })
    }

    async fn verify_now(passwords: &Passwords, password: &str, stored: Option<String>) -> bool {
        passwords.verify(Secret::new(password), stored).await.unwrap()
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let passwords = passwords(2);
        let stored = passwords.hash(Secret::new("hunter2")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(stored, passwords.hash(Secret::new("hunter2")).await.unwrap(), "salted");
        assert!(verify_now(&passwords, "hunter2", Some(stored.clone())).await);
        assert!(!verify_now(&passwords, "hunter3", Some(stored.clone())).await);
        assert!(!verify_now(&passwords, "hunter2", None).await);
        assert_eq!(passwords.runs(), 5, "nobody's password is worked out too");
        let secret = Secret::new("hunter2");
        assert!(
            passwords
                .is_one_of(&secret, vec![hash("x", passwords.cost, &mut Vec::new()).unwrap(), stored])
                .await
                .unwrap()
        );
        assert!(!passwords.is_one_of(&secret, Vec::new()).await.unwrap());
    }

    #[tokio::test]
    async fn memory_is_left_to_who_waits_and_given_back_when_nobody_does() {
        let passwords = passwords(1);
        let left = || passwords.spare.memory.lock().unwrap().len();
        let hash = || passwords.hash(Secret::new("x"));
        let all = tokio::join!(hash(), hash(), hash(), hash());
        assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok());
        assert_eq!((left(), passwords.spare.waiting.load(Ordering::SeqCst)), (0, 0));
        let waiting = Waiting::new(&passwords.spare);
        hash().await.unwrap();
        assert_eq!(left(), 1, "somebody waits");
        drop(waiting);
        passwords.tidy();
        assert_eq!(left(), 0, "he went away");
    }

    #[tokio::test]
    async fn who_is_refused_at_his_turn_costs_nothing() {
        let passwords = passwords(1);
        let refused =
            passwords.verify_admitted(Secret::new("x"), None, || Err(Fault::forbidden("no"))).await.unwrap_err();
        assert_eq!((refused.message(), passwords.runs()), ("no", 0));
        assert!(!verify_now(&passwords, "x", None).await, "its turn was given back");
    }

    #[test]
    fn other_settings_are_noticed() {
        let other = PasswordHashing { passes: 3, ..PasswordHashing::default() };
        let stored = hash("x", passwords(1).cost, &mut Vec::new()).unwrap();
        assert!(passwords(1).is_current(&stored));
        assert!(!Passwords::new(&other).is_current(&stored));
        assert!(!passwords(1).is_current("damaged"));
    }

    #[test]
    fn another_implementations_string_is_understood() {
        // Python's argon2-cffi form, made with small parameters.
        let cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };
        let digest = digest("secret", b"somesaltsomesalt", cost.params().unwrap(), &mut Vec::new()).unwrap();
        let text = format!(
            "$argon2id$v=19$m=64,t=1,p=1${}${}",
            STANDARD_NO_PAD.encode(b"somesaltsomesalt"),
            STANDARD_NO_PAD.encode(digest)
        );
        assert!(verify("secret", &text, &mut Vec::new()).unwrap());
        assert!(!verify("Secret", &text, &mut Vec::new()).unwrap());
    }

    #[test]
    fn what_is_not_a_hash_is_refused() {
        for text in [
            "",
            "plain",
            "$2b$12$abc",
            "$argon2id$v=19$m=999999999,t=2,p=1$AAAA$AAAA",
            "$argon2id$v=19$m=64,t=999,p=1$AAAA$AAAA",
            "$argon2id$v=19$x$y$z",
        ] {
            assert!(verify("secret", text, &mut Vec::new()).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn the_memory_goes_back_at_once() {
        let resident = || {
            let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
            pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4
        };
        let passwords = passwords(2);
        passwords.hash(Secret::new("warm")).await.unwrap();
        let before = resident();
        for _ in 0..4 {
            let (one, two) = tokio::join!(passwords.hash(Secret::new("a")), passwords.hash(Secret::new("b")));
            assert!(one.is_ok() && two.is_ok());
        }
        // One hash's memory is 19 MiB; other threads of a test run in one process may move a little.
        assert!(resident() < before + 8 * 1024, "{before} KiB before, {} KiB after", resident());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_turn_for_ever() {
        let passwords = passwords(1);
        let _taken = passwords.turn().await.unwrap();
        let fault = passwords.turn().await.unwrap_err();
        assert_eq!(fault.kind(), kit::FaultKind::Busy);
    }
}
