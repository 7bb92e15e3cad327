//! Deleting a volume: its bytes, then its row.

use bus::Target;
use bus::topics::volume_agent::RemoveVolume;
use kit::Fault;
use workflow::Definition;

use super::create::unhurried;
use super::{Context, State};
use crate::db::volumes;

pub(super) const NAME: &str = "volume.delete";

pub(super) fn definition() -> Definition<Context, State> {
    Definition::new(NAME).step_without_undo("remove", remove).step_without_undo("forget", forget)
}

async fn remove(context: &Context, state: &mut State) -> Result<(), Fault> {
    let Some(host) = state.host.clone() else { return Ok(()) };
    let remove = RemoveVolume { volume_id: state.volume_id.clone() };
    context.service.client.call(&unhurried(&context.request), Target::Host(host), remove).await
}

async fn forget(context: &Context, state: &mut State) -> Result<(), Fault> {
    let id = state.volume_id.clone();
    context.service.store.write(move |db| volumes::delete(db, &id).map_err(Fault::from)).await
}
