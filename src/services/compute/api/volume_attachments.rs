//! A server's volumes: list, show, attach, change, detach.

use std::sync::Arc;

use bus::Target;
use bus::topics::compute_agent::{AttachVolume, DetachVolume};
use bus::topics::compute_types::{BlockDestination, BlockDevice, BlockSource};
use bus::topics::volume::{
    BeginDetaching, DetachVolume as EndAttachment, GetVolume, ReserveVolume, RollDetaching, Volume,
};
use http_kit::{Endpoint, Reply, Request};
use kit::ids::{AttachmentId, HostId, ServerId, VolumeId};
use kit::{Fault, FaultKind, crash};
use serde_json::{Value, json};

use super::{integer, no_server, schemas, server};
use crate::Compute;
use crate::db::block_devices::{self, OwnedDevice};
use crate::db::{actions, instance_changes, instances};
use crate::domain::operation::Operation;
use crate::domain::{device_name, disks};
use crate::lifecycle::operate::check_lock;
use crate::view::set;

const ALL: &str = "/servers/{server_id}/os-volume_attachments";
const ONE: &str = "/servers/{server_id}/os-volume_attachments/{volume_id}";
const CREATE: &str = "os_compute_api:os-volumes-attachments:create";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get(ALL, "os_compute_api:os-volumes-attachments:index", &list),
    Endpoint::get(ONE, "os_compute_api:os-volumes-attachments:show", &show),
    Endpoint::post(ALL, CREATE, &attach).until(2, 48).schema(schemas::ATTACH),
    Endpoint::post(ALL, CREATE, &attach).since(2, 49).until(2, 78).schema(schemas::ATTACH_249),
    Endpoint::post(ALL, CREATE, &attach).since(2, 79).schema(schemas::ATTACH_279),
    Endpoint::put(ONE, "os_compute_api:os-volumes-attachments:update", &update)
        .since(2, 85)
        .schema(schemas::ATTACHMENT_UPDATE),
    Endpoint::delete(ONE, "os_compute_api:os-volumes-attachments:delete", &detach),
];

fn render(request: &Request, owned: &OwnedDevice) -> Value {
    let device = &owned.device;
    let mut view = json!({ "volumeId": device.volume_id, "serverId": owned.server_id });
    if let Some(name) = &device.device_name {
        set(&mut view, "device", json!(name));
    }
    if request.version.at_least(2, 70) {
        set(&mut view, "tag", json!(device.tag));
    }
    if request.version.at_least(2, 79) {
        set(&mut view, "delete_on_termination", json!(device.delete_on_termination));
    }
    if request.version.at_least(2, 89) {
        set(&mut view, "attachment_id", json!(device.attachment_id));
        set(&mut view, "bdm_uuid", json!(owned.uuid));
    } else {
        set(&mut view, "id", json!(device.volume_id));
    }
    view
}

/// What has no attachment yet cannot be shown where attachments are.
fn is_shown(request: &Request, owned: &OwnedDevice) -> bool {
    !request.version.at_least(2, 89) || owned.device.attachment_id.is_some()
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    let all = compute.store.read(move |db| block_devices::volumes_of(db, &row.id)).await.map_err(Fault::from)?;
    let number = |name: &str| {
        request.query().get(name).and_then(|text| integer(&json!(text))).and_then(|number| usize::try_from(number).ok())
    };
    let views: Vec<Value> = all
        .iter()
        .skip(number("offset").unwrap_or(0))
        .take(number("limit").filter(|limit| *limit > 0).unwrap_or(usize::MAX))
        .filter(|owned| is_shown(&request, owned))
        .map(|owned| render(&request, owned))
        .collect();
    Ok(Reply::ok(json!({ "volumeAttachments": views })))
}

fn not_attached(server: &ServerId, volume: &VolumeId) -> Fault {
    Fault::not_found(format!("Instance {server} is not attached to volume {volume}"))
}

/// The mapping that the path names.
async fn find(compute: &Compute, request: &Request) -> Result<OwnedDevice, Fault> {
    let row = server(compute, request).await?;
    let volume = VolumeId::new(request.param("volume_id")?);
    compute
        .store
        .read(move |db| block_devices::by_volume(db, &row.id, &volume)?.ok_or_else(|| not_attached(&row.id, &volume)))
        .await
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let owned = find(&compute, &request).await?;
    if !is_shown(&request, &owned) {
        return Err(not_attached(&owned.server_id, &VolumeId::new(request.param("volume_id")?)));
    }
    Ok(Reply::ok(json!({ "volumeAttachment": render(&request, &owned) })))
}

