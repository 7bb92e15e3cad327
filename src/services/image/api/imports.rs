//! `/images/{id}/stage`, `/images/{id}/import`, `/stores/{store}/{id}`: bytes by other ways than an upload.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;

use super::data;
use crate::Images;
use crate::db::{images, locations};
use crate::domain::image::Status;
use crate::domain::import::{Asked, Method, admit};

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::put("/images/{image_id}/stage", "modify_image", &stage).streams().deferred(),
    Endpoint::post("/images/{image_id}/import", "modify_image", &import).deferred(),
    Endpoint::delete("/stores/{store_id}/{image_id}", "delete_image_location", &remove).deferred(),
];

async fn stage(service: Arc<Images>, mut request: Request) -> Result<Reply, Fault> {
    let image = service.find(&request, "modify_image").await?;
    if !service.config.import_methods.iter().any(|method| method == "glance-direct") {
        return Err(Fault::not_found("'glance-direct' method is not available at this site."));
    }
    data::octets(&request)?;
    let size = data::announced(&request)?;
    let body = request.take_body_stream();
    service.stage(&request.context, &image, body, size).await?;
    Ok(Reply::no_content())
}

async fn import(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let body = request.body_value()?.clone();
    // Whether the image may be seen comes first: what is wrong with the request is nobody else's business.
    let image = service.find(&request, "get_image").await?;
    let asked = Asked::parse(&body, &service.config.import_methods)?;
    admit(&image, &asked.method)?;
    let rule = if asked.method == Method::CopyImage { "copy_image" } else { "modify_image" };
    service.find(&request, rule).await?;
    if image.import.task.is_some() {
        return Err(Fault::conflict("Image has active task"));
    }
    let header = request.header("x-image-meta-store");
    let targets = asked.targets(&image, &service.stores.ids(), service.stores.default_id(), header)?;
    if let Method::WebDownload { uri } = &asked.method {
        service.may_fetch(uri)?;
    }
    // A copy to stores that all have it is done.
    if !targets.is_empty() {
        service.import(&request, &image, &asked, targets, &body).await?;
    }
    Ok(Reply::empty(202))
}

/// Takes an image's bytes out of one of its stores.
async fn remove(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = service.find(&request, "get_image_location").await?;
    service.find(&request, "delete_image_location").await?;
    let store = request.param("store_id")?.to_owned();
    if service.stores.get(&store).is_none() {
        return Err(Fault::conflict(format!("The selected store {store} is not available on this node.")));
    }
    if image.status != Status::Active {
        return Err(Fault::conflict(
            "It's not allowed to remove image data from store if image status is not 'active'",
        ));
    }
    let (id, from) = (image.id.clone(), store.clone());
    let removed = service
        .store
        .write(move |db| -> Result<String, Fault> {
            // Looked at again: two of these must not take the last two.
            let held = locations::of(db, &id)?;
            let Some(location) = held.iter().find(|location| location.store == from) else {
                return Err(if held.len() > 1 { not_there(id.as_str(), &from) } else { last() });
            };
            if held.len() == 1 {
                return Err(last());
            }
            if images::get(db, &id)?.is_some_and(|image| image.import.task.is_some()) {
                return Err(Fault::conflict("Image has active task"));
            }
            locations::remove(db, &id, &from)?;
            Ok(location.sha512.clone())
        })
        .await?;
    kit::crash::point("image.delete", "forget a store", "after");
    service.release(&store, &removed).await;
    Ok(Reply::no_content())
}

fn not_there(image: &str, store: &str) -> Fault {
    Fault::not_found(format!("Image {image} is not stored in store {store}."))
}

fn last() -> Fault {
    Fault::forbidden("Cannot delete image data from the only store containing it. Consider deleting the image instead.")
}
