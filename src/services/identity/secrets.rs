//! Secrets of application credentials.
//!
//! Keystone lets the client choose the secret, or makes one of 64 random bytes. Applications log in often, and a
//! password's hash is slow on purpose, so:
//!
//! * a secret that we make cannot be guessed however fast the guessing: what is stored is its salted SHA-256, and a
//!   login costs microseconds;
//! * a secret that the client chose may be a word: what is stored is Argon2id, as of a password. That it was right is
//!   remembered as an HMAC of it and the stored hash under a key that this process made for itself: a login after
//!   the first costs microseconds too, and the memory of this process gives away no more than the database does.
//!   Wrong secrets are not remembered, so that guessing stays slow.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::{digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use kit::{Fault, Secret};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::password::Passwords;

/// What begins the stored form of a secret that we made.
const MADE_HERE: &str = "$sha256$";
const SECRET_BYTES: usize = 64;
const SALT_BYTES: usize = 16;

/// The most secrets that are remembered to have been right; when there are more, all are forgotten.
const MOST: usize = 4096;

type Digest = [u8; 32];

/// Compares secrets with what was stored of them.
pub(crate) struct Secrets {
    key: hmac::Key,
    right: Mutex<HashSet<Digest>>,
}

impl Secrets {
    /// With a key that nobody else has.
    pub(crate) fn new() -> Self {
        let mut key = Zeroizing::new([0_u8; 32]);
        // Without randomness nothing else of this process would work; with a known key nothing is lost but the cache's
        // secrecy towards whoever reads this process's memory.
        if rand::fill(key.as_mut_slice()).is_err() {
            tracing::error!("the operating system gives no randomness");
        }
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()), right: Mutex::default() }
    }

    /// Whether `secret` is the one that was `stored`.
    ///
    /// # Errors
    /// 503 where it has to be hashed and no turn came in time.
    pub(crate) async fn verify(&self, passwords: &Passwords, secret: Secret, stored: &str) -> Result<bool, Fault> {
        if let Some(rest) = stored.strip_prefix(MADE_HERE) {
            return Ok(is_made_here(&secret, rest));
        }
        let known = self.known(&secret, stored);
        if known.is_some_and(|known| self.remembered().contains(&known)) {
            return Ok(true);
        }
        let right = passwords.verify(secret, Some(stored.to_owned())).await?;
        if let Some(known) = known.filter(|_| right) {
            let mut remembered = self.remembered();
            if remembered.len() >= MOST {
                remembered.clear();
            }
            remembered.insert(known);
        }
        Ok(right)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashSet<Digest>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, secret: &Secret, stored: &str) -> Option<Digest> {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(stored.as_bytes());
        context.update(&[0]);
        context.update(secret.expose().as_bytes());
        context.sign().as_ref().try_into().ok()
    }
}

/// A new secret and what to store of it.
///
/// # Errors
/// The operating system gives no randomness.
pub(crate) fn make() -> Result<(Secret, String), Fault> {
    let mut bytes = Zeroizing::new([0_u8; SECRET_BYTES]);
    let mut salt = [0_u8; SALT_BYTES];
    for part in [bytes.as_mut_slice(), &mut salt] {
        rand::fill(part).map_err(|error| Fault::internal("making a secret", error))?;
    }
    let secret = Secret::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
    let stored = format!(
        "{MADE_HERE}{}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(salted(&secret, &salt).as_ref())
    );
    Ok((secret, stored))
}

fn is_made_here(secret: &Secret, stored: &str) -> bool {
    let decode = |text: &str| STANDARD_NO_PAD.decode(text).ok();
    let parts = stored.split_once('$').and_then(|(salt, digest)| decode(salt).zip(decode(digest)));
    parts.is_some_and(|(salt, digest)| salted(secret, &salt).as_ref().ct_eq(&digest).into())
}

fn salted(secret: &Secret, salt: &[u8]) -> digest::Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(salt);
    context.update(secret.expose().as_bytes());
    context.finish()
}

#[cfg(test)]
mod tests {
    use kit::config::PasswordHashing;

    use super::*;

    #[tokio::test]
    async fn a_secret_made_here_is_known_again_fast_and_no_other_is() {
        let (secrets, passwords) = (Secrets::new(), Passwords::new(&PasswordHashing::default()));
        let (secret, stored) = make().unwrap();
        assert_eq!(secret.expose().len(), 86);
        assert!(!stored.contains(secret.expose()));
        assert_ne!(make().unwrap().0, secret);
        let started = std::time::Instant::now();
        for _ in 0..100 {
            assert!(secrets.verify(&passwords, secret.clone(), &stored).await.unwrap());
        }
        assert!(started.elapsed().as_millis() < 500);
        assert!(!secrets.verify(&passwords, Secret::new("other"), &stored).await.unwrap());
        assert!(!secrets.verify(&passwords, secret, "$sha256$broken").await.unwrap());
    }

    #[tokio::test]
    async fn a_chosen_secret_is_slow_once_and_wrong_ones_always() {
        let (secrets, passwords) = (Secrets::new(), Passwords::new(&PasswordHashing::default()));
        let stored = passwords.hash(Secret::new("word")).await.unwrap();
        let other = passwords.hash(Secret::new("other")).await.unwrap();
        assert!(!secrets.verify(&passwords, Secret::new("wrong"), &stored).await.unwrap());
        assert!(secrets.remembered().is_empty());
        assert!(secrets.verify(&passwords, Secret::new("word"), &stored).await.unwrap());
        assert_eq!(secrets.remembered().len(), 1);
        assert!(!secrets.verify(&passwords, Secret::new("word"), &other).await.unwrap(), "of another credential");
        let started = std::time::Instant::now();
        for _ in 0..100 {
            assert!(secrets.verify(&passwords, Secret::new("word"), &stored).await.unwrap());
        }
        assert!(started.elapsed().as_millis() < 500);
    }
}
