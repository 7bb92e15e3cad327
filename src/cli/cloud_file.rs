//! `clouds.yaml`, read as openstacksdk does. [`crate::clouds`] writes the local administrator's.
//!
//! Beside it may lie a `secure.yaml` with what should not be shared; it is laid over it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::problem::{Problem, Result};

/// Every cloud of one file.
#[derive(Debug, Clone, Default)]
pub struct Clouds {
    /// The file.
    pub path: PathBuf,
    clouds: Map<String, Value>,
}

impl Clouds {
    /// Reads `path`, and the `secure.yaml` beside it. `None` where there is no such file.
    ///
    /// # Errors
    /// When it cannot be read or is not a `clouds.yaml`.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let Some(mut value) = read_yaml(path)? else { return Ok(None) };
        if let Some(over) = read_yaml(&path.with_file_name("secure.yaml"))? {
            merge(&mut value, over);
        }
        let clouds = match value.get_mut("clouds").map(Value::take) {
            Some(Value::Object(clouds)) => clouds,
            _ => return Err(Problem::failed(format!("{} has no clouds in it", path.display()))),
        };
        Ok(Some(Self { path: path.to_owned(), clouds }))
    }

    /// The cloud `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.clouds.get(name)
    }

    /// The names of all.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.clouds.keys().map(String::as_str).collect()
    }
}

fn read_yaml(path: &Path) -> Result<Option<Value>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(Problem::not_allowed(format!("{} is not yours to read", path.display()))
                .hint("run it as root, or name your own account with --os-cloud or OS_* variables"));
        }
        Err(error) => return Err(Problem::io(&format!("cannot read {}", path.display()), &error)),
    };
    serde_saphyr::from_str(&text)
        .map(Some)
        .map_err(|error| Problem::failed(format!("{} is not valid YAML: {error}", path.display())))
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serve_writes_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clouds.yaml");
        assert!(Clouds::read(&path).unwrap().is_none());
        let password = "a \"quoted\" \\ # one\n";
        let admin = crate::clouds::AdminCloud { auth_url: "http://k/v3", cacert: None, password, region: "RegionOne" };
        crate::clouds::write_admin(&path, &admin).unwrap();
        let clouds = Clouds::read(&path).unwrap().unwrap();
        let cloud = clouds.get(crate::clouds::CLOUD).unwrap();
        assert_eq!(cloud.pointer("/auth/password").unwrap(), password);
    }

    #[test]
    fn yaml_is_read_as_python_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clouds.yaml");
        let text = "defaults: &d\n  verify: no\nclouds:\n  a:\n    <<: *d\n    auth: {auth_url: http://x, username: u}\n  b: {}\n";
        std::fs::write(&path, text).unwrap();
        std::fs::write(dir.path().join("secure.yaml"), "clouds:\n  a:\n    auth: {password: p}\n").unwrap();
        let clouds = Clouds::read(&path).unwrap().unwrap();
        assert_eq!(clouds.names(), ["a", "b"]);
        let expected = serde_json::json!({
            "verify": false, "auth": {"auth_url": "http://x", "username": "u", "password": "p"},
        });
        assert_eq!(clouds.get("a"), Some(&expected));
    }

    #[test]
    fn a_file_without_clouds_is_said_to_be_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clouds.yaml");
        std::fs::write(&path, "cloud: {}\n").unwrap();
        assert!(Clouds::read(&path).unwrap_err().text.ends_with("clouds.yaml has no clouds in it"));
        std::fs::write(&path, "clouds: [\n").unwrap();
        assert!(Clouds::read(&path).unwrap_err().text.contains("is not valid YAML"));
    }
}
