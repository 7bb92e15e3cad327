//! Deleting servers: on their host, or, where there is none, here.

use bus::topics::compute_agent::TerminateInstance;
use bus::topics::compute_types::TaskState;
use bus::topics::conductor::InstanceChange;
use bus::topics::network::DeallocateForInstance;
use bus::topics::volume::{DeleteVolume, DetachVolume};
use bus::{Client, Target};
use kit::ids::ServerId;
use kit::{Fault, RequestContext};
use store::Store;

use crate::Compute;
use crate::db::{actions, block_devices, instances};

/// Marks the server as being deleted, and has it taken down.
///
/// # Errors
/// What the store reports. A host that cannot be told now is told when its agent registers.
pub(crate) async fn delete(compute: &Compute, context: &RequestContext, id: &ServerId) -> Result<(), Fault> {
    let now = compute.now();
    let (server, asking) = (id.clone(), context.clone());
    let row = compute
        .store
        .write(move |db| {
            let change = InstanceChange { task_state: Some(Some(TaskState::Deleting)), ..InstanceChange::default() };
            if !instances::update(db, &server, &[], &change, now)? {
                return Ok(None);
            }
            actions::insert(db, &server, &asking, "delete", now)?;
            instances::get(db, &server).map_err(Fault::from)
        })
        .await?;
    let Some(row) = row else { return Ok(()) };
    tracing::info!(request_id = %context.request_id, server_id = %id, "a server is deleted");
    match &row.host {
        Some(host) => {
            let message = TerminateInstance { server_id: id.clone() };
            if let Err(fault) = compute.client.cast(context, Target::host(host), message) {
                tracing::warn!(server_id = %id, %host, error = %fault.chain(), "the host will be told later");
            }
            Ok(())
        }
        None => without_host(compute, context, id).await,
    }
}

/// Gives back what a server that is on no host has: ports, reserved volumes, its row. It can be repeated.
///
/// # Errors
/// What the store reports. What another service does not take back is logged, and does not keep the server.
pub(crate) async fn without_host(compute: &Compute, context: &RequestContext, id: &ServerId) -> Result<(), Fault> {
    let server = id.clone();
    let volumes = compute.store.read(move |db| block_devices::volumes_of(db, &server)).await.map_err(Fault::from)?;
    let context = &RequestContext { deadline: None, ..context.clone() };
    let client = &compute.client;
    let ports = client.call(context, Target::Any, DeallocateForInstance { server_id: id.clone() }).await;
    best_effort(id, "giving back ports", ports);
    for owned in volumes {
        if let Some(attachment_id) = owned.device.attachment_id {
            let detached = client.call(context, Target::Any, DetachVolume { attachment_id }).await;
            best_effort(id, "giving back a volume", detached);
        }
        if let Some(volume_id) = owned.device.volume_id.filter(|_| owned.device.delete_on_termination) {
            best_effort(id, "deleting a volume", client.call(context, Target::Any, DeleteVolume { volume_id }).await);
        }
    }
    let (server, now) = (id.clone(), compute.now());
    compute.store.write(move |db| instances::delete(db, &server, now)).await.map_err(Fault::from)?;
    Ok(())
}

/// Ends the reservations of a server that is in ERROR because no host builds it: its volumes can be used otherwise. (Nova
/// keeps those of a server that found no host until it is deleted.) What cannot be given back now is when it is deleted.
pub(crate) async fn let_volumes_go(store: &Store, client: &Client, id: &ServerId) {
    let server = id.clone();
    let volumes = match store.read(move |db| block_devices::volumes_of(db, &server)).await.map_err(Fault::from) {
        Ok(volumes) => volumes,
        Err(fault) => return best_effort(id, "finding its volumes", Err(fault)),
    };
    for attachment_id in volumes.into_iter().filter_map(|owned| owned.device.attachment_id) {
        let context = RequestContext::service("compute");
        let detached = client.call(&context, Target::Any, DetachVolume { attachment_id }).await;
        best_effort(id, "giving back a volume", detached);
    }
}

fn best_effort(server_id: &ServerId, doing: &str, result: Result<(), Fault>) {
    if let Err(fault) = result {
        tracing::warn!(%server_id, doing, error = %fault.chain(), "a server left something behind");
    }
}
