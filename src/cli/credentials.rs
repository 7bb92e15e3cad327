//! Who the user is, and to which cloud: from the command line, `clouds.yaml`, `OS_*` variables or the local administrator's file.
//!
//! In this order: `--os-cloud`, `--data-dir`, `OS_CLOUD`, `OS_AUTH_URL` and its kin, the administrator's file of the default
//! data directory. Of what is found there, [`said`] makes a login; [`proof`] has its forms. A cloud's file is looked for where openstacksdk looks for it, and the first one that is there counts.

mod proof;
mod said;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use proof::{Named, Proof, Reference, Scope, body};
use serde_json::Value;

use super::cloud_file::Clouds;
use super::global::Global;
use super::problem::{Problem, Result};
use super::trust::Trust;
use crate::clouds;
use said::Said;

/// The domain that is meant where none is named.
const DEFAULT_DOMAIN: &str = "default";

/// All that is needed to log in.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Keystone's URL.
    pub auth_url: String,
    /// What shows who logs in; several where the cloud wants more than one thing.
    pub proofs: Vec<Proof>,
    /// What the token shall be for.
    pub scope: Scope,
    /// The region; any where none is named.
    pub region: Option<String>,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// Whom to trust to be the cloud.
    pub trust: Trust,
}

impl Credentials {
    /// Keystone's URL with its version, without a slash at its end.
    #[must_use]
    pub fn identity_url(&self) -> String {
        let base = self.auth_url.trim_end_matches('/');
        // What is left over from long ago.
        let base = base.trim_end_matches("/v2.0");
        if base.ends_with("/v3") { base.to_owned() } else { format!("{base}/v3") }
    }
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

    /// A part of a login under the name of its variable.
    fn auth(&self, key: &str) -> Option<String> {
        let var = |key: &str| self.var(&format!("OS_{}", key.to_uppercase())).map(str::to_owned);
        // What these were called before there were projects.
        let old = key.replace("project_", "tenant_");
        var(key).or_else(|| (old != key).then(|| var(&old))?)
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
        return local(dir, global, surroundings)?.ok_or_else(|| {
            let text = format!("there is no {} yet", admin_file(dir).display());
            Problem::not_allowed(text).hint(format!("`cloudbox serve --data-dir {}` writes it", dir.display()))
        });
    }
    if let Some(name) = surroundings.var("OS_CLOUD") {
        return from_cloud(name, global, surroundings);
    }
    if surroundings.var("OS_AUTH_URL").is_some() {
        return from_env(global, surroundings);
    }
    local(global.data_dir(), global, surroundings)?.ok_or_else(|| {
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

fn local(data_dir: &Path, global: &Global, surroundings: &Surroundings) -> Result<Option<Credentials>> {
    let Some(file) = Clouds::read(&admin_file(data_dir))? else { return Ok(None) };
    file.get(clouds::CLOUD).map(|cloud| of_cloud(clouds::CLOUD, cloud, global, surroundings)).transpose()
}

fn from_cloud(name: &str, global: &Global, surroundings: &Surroundings) -> Result<Credentials> {
    let mut known = None;
    for path in surroundings.cloud_files() {
        let Some(file) = Clouds::read(&path)? else { continue };
        if let Some(cloud) = file.get(name) {
            return of_cloud(name, cloud, global, surroundings);
        }
        known = Some(format!("{} knows {}", file.path.display(), file.names().join(", ")));
        break;
    }
    if name == clouds::CLOUD
        && let Some(credentials) = local(global.data_dir(), global, surroundings)?
    {
        return Ok(credentials);
    }
    let hint = known.unwrap_or_else(|| {
        "no clouds.yaml was found: it may lie in ., ~/.config/openstack or /etc/openstack, or OS_CLIENT_CONFIG_FILE names it"
            .to_owned()
    });
    Err(Problem::not_allowed(format!("there is no cloud named {name}")).hint(hint))
}

fn of_cloud(name: &str, cloud: &Value, global: &Global, surroundings: &Surroundings) -> Result<Credentials> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let auth = |key: &str| cloud.get("auth").and_then(|auth| auth.get(key));
    let top = |key: &str| cloud.get(key).and_then(text);
    // openstacksdk takes the parts of a scope beside `auth`, too; which scope is a matter of the moment.
    let moment = |key: &str| if key == "system_scope" { surroundings.auth(key) } else { None };
    let part = |key: &str| asked(global, key, || auth(key).and_then(text).or_else(|| top(key)).or_else(|| moment(key)));
    let secret = |key: &str| part(key).or_else(|| surroundings.auth(key));
    let methods = auth("auth_methods").and_then(Value::as_array).into_iter().flatten().filter_map(text).collect();
    let place = format!("the cloud {name} of clouds.yaml");
    let said =
        Said { place: &place, how: &|key| format!("`{key}` below `auth`"), part: &part, secret: &secret, methods };
    let interface = top("interface").or_else(|| top("endpoint_type"));
    let found = said.credentials(top("auth_type").as_deref(), top("region_name"), interface)?;
    let says = |key: &str| match cloud.get(key) {
        Some(Value::Bool(yes)) => Some(*yes),
        Some(Value::String(text)) => Some(says_yes(text)),
        _ => None,
    };
    let insecure = says("insecure") == Some(true) || says("verify") == Some(false);
    Ok(Credentials { trust: Trust { cacert: top("cacert").map(|path| home(&path, surroundings)), insecure }, ..found })
}

/// A part of a login: what the options ask for goes before what is `said`.
fn asked(global: &Global, key: &str, said: impl FnOnce() -> Option<String>) -> Option<String> {
    match (key, &global.os_system_scope, &global.os_project_name) {
        ("system_scope", Some(scope), _) => Some(scope.clone()),
        ("project_name", _, Some(name)) => Some(name.clone()),
        ("system_scope" | "trust_id" | "project_id", _, Some(_)) => None,
        _ => said(),
    }
}

/// `~` as a shell has it.
fn home(path: &str, surroundings: &Surroundings) -> PathBuf {
    match (path.strip_prefix("~/"), surroundings.var("HOME")) {
        (Some(rest), Some(home)) => Path::new(home).join(rest),
        _ => PathBuf::from(path),
    }
}

fn from_env(global: &Global, surroundings: &Surroundings) -> Result<Credentials> {
    let var = |key: &str| surroundings.var(key).map(str::to_owned);
    let part = |key: &str| asked(global, key, || surroundings.auth(key));
    let methods =
        var("OS_AUTH_METHODS").iter().flat_map(|all| all.split(',')).map(|one| one.trim().to_owned()).collect();
    let how = |key: &str| format!("OS_{}", key.to_uppercase());
    let said = Said { place: "the environment", how: &how, part: &part, secret: &part, methods };
    let interface = var("OS_INTERFACE").or_else(|| var("OS_ENDPOINT_TYPE"));
    said.credentials(var("OS_AUTH_TYPE").as_deref(), var("OS_REGION_NAME"), interface)
}

#[cfg(test)]
impl Credentials {
    /// Those of Ann, who has a project, with a password.
    pub(super) fn of_ann(auth_url: &str, password: &str) -> Self {
        let named = |name: &str| Named {
            reference: Reference::Name(name.to_owned()),
            domain: Reference::Id(DEFAULT_DOMAIN.to_owned()),
        };
        Self {
            auth_url: auth_url.to_owned(),
            proofs: vec![Proof::Password(named("ann"), password.to_owned())],
            scope: Scope::Project(named("shop")),
            region: Some("RegionOne".to_owned()),
            interface: "public".to_owned(),
            trust: Trust::default(),
        }
    }
}

#[cfg(test)]
mod tests;
