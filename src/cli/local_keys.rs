//! Keys on this computer: those that `keypair create` had the cloud make, and the user's own below `~/.ssh`.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::problem::{Problem, Result};

/// What is tried first when there are several.
const KINDS: [&str; 3] = ["id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub"];

/// A directory of the user's: `$variable`, or `~/fallback`.
#[must_use]
pub fn user_dir(variable: &str, fallback: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    named.or_else(|| std::env::home_dir().map(|home| home.join(fallback)))
}

/// Where the private half of the keypair `name` is kept.
///
/// # Errors
/// When the user has no home, or `name` cannot be a file's.
pub fn private_key(name: &str) -> Result<PathBuf> {
    if name.contains('/') || name.starts_with('.') {
        return Err(
            Problem::usage(format!("no file can be named {name}")).hint("--private-key FILE says where to keep it")
        );
    }
    let dir = user_dir("XDG_DATA_HOME", ".local/share").ok_or_else(homeless)?;
    Ok(dir.join("cloudbox/keys").join(name))
}

/// The file with the host keys of the server with this id; its directory is there.
///
/// # Errors
/// When the user has no home, or the directory cannot be made.
pub fn known_hosts(server: &str) -> Result<PathBuf> {
    let dir = user_dir("XDG_STATE_HOME", ".local/state").ok_or_else(homeless)?.join("cloudbox/known_hosts.d");
    make_private_dir(&dir)?;
    // An id of another cloud may be anything.
    Ok(dir.join(server.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_")))
}

/// Forgets the host keys of a server that is gone.
pub fn forget_host(server: &str) {
    if let Ok(path) = known_hosts(server) {
        // Most were never logged in to.
        let _ = std::fs::remove_file(path);
    }
}

fn homeless() -> Problem {
    Problem::failed("you have no home directory").hint("set HOME")
}

fn make_private_dir(dir: &Path) -> Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| Problem::io(&format!("cannot make {}", dir.display()), &error))
}

/// Opens `path` for a private key: readable by its owner only, and never over another.
///
/// # Errors
/// When there is a file of that name, or it cannot be made.
pub fn create_private(path: &Path) -> Result<std::fs::File> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        make_private_dir(dir)?;
    }
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Problem::failed(format!("{} is there already", path.display()))
            .hint("remove it, or say where to keep the private key with --private-key FILE"),
        _ => Problem::io(&format!("cannot write {}", path.display()), &error),
    })
}

/// Writes a private key into what [`create_private`] opened.
///
/// # Errors
/// When it cannot be written.
pub fn write_private(file: &mut std::fs::File, key: &str) -> Result<()> {
    let key = if key.ends_with('\n') { key.to_owned() } else { format!("{key}\n") };
    let written = file.write_all(key.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| Problem::io("cannot write the private key", &error))
}

/// The public key that the user has below `~/.ssh`: its file and its text.
#[must_use]
pub fn own_public_key() -> Option<(PathBuf, String)> {
    find_public_key(&std::env::home_dir()?.join(".ssh"))
}

fn find_public_key(dir: &Path) -> Option<(PathBuf, String)> {
    let mut others: Vec<PathBuf> = std::fs::read_dir(dir).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    others.sort();
    let is_key = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("id_") && name.ends_with(".pub"))
    };
    let paths = KINDS.iter().map(|name| dir.join(name)).chain(others.into_iter().filter(is_key));
    let mut keys = paths.filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?.trim().to_owned())));
    keys.find(|(_, text)| !text.is_empty())
}

/// Who runs this.
#[must_use]
pub fn user_name() -> Option<String> {
    // Behind sudo it is still the person who asks.
    ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_private_key_is_private_and_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys/one");
        write_private(&mut create_private(&path).unwrap(), "secret").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "secret\n");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert!(create_private(&path).unwrap_err().text.ends_with("is there already"));
        assert!(private_key("../x").is_err());
    }

    #[test]
    fn the_best_public_key_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let found = || find_public_key(dir.path()).map(|(_, text)| text);
        assert_eq!(found(), None);
        for (name, text) in
            [("id_work.pub", "work\n"), ("id_rsa.pub", "rsa\n"), ("id_ed25519.pub", "\n"), ("id_rsa", "private")]
        {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        assert_eq!(found().as_deref(), Some("rsa"));
        std::fs::remove_file(dir.path().join("id_rsa.pub")).unwrap();
        assert_eq!(found().as_deref(), Some("work"));
    }
}
