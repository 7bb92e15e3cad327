//! The keys that seal tokens, and those that seal credentials: a file each in the data directory, readable by its owner
//! alone.
//!
//! The newest key seals; all that are kept open. A key goes when every token that it can have sealed has expired, or
//! nothing is sealed with it any more. The file is replaced in one step, so that a crash leaves the old one or the new
//! one; who replaces it holds a lock, so that the command `rotate-keys` and the service do not undo each other's. All
//! functions that touch the file block.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kit::time::{from_micros, to_micros};
use kit::{Secret, Timestamp};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::payload::Payload;

/// The first byte of what is sealed: what it is, and the form of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Form {
    /// A token's payload. Version 1 had no basis.
    Token = 2,
    /// What was proven of a login so far.
    Receipt = 3,
    /// A credential's blob.
    Credential = 4,
}

/// Version, key id.
const HEADER: usize = 5;
/// No token of ours is longer; longer text is not even decoded. A header takes 8 KiB.
const LONGEST: usize = 4096;
const KEY_BYTES: usize = 32;

/// How long to wait for the lock, and between two tries.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file or its directory.
    #[error("{doing} the keys in {}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// How it failed.
        source: std::io::Error,
    },
    /// Its contents.
    #[error("the file of keys {} is damaged: restore it from a backup, or remove it; without it {without}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What becomes of what they sealed.
        without: &'static str,
    },
    /// Keys are gone that something is sealed with.
    #[error(
        "keys are missing in {0}: restore the file from a backup; or give up what they sealed by `echo '{{\"keys\":[]}}' >{0}`, and {without}",
        path.display()
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// What becomes of what they sealed.
        without: &'static str,
    },
    /// The operating system gave no randomness, or a key is not one.
    #[error("the cipher refuses to work")]
    Cipher,
    /// What is sealed does not fit into a header.
    #[error("too much for a token")]
    TooLong,
    /// Somebody else has the lock and does not give it back.
    #[error("the token keys are being changed by somebody else")]
    Locked,
    /// No key has been loaded yet.
    #[error("there are no token keys yet")]
    NotLoaded,
}

/// A key, as the file has it.
#[derive(Clone, Serialize, Deserialize)]
struct StoredKey {
    id: u32,
    created_at: i64,
    /// In base64.
    secret: Secret,
}

#[derive(Default, Serialize, Deserialize)]
struct StoredKeys {
    /// The newest first.
    keys: Vec<StoredKey>,
}

/// What was sealed, and with which key.
pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) key_id: u32,
}

struct Key {
    id: u32,
    cipher: RandomizedNonceKey,
}

/// The keys in use, the newest first.
#[derive(Default)]
struct Ring(Vec<Key>);

/// One kind of keys of this cloud.
pub(crate) struct Keys {
    path: PathBuf,
    /// What becomes of what they sealed, without them.
    without: &'static str,
    ring: RwLock<Arc<Ring>>,
}

