//! Images of servers: made by compute, filled from a file that a compute agent has, or taken back.

use bus::topics::identity::revalidate;
use bus::topics::image::{CreateSnapshot, DiscardSnapshot, ReceiveFile, Reception};
use futures_util::TryStreamExt as _;
use kit::ids::{ImageId, ProjectId};
use kit::{Fault, FaultKind, RequestContext, Timestamp};
use serde_json::Value;
use store::Connection;

use crate::Images;
use crate::api::images::{insert_new, no_such_image};
use crate::backends::{disk_fault, read};
use crate::db::{images, members};
use crate::domain::image::{Image, Status};
use crate::domain::input;
use crate::domain::member::{Member, MemberStatus};
use crate::domain::quota::Limits;
use crate::domain::visibility::Visibility;
use crate::rpc::file_url;

impl Images {
    /// Makes the queued image that a server's snapshot becomes.
    pub(crate) async fn create_snapshot(&self, context: &RequestContext, message: CreateSnapshot) -> Result<(), Fault> {
        revalidate(&self.client, context).await?;
        let shared_with = message.shared_with.clone();
        let image = queued(context, message, self.clock.now())?;
        let limits = match &image.owner {
            Some(owner) => self.limits(context, owner).await?,
            None => Limits::default(),
        };
        self.store.write(move |db| insert_snapshot(db, &image, &limits, shared_with)).await
    }

    /// Fills a queued image from a file, where it can be read from here.
    pub(crate) async fn receive_file(
        &self,
        context: &RequestContext,
        message: ReceiveFile,
    ) -> Result<Reception, Fault> {
        let (id, path) = (message.image_id.clone(), message.path.clone());
        let now = self.clock.now();
        let image = self.store.write(move |db| describe_bytes(db, &message, now)).await?;
        if image.status.has_bytes() {
            return Ok(Reception::Taken);
        }
        let (file, length) = match read::open(path).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Reception::SendTo(file_url(&self.public_url, &id)));
            }
            opened => opened.map_err(disk_fault)?,
        };
        let store = self.stores.known(self.stores.default_id())?;
        let bytes = read::stream(file, 0..length).map_err(disk_fault);
        self.upload(context, &image, store, bytes, Some(length)).await?;
        Ok(Reception::Taken)
    }

    /// Takes back an image that nothing came of.
    pub(crate) async fn discard_snapshot(&self, message: DiscardSnapshot) -> Result<(), Fault> {
        match self.destroy(&message.image_id).await {
            Err(fault) if fault.kind() == FaultKind::Forbidden => {
                // Its owner wants to keep it, as it is.
                tracing::warn!(image_id = %message.image_id, "an image that nothing came of is protected, and stays");
                Ok(())
            }
            destroyed => destroyed.map(drop),
        }
    }
}

fn queued(context: &RequestContext, message: CreateSnapshot, now: Timestamp) -> Result<Image, Fault> {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut image = Image::new(message.image_id, context.project_id().cloned(), now);
    image.name = Some(message.name);
    image.visibility = if message.shared_with.is_some() { Visibility::Shared } else { Visibility::Private };
    image.min_disk = signed(message.min_disk_gb);
    image.min_ram = signed(message.min_ram_mb);
    for (name, value) in message.properties {
        if input::is_base(&name) {
            return Err(Fault::bad_request(format!("Attribute '{name}' is no property that can be set here.")));
        }
        input::set(&mut image, &name, &Value::String(value))?;
    }
    input::check_properties(&image)?;
    Ok(image)
}

/// Adds the image, with the project that it is shared with, unless it is there.
fn insert_snapshot(
    db: &Connection,
    image: &Image,
    limits: &Limits,
    shared_with: Option<ProjectId>,
) -> Result<(), Fault> {
    if images::get(db, &image.id)?.is_some_and(|there| there.owner == image.owner) {
        return Ok(());
    }
    insert_new(db, image, limits)?;
    if let Some(member_id) = shared_with {
        let (created_at, updated_at) = (image.created_at, image.created_at);
        let image_id: ImageId = image.id.clone();
        members::insert(db, &Member { image_id, member_id, status: MemberStatus::Pending, created_at, updated_at })?;
    }
    Ok(())
}

/// Notes what the bytes will be, where they are still to come.
fn describe_bytes(db: &Connection, message: &ReceiveFile, now: Timestamp) -> Result<Image, Fault> {
    let id = &message.image_id;
    let mut image = images::get(db, id)?.ok_or_else(|| no_such_image(id.as_str()))?;
    if image.status == Status::Queued {
        image.disk_format = Some(message.disk_format.clone());
        image.container_format = Some(message.container_format.clone());
        image.properties.extend(message.properties.clone());
        image.updated_at = now;
        images::update(db, &image)?;
    }
    Ok(image)
}
