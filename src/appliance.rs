//! The composition root: store, drivers, bus, services, agents and the listener, and the order in which they start and stop.
//!
//! The only place that knows all crates. It decides nothing about a cloud; it opens what the configuration names, hands
//! everyone what he needs, and lets the supervisor run them. Stopping goes the other way round: first no more requests, then
//! the agents (guests keep running), then the services, then the store.

mod authenticator;
mod clear;
mod drivers;
mod error;
mod first_start;
mod health;
mod insight;
mod listener;
mod metrics;
mod operator;
mod policy_file;
mod reload;
mod retention;
mod service_manager;
mod tls;
mod units;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Transport};
use http_kit::{App, Limits};
use kit::config::Config;
use kit::ids::HostId;
use kit::{Fault, SharedClock, SystemClock, Timestamp};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::supervisor::{Health, Supervisor};
use authenticator::BusAuthenticator;
use insight::Insight;
use operator::Operator;
use policy_file::PolicyFile;
use tls::Tls;

pub use clear::clear_host;
pub use drivers::Drivers;
pub use error::StartError;
pub use first_start::Made;
pub use tls::CertificateError;

/// A running cloud.
pub struct Appliance {
    supervisor: Supervisor,
    store: Store,
    public_url: String,
    health: Health,
    api: App,
    tls: Option<Arc<Tls>>,
    /// What it was started with.
    config: Box<Config>,
    made: Made,
}

/// The services, in start order.
struct Services {
    identity: Arc<identity::IdentityService>,
    image: Arc<image::Images>,
    network: Arc<network::Network>,
    volume: Arc<volume::Volumes>,
    compute: Arc<compute::Compute>,
}

