//! Topic `volume`: what compute and the agents ask.

use std::sync::Arc;

use bus::topics::identity::revalidate;
use bus::topics::volume::{
    AttachVolume, Attachment as Connected, BeginDetaching, CompleteAttachment, CreateVolume, DeleteVolume,
    DetachVolume, GetVolume, RegisterVolumeAgent, ReserveVolume, RollDetaching, TOPIC, Volume as Described,
};
use bus::topics::volume_agent::VolumeSpec;
use bus::{Bus, Message, Server, ServerHandle};
use kit::ids::{AttachmentId, VolumeId};
use kit::time::to_micros;
use kit::{Fault, FaultKind, RequestContext};

use crate::Volumes;
use crate::api::volumes::NewVolume;
use crate::attach::no_such_volume;
use crate::db::agents::Agent;
use crate::db::{agents, volumes};
use crate::domain::volume::{Status, Volume};

/// Answers the topic.
pub fn serve(service: &Arc<Volumes>, bus: &Bus) -> ServerHandle {
    let server = bus.server(TOPIC);
    let server = on(server, service, get_volume);
    let server = on(server, service, create_volume);
    let server = on(server, service, reserve_volume);
    let server = on(server, service, attach_volume);
    let server = on(server, service, complete_attachment);
    let server = on(server, service, begin_detaching);
    let server = on(server, service, roll_detaching);
    let server = on(server, service, detach_volume);
    let server = on(server, service, delete_volume);
    let server = on(server, service, register_agent);
    server.start()
}

/// Adds a handler that is called once the caller's token has been validated.
fn on<M, F, Answer>(server: Server, service: &Arc<Volumes>, handler: F) -> Server
where
    M: Message,
    F: Fn(Arc<Volumes>, RequestContext, M) -> Answer + Copy + Send + Sync + 'static,
    Answer: Future<Output = Result<M::Reply, Fault>> + Send,
{
    let service = service.clone();
    server.on(move |context: RequestContext, message: M| {
        let service = service.clone();
        async move {
            revalidate(&service.client, &context).await?;
            handler(service, context, message).await
        }
    })
}

async fn get_volume(service: Arc<Volumes>, context: RequestContext, message: GetVolume) -> Result<Described, Fault> {
    Ok(describe(service.visible(&context, &message.volume_id).await?))
}

async fn create_volume(
    service: Arc<Volumes>,
    context: RequestContext,
    message: CreateVolume,
) -> Result<Described, Fault> {
    if let Ok(volume) = service.volume(&message.volume_id).await {
        return Ok(describe(volume));
    }
    let new = NewVolume {
        id: message.volume_id,
        project_id: message.project_id,
        user_id: message.user_id,
        name: Some(message.name),
        description: None,
        size_gb: i64::try_from(message.size_gb).unwrap_or(i64::MAX),
        image_id: message.image_id,
        volume_type: message.volume_type,
        availability_zone: None,
        metadata: std::collections::BTreeMap::new(),
    };
    if message.snapshot_id.is_some() {
        return Err(Fault::not_implemented("Volumes cannot be made from snapshots yet."));
    }
    Ok(describe(service.create(&context, new).await?))
}

async fn reserve_volume(
    service: Arc<Volumes>,
    context: RequestContext,
    message: ReserveVolume,
) -> Result<AttachmentId, Fault> {
    service.visible(&context, &message.volume_id).await?;
    Ok(service.reserve(&message.volume_id, Some(&message.server_id)).await?.id)
}

async fn attach_volume(
    service: Arc<Volumes>,
    context: RequestContext,
    message: AttachVolume,
) -> Result<Connected, Fault> {
    service.visible(&context, &message.volume_id).await?;
    let id = match message.attachment_id {
        Some(id) => id,
        None => service.reserve(&message.volume_id, Some(&message.server_id)).await?.id,
    };
    let attachment = service.connect(&context, &id, message.connector, message.device).await?;
    let connection =
        attachment.connection.ok_or_else(|| Fault::internal("attaching a volume", "it has no connection"))?;
    Ok(Connected { id, volume_id: message.volume_id, connection })
}

async fn complete_attachment(
    service: Arc<Volumes>,
    _: RequestContext,
    message: CompleteAttachment,
) -> Result<(), Fault> {
    service.complete(&message.attachment_id, message.device).await
}

async fn begin_detaching(service: Arc<Volumes>, context: RequestContext, message: BeginDetaching) -> Result<(), Fault> {
    service.visible(&context, &message.volume_id).await?;
    service.mark_detaching(&message.volume_id, Status::InUse, Status::Detaching).await
}

async fn roll_detaching(service: Arc<Volumes>, _: RequestContext, message: RollDetaching) -> Result<(), Fault> {
    service.mark_detaching(&message.volume_id, Status::Detaching, Status::InUse).await
}

async fn detach_volume(service: Arc<Volumes>, context: RequestContext, message: DetachVolume) -> Result<(), Fault> {
    service.detach(&context, &message.attachment_id).await.map(|_| ())
}

async fn delete_volume(service: Arc<Volumes>, context: RequestContext, message: DeleteVolume) -> Result<(), Fault> {
    match service.visible(&context, &message.volume_id).await {
        Ok(volume) if volume.status == Status::Deleting => Ok(()),
        Ok(volume) => service.delete(&context, &volume).await,
        Err(fault) if fault.kind() == FaultKind::NotFound => Ok(()),
        Err(fault) => Err(fault),
    }
}

async fn register_agent(
    service: Arc<Volumes>,
    _: RequestContext,
    message: RegisterVolumeAgent,
) -> Result<Vec<VolumeSpec>, Fault> {
    let whole = |gigabytes: u64| i64::try_from(gigabytes).unwrap_or(i64::MAX);
    let agent = Agent {
        host: message.host.clone(),
        backend: message.backend,
        total_gb: whole(message.total_gb),
        free_gb: whole(message.free_gb),
        last_seen: to_micros(service.clock.now()),
    };
    let write = move |db: &store::Connection| agents::upsert(db, &agent).map_err(Fault::from);
    service.store.write_relaxed(write).await?;
    let host = message.host;
    let kept = service.store.read(move |db| volumes::on_host(db, &host).map_err(Fault::from)).await?;
    if message.starting {
        service.resume().await?;
    }
    let spec = |(id, size): (VolumeId, i64)| VolumeSpec { id, size_gb: u64::try_from(size).unwrap_or_default() };
    Ok(kept.into_iter().map(spec).collect())
}

fn describe(volume: Volume) -> Described {
    Described {
        id: volume.id,
        name: volume.name,
        project_id: volume.project_id,
        size_gb: u64::try_from(volume.size_gb).unwrap_or_default(),
        status: volume.status.as_str().to_owned(),
        bootable: volume.bootable,
        multiattach: volume.multiattach,
        availability_zone: volume.availability_zone,
        image_id: volume.image_id,
        image_metadata: volume.image_metadata,
    }
}

impl Volumes {
    /// The volume, whoever asks.
    pub(crate) async fn volume(&self, id: &VolumeId) -> Result<Volume, Fault> {
        let wanted = id.clone();
        let volume = self.store.read(move |db| volumes::get(db, &wanted).map_err(Fault::from)).await?;
        volume.ok_or_else(|| no_such_volume(id.as_str()))
    }

    /// The volume, if the caller may know of it.
    pub(crate) async fn visible(&self, context: &RequestContext, id: &VolumeId) -> Result<Volume, Fault> {
        let volume = self.volume(id).await?;
        if volume.is_visible_to(context) { Ok(volume) } else { Err(no_such_volume(id.as_str())) }
    }
}
