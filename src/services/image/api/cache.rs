//! `/cache`: what the image cache holds, for administrators.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::ids::ImageId;
use kit::{Fault, FaultKind};
use serde_json::json;

use crate::db::cache;
use crate::domain::cache::Part;
use crate::domain::image::{Image, Status};
use crate::{Images, view};

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/cache", "cache_list", &list),
    Endpoint::delete("/cache", "cache_delete", &clear),
    Endpoint::post("/cache/clean", "cache_clean", &clean),
    Endpoint::post("/cache/prune", "cache_prune", &prune),
    Endpoint::get("/cache/nodes/{image_id}", "list_cached_nodes", &nodes),
    Endpoint::put("/cache/{image_id}", "cache_image", &queue).deferred(),
    Endpoint::delete("/cache/{image_id}", "cache_delete", &delete).deferred(),
];

async fn list(service: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    let cached = service.cached().await?;
    let queued = service.store.read(|db| cache::queued(db).map_err(Fault::from)).await?;
    let cached: Vec<_> = cached.iter().map(view::cache::cached).collect();
    Ok(Reply::ok(json!({ "cached_images": cached, "queued_images": queued })))
}

async fn clear(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let part = Part::parse(request.header("x-image-cache-clear-target").unwrap_or_default()).ok_or_else(|| {
        Fault::bad_request("If provided 'x-image-cache-clear-target' must be 'cache', 'queue' or empty string.")
    })?;
    service.forget_cached(part).await?;
    Ok(Reply::no_content())
}

async fn clean(service: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    service.clean_cache().await?;
    Ok(Reply::empty(200))
}

async fn prune(service: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    let pruned = service.prune_cache().await?;
    Ok(Reply::ok(json!({ "total_files_pruned": pruned.files, "total_bytes_pruned": pruned.bytes })))
}

/// There is one node: this one.
async fn nodes(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let id = existing(&service, &request).await?.id;
    let is_cached = service.store.read(move |db| cache::get(db, &id).map_err(Fault::from)).await?.is_some();
    let nodes: Vec<String> = is_cached.then(|| request.bookmark_url()).into_iter().collect();
    Ok(Reply::ok(nodes))
}

async fn queue(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = existing(&service, &request).await?;
    request.authorize("cache_image", &super::images::target(&request, &image))?;
    if image.status != Status::Active {
        return Err(Fault::bad_request("Only images with status active can be targeted for queueing"));
    }
    service.queue_for_cache(image.id).await?;
    Ok(Reply::empty(202))
}

async fn delete(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = existing(&service, &request).await?;
    request.authorize("cache_delete", &super::images::target(&request, &image))?;
    service.forget_cached(Part::Image(image.id)).await?;
    Ok(Reply::no_content())
}

/// The image that the path names, whatever is done with it.
async fn existing(service: &Images, request: &Request) -> Result<Image, Fault> {
    let id = ImageId::new(request.param("image_id")?);
    service.find_visible(request).await.map_err(|fault| match fault.kind() {
        FaultKind::NotFound => Fault::not_found(format!("Image {id} not found.")),
        _ => fault,
    })
}