async fn update(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let owned = find(&compute, &request).await?;
    let asked = request.body_value()?.get("volumeAttachment").cloned().unwrap_or_default();
    let device = &owned.device;
    let now = [
        ("volumeId", json!(device.volume_id)),
        ("id", json!(device.volume_id)),
        ("serverId", json!(owned.server_id)),
        ("device", json!(device.device_name)),
        ("tag", json!(device.tag)),
    ];
    if let Some((name, _)) = now.iter().find(|(name, value)| asked.get(*name).is_some_and(|asked| asked != value)) {
        return Err(Fault::bad_request(format!("The {name} property is not mutable")));
    }
    if let Some(goes) = asked.get("delete_on_termination").map(disks::truth) {
        let id = device.id;
        compute
            .store
            .write(move |db| block_devices::set_delete_on_termination(db, id, goes))
            .await
            .map_err(Fault::from)?;
    }
    Ok(Reply::empty(202))
}

async fn attach(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    check_lock(&request.context, &row)?;
    let operation = Operation::AttachVolume;
    operation
        .check(row.vm_state, row.task_state, row.launched_at.is_some())
        .map_err(|refusal| operation.refused(&row.id, refusal))?;
    let asked = request.body_value()?.get("volumeAttachment").cloned().unwrap_or_default();
    let text = |name: &str| asked.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let volume_id = VolumeId::new(text("volumeId").unwrap_or_default());
    let volume = check_volume(&compute, &request, &row.id, &volume_id).await?;
    let device = BlockDevice {
        device_name: text("device"),
        tag: text("tag"),
        delete_on_termination: asked.get("delete_on_termination").is_some_and(disks::truth),
        ..mapping(&volume)
    };
    let attachment_id = reserve(&compute, &request, &row.id, &volume_id).await?;
    crash::point("server.attach_volume", "reserve", "after");
    let device = BlockDevice { attachment_id: Some(attachment_id.clone()), ..device };
    let (host, device) = match write_down(&compute, &request, row.id.clone(), device).await {
        Ok(written) => written,
        Err(fault) => {
            give_back(&compute, &request, attachment_id).await;
            return Err(fault);
        }
    };
    tell_attach(&compute, &request, &row.id, &host, &volume_id, &device, attachment_id).await?;
    if request.version.at_least(2, 101) {
        return Ok(Reply::empty(202));
    }
    Ok(Reply::ok(json!({ "volumeAttachment": attached(&request, &row.id, &volume_id, &device) })))
}

/// The answer to an attach: the mapping, always with its `id`.
fn attached(request: &Request, server: &ServerId, volume: &VolumeId, device: &BlockDevice) -> Value {
    let mut view = json!({ "id": volume, "serverId": server, "volumeId": volume, "device": device.device_name });
    if request.version.at_least(2, 70) {
        set(&mut view, "tag", json!(device.tag));
    }
    if request.version.at_least(2, 79) {
        set(&mut view, "delete_on_termination", json!(device.delete_on_termination));
    }
    view
}

fn mapping(volume: &Volume) -> BlockDevice {
    BlockDevice {
        id: 0,
        source: BlockSource::Volume,
        destination: BlockDestination::Volume,
        image_id: None,
        snapshot_id: None,
        volume_id: Some(volume.id.clone()),
        size_gb: Some(volume.size_gb),
        volume_type: None,
        delete_on_termination: false,
        boot_index: None,
        device_name: None,
        disk_bus: None,
        device_type: Some("disk".to_owned()),
        guest_format: None,
        tag: None,
        attachment_id: None,
        connection: None,
    }
}

async fn check_volume(compute: &Compute, request: &Request, server: &ServerId, id: &VolumeId) -> Result<Volume, Fault> {
    let asked = compute.client.call(&request.context, Target::Any, GetVolume { volume_id: id.clone() }).await;
    let volume = asked.map_err(|fault| match fault.kind() {
        FaultKind::NotFound => Fault::not_found(format!("Volume {id} could not be found.")),
        _ => fault,
    })?;
    let (wanted, volume_id) = (server.clone(), id.clone());
    let users =
        compute.store.read(move |db| instance_changes::with_volume(db, &volume_id)).await.map_err(Fault::from)?;
    if users.contains(&wanted) {
        return Err(Fault::bad_request(format!("Invalid volume: volume {id} already attached")));
    }
    usable(&volume, request)?;
    Ok(volume)
}

/// Whether a volume can be attached now.
pub(super) fn usable(volume: &Volume, request: &Request) -> Result<(), Fault> {
    if volume.multiattach && !request.version.at_least(2, 60) {
        return Err(Fault::bad_request(
            "Multiattach volumes are only supported starting with compute API version 2.60.",
        ));
    }
    let free = volume.status == "available" || (volume.multiattach && volume.status == "in-use");
    if free {
        return Ok(());
    }
    Err(Fault::bad_request(format!(
        "Invalid volume: volume '{}' status must be 'available'. Currently in '{}'",
        volume.id, volume.status
    )))
}

pub(super) async fn reserve(
    compute: &Compute,
    request: &Request,
    server_id: &ServerId,
    volume_id: &VolumeId,
) -> Result<AttachmentId, Fault> {
    let message = ReserveVolume { volume_id: volume_id.clone(), server_id: server_id.clone() };
    compute.client.call(&request.context, Target::Any, message).await.map_err(|fault| match fault.kind() {
        FaultKind::Conflict | FaultKind::BadRequest => Fault::bad_request(format!("Invalid volume: {fault}")),
        _ => fault,
    })
}

