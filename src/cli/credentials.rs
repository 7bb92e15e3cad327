//! Who the user is, and to which cloud: from the command line, `clouds.yaml`, `OS_*` variables or the local administrator's file.
//!
//! In this order: `--os-cloud`, `--data-dir`, `OS_CLOUD`, `OS_AUTH_URL` and its kin, the administrator's file of the default
//! data directory. A cloud's file is looked for where openstacksdk looks for it, and the first one that is there counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::cloud_file::Clouds;
use super::global::Global;
use super::problem::{Problem, Result};
use super::trust::Trust;
use crate::clouds;

/// The domain that is meant where none is named.
const DEFAULT_DOMAIN: &str = "default";

/// A thing by its id or by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// By its id.
    Id(String),
    /// By its name.
    Name(String),
}

impl Reference {
    /// As Keystone takes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Id(id) => json!({ "id": id }),
            Self::Name(name) => json!({ "name": name }),
        }
    }
}

/// All that is needed to log in.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Keystone's URL.
    pub auth_url: String,
    /// The user.
    pub user: Reference,
    /// The user's domain.
    pub user_domain: Reference,
    /// The password.
    pub password: String,
    /// The project, where one is named.
    pub project: Option<Reference>,
    /// The project's domain.
    pub project_domain: Reference,
    /// The region; any where none is named.
    pub region: Option<String>,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// Whom to trust to be the cloud.
    pub trust: Trust,
}

/// What the process was started with.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// Where `clouds.yaml` is looked for, in this order.
    pub directories: Vec<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let env: BTreeMap<String, String> = std::env::vars().filter(|(_, value)| !value.is_empty()).collect();
        let config = env.get("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.or_else(|| env.get("HOME").map(|home| Path::new(home).join(".config")));
        let mut directories = vec![PathBuf::from(".")];
        directories.extend(config.map(|dir| dir.join("openstack")));
        directories.push(PathBuf::from("/etc/openstack"));
        Self { env, directories }
    }

    fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str)
    }

    fn cloud_files(&self) -> Vec<PathBuf> {
        let named = self.var("OS_CLIENT_CONFIG_FILE").map(PathBuf::from);
        let usual = self
            .directories
            .iter()
            .flat_map(|dir| ["clouds.yaml", "clouds.yml", "clouds.json"].map(|name| dir.join(name)));
        named.into_iter().chain(usual).collect()
    }
}

/// Finds the credentials to use.
///
/// # Errors
/// When there are none, or something is missing in them.
pub fn find(global: &Global, surroundings: &Surroundings) -> Result<Credentials> {
    let mut found = choose(global, surroundings)?;
    // As the openstack command has it: options go over variables, and these over the cloud's entry.
    let cacert = global.os_cacert.clone().or_else(|| surroundings.var("OS_CACERT").map(PathBuf::from));
    found.trust.cacert = cacert.or(found.trust.cacert);
    found.trust.insecure |= global.insecure || surroundings.var("OS_INSECURE").is_some_and(says_yes);
    Ok(found)
}

/// What Python's clients take for yes.
fn says_yes(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "1" | "t" | "true" | "on" | "y" | "yes")
}

fn choose(global: &Global, surroundings: &Surroundings) -> Result<Credentials> {
    if let Some(name) = &global.os_cloud {
        return from_cloud(name, global, surroundings);
    }
    if let Some(dir) = &global.data_dir {
        return local(dir, surroundings)?.ok_or_else(|| {
            let text = format!("there is no {} yet", admin_file(dir).display());
            Problem::not_allowed(text).hint(format!("`cloudbox serve --data-dir {}` writes it", dir.display()))
        });
    }
    if let Some(name) = surroundings.var("OS_CLOUD") {
        return from_cloud(name, global, surroundings);
    }
    if surroundings.var("OS_AUTH_URL").is_some() {
        return from_env(surroundings);
    }
    local(global.data_dir(), surroundings)?.ok_or_else(|| {
        let text = format!("I know of no cloud: there is no {}", admin_file(global.data_dir()).display());
        Problem::not_allowed(text).hint(
            "start one with `cloudbox serve`, or name yours with --os-cloud NAME, --data-dir DIR or OS_* variables",
        )
    })
}

/// The administrator's file of the cloud in `data_dir`.
fn admin_file(data_dir: &Path) -> PathBuf {
    data_dir.join(clouds::FILE_NAME)
}

fn local(data_dir: &Path, surroundings: &Surroundings) -> Result<Option<Credentials>> {
    let Some(file) = Clouds::read(&admin_file(data_dir))? else { return Ok(None) };
    file.get(clouds::CLOUD).map(|cloud| of_cloud(clouds::CLOUD, cloud, surroundings)).transpose()
}

