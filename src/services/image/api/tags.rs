//! `/images/{id}/tags/{tag}`.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;

use crate::Images;
use crate::db::images;
use crate::domain::image::Image;
use crate::domain::input;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::put("/images/{image_id}/tags/{tag}", "modify_image", &add).deferred(),
    Endpoint::delete("/images/{image_id}/tags/{tag}", "modify_image", &remove).deferred(),
];

async fn add(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let mut image = service.find(&request, "modify_image").await?;
    let tag = input::tag_text(request.param("tag")?)?;
    if let Err(place) = image.tags.binary_search(&tag) {
        image.tags.insert(place, tag);
    }
    if image.tags.len() > input::MOST {
        return Err(input::too_many_tags(image.tags.len()));
    }
    write(&service, image).await
}

async fn remove(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let mut image = service.find(&request, "modify_image").await?;
    let tag = request.param("tag")?;
    let before = image.tags.len();
    image.tags.retain(|other| other != tag);
    if image.tags.len() == before {
        return Err(Fault::not_found(format!("Tag {tag} could not be found on image {}.", image.id)));
    }
    write(&service, image).await
}

async fn write(service: &Images, mut image: Image) -> Result<Reply, Fault> {
    image.updated_at = service.clock.now();
    service.store.write(move |db| images::update(db, &image)).await?;
    Ok(Reply::no_content())
}