/// Ends a reservation that nothing came of.
pub(super) async fn give_back(compute: &Compute, request: &Request, attachment_id: AttachmentId) {
    let ended = compute.client.call(&request.context, Target::Any, EndAttachment { attachment_id }).await;
    if let Err(fault) = ended {
        tracing::warn!(request_id = %request.context.request_id, error = %fault.chain(), "a volume stays reserved");
    }
}

/// Chooses the device's name and writes the mapping and the action; answers the host and the mapping.
async fn write_down(
    compute: &Compute,
    request: &Request,
    id: ServerId,
    mut device: BlockDevice,
) -> Result<(HostId, BlockDevice), Fault> {
    let (context, now) = (request.context.clone(), compute.now());
    compute
        .store
        .write(move |db| {
            let row = instances::get(db, &id)?.ok_or_else(|| no_server(&id))?;
            let operation = Operation::AttachVolume;
            operation
                .check(row.vm_state, row.task_state, row.launched_at.is_some())
                .map_err(|refusal| operation.refused(&id, refusal))?;
            let host = row.host.ok_or_else(|| Fault::conflict(format!("Instance {id} is not ready")))?;
            let present = block_devices::of_instance(db, &id)?;
            let root = row.root_device_name.as_deref().unwrap_or("/dev/vda");
            let taken = || present.iter().filter_map(|one| one.device_name.as_deref()).chain([root]);
            let name = match device.device_name.take() {
                Some(name) if taken().any(|other| other == name) => {
                    return Err(Fault::conflict(format!("The supplied device path ({name}) is in use.")));
                }
                Some(name) => name,
                None => device_name::next(device_name::prefix(root), taken())
                    .ok_or_else(|| Fault::forbidden("The maximum allowed number of disk devices is attached."))?,
            };
            device.device_name = Some(name);
            device.id = block_devices::insert(db, &id, &uuid::Uuid::new_v4().hyphenated().to_string(), &device)?;
            actions::insert(db, &id, &context, operation.action(), now)?;
            Ok((host, device))
        })
        .await
}

/// Has the host attach the volume; where it cannot be told, all is taken back.
async fn tell_attach(
    compute: &Compute,
    request: &Request,
    server_id: &ServerId,
    host: &HostId,
    volume_id: &VolumeId,
    device: &BlockDevice,
    attachment_id: AttachmentId,
) -> Result<(), Fault> {
    let message = AttachVolume {
        server_id: server_id.clone(),
        volume_id: volume_id.clone(),
        block_device_id: device.id,
        attachment_id: attachment_id.clone(),
        device_name: device.device_name.clone().unwrap_or_default(),
    };
    let Err(fault) = compute.client.cast(&request.context, Target::host(host), message) else { return Ok(()) };
    let id = device.id;
    compute.store.write(move |db| block_devices::delete(db, id)).await.map_err(Fault::from)?;
    give_back(compute, request, attachment_id).await;
    Err(fault)
}

async fn detach(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let owned = find(&compute, &request).await?;
    let (id, context, now) = (owned.server_id.clone(), request.context.clone(), compute.now());
    let volume_id = VolumeId::new(request.param("volume_id")?);
    if owned.device.boot_index == Some(0) {
        return Err(Fault::bad_request("Cannot detach a root device volume"));
    }
    let host = compute
        .store
        .read(move |db| {
            let row = instances::get(db, &id)?.ok_or_else(|| no_server(&id))?;
            check_lock(&context, &row)?;
            let operation = Operation::DetachVolume;
            operation
                .check(row.vm_state, row.task_state, row.launched_at.is_some())
                .map_err(|refusal| operation.refused(&id, refusal))?;
            row.host.ok_or_else(|| Fault::conflict(format!("Instance {id} is not ready")))
        })
        .await?;
    let Some(attachment_id) = owned.device.attachment_id else {
        return Err(not_attached(&owned.server_id, &volume_id));
    };
    let begun = BeginDetaching { volume_id: volume_id.clone() };
    compute.client.call(&request.context, Target::Any, begun).await.map_err(|fault| match fault.kind() {
        FaultKind::Conflict | FaultKind::BadRequest => Fault::bad_request(format!("Invalid volume: {fault}")),
        _ => fault,
    })?;
    let (id, context) = (owned.server_id.clone(), request.context.clone());
    compute
        .store
        .write(move |db| actions::insert(db, &id, &context, Operation::DetachVolume.action(), now))
        .await
        .map_err(Fault::from)?;
    let message = DetachVolume { server_id: owned.server_id, volume_id: volume_id.clone(), attachment_id };
    if let Err(fault) = compute.client.cast(&request.context, Target::host(&host), message) {
        let rolled = compute.client.call(&request.context, Target::Any, RollDetaching { volume_id }).await;
        if let Err(error) = rolled {
            tracing::warn!(error = %error.chain(), "a volume stays in detaching");
        }
        return Err(fault);
    }
    Ok(Reply::empty(202))
}
