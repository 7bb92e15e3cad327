//! Where a login is kept for the next command: a file of the user's own, named by what the login was made with.
//!
//! It spares every command the request that makes one. The cloud may end it at any time: [`super::client`] makes a new one then.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::credentials::Credentials;
use super::local_keys;
use super::login::Login;
use super::openrc;
use aws_lc_rs::digest::{SHA256, digest};

/// The variable that turns it off.
const OFF: &str = "CLOUDBOX_NO_TOKEN_CACHE";

/// No login is kept longer.
const OLD: Duration = Duration::from_secs(2 * 24 * 3600);

/// Where the login of some credentials is kept. What goes wrong with it costs a login, no more.
#[derive(Debug, Clone)]
pub struct TokenCache {
    path: PathBuf,
}

impl TokenCache {
    /// The one of `credentials`, below the user's `~/.cache`. `None` where it is turned off, or the user has no home.
    #[must_use]
    pub fn of(credentials: &Credentials) -> Option<Self> {
        if std::env::var_os(OFF).is_some_and(|value| !value.is_empty()) {
            return None;
        }
        let dir = local_keys::user_dir("XDG_CACHE_HOME", ".cache")?;
        Some(Self::in_dir(&dir.join("cloudbox/tokens"), credentials))
    }

    /// The one of `credentials` in `dir`.
    pub(super) fn in_dir(dir: &Path, credentials: &Credentials) -> Self {
        // The password belongs to it: with another one, this login is not one's own.
        let all = openrc::render(credentials);
        let name: String =
            digest(&SHA256, all.as_bytes()).as_ref().iter().take(16).map(|b| format!("{b:02x}")).collect();
        Self { path: dir.join(name) }
    }

    /// The login that is kept.
    #[must_use]
    pub fn read(&self) -> Option<Login> {
        Login::from_json(&serde_json::from_slice(&std::fs::read(&self.path).ok()?).ok()?)
    }

    /// Keeps `login`, for its owner's eyes only.
    pub fn write(&self, login: &Login) {
        // It is whole or it is not there: another command may read it now.
        let new = self.path.with_extension(std::process::id().to_string());
        let written = self.path.parent().map(|dir| std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir));
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
        if let (Some(Ok(())), Ok(mut file)) = (written, file) {
            let kept = file.write_all(login.to_json().to_string().as_bytes());
            if kept.and_then(|()| std::fs::rename(&new, &self.path)).is_err() {
                let _ = std::fs::remove_file(&new);
            }
        }
        self.sweep();
    }

    /// Removes what was kept so long ago that no cloud takes it any more.
    fn sweep(&self) {
        let old = |entry: &std::fs::DirEntry| {
            let age = entry.metadata().and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
            age.is_some_and(|age| age > OLD)
        };
        let entries = self.path.parent().and_then(|dir| std::fs::read_dir(dir).ok()).into_iter().flatten().flatten();
        for entry in entries.filter(old) {
            let _ = std::fs::remove_file(entry.path());
        }
    }

    /// Keeps none.
    pub fn forget(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;
    use crate::cli::catalog::Catalog;

    fn credentials(password: &str) -> Credentials {
        Credentials::of_ann("http://k/v3", password)
    }

    fn login(expires_at: &str) -> Login {
        Login {
            token: "gAAA".to_owned(),
            catalog: Catalog::new(json!([{"type": "compute"}])),
            project_id: Some("p".to_owned()),
            user_id: None,
            expires_at: Some(expires_at.to_owned()),
            versions: BTreeMap::from([("compute".to_owned(), "2.1 2.60".parse().unwrap())]),
        }
    }

    #[test]
    fn a_login_is_kept_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let kept = TokenCache::in_dir(&dir.path().join("tokens"), &credentials("one"));
        assert!(kept.read().is_none());
        kept.write(&login("2026-01-01T00:00:00.000000Z"));
        let read = kept.read().unwrap();
        assert_eq!((read.token.as_str(), read.project_id.as_deref(), read.user_id), ("gAAA", Some("p"), None));
        assert_eq!(read.catalog.list(), &json!([{"type": "compute"}]));
        assert_eq!(read.versions, login("").versions);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&kept.path), mode(kept.path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(std::fs::read_dir(kept.path.parent().unwrap()).unwrap().count(), 1);
        assert!(TokenCache::in_dir(&dir.path().join("tokens"), &credentials("two")).read().is_none());
        kept.forget();
        assert!(kept.read().is_none());
    }
}
