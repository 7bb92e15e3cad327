//! `clouds.yaml` in the data directory: how the administrator's clients find the cloud and enter it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Its name in the data directory.
pub const FILE_NAME: &str = "clouds.yaml";
/// The cloud's name in it.
pub const CLOUD: &str = "cloudbox";

/// What the file says.
pub struct AdminCloud<'a> {
    /// Keystone's URL, with its version.
    pub auth_url: &'a str,
    /// The administrator's password.
    pub password: &'a str,
    /// The region.
    pub region: &'a str,
}

/// Writes the file, readable for its owner only; whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write_admin(path: &Path, cloud: &AdminCloud<'_>) -> io::Result<()> {
    // JSON's strings are YAML's double-quoted ones.
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    let text = format!(
        "clouds:\n  {CLOUD}:\n    auth:\n      auth_url: {}\n      username: admin\n      password: {}\n      project_name: admin\n      \
         user_domain_name: Default\n      project_domain_name: Default\n    region_name: {}\n    identity_api_version: 3\n",
        quote(cloud.auth_url),
        quote(cloud.password),
        quote(cloud.region),
    );
    replace(path, &text)
}

/// Brings the URL in an existing file up to date: the listener may have moved. Fine when there is no file.
///
/// # Errors
/// When it cannot be read or written.
pub fn refresh_auth_url(path: &Path, auth_url: &str) -> io::Result<()> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let fresh = |line: &str| match line.split_once("auth_url:") {
        Some((indent, _)) if indent.trim().is_empty() => format!("{indent}auth_url: \"{auth_url}\""),
        _ => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(fresh).collect();
    let new = format!("{}\n", lines.join("\n"));
    if new == text { Ok(()) } else { replace(path, &new) }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_file_is_for_its_owner_only_and_its_url_follows() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        refresh_auth_url(&path, "http://nowhere").unwrap();
        assert!(!path.exists());
        let cloud = AdminCloud { auth_url: "http://one/identity/v3", password: "a\"b", region: "Home" };
        write_admin(&path, &cloud).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let before = std::fs::read_to_string(&path).unwrap();
        assert!(before.contains(r#"password: "a\"b""#));
        refresh_auth_url(&path, "http://two/identity/v3").unwrap();
        let after = std::fs::read_to_string(&path).unwrap();
        assert_eq!(after, before.replace("http://one", "http://two"));
    }
}
