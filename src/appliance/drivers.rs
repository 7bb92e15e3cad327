//! The drivers that the configuration names.

use std::path::Path;
use std::sync::Arc;

use bus::Bus;
use hypervisor::fake::{FakeConfig, FakeDriver};
use hypervisor::libvirt::{LibvirtConfig, LibvirtDriver};
use kit::SharedClock;
use kit::config::Config;
use kit::ids::HostId;
use network_agent::drivers::linux::{LinuxConfig, LinuxDriver};
use volume_agent::drivers::file::FileDriver;

use super::{StartError, first_start};

/// What touches the host.
#[derive(Clone)]
pub struct Drivers {
    /// Guests.
    pub hypervisor: Arc<dyn hypervisor::Driver>,
    /// Bridges, namespaces, rules.
    pub network: Arc<dyn network_agent::drivers::NetworkDriver>,
    /// Volumes.
    pub volume: Arc<dyn volume_agent::drivers::VolumeDriver>,
}

/// What a host of the fake driver pretends to have: room for thousands of small guests.
const FAKE_VCPUS: u32 = 4096;
const FAKE_MEMORY_MB: u64 = 8 << 20;

impl Drivers {
    /// Opens them.
    pub(super) async fn open(
        config: &Config,
        data_dir: &Path,
        host: &HostId,
        bus: &Bus,
        clock: &SharedClock,
    ) -> Result<Self, StartError> {
        Ok(Self {
            hypervisor: hypervisor_driver(config, data_dir, host, clock).await?,
            network: network_driver(config, data_dir, bus).await?,
            volume: match config.volume.driver.as_str() {
                "fake" => Arc::new(volume_agent::drivers::fake::FakeDriver::new()),
                _ => Arc::new(FileDriver::new(data_dir.join("volumes"))),
            },
        })
    }
}

pub(super) fn no_hypervisor(error: hypervisor::DriverError) -> StartError {
    StartError::Driver { what: "the hypervisor", reason: error.chain() }
}

pub(super) fn no_network(error: network_agent::drivers::DriverError) -> StartError {
    StartError::Driver { what: "the network", reason: kit::Fault::from(error).chain() }
}

pub(super) async fn hypervisor_driver(
    config: &Config,
    data_dir: &Path,
    host: &HostId,
    clock: &SharedClock,
) -> Result<Arc<dyn hypervisor::Driver>, StartError> {
    let failed = no_hypervisor;
    if config.compute.hypervisor == "fake" {
        let fake = FakeConfig {
            dir: Some(data_dir.join("fake-guests")),
            hostname: host.to_string(),
            vcpus: FAKE_VCPUS,
            memory_mb: FAKE_MEMORY_MB,
            clock: clock.clone(),
        };
        return Ok(FakeDriver::open(fake).map_err(failed)?);
    }
    let owner = first_start::cloud_id(data_dir)?;
    let virt_type = config.compute.virt_type.parse().map_err(failed)?;
    let libvirt = LibvirtConfig { uri: config.compute.hypervisor.clone(), virt_type, owner, clock: clock.clone() };
    Ok(LibvirtDriver::open(libvirt).await.map_err(failed)?)
}

async fn network_driver(
    config: &Config,
    data_dir: &Path,
    bus: &Bus,
) -> Result<Arc<dyn network_agent::drivers::NetworkDriver>, StartError> {
    if config.network.driver == "fake" {
        return Ok(Arc::new(network_agent::drivers::fake::FakeDriver::new()));
    }
    let linux = LinuxConfig::new(&config.network, data_dir);
    let driver = LinuxDriver::start(linux, network_agent::metadata_handler(bus)).await;
    Ok(Arc::new(driver.map_err(no_network)?))
}
