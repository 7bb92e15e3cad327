//! `/images/{id}/locations`: where an image's bytes are, for the cloud's own services.
//!
//! All stores are directories of cloudbox's own, which take bytes and not the names of other places: as in a Glance without
//! an `http` store, no place can be named. What is to come from elsewhere is imported (`web-download`).

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

use super::images::target;
use crate::Images;
use crate::domain::image::Status;
use crate::domain::location;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/images/{image_id}/locations", "fetch_image_location", &list).deferred(),
    Endpoint::post("/images/{image_id}/locations", "add_image_location", &add).deferred(),
];

async fn list(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = service.find(&request, "fetch_image_location").await?;
    let sha512 = image.sha512.clone().unwrap_or_default();
    let place = |id: &String| {
        let path = service.stores.get(id)?.path(&sha512);
        Some(json!({ "url": format!("file://{}", path.display()), "metadata": { "store": id } }))
    };
    let places: Vec<Value> = image.stores.iter().filter_map(place).collect();
    Ok(Reply::ok(places))
}

async fn add(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let url = location::url(request.body_value()?)?;
    let image = service.find_visible(&request).await?;
    if image.status != Status::Queued {
        let status = image.status.as_str();
        return Err(Fault::conflict(format!("It's not allowed to add locations if image status is {status}.")));
    }
    request.authorize("add_image_location", &target(&request, &image))?;
    if !request.context.has_role("service") {
        return Err(Fault::forbidden("http store must be enabled to use location API by normal user."));
    }
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    Err(Fault::bad_request(format!(
        "There is no store for locations of the kind '{scheme}'. Import the image with web-download instead."
    )))
}
