//! Passwords: Argon2id, off the async workers, a few at a time.
//!
//! Invariants: a wrong password, an unknown user and a user without a password cost the same; nobody waits for a turn
//! for ever; the 19 MiB that a hash takes go back to the operating system at once.

use std::sync::Arc;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use kit::{Fault, Secret};
use subtle::ConstantTimeEq as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// 19 MiB, two passes, one lane: what OWASP recommends.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// The most memory that a stored hash may ask for.
const MOST_MEMORY_KIB: u32 = 64 * 1024;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// glibc gives freed blocks of this size straight back to the operating system, whatever it learnt from earlier ones
/// (its dynamic threshold ends at 32 MiB); smaller ones it may keep. What is not touched costs nothing.
const ALWAYS_MAPPED_BLOCKS: usize = 33 * 1024;

/// What an unknown user's password is compared with: the cost of a real one, and never equal.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

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

/// Hashes and compares passwords, a bounded number at once.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Passwords {
    /// At most `concurrency` at once.
    pub(crate) fn new(concurrency: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(concurrency.max(1))) }
    }

    /// `password` as a PHC string to store.
    ///
    /// # Errors
    /// 503 where no turn came in time.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String, Fault> {
        self.run(move || hash(password.expose())).await
    }

    /// Whether `password` is the one that was `stored`. Without one it takes as long, and is not.
    ///
    /// # Errors
    /// 503 where no turn came in time.
    pub(crate) async fn verify(&self, password: Secret, stored: Option<String>) -> Result<bool, Fault> {
        self.run(move || {
            let same = verify(password.expose(), stored.as_deref().unwrap_or(NOBODY))?;
            Ok(same && stored.is_some())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Fault> {
        let turn = self.turn().await?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        match done.await {
            Ok(result) => result.map_err(|error| Fault::internal("hashing a password", error)),
            Err(error) => Err(Fault::internal("hashing a password", error)),
        }
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Fault> {
        match tokio::time::timeout(PATIENCE, self.turns.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(closed)) => Err(Fault::internal("waiting to hash a password", closed)),
            Err(_) => Err(Fault::busy("Too many are logging in, try again later.", Duration::from_secs(1))),
        }
    }
}

fn hash(password: &str) -> Result<String, HashError> {
    let mut salt = [0_u8; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| HashError::Randomness)?;
    let params = params(MEMORY_KIB, PASSES, LANES)?;
    let digest = digest(password, &salt, params)?;
    Ok(format!(
        "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(digest)
    ))
}

fn verify(password: &str, stored: &str) -> Result<bool, HashError> {
    let parts: Vec<&str> = stored.split('$').collect();
    let ["", "argon2id", "v=19", settings, salt, expected] = parts.as_slice() else {
        return Err(HashError::Damaged);
    };
    let number = |name: &str| {
        settings.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('=')?.parse::<u32>().ok())
    };
    let (Some(memory), Some(passes), Some(lanes)) = (number("m"), number("t"), number("p")) else {
        return Err(HashError::Damaged);
    };
    if memory > MOST_MEMORY_KIB {
        return Err(HashError::Damaged);
    }
    let bytes = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_| HashError::Damaged);
    let digest = digest(password, &bytes(salt)?, params(memory, passes, lanes)?)?;
    Ok(digest.as_slice().ct_eq(&bytes(expected)?).into())
}

fn params(memory: u32, passes: u32, lanes: u32) -> Result<Params, HashError> {
    Params::new(memory, passes, lanes, Some(HASH_BYTES)).map_err(HashError::Argon2)
}

fn digest(password: &str, salt: &[u8], params: Params) -> Result<[u8; HASH_BYTES], HashError> {
    let blocks = params.block_count();
    let mut memory = Vec::with_capacity(blocks.max(ALWAYS_MAPPED_BLOCKS));
    memory.resize(blocks, Block::new());
    let mut digest = [0_u8; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut digest, &mut memory)
        .map_err(HashError::Argon2)?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let passwords = Passwords::new(2);
        let stored = passwords.hash(Secret::new("hunter2")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(stored, passwords.hash(Secret::new("hunter2")).await.unwrap(), "salted");
        assert!(passwords.verify(Secret::new("hunter2"), Some(stored.clone())).await.unwrap());
        assert!(!passwords.verify(Secret::new("hunter3"), Some(stored)).await.unwrap());
        assert!(!passwords.verify(Secret::new("hunter2"), None).await.unwrap());
    }

    #[test]
    fn another_implementations_string_is_understood() {
        // Python's argon2-cffi form, made with small parameters.
        let params = params(64, 1, 1).unwrap();
        let digest = digest("secret", b"somesaltsomesalt", params).unwrap();
        let text = format!(
            "$argon2id$v=19$m=64,t=1,p=1${}${}",
            STANDARD_NO_PAD.encode(b"somesaltsomesalt"),
            STANDARD_NO_PAD.encode(digest)
        );
        assert!(verify("secret", &text).unwrap());
        assert!(!verify("Secret", &text).unwrap());
    }

    #[test]
    fn what_is_not_a_hash_is_refused() {
        for text in ["", "plain", "$2b$12$abc", "$argon2id$v=19$m=999999999,t=2,p=1$AAAA$AAAA", "$argon2id$v=19$x$y$z"]
        {
            assert!(verify("secret", text).is_err(), "{text}");
        }
        assert!(!verify("", NOBODY).unwrap());
    }

    #[tokio::test]
    async fn the_memory_goes_back_at_once() {
        let resident = || {
            let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
            pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4
        };
        let passwords = Passwords::new(2);
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
        let passwords = Passwords::new(1);
        let _taken = passwords.turn().await.unwrap();
        let fault = passwords.turn().await.unwrap_err();
        assert_eq!(fault.kind(), kit::FaultKind::Busy);
    }
}
