//! Topic `image`: what compute and volume ask. What becomes of servers' disks is [`crate::snapshot`]'s.

use std::path::PathBuf;
use std::sync::Arc;

use bus::topics::identity::revalidate;
use bus::topics::image::{GetImage, Image as Described, ImageLocation, TOPIC};
use bus::{Bus, ServerHandle};
use kit::ids::ImageId;
use kit::{Fault, RequestContext};

use crate::Images;
use crate::api::images::no_such_image;
use crate::db::images;
use crate::domain::image::{Image, Status};
use crate::domain::visibility::Viewer;

/// Answers the topic.
pub fn serve(service: &Arc<Images>, bus: &Bus) -> ServerHandle {
    let service = service.clone();
    let (create, receive, discard) = (service.clone(), service.clone(), service.clone());
    bus.server(TOPIC)
        .on(move |context, message| {
            let service = service.clone();
            async move { get_image(&service, &context, message).await }
        })
        .on(move |context, message| {
            let service = create.clone();
            async move { service.create_snapshot(&context, message).await }
        })
        .on(move |context, message| {
            let service = receive.clone();
            async move { service.receive_file(&context, message).await }
        })
        .on(move |_context, message| {
            let service = discard.clone();
            async move { service.discard_snapshot(message).await }
        })
        .start()
}

async fn get_image(service: &Images, context: &RequestContext, message: GetImage) -> Result<Described, Fault> {
    revalidate(&service.client, context).await?;
    let (id, viewer) = (message.image_id.clone(), Viewer::of(context));
    let image = service.store.read(move |db| images::seen(db, &id, &viewer)).await?;
    let image = image.ok_or_else(|| no_such_image(message.image_id.as_str()))?;
    let location = match (image.status, &image.sha512) {
        (Status::Active, Some(sha512)) => service.place_of(&image).await.map(|store| store.path(sha512)),
        _ => None,
    };
    Ok(describe(image, location, &service.public_url))
}

/// Where an image's bytes are got from, and sent to.
pub(crate) fn file_url(public_url: &str, id: &ImageId) -> String {
    format!("{public_url}/image/v2/images/{id}/file")
}

fn describe(image: Image, path: Option<PathBuf>, public_url: &str) -> Described {
    let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
    let url = file_url(public_url, &image.id);
    Described {
        id: image.id,
        name: image.name,
        status: image.status.as_str().to_owned(),
        owner: image.owner,
        disk_format: image.disk_format,
        container_format: image.container_format,
        size_bytes: image.size.map(unsigned).unwrap_or_default(),
        virtual_size_bytes: image.virtual_size.map(unsigned),
        min_disk_gb: unsigned(image.min_disk),
        min_ram_mb: unsigned(image.min_ram),
        sha512: image.sha512,
        properties: image.properties,
        location: path.map(|path| ImageLocation::File { path, url }),
    }
}
