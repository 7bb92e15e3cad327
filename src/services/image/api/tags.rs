//! `/images/{id}/tags/{tag}`.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;

use crate::Images;
use crate::db::images;
use crate::domain::input;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::put("/images/{image_id}/tags/{tag}", "modify_image", &add).deferred(),
    Endpoint::delete("/images/{image_id}/tags/{tag}", "modify_image", &remove).deferred(),
];

async fn add(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let tag = input::tag_text(request.param("tag")?)?;
    change(&service, &request, move |tags| {
        if let Err(place) = tags.binary_search(&tag) {
            tags.insert(place, tag);
        }
        input::check_tags(tags.len())
    })
    .await
}

async fn remove(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let tag = request.param("tag")?.to_owned();
    change(&service, &request, move |tags| match tags.binary_search(&tag) {
        Ok(place) => {
            tags.remove(place);
            Ok(())
        }
        Err(_) => Err(Fault::not_found("The resource could not be found.")),
    })
    .await
}

/// Has `change` done to the sorted tags of the image as it is when it is written.
async fn change(
    service: &Images,
    request: &Request,
    change: impl FnOnce(&mut Vec<String>) -> Result<(), Fault> + Send + 'static,
) -> Result<Reply, Fault> {
    let id = service.find(request, "modify_image").await?.id;
    let now = service.clock.now();
    service
        .store
        .write(move |db| {
            let gone = || Fault::not_found(format!("Image {id} not found."));
            let mut image = images::get(db, &id)?.ok_or_else(gone)?;
            change(&mut image.tags)?;
            image.updated_at = now;
            images::update(db, &image).map_err(Fault::from)
        })
        .await?;
    Ok(Reply::no_content())
}