impl Appliance {
    /// Starts the cloud that `config` describes; it answers when this returns.
    ///
    /// # Errors
    /// The first thing that cannot be used, with what to do about it. Nothing is left running then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, None).await
    }

    /// As [`Appliance::start`], with drivers that somebody else made: tests keep a hand on theirs.
    ///
    /// # Errors
    /// As [`Appliance::start`].
    pub async fn start_with(config: Config, drivers: Option<Drivers>) -> Result<Self, StartError> {
        let data_dir = config.data_dir.0.clone();
        service_manager::status("opening the database");
        prepare_data_dir(&data_dir)?;
        let store = open_store(&data_dir).await?;
        let started = Box::pin(Self::start_on(&config, &data_dir, store.clone(), drivers)).await;
        if started.is_err() {
            store.close().await;
        }
        started
    }

    /// Makes all that a new cloud has, and does not start it. Done again, it changes nothing.
    ///
    /// # Errors
    /// As [`Appliance::start`].
    pub async fn prepare(config: &Config) -> Result<Made, StartError> {
        let data_dir = &config.data_dir.0;
        prepare_data_dir(data_dir)?;
        let store = open_store(data_dir).await?;
        let made = Box::pin(Self::prepare_on(config, &store)).await;
        store.close().await;
        made
    }

    async fn prepare_on(config: &Config, store: &Store) -> Result<Made, StartError> {
        let (clock, bus): (SharedClock, _) = (Arc::new(SystemClock), Bus::new(bus_options(config)));
        if !config.trust_clock {
            check_clock(store, clock.now()).await?;
        }
        let (data_dir, public_url) = (&config.data_dir.0, listener::public_url(&config.api, config.api.listen));
        let tls = open_tls(config, data_dir, &public_url, &clock).await?;
        let ca_file = tls.and_then(|tls| tls.ca_file());
        let services = Services::new(store, &bus, &clock, config, data_dir, &public_url);
        let first = services.bootstrap(data_dir, &public_url, ca_file.as_deref(), &config.api.region).await?;
        Ok(Made::new(first, config, &public_url, ca_file))
    }

    async fn start_on(
        config: &Config,
        data_dir: &Path,
        store: Store,
        drivers: Option<Drivers>,
    ) -> Result<Self, StartError> {
        let clock: SharedClock = Arc::new(SystemClock);
        if !config.trust_clock {
            check_clock(&store, clock.now()).await?;
        }
        let bus = Bus::new(bus_options(config));
        let host = host_name(config);
        let listener = listener::bind(config.api.listen)?;
        let public_url = listener::public_url(&config.api, listener.local_addr().unwrap_or(config.api.listen));
        let tls = open_tls(config, data_dir, &public_url, &clock).await?;
        let ca_file = tls.as_ref().and_then(|tls| tls.ca_file());
        let services = Services::new(&store, &bus, &clock, config, data_dir, &public_url);
        let first = services.bootstrap(data_dir, &public_url, ca_file.as_deref(), &config.api.region).await?;
        let made = Made::new(first, config, &public_url, ca_file.clone());
        let drivers = match drivers {
            Some(drivers) => drivers,
            None => Drivers::open(config, data_dir, &host, &bus, &clock).await?,
        };
        let health = Health::default();
        let stop_consoles = CancellationToken::new();
        let console = Arc::new(console::Console::new(bus.client("console"), host.clone(), stop_consoles.clone()));
        let policy_file = PolicyFile::new(&config.policy, data_dir);
        let app = services.app(config, &bus, &clock, &public_url).policy(policy_file.read()?);
        let policies = app.policies();
        let insight = Insight {
            store: store.clone(),
            bus: bus.clone(),
            health: health.clone(),
            compute: services.compute.clone(),
            hypervisor: drivers.hypervisor.clone(),
            host: host.clone(),
            started_at: clock.now(),
            clock: clock.clone(),
        };
        let (app, operator) = Operator::mount(app, insight, config);
        let app = app.raw("/console", console.clone()).build().map_err(|error| policy_file.blame(error))?;
        operator.mounted(&app);
        let api = app.clone();
        let mut supervisor = Supervisor::new(health.clone());
        service_manager::status("starting guests and networks where they are to run");
        let watchdog = service_manager::watchdog().map(|interval| units::watchdog(&store, interval));
        let all = units::all(&services, &drivers, &bus, &host, config, data_dir, ca_file).into_iter().chain([
            units::audit(&operator.admin),
            units::policy(&policy_file, &policies),
            units::retention(&services, config),
        ]);
        let acceptor = tls.as_ref().map(|tls| tls.acceptor()).transpose();
        let acceptor = acceptor.map_err(|error| StartError::Bootstrap { service: "TLS", reason: error.to_string() })?;
        let all = all.chain(tls.as_ref().map(units::tls)).chain([units::listener(
            app,
            listener,
            acceptor,
            console,
            stop_consoles,
        )]);
        // The watchdog first: it is told to the very end.
        for unit in watchdog.into_iter().chain(all) {
            if let Err(error) = supervisor.start(unit).await {
                supervisor.stop().await;
                return Err(error.into());
            }
        }
        tracing::info!(%host, public_url, "cloudbox is ready");
        service_manager::ready(&public_url);
        Ok(Self { supervisor, store, public_url, health, api, tls, config: Box::new(config.clone()), made })
    }

    /// The URL that all APIs are below.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// What there is, and whether it was just made.
    #[must_use]
    pub fn made(&self) -> &Made {
        &self.made
    }

    /// How the parts are.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// All APIs: their endpoints are data, for sweeping tests and for documentation.
    #[must_use]
    pub fn api(&self) -> &App {
        &self.api
    }

    /// Stops everything in order; guests keep running.
    pub async fn stop(self) {
        service_manager::stopping();
        self.supervisor.stop().await;
        self.store.close().await;
        tracing::info!("cloudbox has stopped");
    }
}

impl Services {
    fn new(store: &Store, bus: &Bus, clock: &SharedClock, config: &Config, data_dir: &Path, public_url: &str) -> Self {
        let (store, clock) = (|| store.clone(), || clock.clone());
        Self {
            identity: identity::IdentityService::new(store(), clock(), config.identity.clone(), data_dir),
            image: image::Images::new(store(), bus, clock(), config.image.clone(), data_dir, public_url),
            network: network::Network::new(store(), bus, clock(), config.network.clone()),
            volume: volume::Volumes::new(store(), bus, clock(), config.volume.clone()),
            compute: compute::Compute::new(store(), bus, clock(), config.compute.clone()),
        }
    }

