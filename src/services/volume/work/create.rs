//! Making a volume: a place, what to fill it with, the bytes, the offer.

use std::time::Duration;

use bus::Target;
use bus::topics::image::GetImage;
use bus::topics::volume_agent::{EnsureVolume, RemoveVolume, VolumeSource, VolumeSpec};
use kit::ids::VolumeId;
use kit::{Fault, RequestContext};
use workflow::Definition;

use super::{Context, State};
use crate::db::{agents, volumes};
use crate::domain::volume::{Status, Volume};

pub(super) const NAME: &str = "volume.create";

/// How long filling a volume may take.
const FILL_WITHIN: Duration = Duration::from_secs(3600);

pub(super) fn definition() -> Definition<Context, State> {
    Definition::new(NAME)
        .step_without_undo("place", place)
        .step_without_undo("find the source", find_source)
        .step("fill", fill, remove)
        .step_without_undo("offer", offer)
}

impl Context {
    async fn volume(&self, id: &VolumeId) -> Result<Volume, Fault> {
        let wanted = id.clone();
        let volume = self.service.store.read(move |db| volumes::get(db, &wanted).map_err(Fault::from)).await?;
        volume.ok_or_else(|| Fault::not_found(format!("Volume {id} could not be found.")))
    }
}

/// The agent with the most room takes it.
async fn place(context: &Context, state: &mut State) -> Result<(), Fault> {
    let volume = context.volume(&state.volume_id).await?;
    let agents = context.service.store.read(|db| agents::list(db).map_err(Fault::from)).await?;
    let fitting = agents.into_iter().find(|agent| agent.free_gb >= volume.size_gb);
    let agent = fitting.ok_or_else(|| {
        Fault::no_valid_host(format!("No valid backend was found: none has {} GiB of room.", volume.size_gb))
    })?;
    state.host = Some(agent.host.clone());
    let id = state.volume_id.clone();
    let write =
        move |db: &store::Connection| volumes::set_place(db, &id, &agent.host, &agent.backend).map_err(Fault::from);
    context.service.store.write_relaxed(write).await
}

async fn find_source(context: &Context, state: &mut State) -> Result<(), Fault> {
    let volume = context.volume(&state.volume_id).await?;
    state.source = Some(match &volume.image_id {
        None => VolumeSource::Blank,
        Some(image_id) => {
            let get = GetImage { image_id: image_id.clone() };
            let image = context.service.client.call(&context.request, Target::Any, get).await?;
            let (Some(location), Some(disk_format)) = (image.location, image.disk_format) else {
                return Err(Fault::bad_request(format!("Image {image_id} is not active.")));
            };
            VolumeSource::Image { image_id: image_id.clone(), disk_format, location, sha512: image.sha512 }
        }
    });
    Ok(())
}

async fn fill(context: &Context, state: &mut State) -> Result<(), Fault> {
    let (Some(host), Some(source)) = (state.host.clone(), state.source.clone()) else {
        return Err(Fault::internal("filling a volume", "it has no place or no source"));
    };
    let volume = context.volume(&state.volume_id).await?;
    if matches!(source, VolumeSource::Image { .. }) {
        context.set_status(&state.volume_id, &[Status::Creating], Status::Downloading).await?;
    }
    let size_gb = u64::try_from(volume.size_gb).unwrap_or_default();
    let ensure = EnsureVolume { volume: VolumeSpec { id: volume.id, size_gb }, source };
    context.service.client.call(&unhurried(&context.request), Target::Host(host), ensure).await
}

async fn remove(context: &Context, state: &mut State) -> Result<(), Fault> {
    let Some(host) = state.host.clone() else { return Ok(()) };
    let remove = RemoveVolume { volume_id: state.volume_id.clone() };
    context.service.client.call(&unhurried(&context.request), Target::Host(host), remove).await
}

async fn offer(context: &Context, state: &mut State) -> Result<(), Fault> {
    context.set_status(&state.volume_id, &[Status::Creating, Status::Downloading], Status::Available).await
}

impl Context {
    async fn set_status(&self, id: &VolumeId, from: &'static [Status], to: Status) -> Result<(), Fault> {
        let (id, now) = (id.clone(), self.service.clock.now());
        let write = move |db: &store::Connection| volumes::change_status(db, &id, from, to, now).map_err(Fault::from);
        self.service.store.write_relaxed(write).await.map(|_| ())
    }
}

/// The request with time enough for many bytes.
pub(super) fn unhurried(request: &RequestContext) -> RequestContext {
    request.clone().without_deadline().within(FILL_WITHIN)
}