impl Keys {
    /// The token keys below `data_dir`; nothing is read yet.
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self::named(data_dir, "tokens", "everybody has to log in anew")
    }

    /// The keys for credentials below `data_dir`; nothing is read yet.
    pub(crate) fn for_credentials(data_dir: &Path) -> Self {
        Self::named(data_dir, "credentials", "the secrets of credentials (EC2, one-time passwords) are lost")
    }

    fn named(data_dir: &Path, name: &str, without: &'static str) -> Self {
        let path = data_dir.join("keys").join(name).with_extension("json");
        Self { path, without, ring: RwLock::default() }
    }

    fn damaged(&self) -> KeyError {
        KeyError::Damaged { path: self.path.clone(), without: self.without }
    }

    fn failed(&self, doing: &'static str) -> impl Fn(std::io::Error) -> KeyError {
        move |source| KeyError::File { doing, path: self.path.clone(), source }
    }

    /// Reads the file, or makes it with a first key; then adds a key if the newest is older than `rotation`, and drops
    /// those whose tokens, good for `ttl`, have all expired. Whether a key that was in use is gone, and with it tokens.
    ///
    /// # Errors
    /// What keeps the file from being read or written; the keys in use stay as they were.
    pub(crate) fn load_and_rotate(&self, now: Timestamp, rotation: Duration, ttl: Duration) -> Result<bool, KeyError> {
        self.load_and_rotate_keeping(now, rotation, ttl, &[])
    }

    /// As [`load_and_rotate`](Self::load_and_rotate); those `in_use` are kept however old they are. Where there is no file at all, one
    /// is made only if none is in use: new keys would hide that the old ones have to be brought back.
    ///
    /// # Errors
    /// What keeps the file from being read or written; the keys in use stay as they were.
    pub(crate) fn load_and_rotate_keeping(
        &self,
        now: Timestamp,
        rotation: Duration,
        ttl: Duration,
        in_use: &[u32],
    ) -> Result<bool, KeyError> {
        let _lock = self.lock()?;
        let mut stored = match self.read()? {
            None if !in_use.is_empty() => {
                return Err(KeyError::Lost { path: self.path.clone(), without: self.without });
            }
            stored => stored.unwrap_or_default(),
        };
        // Before anything is written: what is damaged is left to whoever mends it.
        self.opened(&stored)?;
        if rotate(&mut stored, now, rotation, ttl, in_use)? {
            self.write(&stored)?;
            let file = self.path.file_stem().unwrap_or_default().to_string_lossy();
            tracing::info!(keys = stored.keys.len(), of = %file, "keys were rotated");
        }
        let ring = self.opened(&stored)?;
        let gone = self.ring().0.iter().any(|old| ring.iter().all(|key| key.id != old.id));
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Ring(ring));
        Ok(gone)
    }

    /// `payload` as a token.
    ///
    /// # Errors
    /// No key is loaded, or the cipher fails.
    pub(crate) fn seal(&self, payload: &Payload) -> Result<String, KeyError> {
        self.seal_text(Form::Token, payload.encode())
    }

    /// What `token` holds; none where it is not one of ours.
    pub(crate) fn open(&self, token: &str) -> Option<Payload> {
        Payload::decode(&self.open_text(Form::Token, token)?)
    }

    /// `plain` as text that fits into a header.
    ///
    /// # Errors
    /// No key is loaded, the cipher fails, or it is too long.
    pub(crate) fn seal_text(&self, form: Form, plain: Vec<u8>) -> Result<String, KeyError> {
        let text = URL_SAFE_NO_PAD.encode(self.seal_bytes(form, &[], plain)?.bytes);
        if text.len() > LONGEST { Err(KeyError::TooLong) } else { Ok(text) }
    }

    /// What [`seal_text`](Self::seal_text) sealed as `form`; none where it is anything else.
    pub(crate) fn open_text(&self, form: Form, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        if text.len() > LONGEST {
            return None;
        }
        self.open_bytes(form, &[], &URL_SAFE_NO_PAD.decode(text).ok()?)
    }

    /// `plain`, sealed for `context`: the place that it belongs to.
    ///
    /// # Errors
    /// No key is loaded, or the cipher fails.
    pub(crate) fn seal_bytes(&self, form: Form, context: &[u8], plain: Vec<u8>) -> Result<Sealed, KeyError> {
        let mut sealed = Zeroizing::new(plain);
        let ring = self.ring();
        let key = ring.0.first().ok_or(KeyError::NotLoaded)?;
        let mut header = [form as u8, 0, 0, 0, 0];
        header[1..].copy_from_slice(&key.id.to_be_bytes());
        let aad = [&header, context].concat();
        let nonce = key.cipher.seal_in_place_append_tag(Aad::from(aad), &mut *sealed).map_err(|_| KeyError::Cipher)?;
        let mut bytes = Vec::with_capacity(HEADER + NONCE_LEN + sealed.len());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(nonce.as_ref());
        bytes.extend_from_slice(&sealed);
        Ok(Sealed { bytes, key_id: key.id })
    }

    /// What was sealed as `form` for `context`; none where it is anything else.
    pub(crate) fn open_bytes(&self, form: Form, context: &[u8], bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
        let (found, id) = header.split_first()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let id = u32::from_be_bytes(id.try_into().ok()?);
        let ring = self.ring();
        let key = ring.0.iter().find(|key| *found == form as u8 && key.id == id)?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let aad = [header.as_slice(), context].concat();
        let length = key.cipher.open_in_place(nonce, Aad::from(aad), &mut sealed).ok()?.len();
        sealed.truncate(length);
        Some(sealed)
    }

    /// The id of the key that seals.
    pub(crate) fn newest(&self) -> Option<u32> {
        self.ring().0.first().map(|key| key.id)
    }

    /// Waits for the lock, which the file answered holds.
    fn lock(&self) -> Result<std::fs::File, KeyError> {
        let failed = self.failed("locking");
        self.make_directory().map_err(&failed)?;
        let mut options = std::fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(self.path.with_extension("lock")).map_err(&failed)?;
        let begun = Instant::now();
        while let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK && error != rustix::io::Errno::INTR {
                return Err(failed(error.into()));
            }
            if begun.elapsed() > LOCK_PATIENCE {
                return Err(KeyError::Locked);
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        Ok(file)
    }

    fn make_directory(&self) -> std::io::Result<&Path> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        Ok(directory)
    }

    fn ring(&self) -> Arc<Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys in `stored`, ready for use.
    fn opened(&self, stored: &StoredKeys) -> Result<Vec<Key>, KeyError> {
        let keys: Option<Vec<Key>> = stored.keys.iter().map(Key::of).collect();
        keys.ok_or_else(|| self.damaged())
    }

    /// What is in the file; none where there is no file.
    fn read(&self) -> Result<Option<StoredKeys>, KeyError> {
        match std::fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&Zeroizing::new(bytes)).map(Some).map_err(|_| self.damaged()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.failed("reading")(source)),
        }
    }

    fn write(&self, stored: &StoredKeys) -> Result<(), KeyError> {
        let bytes = Zeroizing::new(serde_json::to_vec(stored).map_err(|_| self.damaged())?);
        self.replace(&bytes).map_err(self.failed("writing"))
    }

    fn replace(&self, bytes: &[u8]) -> std::io::Result<()> {
        let directory = self.make_directory()?;
        let new = self.path.with_extension("new");
        if let Err(error) = std::fs::remove_file(&new)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        std::fs::File::open(directory)?.sync_all()
    }
}

