//! Making an image of a server: written down, the image made, then the host told.
//!
//! The row comes first. Where the process dies before the image is there, the host finds none and clears the task.

use std::collections::BTreeMap;

use bus::Target;
use bus::topics::compute_agent::SnapshotInstance;
use bus::topics::compute_types::TaskState;
use bus::topics::conductor::InstanceChange;
use bus::topics::image::CreateSnapshot;
use kit::ids::{HostId, ImageId};
use kit::{Fault, RequestContext, crash};

use crate::Compute;
use crate::db::instances::{self, InstanceRow};
use crate::db::{actions, instance_changes};
use crate::domain::operation::Operation;
use crate::domain::snapshot;
use crate::lifecycle::operate::no_host;

/// What this passes is called in tests of crashes.
const POINT: &str = "server.create_image";

/// Begins to make an image of `row`; its id. A lock does not keep anybody from it: nothing of the server changes.
///
/// # Errors
/// A 409 in Nova's words where it is not accepted; what the image service says, and then nothing has begun.
pub(crate) async fn start(
    compute: &Compute,
    context: &RequestContext,
    row: &InstanceRow,
    name: &str,
    given: BTreeMap<String, String>,
) -> Result<ImageId, Fault> {
    let image_id = ImageId::random();
    let host = accept(compute, context, row, &image_id).await?;
    crash::point(POINT, "accept", "after");
    let create = CreateSnapshot {
        image_id: image_id.clone(),
        name: name.to_owned(),
        shared_with: (context.project_id() != Some(&row.project_id)).then(|| row.project_id.clone()),
        min_disk_gb: snapshot::min_disk_gb(row),
        min_ram_mb: row.origin.min_ram_mb,
        properties: snapshot::properties(row, context, given),
    };
    if let Err(fault) = compute.client.call(context, Target::Any, create).await {
        give_up(compute, context, row).await;
        return Err(fault);
    }
    crash::point(POINT, "image", "after");
    tracing::info!(request_id = %context.request_id, server_id = %row.id, %image_id, "an image is made of a server");
    let message = SnapshotInstance { server_id: row.id.clone() };
    if let Err(fault) = compute.client.cast(context, Target::host(&host), message) {
        tracing::warn!(server_id = %row.id, %host, error = %fault.chain(), "the host will be told later");
    }
    Ok(image_id)
}

async fn accept(
    compute: &Compute,
    context: &RequestContext,
    row: &InstanceRow,
    image_id: &ImageId,
) -> Result<HostId, Fault> {
    let operation = Operation::CreateImage;
    let (id, image_id, asking, now) = (row.id.clone(), image_id.clone(), context.clone(), compute.now());
    compute
        .store
        .write(move |db| {
            let row = instances::get(db, &id)?
                .ok_or_else(|| Fault::not_found(format!("Instance {id} could not be found.")))?;
            let host = operation.accept(&row)?.ok_or_else(|| no_host(&id))?;
            instance_changes::begin_snapshot(db, &id, &image_id, now)?;
            actions::insert(db, &id, &asking, operation.action(), now)?;
            Ok(host)
        })
        .await
}

/// There is no image: the server has nothing to do.
async fn give_up(compute: &Compute, context: &RequestContext, row: &InstanceRow) {
    let (id, request_id, now) = (row.id.clone(), context.request_id.clone(), compute.now());
    let given_up = compute
        .store
        .write(move |db| -> Result<(), Fault> {
            let change = InstanceChange { task_state: Some(None), ..InstanceChange::default() };
            instances::update(db, &id, &[Some(TaskState::ImageSnapshotPending)], &change, now)?;
            Ok(actions::fail(db, &id, &request_id, now)?)
        })
        .await;
    if let Err(fault) = given_up {
        tracing::error!(server_id = %row.id, error = %fault.chain(), "a server waits for an image until its host finds none");
    }
}
