//! Operations on a server that has a host: checked, written down, then cast.

use bus::topics::compute_agent::{RebootInstance, StartInstance, StopInstance};
use bus::topics::compute_types::RebootKind;
use bus::topics::conductor::InstanceChange;
use bus::{Client, Target};
use kit::ids::{HostId, ServerId};
use kit::{Fault, RequestContext};

use crate::Compute;
use crate::db::instances::InstanceRow;
use crate::db::{actions, instances};
use crate::domain::operation::Operation;

/// Whether the caller may change a locked server; an administrator may.
///
/// # Errors
/// A 409 where it is locked.
pub(crate) fn check_lock(context: &RequestContext, row: &InstanceRow) -> Result<(), Fault> {
    if row.locked_by.is_some() && !context.is_admin() {
        return Err(Fault::conflict(format!("Instance {} is locked", row.id)));
    }
    Ok(())
}

/// The server is on no host.
pub(crate) fn no_host(id: &ServerId) -> Fault {
    Fault::conflict(format!("Instance {id} is not ready"))
}

/// Starts `operation` on the server: in one transaction it is accepted and written down, then the host is told.
///
/// # Errors
/// A 409 in Nova's words where it is not accepted.
pub(crate) async fn start(
    compute: &Compute,
    context: &RequestContext,
    id: &ServerId,
    operation: Operation,
) -> Result<(), Fault> {
    let host = accept(compute, context, id, operation).await?;
    if let Err(fault) = tell(&compute.client, context, &host, id, operation) {
        tracing::warn!(server_id = %id, %host, error = %fault.chain(), "the host will be told later");
    }
    Ok(())
}

async fn accept(
    compute: &Compute,
    context: &RequestContext,
    id: &ServerId,
    operation: Operation,
) -> Result<HostId, Fault> {
    let (id, asking, now) = (id.clone(), context.clone(), compute.now());
    compute
        .store
        .write(move |db| {
            let row = instances::get(db, &id)?
                .ok_or_else(|| Fault::not_found(format!("Instance {id} could not be found.")))?;
            check_lock(&asking, &row)?;
            let host = operation.accept(&row)?.ok_or_else(|| no_host(&id))?;
            let change = InstanceChange { task_state: Some(operation.task()), ..InstanceChange::default() };
            instances::update(db, &id, &[row.task_state], &change, now)?;
            actions::insert(db, &id, &asking, operation.action(), now)?;
            Ok(host)
        })
        .await
}

fn tell(
    client: &Client,
    context: &RequestContext,
    host: &HostId,
    id: &ServerId,
    operation: Operation,
) -> Result<(), Fault> {
    let (target, server_id) = (Target::host(host), id.clone());
    match operation {
        Operation::Start => client.cast(context, target, StartInstance { server_id }),
        Operation::Stop => client.cast(context, target, StopInstance { server_id }),
        Operation::SoftReboot => client.cast(context, target, RebootInstance { server_id, kind: RebootKind::Soft }),
        Operation::HardReboot => client.cast(context, target, RebootInstance { server_id, kind: RebootKind::Hard }),
        // These carry more than the server, and are cast where that is known.
        Operation::Delete | Operation::AttachVolume | Operation::DetachVolume | Operation::CreateImage => Ok(()),
    }
}
