//! The operator's policy file: which it is, and that what it says is in force.
//!
//! It is read before anything answers, and again whenever it changes. One that cannot be used then changes nothing: the
//! rules before it stay in force, the log says what is wrong with it, and the health says that something is.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http_kit::{BuildError, Overrides, Policies};
use kit::config::PolicyConfig;
use kit::{Condition, Conditions};
use tokio_util::sync::CancellationToken;

use super::StartError;

/// How often it is looked whether the file has changed.
const LOOK: Duration = Duration::from_secs(1);
/// Where it is looked for in the end.
const SYSTEM_WIDE: &str = "/etc/cloudbox/policy.yaml";
/// What the health says.
const BROKEN: &str = "the policy file cannot be used; the rules before its change are in force";

/// The policy file.
pub(super) struct PolicyFile {
    /// The first that exists is the one.
    candidates: Vec<PathBuf>,
    /// Whether it has to be there.
    named: bool,
    /// What was read last.
    seen: Mutex<Option<Stamp>>,
    conditions: Conditions,
}

/// Which file, and in which state.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl PolicyFile {
    /// The file that `config` names, or the ones that are looked for.
    pub(super) fn new(config: &PolicyConfig, data_dir: &Path) -> Arc<Self> {
        let named = !config.file.as_os_str().is_empty();
        let candidates = match named {
            true => vec![config.file.clone()],
            false => vec![data_dir.join("policy.yaml"), PathBuf::from(SYSTEM_WIDE)],
        };
        Arc::new(Self { candidates, named, seen: Mutex::default(), conditions: Conditions::default() })
    }

    /// Reads it for the start.
    pub(super) fn read(&self) -> Result<Overrides, StartError> {
        let stamp = self.stamp();
        let overrides = self.overrides(stamp.as_ref()).map_err(StartError::Policy)?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamp;
        Ok(overrides)
    }

    /// `error`, told as the file's where it is.
    pub(super) fn blame(&self, error: BuildError) -> StartError {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*seen, &error) {
            (Some(stamp), BuildError::Overrides(source) | BuildError::Policy { source, .. }) => {
                StartError::Policy(format!("{}: {source}", stamp.path.display()))
            }
            _ => error.into(),
        }
    }

    /// What is wrong with it.
    pub(super) fn condition(&self) -> Condition {
        self.conditions.now()
    }

    /// Keeps `policies` as the file says, until `stop`.
    pub(super) async fn run(self: Arc<Self>, policies: Arc<Policies>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            let (file, policies) = (self.clone(), policies.clone());
            if let Err(error) = tokio::task::spawn_blocking(move || file.look(&policies)).await {
                tracing::error!(%error, "looking at the policy file failed and is tried again");
            }
        }
    }

    /// Reads it again where it has changed.
    fn look(&self, policies: &Policies) {
        let stamp = self.stamp();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == stamp {
            return;
        }
        let path = stamp.as_ref().map(|stamp| stamp.path.display().to_string()).unwrap_or_default();
        let replaced = self
            .overrides(stamp.as_ref())
            .and_then(|overrides| policies.replace(&overrides).map_err(|error| format!("{path}: {error}")));
        match &replaced {
            Ok(()) => tracing::info!(path, "the policy file has changed and is in force"),
            Err(error) => tracing::error!(error, "the policy file cannot be used; the rules before are in force"),
        }
        self.conditions.set(BROKEN, replaced.is_err());
        *seen = stamp;
    }

    fn stamp(&self) -> Option<Stamp> {
        use std::os::unix::fs::MetadataExt as _;
        self.candidates.iter().find_map(|path| {
            let about = std::fs::metadata(path).ok()?;
            let (length, inode) = (about.len(), about.ino());
            Some(Stamp { path: path.clone(), modified: about.modified().ok(), length, inode })
        })
    }

    fn overrides(&self, stamp: Option<&Stamp>) -> Result<Overrides, String> {
        let path = match (stamp, self.candidates.first()) {
            (Some(stamp), _) => &stamp.path,
            (None, Some(path)) if self.named => path,
            (None, _) => return Ok(Overrides::none()),
        };
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Overrides::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }
}