fn from_cloud(name: &str, global: &Global, surroundings: &Surroundings) -> Result<Credentials> {
    let mut known = None;
    for path in surroundings.cloud_files() {
        let Some(file) = Clouds::read(&path)? else { continue };
        if let Some(cloud) = file.get(name) {
            return of_cloud(name, cloud, surroundings);
        }
        known = Some(format!("{} knows {}", file.path.display(), file.names().join(", ")));
        break;
    }
    if name == clouds::CLOUD
        && let Some(credentials) = local(global.data_dir(), surroundings)?
    {
        return Ok(credentials);
    }
    let hint = known.unwrap_or_else(|| {
        "no clouds.yaml was found: it may lie in ., ~/.config/openstack or /etc/openstack, or OS_CLIENT_CONFIG_FILE names it"
            .to_owned()
    });
    Err(Problem::not_allowed(format!("there is no cloud named {name}")).hint(hint))
}

fn of_cloud(name: &str, cloud: &Value, surroundings: &Surroundings) -> Result<Credentials> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let auth = |key: &str| cloud.pointer(&format!("/auth/{key}")).and_then(text);
    let top = |key: &str| cloud.get(key).and_then(text);
    let password = |key: &str| {
        auth(key).or_else(|| (key == "password").then(|| surroundings.var("OS_PASSWORD"))?.map(str::to_owned))
    };
    let what = format!("the cloud {name} of clouds.yaml");
    let found = assemble(
        &what,
        password,
        top("auth_type"),
        top("region_name"),
        top("interface").or_else(|| top("endpoint_type")),
    )?;
    let says = |key: &str| match cloud.get(key) {
        Some(Value::Bool(yes)) => Some(*yes),
        Some(Value::String(text)) => Some(says_yes(text)),
        _ => None,
    };
    let insecure = says("insecure") == Some(true) || says("verify") == Some(false);
    Ok(Credentials { trust: Trust { cacert: top("cacert").map(|path| home(&path, surroundings)), insecure }, ..found })
}

/// `~` as a shell has it.
fn home(path: &str, surroundings: &Surroundings) -> PathBuf {
    match (path.strip_prefix("~/"), surroundings.var("HOME")) {
        (Some(rest), Some(home)) => Path::new(home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn from_env(surroundings: &Surroundings) -> Result<Credentials> {
    let var = |key: &str| surroundings.var(key).map(str::to_owned);
    let auth = |key: &str| {
        var(&format!("OS_{}", key.to_uppercase())).or_else(|| {
            // What these were called before there were projects.
            let old = key.replace("project_", "tenant_");
            (old != key).then(|| var(&format!("OS_{}", old.to_uppercase())))?
        })
    };
    assemble(
        "the environment",
        auth,
        var("OS_AUTH_TYPE"),
        var("OS_REGION_NAME"),
        var("OS_INTERFACE").or_else(|| var("OS_ENDPOINT_TYPE")),
    )
}

fn assemble(
    what: &str,
    auth: impl Fn(&str) -> Option<String>,
    auth_type: Option<String>,
    region: Option<String>,
    interface: Option<String>,
) -> Result<Credentials> {
    if let Some(other) = auth_type.filter(|kind| kind != "password" && kind != "v3password") {
        return Err(Problem::usage(format!(
            "{what} wants the authentication {other}; cloudbox logs in with a password"
        )));
    }
    let reference = |id: &str, name: &str| auth(id).map(Reference::Id).or_else(|| auth(name).map(Reference::Name));
    let domain = |of: &str| {
        let own = reference(&format!("{of}_domain_id"), &format!("{of}_domain_name"));
        own.or_else(|| reference("domain_id", "domain_name"))
            .or_else(|| reference("default_domain_id", "default_domain"))
            .unwrap_or_else(|| Reference::Id(DEFAULT_DOMAIN.to_owned()))
    };
    let needed = |key: &str| auth(key).ok_or_else(|| Problem::usage(format!("{what} does not say {key}")));
    Ok(Credentials {
        auth_url: needed("auth_url")?,
        user: match reference("user_id", "username") {
            Some(user) => user,
            None => Reference::Name(needed("username")?),
        },
        user_domain: domain("user"),
        password: needed("password")?,
        project: reference("project_id", "project_name"),
        project_domain: domain("project"),
        region,
        // Old spellings: publicURL.
        interface: interface.map_or_else(|| "public".to_owned(), |name| name.trim_end_matches("URL").to_owned()),
        trust: Trust::default(),
    })
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
