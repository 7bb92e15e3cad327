//! The network (steps B12 and B13): ports made, bound to this host and wired.

use bus::topics::compute_types::TaskState;
use bus::topics::conductor::InstanceChange;
use bus::topics::network::{AllocateForInstance, BindPort, DeallocateForInstance};
use futures_util::future::try_join_all;
use kit::Fault;

use super::{Build, Building};

/// Where servers are that name no zone.
const DEFAULT_ZONE: &str = "nova";

/// Has the server's interfaces made and wired.
pub(super) async fn allocate(building: &Building, build: &mut Build) -> Result<(), Fault> {
    let (work, instance) = (&building.work, building.instance()?);
    building.advance(TaskState::Networking, InstanceChange::default()).await?;
    if instance.networks.is_empty() {
        return Ok(());
    }
    let host = &work.agent.host;
    let vifs = work
        .ask(AllocateForInstance {
            server_id: instance.id.clone(),
            project_id: instance.project_id.clone(),
            host: host.clone(),
            availability_zone: instance.availability_zone.clone().unwrap_or_else(|| DEFAULT_ZONE.to_owned()),
            hostname: instance.hostname.clone(),
            networks: instance.networks.clone(),
            security_groups: instance.security_groups.clone(),
        })
        .await?;
    let bind = |port_id| work.ask(BindPort { port_id, server_id: instance.id.clone(), host: host.clone() });
    build.vifs = try_join_all(vifs.into_iter().map(|vif| bind(vif.port_id))).await?;
    let change = InstanceChange { network_info: Some(build.vifs.clone()), ..InstanceChange::default() };
    building.advance(TaskState::Networking, change).await
}

/// Gives the ports back.
pub(super) async fn give_back(building: &Building, build: &mut Build) -> Result<(), Fault> {
    building.work.ask_own(DeallocateForInstance { server_id: build.server_id.clone() }).await?;
    let change = InstanceChange { network_info: Some(Vec::new()), ..InstanceChange::default() };
    // A server that is being deleted keeps its last interfaces for show.
    building.work.update(super::BUILDING, change).await?;
    build.vifs.clear();
    Ok(())
}
