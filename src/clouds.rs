//! `clouds.yaml` in the data directory: how the administrator's clients find the cloud and enter it.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Its name in the data directory.
pub const FILE_NAME: &str = "clouds.yaml";
/// The cloud's name in it.
pub const CLOUD: &str = "cloudbox";

/// What the file says.
pub struct AdminCloud<'a> {
    /// Keystone's URL, with its version.
    pub auth_url: &'a str,
    /// The file that its certificate is trusted by, where it is not the system's matter.
    pub cacert: Option<&'a Path>,
    /// The administrator's password.
    pub password: &'a str,
    /// The region.
    pub region: &'a str,
}

/// JSON's strings are YAML's double-quoted ones.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn cacert_line(cacert: Option<&Path>) -> String {
    cacert.map(|path| format!("    cacert: {}\n", quote(&path.to_string_lossy()))).unwrap_or_default()
}

/// Writes the file, readable for its owner only; whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write_admin(path: &Path, cloud: &AdminCloud<'_>) -> io::Result<()> {
    let text = format!(
        "clouds:\n  {CLOUD}:\n{}    auth:\n      auth_url: {}\n      username: admin\n      password: {}\n      project_name: admin\n      \
         user_domain_name: Default\n      project_domain_name: Default\n    region_name: {}\n    identity_api_version: 3\n",
        cacert_line(cloud.cacert),
        quote(cloud.auth_url),
        quote(cloud.password),
        quote(cloud.region),
    );
    replace(path, &text, 0o600)
}

/// Brings the URL and the authority in an existing file up to date: the listener may have moved. Fine when there is no file.
///
/// # Errors
/// When it cannot be read or written.
pub fn refresh(path: &Path, auth_url: &str, cacert: Option<&Path>) -> io::Result<()> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let mut new = String::new();
    for line in text.lines() {
        match line.split_once(':') {
            Some((key, _)) if key.trim() == "auth_url" => {
                let indent = key.trim_end_matches("auth_url");
                new += &format!("{indent}auth_url: {}\n", quote(auth_url));
            }
            Some(("    cacert", _)) => {}
            _ => new += &format!("{line}\n"),
        }
        if line.trim_end() == format!("  {CLOUD}:") {
            new += &cacert_line(cacert);
        }
    }
    if new == text { Ok(()) } else { replace(path, &new, 0o600) }
}

/// Makes `text` the content of the file, with these permissions; whole or not at all, also when the power fails.
///
/// # Errors
/// When it cannot be written; nothing has changed then.
pub(crate) fn replace(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    // What a crash has left may have other permissions.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write(&temporary, text, mode).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The first failure is the one that is told.
        std::fs::remove_file(&temporary).ok();
        return written;
    }
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(mode).open(path)?;
    // The process's mask may have taken some of it away.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_for_its_owner_only_and_its_url_follows() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        refresh(&path, "http://nowhere", None).unwrap();
        assert!(!path.exists());
        let cloud = AdminCloud { auth_url: "http://one/identity/v3", cacert: None, password: "a\"b", region: "Home" };
        write_admin(&path, &cloud).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let before = std::fs::read_to_string(&path).unwrap();
        assert!(before.contains(r#"password: "a\"b""#));
        let read = || std::fs::read_to_string(&path).unwrap();
        refresh(&path, "http://two/identity/v3", None).unwrap();
        assert_eq!(read(), before.replace("http://one", "http://two"));
        for authority in ["/a/ca.pem", "/b/ca.pem"] {
            refresh(&path, "https://one/identity/v3", Some(Path::new(authority))).unwrap();
            let cloud = AdminCloud { auth_url: "https://one/identity/v3", cacert: Some(Path::new(authority)), ..cloud };
            let refreshed = read();
            write_admin(&path, &cloud).unwrap();
            assert_eq!(read(), refreshed);
        }
        refresh(&path, "http://one/identity/v3", None).unwrap();
        assert_eq!(read(), before);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
