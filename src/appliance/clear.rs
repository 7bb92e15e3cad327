//! Taking a cloud that is stopped off its host, for when cloudbox is removed: guests are shut down and forgotten by libvirt,
//! networks go. Its data stays: started again, the cloud brings all of it back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use kit::config::Config;
use kit::ids::ServerId;
use kit::{SharedClock, SystemClock};
use network_agent::drivers::linux::LinuxConfig;
use store::DirectoryLock;

use super::{StartError, drivers, host_name};

/// How many guests are shut down at once.
const AT_ONCE: usize = 16;

/// Clears this host of the cloud that `config` describes, and says how many guests that were. Can be repeated.
///
/// # Errors
/// The cloud runs; libvirt cannot be reached or does not let go of a guest, and then the networks stay, too; what is left of the
/// networks cannot be removed.
pub async fn clear_host(config: &Config) -> Result<usize, StartError> {
    let data_dir = &config.data_dir.0;
    if !data_dir.join("cloudbox.db").exists() {
        return Ok(0);
    }
    let _stopped = DirectoryLock::take(&data_dir.join("cloudbox.lock"))?;
    let cleared = clear_guests(config, data_dir).await?;
    if config.network.driver == "linux" {
        let cleared = network_agent::drivers::linux::clear(LinuxConfig::new(&config.network, data_dir)).await;
        cleared.map_err(drivers::no_network)?;
    }
    Ok(cleared)
}

async fn clear_guests(config: &Config, data_dir: &Path) -> Result<usize, StartError> {
    let clock: SharedClock = Arc::new(SystemClock);
    let hypervisor = drivers::hypervisor_driver(config, data_dir, &host_name(config), &clock).await?;
    let failed = drivers::no_hypervisor;
    let guests = hypervisor.list().await.map_err(failed)?;
    let grace = Duration::from_secs(config.compute.shutdown_timeout_secs);
    let off = |id: ServerId| {
        let hypervisor = &hypervisor;
        async move {
            hypervisor.stop(&id, grace).await?;
            hypervisor.remove(&id).await
        }
    };
    let done: Vec<_> =
        futures_util::stream::iter(guests.into_iter().map(|(id, _)| off(id))).buffer_unordered(AT_ONCE).collect().await;
    hypervisor.close().await;
    let count = done.len();
    done.into_iter().collect::<Result<(), _>>().map_err(failed)?;
    Ok(count)
}