    /// Makes what a new cloud has. Every start may repeat it. Whether it is the first.
    async fn bootstrap(
        &self,
        data_dir: &Path,
        public_url: &str,
        ca_file: Option<&Path>,
        region: &str,
    ) -> Result<bool, StartError> {
        let failed = |service| move |fault: Fault| StartError::Bootstrap { service, reason: fault.chain() };
        let first = first_start::administrator(&self.identity, data_dir, public_url, ca_file, region).await?;
        self.image.bootstrap().await.map_err(failed("image"))?;
        if let Some(project) = self.identity.admin_project().await.map_err(failed("identity"))? {
            self.network.bootstrap(&project).await.map_err(failed("network"))?;
        }
        self.volume.bootstrap().await.map_err(failed("volume"))?;
        self.compute.bootstrap().await.map_err(failed("compute"))?;
        Ok(first)
    }

    /// All APIs, each with the name that its token checks bear in a trace.
    fn app(&self, config: &Config, bus: &Bus, clock: &SharedClock, public_url: &str) -> http_kit::app::Builder {
        let checks = |service: &str| Arc::new(BusAuthenticator::new(bus.client(service)));
        let app = App::new(Limits::from(&config.api), clock.clone()).public_url(public_url);
        app.mount(self.identity.rest().authenticator(checks("identity-api")))
            .mount(self.compute.rest().authenticator(checks("compute-api")))
            .mount(self.compute.placement().authenticator(checks("placement-api")))
            .mount(self.image.rest().authenticator(checks("image-api")))
            .mount(self.network.rest().authenticator(checks("network-api")))
            .mount(self.volume.rest().authenticator(checks("volume-api")))
    }
}

/// The migrations of all services, for whoever opens the database without the cloud.
#[must_use]
pub fn migrations() -> [store::Migrations; 6] {
    [
        admin::MIGRATIONS,
        identity::MIGRATIONS,
        image::MIGRATIONS,
        network::MIGRATIONS,
        volume::MIGRATIONS,
        compute::MIGRATIONS,
    ]
}

async fn open_store(data_dir: &Path) -> Result<Store, StartError> {
    let path = data_dir.join("cloudbox.db");
    let opened =
        tokio::task::spawn_blocking(move || Store::open(&path, &migrations(), store::Options::default())).await;
    match opened {
        Ok(store) => Ok(store?),
        Err(error) => Err(StartError::Bootstrap { service: "the database", reason: error.to_string() }),
    }
}

/// How far the clock may be behind what is on record: as far as it is set back when it is set right.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);

/// Tokens, certificates and the order of records go by the clock: one that is far behind is not started with.
async fn check_clock(store: &Store, now: Timestamp) -> Result<(), StartError> {
    let newest = admin::newest_record(store).await;
    let newest = newest.map_err(|fault| StartError::Bootstrap { service: "admin", reason: fault.chain() })?;
    match newest {
        Some(newest) if newest > now + CLOCK_TOLERANCE => Err(StartError::Clock { now, newest }),
        _ => Ok(()),
    }
}

/// The certificate, where there is TLS. It is read from files, or made.
async fn open_tls(
    config: &Config,
    data_dir: &Path,
    public_url: &str,
    clock: &SharedClock,
) -> Result<Option<Arc<Tls>>, StartError> {
    if !config.api.is_encrypted() {
        return Ok(None);
    }
    let (api, prefix, clock) = (config.api.clone(), config.network.device_prefix.clone(), clock.clone());
    let (data_dir, public_url) = (data_dir.to_owned(), public_url.to_owned());
    let opened = tokio::task::spawn_blocking(move || Tls::open(&api, &prefix, &data_dir, &public_url, clock)).await;
    let opened = opened.map_err(|error| StartError::Bootstrap { service: "TLS", reason: error.to_string() })?;
    Ok(Some(opened?))
}

fn prepare_data_dir(path: &Path) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt as _;
    if path.join(crate::backup::RESTORING).exists() {
        let source = std::io::Error::other("a restore was cut off there: run `cloudbox restore` again");
        return Err(StartError::DataDir { path: path.to_owned(), source });
    }
    // Not readable for others, but passable: QEMU may run as a user of its own.
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o711).create(path);
    made.map_err(StartError::data_dir(path))
}

fn bus_options(config: &Config) -> bus::Options {
    bus::Options {
        transport: if config.bus.wire_checked { Transport::WireChecked } else { Transport::Local },
        queue_length: config.bus.queue_length,
        call_timeout: Duration::from_secs(config.bus.call_timeout_secs),
    }
}

fn host_name(config: &Config) -> HostId {
    if config.compute.host.is_empty() {
        HostId::new(rustix::system::uname().nodename().to_string_lossy())
    } else {
        HostId::new(&config.compute.host)
    }
}
