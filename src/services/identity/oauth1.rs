//! The secrets of OAuth 1.0a, and what was signed with them.
//!
//! Signatures are checked with the secret itself, so that a hash of it would not do. None is stored: the secret of a consumer or token
//! is an HMAC of its id under a key that lies in a file of its own, readable by its owner alone. Whoever has the
//! database has no secret; a secret changes by making the consumer anew.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::{hmac, rand};
use kit::{Fault, Secret, Timestamp};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::domain::oauth1::{LIFETIME, Signed};

/// The most requests that are remembered to have been made.
const MOST: usize = 16_384;

/// What a verifier is made of.
const VERIFIER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const VERIFIER_LENGTH: usize = 8;

/// Whose secret it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holder {
    Consumer,
    RequestToken,
    AccessToken,
}

/// The secrets, and the requests that were made lately.
pub(crate) struct OAuth1 {
    path: PathBuf,
    key: OnceCell<hmac::Key>,
    /// By what tells a request from all others: until when it is remembered, in seconds.
    made: Mutex<HashMap<String, i64>>,
}

impl OAuth1 {
    /// With the key below `data_dir`; it is made when it is first needed.
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join("keys").join("oauth1.key"), key: OnceCell::new(), made: Mutex::default() }
    }

    /// The secret of `id`: 32 hexadecimal digits, as Keystone's.
    pub(crate) async fn secret(&self, holder: Holder, id: &str) -> Result<Secret, Fault> {
        let tag = hmac::sign(self.key().await?, format!("{holder:?}\n{id}").as_bytes());
        let hex: String = tag.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Ok(Secret::new(hex))
    }

    /// What is kept of a verifier of the request token `id`.
    pub(crate) async fn digest(&self, id: &str, verifier: &str) -> Result<String, Fault> {
        let tag = hmac::sign(self.key().await?, format!("Verifier\n{id}\n{verifier}").as_bytes());
        Ok(tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether a request is made in time and for the first time; then it is remembered.
    pub(crate) fn is_new(&self, signed: &Signed, now: Timestamp) -> bool {
        let Some(once) = signed.once().filter(|_| signed.is_timely(now)) else { return false };
        let now = now.as_second();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= MOST {
            made.retain(|_, until| *until >= now);
        }
        if made.len() >= MOST {
            // Only who has a secret gets here: somebody makes far too many.
            return false;
        }
        // Its own time may be ahead of ours.
        made.insert(once, now.saturating_add(2 * LIFETIME)).is_none_or(|until| until < now)
    }

    async fn key(&self) -> Result<&hmac::Key, Fault> {
        let path = self.path.clone();
        self.key
            .get_or_try_init(|| async {
                let read = tokio::task::spawn_blocking(move || read_or_make(&path)).await;
                let bytes = read.map_err(|error| Fault::internal("reading the key of OAuth 1", error))?;
                let bytes = bytes.map_err(|error| Fault::internal("reading the key of OAuth 1", error))?;
                Ok(hmac::Key::new(hmac::HMAC_SHA256, bytes.as_slice()))
            })
            .await
    }
}

/// A verifier, which a user tells a consumer.
pub(crate) fn verifier() -> Result<Secret, Fault> {
    let mut text = Zeroizing::new(String::new());
    while text.len() < VERIFIER_LENGTH {
        let mut byte = [0_u8];
        rand::fill(&mut byte).map_err(|error| Fault::internal("making a verifier", error))?;
        let [byte] = byte;
        // What is beyond the letters is passed over, so that each is as likely.
        text.extend(VERIFIER.get(usize::from(byte & 63)).copied().map(char::from));
    }
    Ok(Secret::new(text.as_str()))
}

/// The key in the file at `path`, which is made where there is none. It blocks.
fn read_or_make(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(Vec::new());
    match std::fs::File::open(path) {
        Ok(file) => {
            file.take(64).read_to_end(&mut key)?;
            return if key.len() == 32 { Ok(key) } else { Err(std::io::Error::other("the file is damaged")) };
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    key.resize(32, 0);
    rand::fill(&mut key).map_err(std::io::Error::other)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let new = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&key)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    std::fs::File::open(directory)?.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn a_secret_outlives_a_restart_and_is_nobody_elses() {
        let directory = tempfile::tempdir().unwrap();
        let one = OAuth1::new(directory.path());
        let secret = one.secret(Holder::Consumer, "a").await.unwrap();
        assert_eq!(secret.expose().len(), 32);
        let again = OAuth1::new(directory.path());
        assert_eq!(again.secret(Holder::Consumer, "a").await.unwrap(), secret);
        assert_ne!(again.secret(Holder::Consumer, "b").await.unwrap(), secret);
        assert_ne!(again.secret(Holder::AccessToken, "a").await.unwrap(), secret);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(OAuth1::new(other.path()).secret(Holder::Consumer, "a").await.unwrap(), secret);
        let file = directory.path().join("keys/oauth1.key");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "short").unwrap();
        assert!(OAuth1::new(directory.path()).secret(Holder::Consumer, "a").await.is_err());
    }

    #[test]
    fn a_request_is_made_once() {
        let directory = tempfile::tempdir().unwrap();
        let oauth = OAuth1::new(directory.path());
        let at = |second: i64| kit::time::from_micros(second * 1_000_000);
        let signed =
            |nonce: &str| Signed::parse(&format!(r#"OAuth oauth_nonce="{nonce}", oauth_timestamp="1000""#)).unwrap();
        assert!(oauth.is_new(&signed("a"), at(1000)) && oauth.is_new(&signed("b"), at(1000)));
        assert!(!oauth.is_new(&signed("a"), at(1000)) && !oauth.is_new(&signed("a"), at(1600)));
        assert!(!oauth.is_new(&signed("c"), at(1601)), "too late");
        assert!(!oauth.is_new(&signed(""), at(1000)), "without a nonce");
    }

    #[test]
    fn verifiers_are_of_letters_and_digits() {
        let verifier = verifier().unwrap();
        assert!(verifier.expose().len() == 8 && verifier.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