impl Key {
    /// None where it is no key.
    fn of(stored: &StoredKey) -> Option<Self> {
        let secret = Zeroizing::new(STANDARD.decode(stored.secret.expose()).ok()?);
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, &secret).ok()?;
        Some(Self { id: stored.id, cipher })
    }
}

/// Adds and drops keys as it is time to; whether anything changed.
fn rotate(
    stored: &mut StoredKeys,
    now: Timestamp,
    rotation: Duration,
    ttl: Duration,
    in_use: &[u32],
) -> Result<bool, KeyError> {
    let age = |key: &StoredKey| Duration::try_from(now.duration_since(from_micros(key.created_at))).unwrap_or_default();
    let before = stored.keys.len();
    // A key sealed its last token when the next one came.
    let mut successor_age = Duration::ZERO;
    stored.keys.retain(|key| {
        let kept = successor_age <= ttl || in_use.contains(&key.id);
        successor_age = age(key);
        kept
    });
    let dropped = stored.keys.len() != before;
    if stored.keys.first().is_some_and(|newest| age(newest) < rotation) {
        return Ok(dropped);
    }
    add(stored, now)?;
    Ok(true)
}

/// Adds a key that seals from now on.
fn add(stored: &mut StoredKeys, now: Timestamp) -> Result<(), KeyError> {
    let mut secret = Zeroizing::new([0_u8; KEY_BYTES]);
    aws_lc_rs::rand::fill(secret.as_mut_slice()).map_err(|_| KeyError::Cipher)?;
    let id = stored.keys.iter().map(|key| key.id).max().unwrap_or(0).wrapping_add(1);
    let secret = Secret::new(STANDARD.encode(secret.as_slice()));
    stored.keys.insert(0, StoredKey { id, created_at: to_micros(now), secret });
    Ok(())
}

