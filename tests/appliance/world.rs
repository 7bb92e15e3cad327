//! The whole appliance in this process, over real HTTP, with drivers that a test keeps a hand on.
//!
//! A [`World`] has a data directory of its own and listens on a port of its own, so that tests run side by side. Every
//! message on its bus goes through its bytes. [`World::restart`] is what an operator does: all of it stops, and starts again
//! on the same directory. Requests are [`crate::client`]'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cloudbox::appliance::{Appliance, Drivers, StartError};
use hypervisor::fake::FakeConfig;
use kit::config::Config;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;

/// The guests' fake.
pub type Guests = hypervisor::fake::FakeDriver;
/// The host network's fake.
pub type HostNetwork = network_agent::drivers::fake::FakeDriver;
/// The volumes' fake.
pub type HostVolumes = volume_agent::drivers::fake::FakeDriver;

/// The name of the only host.
pub const HOST: &str = "host-1";
/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// A running cloud.
pub struct World {
    appliance: Option<Appliance>,
    config: Config,
    directory: TempDir,
    /// The guests.
    pub guests: Arc<Guests>,
    /// The host's network.
    pub network: Arc<HostNetwork>,
    /// The volumes.
    pub volumes: Arc<HostVolumes>,
    /// The administrator, in the project `admin`.
    pub admin: Client,
}

/// The configuration of a cloud in `directory`.
pub fn config(directory: &Path) -> Config {
    let mut config = Config::default();
    config.data_dir.0 = directory.to_owned();
    config.api.listen = "127.0.0.1:0".parse().unwrap();
    config.bus.wire_checked = true;
    config.compute.hypervisor = "fake".to_owned();
    config.compute.host = HOST.to_owned();
    config.compute.shutdown_timeout_secs = 1;
    config.network.driver = "fake".to_owned();
    config.volume.driver = "fake".to_owned();
    config
}

impl World {
    /// A new cloud, with its administrator logged in.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// As [`World::start`], with a configuration that `change` has changed.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at(tempfile::tempdir().unwrap(), change).await
    }

    /// As [`World::start`], with its data below `parent`.
    pub async fn start_in(parent: &Path) -> Self {
        Self::start_at(tempfile::tempdir_in(parent).unwrap(), |_| {}).await
    }

    async fn start_at(directory: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(directory.path());
        change(&mut config);
        let volumes = Arc::new(HostVolumes::new());
        let (appliance, guests, network) = open(&config, &volumes).await.unwrap();
        let admin = admin(&appliance, directory.path()).await;
        Self { appliance: Some(appliance), config, directory, guests, network, volumes, admin }
    }

    /// Stops the cloud and starts it again on the same data, at another port. Guests outlive it, the host's network does not.
    pub async fn restart(&mut self) {
        self.stop().await;
        let (appliance, guests, network) = open(&self.config, &self.volumes).await.unwrap();
        self.admin = self.admin.at(appliance.public_url());
        (self.appliance, self.guests, self.network) = (Some(appliance), guests, network);
    }

    /// As [`World::restart`], with a configuration that `change` has changed.
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.restart().await;
    }

    /// Stops the cloud.
    pub async fn stop(&mut self) {
        if let Some(appliance) = self.appliance.take() {
            within("the cloud to stop", appliance.stop()).await;
        }
    }

    /// Tries to start a second cloud on the same data directory.
    pub async fn start_beside(&self) -> Result<(), StartError> {
        open(&self.config, &self.volumes).await.map(drop)
    }

    /// The running appliance.
    pub fn appliance(&self) -> &Appliance {
        self.appliance.as_ref().expect("the cloud runs")
    }

    /// The data directory.
    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// Without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(self.appliance().public_url())
    }

    /// A new project with a new user who is `member` of it.
    pub async fn member(&self, name: &str) -> Client {
        self.person(name, "member").await
    }

    /// A new project called `name` with a new user of that name, who has `role` in it.
    pub async fn person(&self, name: &str, role: &str) -> Client {
        let project = self.admin.post("/identity/v3/projects", json!({ "project": { "name": name } })).await;
        let project = id_of(&project.expect(201)["project"]);
        self.person_in(&project, name, role).await
    }

    /// A new user called `name`, who has `role` in the project.
    pub async fn person_in(&self, project: &str, name: &str, role: &str) -> Client {
        let user = json!({ "user": { "name": name, "password": PASSWORD } });
        let user = id_of(&self.admin.post("/identity/v3/users", user).await.expect(201)["user"]);
        let role = self.role(role).await;
        let grant = format!("/identity/v3/projects/{project}/users/{user}/roles/{role}");
        self.admin.put(&grant, Value::Null).await.expect(204);
        let scope = json!({ "project": { "id": project } });
        self.anonymous().log_in(&json!({ "id": user, "password": PASSWORD }), Some(scope)).await
    }

    /// The id of the role called `name`.
    pub async fn role(&self, name: &str) -> String {
        let roles = self.admin.get(&format!("/identity/v3/roles?name={name}")).await.expect(200);
        id_of(&roles["roles"][0])
    }
}

/// The password of everyone whom a test makes.
pub const PASSWORD: &str = "Correct horse 7";

type Opened = (Appliance, Arc<Guests>, Arc<HostNetwork>);

async fn open(config: &Config, volumes: &Arc<HostVolumes>) -> Result<Opened, StartError> {
    let guests = Guests::open(FakeConfig {
        dir: Some(config.data_dir.0.join("fake-guests")),
        hostname: HOST.to_owned(),
        ..FakeConfig::default()
    });
    let (guests, network) = (guests.unwrap(), Arc::new(HostNetwork::new()));
    let drivers = Drivers { hypervisor: guests.clone(), network: network.clone(), volume: volumes.clone() };
    let appliance = within("the cloud to start", Appliance::start_with(config.clone(), Some(drivers))).await?;
    Ok((appliance, guests, network))
}

/// The administrator, as the file says that the first start wrote.
async fn admin(appliance: &Appliance, directory: &Path) -> Client {
    let client = Client::new(appliance.public_url());
    let user = json!({ "name": "admin", "domain": { "id": "default" }, "password": admin_password(directory) });
    let scope = json!({ "project": { "name": "admin", "domain": { "id": "default" } } });
    client.log_in(&user, Some(scope)).await
}

/// The administrator's password.
pub fn admin_password(directory: &Path) -> String {
    let text = std::fs::read_to_string(directory.join("clouds.yaml")).unwrap();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("password: ")).unwrap();
    serde_json::from_str(line).unwrap()
}

/// The `id` of an object.
#[track_caller]
pub fn id_of(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id in {object}")).to_owned()
}

/// Waits for `work`, but not forever.
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(result) => result,
        Err(_) => panic!("waited {PATIENCE:?} for {what}"),
    }
}

/// Looks until `look` finds what is waited for; its `Err` is what it saw instead.
pub async fn until<T, Look>(what: &str, mut look: impl FnMut() -> Look) -> T
where
    Look: Future<Output = Result<T, String>>,
{
    let begun = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if begun.elapsed() >= PATIENCE => panic!("waited {PATIENCE:?} for {what}; last seen: {seen}"),
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}
