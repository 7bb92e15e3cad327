//! Taking everything of a cloud's networks off the host, for when the cloud leaves it.
//!
//! The driver must not run meanwhile: it would put all of it back.

use std::sync::Arc;

use super::command::Tool;
use super::driver::LinuxConfig;
use super::host::Host;
use super::{foreign, settings};
use crate::drivers::desired::Desired;
use crate::drivers::driver::{DriverError, DriverResult, MetadataReply};

/// Removes devices, namespaces, dnsmasqs, rules and files of the driver's, as far as they are there. Can be repeated.
///
/// # Errors
/// The first thing that cannot be removed; what comes after it may still be there.
pub async fn clear(config: LinuxConfig) -> DriverResult<()> {
    settings::require_tools()?;
    let (prefix, run_directory) = (config.device_prefix.clone(), config.run_directory.clone());
    // It makes no network, so that nobody asks it.
    let nobody = Arc::new(|_| -> futures_util::future::BoxFuture<'static, MetadataReply> {
        Box::pin(std::future::ready(MetadataReply { status: 404, content_type: String::new(), body: Vec::new() }))
    });
    let mut host = Host::bare(config, nobody).await?;
    host.lan.apply(&Desired::default()).await?;
    host.remove_strays(&Desired::default()).await?;
    let mut script = String::new();
    for family in ["bridge", "inet"] {
        // Deleting wants a table that is there; adding one that is there is fine.
        script += &format!("add table {family} {prefix}\ndelete table {family} {prefix}\n");
    }
    Tool::new("removing the nftables tables", "nft", ["-f", "-"]).stdin(script).run().await?;
    foreign::give_back(&host.names).await;
    match tokio::fs::remove_dir_all(&run_directory).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(DriverError::io(format!("removing {}", run_directory.display()), error))
        }
        _ => Ok(()),
    }
}
