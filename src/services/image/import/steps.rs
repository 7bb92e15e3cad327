//! An import, step by step.
//!
//! The bytes are brought into the staging area, unpacked, looked at, converted, measured and put into the stores; the image
//! becomes active with the last store, or with the first where not all must succeed. Whatever fails, nothing of it stays in the
//! staging area or a store.

use std::time::Duration;

use kit::Fault;
use workflow::Definition;

use super::place::{place, take_away};
use super::{Context, State, bytes, result};
use crate::backends::disk_fault;
use crate::db::{images, imports, tasks};
use crate::domain::image::{Image, Status};
use crate::domain::import::Method;
use crate::domain::input;
use crate::domain::task::TaskStatus;

pub(super) const NAME: &str = "image.import";
/// The longest that one step may take: much may come from far away.
const WITHIN: Duration = Duration::from_secs(24 * 3600);

pub(super) fn definition() -> Definition<Context, State> {
    Definition::new(NAME)
        .time_limit(WITHIN)
        .step_without_undo("begin", begin)
        .step("make the image", make, unmake)
        .step("fetch", bytes::fetch, clear)
        .step_without_undo("unpack", bytes::unpack)
        .step_without_undo("inspect", bytes::inspect)
        .step_without_undo("convert", bytes::convert)
        .step_without_undo("measure", bytes::measure)
        .step("place", place, take_away)
        .step_without_undo("finish", finish)
}

impl Context {
    /// The image, if it is still there and this import's.
    pub(super) async fn image(&self, state: &State) -> Result<Image, Fault> {
        let id = state.image_id.clone();
        let image = self.service.store.read(move |db| images::get(db, &id).map_err(Fault::from)).await?;
        let image = image.filter(|image| image.import.task.as_deref() == Some(state.task.as_str()));
        image.ok_or_else(|| Fault::conflict("The image was deleted; the import is given up."))
    }

    /// Has the task say how far it is.
    pub(super) async fn say(&self, state: &State, message: impl Into<String>) -> Result<(), Fault> {
        let (task, message, now) = (state.task.clone(), message.into(), self.service.clock.now());
        let write = move |db: &store::Connection| tasks::proceed(db, &task, &message, now).map_err(Fault::from);
        self.service.store.write_relaxed(write).await
    }
}

async fn begin(context: &Context, state: &mut State) -> Result<(), Fault> {
    context.say(state, "").await
}

/// For the old way to import: the image is made first.
async fn make(context: &Context, state: &mut State) -> Result<(), Fault> {
    if let Some(properties) = state.make.clone() {
        let task = state.task.clone();
        let task = context.service.store.read(move |db| tasks::get(db, &task).map_err(Fault::from)).await?;
        let owner = task.and_then(|task| task.owner);
        let now = context.service.clock.now();
        let mut image = Image::new(state.image_id.clone(), owner, now);
        for (name, value) in &properties {
            input::set(&mut image, name, value)?;
        }
        let (id, stores) = (state.task.clone(), state.stores.clone());
        let add = move |db: &store::Connection| -> Result<(), Fault> {
            if images::get(db, &image.id)?.is_none() {
                images::insert(db, &image)?;
                imports::begin(db, &image.id, &id, (Status::Queued, Status::Importing), &stores, now)?;
            }
            Ok(())
        };
        context.service.store.write(add).await?;
    }
    let image = context.image(state).await?;
    state.declared.clone_from(&image.disk_format);
    state.format = image.disk_format;
    Ok(())
}

async fn unmake(context: &Context, state: &mut State) -> Result<(), Fault> {
    if state.make.is_some() {
        let id = state.image_id.clone();
        context.service.store.write(move |db| images::delete(db, &id).map_err(Fault::from)).await?;
    }
    Ok(())
}

/// Takes away all that was staged.
async fn clear(context: &Context, state: &mut State) -> Result<(), Fault> {
    context.service.staging.clear(&state.image_id, None).await.map_err(disk_fault)
}

async fn finish(context: &Context, state: &mut State) -> Result<(), Fault> {
    clear(context, state).await?;
    let ending = context.service.ending(TaskStatus::Success, result(&state.image_id), "");
    let (image, task, now) = (state.image_id.clone(), state.task.clone(), context.service.clock.now());
    let write = move |db: &store::Connection| -> Result<(), Fault> {
        tasks::end(db, &task, &ending, now)?;
        Ok(imports::release(db, &image, &task, now)?)
    };
    context.service.store.write(write).await?;
    let method = match &state.method {
        Method::GlanceDirect | Method::CopyImage => state.method.name().to_owned(),
        Method::WebDownload { uri } => format!("{} of {uri}", state.method.name()),
    };
    tracing::info!(image_id = %state.image_id, method, stores = state.stores.join(","), "image is imported");
    Ok(())
}
