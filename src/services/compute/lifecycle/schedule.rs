//! Asking the scheduler for hosts, and what becomes of servers that get none (step B5 of a boot).

use bus::Target;
use bus::topics::compute_types::{BlockDestination, BlockDevice};
use bus::topics::scheduler::{RequestSpec, SelectDestinations};
use kit::{Fault, RequestContext};

use crate::Compute;
use crate::db::instances::{self, InstanceRow};
use crate::domain::disks;

/// What `row`, with `devices`, needs of a host.
pub(crate) fn request_spec(row: &InstanceRow, devices: &[BlockDevice]) -> RequestSpec {
    RequestSpec {
        project_id: row.project_id.clone(),
        flavor: row.flavor.clone(),
        root_is_local: disks::root(devices).is_none_or(|root| root.destination == BlockDestination::Local),
        image_properties: row.image_properties.clone(),
        availability_zone: row.availability_zone.clone(),
        host: row.forced_host.clone(),
        group_id: row.group_id.clone(),
        hints: row.hints.clone(),
        excluded: Vec::new(),
    }
}

/// Has hosts chosen for `rows`, which are alike. Where there is none, the servers go to ERROR and say why.
pub(crate) async fn run(compute: &Compute, context: &RequestContext, rows: &[InstanceRow], spec: RequestSpec) {
    let servers = rows.iter().map(|row| row.id.clone()).collect();
    let asked = compute.client.call(context, Target::Any, SelectDestinations { servers, spec }).await;
    let Err(fault) = asked else { return };
    tracing::info!(request_id = %context.request_id, error = %fault.chain(), "no host for a new server");
    if let Err(error) = fail(compute, rows, fault).await {
        tracing::error!(error = %error.chain(), "servers without a host could not be put into ERROR");
    }
}

async fn fail(compute: &Compute, rows: &[InstanceRow], fault: Fault) -> Result<(), Fault> {
    let now = compute.now();
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let servers: Vec<_> = rows.iter().map(|row| (row.id.clone(), row.request_id.clone())).collect();
    compute
        .store
        .write(move |db| {
            for (id, request_id) in &servers {
                instances::fail_unscheduled(db, id, request_id, &fault, now)?;
            }
            Ok::<_, Fault>(())
        })
        .await?;
    for id in &ids {
        super::remove::let_volumes_go(&compute.store, &compute.client, id).await;
    }
    Ok(())
}
