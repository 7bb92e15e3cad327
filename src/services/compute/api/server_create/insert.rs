//! Reservations of volumes, and the one transaction in which quota is claimed and rows are written (step B4).

use bus::topics::compute_types::{BlockDestination, BlockDevice, TaskState, VmState};
use http_kit::Request;
use kit::ids::{AttachmentId, ServerId};
use kit::{Fault, PowerState, RequestContext, Timestamp};
use rusqlite::Connection;

use super::check::Plan;
use crate::Compute;
use crate::api::server_metadata::check_count;
use crate::api::volume_attachments;
use crate::db::instances::InstanceRow;
use crate::db::{actions, block_devices, instances, quotas, server_groups, tags};
use crate::domain::quota::{self, Usage};
use crate::domain::snapshot::Origin;
use crate::domain::{disks, naming};

/// Reserves the volumes that exist already for the one server that gets them.
///
/// # Errors
/// What the volume service answers; nothing is reserved then.
pub(super) async fn reserve(
    compute: &Compute,
    request: &Request,
    plan: &mut Plan<'_>,
) -> Result<Vec<AttachmentId>, Fault> {
    let server_id = ServerId::random();
    let mut reserved = Vec::new();
    for disk in &mut plan.disks {
        let Some(volume_id) = disk.volume_id.clone() else { continue };
        match volume_attachments::reserve(compute, request, &server_id, &volume_id).await {
            Ok(attachment) => {
                disk.attachment_id = Some(attachment.clone());
                reserved.push(attachment);
            }
            Err(fault) => {
                give_back(compute, request, reserved).await;
                return Err(fault);
            }
        }
    }
    plan.server_id = Some(server_id);
    Ok(reserved)
}

/// Ends reservations that no server came of.
pub(super) async fn give_back(compute: &Compute, request: &Request, reserved: Vec<AttachmentId>) {
    for attachment in reserved {
        volume_attachments::give_back(compute, request, attachment).await;
    }
}

/// What of a plan goes into the transaction.
struct Claim {
    template: InstanceRow,
    name: String,
    disks: Vec<BlockDevice>,
    tags: Vec<String>,
    min: i64,
    max: i64,
    context: RequestContext,
    now: Timestamp,
}

/// Claims quota and writes the servers, each with its disks and its action. Durable when it answers.
///
/// # Errors
/// A 403 that says what was asked and what there is, when the quota does not suffice.
pub(super) async fn run(compute: &Compute, request: &Request, plan: Plan<'_>) -> Result<Vec<InstanceRow>, Fault> {
    let claim = Claim {
        template: template(request, &plan, compute.now()),
        name: plan.asked.name.clone(),
        tags: plan.asked.tags.clone(),
        min: plan.asked.min_count,
        max: plan.asked.max_count,
        disks: plan.disks,
        context: request.context.clone(),
        now: compute.now(),
    };
    let rows = compute.store.write(move |db| insert(db, &claim)).await?;
    for row in &rows {
        tracing::info!(request_id = %row.request_id, project_id = %row.project_id, server_id = %row.id, "a server is made");
    }
    Ok(rows)
}

fn insert(db: &Connection, claim: &Claim) -> Result<Vec<InstanceRow>, Fault> {
    let template = &claim.template;
    let project = template.project_id.as_str();
    let limits = quotas::limits(db, project)?;
    check_count(db, project, &template.metadata)?;
    let each = Usage {
        instances: 1,
        cores: i64::from(template.flavor.vcpus),
        ram: i64::try_from(template.flavor.ram_mb).unwrap_or(i64::MAX),
    };
    let count = quota::affordable(&limits, quotas::usage(db, project)?, each, claim.min, claim.max)?;
    if let Some(group) = &template.group_id {
        let members = server_groups::count_members(db, group)?;
        if !limits.allows("server_group_members", members + count) {
            return Err(Fault::over_quota("Quota exceeded, too many servers in group"));
        }
    }
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    (0..count).map(|index| insert_one(db, claim, index)).collect()
}

fn insert_one(db: &Connection, claim: &Claim, index: u32) -> Result<InstanceRow, Fault> {
    let template = &claim.template;
    let id = if index == 0 { template.id.clone() } else { ServerId::random() };
    let many = u32::try_from(claim.max).unwrap_or(u32::MAX);
    let name = naming::of_many(&claim.name, many, index);
    let hostname =
        if template.hostname.is_empty() { naming::hostname(&name, id.as_str()) } else { template.hostname.clone() };
    let row = InstanceRow { id, name, hostname, launch_index: index, ..template.clone() };
    instances::insert(db, &row)?;
    for disk in &claim.disks {
        block_devices::insert(db, &row.id, &uuid::Uuid::new_v4().hyphenated().to_string(), disk)?;
    }
    for tag in &claim.tags {
        tags::insert(db, &row.id, tag)?;
    }
    if let Some(group) = &row.group_id {
        server_groups::insert_member(db, group, &row.id)?;
    }
    actions::insert(db, &row.id, &claim.context, "create", claim.now)?;
    Ok(row)
}

/// The row that all servers of the request are made of. An empty host name is made of each server's name.
fn template(request: &Request, plan: &Plan<'_>, now: Timestamp) -> InstanceRow {
    let asked = plan.asked;
    let is_local = disks::root(&plan.disks).is_none_or(|root| root.destination == BlockDestination::Local);
    InstanceRow {
        number: 0,
        id: plan.server_id.clone().unwrap_or_else(ServerId::random),
        project_id: plan.project_id.clone(),
        user_id: plan.user_id.clone(),
        name: asked.name.clone(),
        description: asked.description.clone(),
        hostname: asked.hostname.clone().unwrap_or_default(),
        request_id: request.context.request_id.to_string(),
        reservation_id: naming::reservation_id(),
        launch_index: 0,
        vm_state: VmState::Building,
        task_state: Some(TaskState::Scheduling),
        power_state: PowerState::NoState,
        host: None,
        availability_zone: plan.zone.clone(),
        forced_host: plan.host.clone(),
        flavor: plan.flavor.clone(),
        image_id: asked.image.clone().filter(|_| is_local),
        image_properties: plan.boots.properties.clone(),
        key: plan.key.clone(),
        user_data: asked.user_data.clone(),
        config_drive: asked.config_drive,
        metadata: asked.metadata.clone(),
        networks: plan.networks.networks.clone(),
        security_groups: plan.networks.security_groups.clone(),
        network_info: Vec::new(),
        root_device_name: None,
        disk_config: asked.disk_config.clone(),
        access_ip_v4: asked.access_ip_v4.clone(),
        access_ip_v6: asked.access_ip_v6.clone(),
        locked_by: None,
        locked_reason: None,
        admin_password: Some(asked.password.clone()),
        group_id: plan.group_id.clone(),
        hints: asked.hints.clone(),
        created_at: now,
        updated_at: now,
        launched_at: None,
        terminated_at: None,
        deleted_at: None,
        origin: Origin::new(&request.context, plan.boots.least),
        snapshot_image: None,
    }
}
