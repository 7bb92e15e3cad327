//! The bytes' way into the stores.

use std::io;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use kit::{Fault, crash};

use super::steps::NAME;
use super::{Context, State};
use crate::backends::draft::Draft;
use crate::backends::file::FileStore;
use crate::backends::{blocking, disk_fault, read};
use crate::db::{imports, locations};
use crate::domain::content::Content;
use crate::domain::image::Image;
use crate::domain::import::Method;
use crate::intake::{self, Limit, Wish};

/// Puts the bytes into each store. What is there already is not put there again.
pub(super) async fn place(context: &Context, state: &mut State) -> Result<(), Fault> {
    let content = state.content.clone().ok_or_else(|| Fault::internal("placing an image", "it was not measured"))?;
    let mut failure = None;
    let mut placed = 0;
    for (number, id) in state.stores.iter().enumerate() {
        let image = context.image(state).await?;
        if image.stores.contains(id) {
            placed += 1;
            continue;
        }
        context.say(state, format!("Storing it in {id}")).await?;
        let last = number + 1 == state.stores.len();
        let activates = state.method != Method::CopyImage && (last || !state.all_must_succeed);
        let put = match context.service.stores.known(id) {
            Ok(store) => put(context, state, &image, store, &content, activates).await,
            Err(fault) => Err(fault),
        };
        match put {
            Ok(()) => placed += 1,
            Err(fault) => {
                fail(context, state, id).await?;
                if state.all_must_succeed {
                    return Err(fault);
                }
                tracing::warn!(image_id = %image.id, store = id, error = %fault.chain(), "a store did not get an image");
                failure = Some(fault);
            }
        }
        crash::point(NAME, "place one", "after");
    }
    match failure {
        Some(fault) if placed == 0 => Err(fault),
        _ => Ok(()),
    }
}

async fn fail(context: &Context, state: &State, store: &str) -> Result<(), Fault> {
    let (image, task, store) = (state.image_id.clone(), state.task.clone(), store.to_owned());
    let write = move |db: &store::Connection| imports::not_placed(db, &image, &task, &store).map_err(Fault::from);
    context.service.store.write(write).await
}

/// Puts the bytes into one store, and makes the image active with it.
async fn put(
    context: &Context,
    state: &State,
    image: &Image,
    store: &Arc<FileStore>,
    content: &Content,
    activates: bool,
) -> Result<(), Fault> {
    let draft = store.draft();
    let brought = match &state.file {
        Some(file) => from_staging(context, file, &draft, content).await,
        None => from_store(context, image, &draft, content).await,
    };
    if let Err(fault) = brought {
        draft.discard().await;
        return Err(fault);
    }
    let (id, task, name, now) =
        (state.image_id.clone(), state.task.clone(), store.id().to_owned(), context.service.clock.now());
    let (known, format) = (content.clone(), state.format.clone().unwrap_or_default());
    let record = move |db: &store::Connection| -> Result<bool, Fault> {
        if !imports::placed(db, &id, &task, &name, &known.sha512)? {
            return Ok(false);
        }
        if activates {
            imports::activate(db, &id, &known, &format, now)?;
        }
        Ok(true)
    };
    if context.service.settle(store, draft, &content.sha512, NAME, record).await? {
        return Ok(());
    }
    Err(Fault::conflict("The image was deleted; the import is given up."))
}

/// A staged file gets one more name where the store is on the same disk, else it is copied.
async fn from_staging(context: &Context, file: &str, draft: &Draft, content: &Content) -> Result<(), Fault> {
    let (from, to) = (context.service.staging.path(file), draft.path().to_owned());
    let linked = blocking(move || {
        std::fs::File::open(&from)?.sync_all()?;
        match std::fs::hard_link(&from, &to) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
            Err(_) => Ok(false),
        }
    });
    if linked.await.map_err(disk_fault)? {
        return Ok(());
    }
    copy(context, context.service.staging.path(file), draft, content).await
}

async fn from_store(context: &Context, image: &Image, draft: &Draft, content: &Content) -> Result<(), Fault> {
    let holder = context.service.holder(image, &[]).await?;
    copy(context, holder.path(&content.sha512), draft, content).await
}

/// Copies the file at `from`, and checks that it is what it should be.
async fn copy(context: &Context, from: std::path::PathBuf, draft: &Draft, content: &Content) -> Result<(), Fault> {
    let (file, length) = read::open(from).await.map_err(disk_fault)?;
    let limit = Limit { bytes: u64::MAX, fault: Fault::too_large("The image is too large.") };
    let wish = Wish { to: Some(draft.path().to_owned()), hash: true, limit };
    let source = read::stream(file, 0..length).map_err(|error| Fault::internal("reading an image", error));
    let received = intake::receive(source, wish, &context.service.stores.writers, |_| {}).await?;
    if received.sha512 == content.sha512 {
        return Ok(());
    }
    Err(Fault::conflict("The image's data are damaged: their checksum is not the one that was recorded.")
        .with_code("ChecksumMismatch"))
}

/// Takes the bytes out of the stores again.
pub(super) async fn take_away(context: &Context, state: &mut State) -> Result<(), Fault> {
    let (id, task, stores) = (state.image_id.clone(), state.task.clone(), state.stores.clone());
    let (declared, copies) = (state.declared.clone(), state.method == Method::CopyImage);
    let write = move |db: &store::Connection| -> Result<Vec<locations::Location>, Fault> {
        if !imports::is_held(db, &id, &task)? {
            return Ok(Vec::new());
        }
        let mut held = locations::of(db, &id)?;
        held.retain(|location| stores.contains(&location.store));
        for location in &held {
            locations::remove(db, &id, &location.store)?;
        }
        if !copies {
            imports::deactivate(db, &id, &task, declared.as_deref())?;
        }
        Ok(held)
    };
    for location in context.service.store.write(write).await? {
        context.service.release(&location.store, &location.sha512).await;
    }
    Ok(())
}