/// Adds a key to those of the cloud in `data_dir`, which need not be running; one that is takes it up within a minute.
/// With `end_tokens`, the keys before it go, and with them every token. How many keys there are then.
///
/// # Errors
/// There are no keys there, or they cannot be changed; they are as they were then.
pub fn rotate_now(data_dir: &Path, now: Timestamp, end_tokens: bool) -> Result<usize, KeyError> {
    let keys = Keys::new(data_dir);
    // Nothing is made where there is no cloud.
    std::fs::metadata(&keys.path).map_err(keys.failed("finding"))?;
    let _lock = keys.lock()?;
    let mut stored = keys.read()?.unwrap_or_default();
    add(&mut stored, now)?;
    if end_tokens {
        stored.keys.truncate(1);
    }
    keys.write(&stored)?;
    Ok(stored.keys.len())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::token::payload::tests::payloads;

    const DAY: Duration = Duration::from_secs(86_400);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(hours: i64) -> Timestamp {
        from_micros(hours * 3_600_000_000)
    }

    fn keys(directory: &Path, now: Timestamp) -> Keys {
        let keys = Keys::new(directory);
        keys.load_and_rotate(now, DAY, HOUR).unwrap();
        keys
    }

    fn payload() -> Payload {
        payloads().new_tree(&mut TestRunner::deterministic()).unwrap().current()
    }

    #[test]
    fn a_token_outlives_a_restart_and_a_rotation_but_not_its_time() {
        let directory = tempfile::tempdir().unwrap();
        let first = keys(directory.path(), at(0));
        let token = first.seal(&payload()).unwrap();
        assert_eq!(keys(directory.path(), at(1)).open(&token), Some(payload()));
        let rotated = keys(directory.path(), at(24));
        assert_eq!(rotated.open(&token), Some(payload()));
        assert_ne!(rotated.seal(&payload()).unwrap().get(..7), token.get(..7), "a new key seals");
        assert_eq!(keys(directory.path(), at(25)).open(&token), Some(payload()));
        assert_eq!(keys(directory.path(), at(26)).open(&token), None);
    }

    #[test]
    fn keys_are_rotated_by_hand_under_a_running_service() {
        let directory = tempfile::tempdir().unwrap();
        assert!(matches!(rotate_now(directory.path(), at(0), false), Err(KeyError::File { .. })), "no cloud there");
        let service = keys(directory.path(), at(0));
        let old = service.seal(&payload()).unwrap();
        assert_eq!(rotate_now(directory.path(), at(1), false).unwrap(), 2);
        service.load_and_rotate(at(1), DAY, HOUR).unwrap();
        let new = service.seal(&payload()).unwrap();
        assert_ne!(new.get(..7), old.get(..7), "the new key seals");
        assert_eq!(service.open(&old), Some(payload()));
        assert_eq!(rotate_now(directory.path(), at(2), true).unwrap(), 1);
        service.load_and_rotate(at(2), DAY, HOUR).unwrap();
        assert_eq!((service.open(&old), service.open(&new)), (None, None));
    }

    #[test]
    fn rotations_at_once_lose_no_key() {
        let directory = tempfile::tempdir().unwrap();
        keys(directory.path(), at(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| rotate_now(directory.path(), at(0), false).unwrap());
            }
        });
        assert_eq!(keys(directory.path(), at(0)).ring().0.len(), 9);
    }

    #[test]
    fn a_clock_that_is_set_drops_no_key_that_is_needed() {
        let directory = tempfile::tempdir().unwrap();
        let token = keys(directory.path(), at(1_000)).seal(&payload()).unwrap();
        assert_eq!(keys(directory.path(), at(10)).open(&token), Some(payload()), "set back");
        // Set forward by far, a new key comes; once it is set right again, the old one is still there.
        keys(directory.path(), at(9_000));
        let right = keys(directory.path(), at(1_000));
        assert_eq!(right.open(&token), Some(payload()));
        assert!(right.seal(&payload()).is_ok());
    }

    #[test]
    fn a_key_in_use_stays_and_what_it_sealed_opens_in_its_place_only() {
        let directory = tempfile::tempdir().unwrap();
        let keys = Keys::for_credentials(directory.path());
        let load = |hours: i64, in_use: &[u32]| keys.load_and_rotate_keeping(at(hours), DAY, HOUR, in_use).unwrap();
        load(0, &[]);
        let sealed = keys.seal_bytes(Form::Credential, b"one", b"seed".to_vec()).unwrap();
        assert_eq!(keys.newest(), Some(sealed.key_id));
        load(100, &[sealed.key_id]);
        load(200, &[sealed.key_id]);
        assert_ne!(keys.newest(), Some(sealed.key_id));
        let open = |form: Form, context: &[u8]| keys.open_bytes(form, context, &sealed.bytes);
        assert_eq!(open(Form::Credential, b"one").unwrap().as_slice(), b"seed");
        assert!(open(Form::Credential, b"two").is_none());
        assert!(open(Form::Token, b"one").is_none());
        load(300, &[]);
        assert!(open(Form::Credential, b"one").is_none(), "nothing was sealed with it any more");
    }

    #[test]
    fn no_keys_are_made_in_the_place_of_those_that_are_needed() {
        let directory = tempfile::tempdir().unwrap();
        let keys = Keys::for_credentials(directory.path());
        let lost = keys.load_and_rotate_keeping(at(0), DAY, HOUR, &[3]).unwrap_err();
        let command = format!("echo '{{\"keys\":[]}}' >{}", keys.path.display());
        assert!(matches!(lost, KeyError::Lost { .. }) && lost.to_string().contains(&command), "{lost}");
        assert!(!keys.path.exists());
        std::fs::write(&keys.path, "{\"keys\":[]}\n").unwrap();
        keys.load_and_rotate_keeping(at(0), DAY, HOUR, &[3]).unwrap();
        assert!(keys.newest().is_some());
    }

    #[test]
    fn the_file_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let keys = keys(directory.path(), at(0));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&keys.path), 0o600);
        assert_eq!(mode(keys.path.parent().unwrap()), 0o700);
    }

    #[test]
    fn another_clouds_token_is_not_ours() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let token = keys(theirs.path(), at(0)).seal(&payload()).unwrap();
        assert_eq!(keys(ours.path(), at(0)).open(&token), None);
        assert!(matches!(Keys::new(ours.path()).seal(&payload()), Err(KeyError::NotLoaded)));
    }

    #[test]
    fn a_damaged_file_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = keys(directory.path(), at(0)).path;
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(Keys::new(directory.path()).load_and_rotate(at(0), DAY, HOUR), Err(KeyError::Damaged { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"{");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_token_with_any_bit_changed_is_refused(payload in payloads(), position in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let directory = tempfile::tempdir().unwrap();
            let keys = keys(directory.path(), at(0));
            let mut bytes = URL_SAFE_NO_PAD.decode(keys.seal(&payload).unwrap()).unwrap();
            let at = position.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(keys.open(&URL_SAFE_NO_PAD.encode(bytes)), None);
        }

        #[test]
        fn no_text_breaks_it(text in ".{0,80}") {
            let directory = tempfile::tempdir().unwrap();
            prop_assert_eq!(keys(directory.path(), at(0)).open(&text), None);
        }
    }
}
