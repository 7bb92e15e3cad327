//! A server's tags (2.26 and later).

use std::sync::Arc;

use bus::topics::compute_types::VmState;
use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use kit::ids::ServerId;
use serde_json::{Value, json};

use super::{schemas, server};
use crate::Compute;
use crate::db::tags;

const ALL: &str = "/servers/{server_id}/tags";
const ONE: &str = "/servers/{server_id}/tags/{tag}";
/// The most tags of a server.
const MOST: usize = 50;
/// The longest tag.
const LONGEST: usize = 60;

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get(ALL, "os_compute_api:os-server-tags:index", &list).since(2, 26),
    Endpoint::put(ALL, "os_compute_api:os-server-tags:update_all", &replace).since(2, 26).schema(schemas::TAGS),
    Endpoint::delete(ALL, "os_compute_api:os-server-tags:delete_all", &clear).since(2, 26),
    Endpoint::get(ONE, "os_compute_api:os-server-tags:show", &show).since(2, 26),
    Endpoint::put(ONE, "os_compute_api:os-server-tags:update", &add).since(2, 26),
    Endpoint::delete(ONE, "os_compute_api:os-server-tags:delete", &remove).since(2, 26),
];

/// The server that the path names, in a state in which its tags can change.
async fn changeable(compute: &Compute, request: &Request, action: &str) -> Result<ServerId, Fault> {
    let row = server(compute, request).await?;
    if matches!(row.vm_state, VmState::Active | VmState::Paused | VmState::Suspended | VmState::Stopped) {
        return Ok(row.id);
    }
    Err(Fault::conflict(format!("Cannot '{action}' instance {} while it is in vm_state {}", row.id, row.vm_state)))
}

async fn all(compute: &Compute, id: ServerId) -> Result<Vec<String>, Fault> {
    compute.store.read(move |db| tags::of_instance(db, &id)).await.map_err(Fault::from)
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    Ok(Reply::ok(json!({ "tags": all(&compute, row.id).await? })))
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    let tag = request.param("tag")?;
    if all(&compute, row.id.clone()).await?.iter().any(|known| known == tag) {
        return Ok(Reply::no_content());
    }
    Err(Fault::not_found(format!("Server {} has no tag '{tag}'", row.id)))
}

async fn replace(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let id = changeable(&compute, &request, "update tags").await?;
    let asked = request.body_value()?.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
    let asked: Vec<String> = asked.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let server = id.clone();
    compute
        .store
        .write(move |db| {
            tags::delete_all(db, &server)?;
            asked.iter().try_for_each(|tag| tags::insert(db, &server, tag).map(drop))
        })
        .await
        .map_err(|error: store::Error| Fault::from(error))?;
    Ok(Reply::ok(json!({ "tags": all(&compute, id).await? })))
}

async fn clear(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let id = changeable(&compute, &request, "delete tags").await?;
    compute.store.write(move |db| tags::delete_all(db, &id)).await.map_err(Fault::from)?;
    Ok(Reply::no_content())
}

async fn add(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let id = changeable(&compute, &request, "update tag").await?;
    let tag = request.param("tag")?.to_owned();
    if tag.is_empty() || tag.chars().count() > LONGEST || tag.contains([',', '/']) {
        let problem = if tag.chars().count() > LONGEST { "is too long" } else { "does not match '^[^,/]*$'" };
        return Err(Fault::bad_request(format!(
            "Tag '{tag}' is invalid. It must be a non empty string without characters '/' and ','. Validation error \
             message: '{tag}' {problem}"
        )));
    }
    let location = format!("{}/servers/{id}/tags/{tag}", request.base_url());
    let added = compute
        .store
        .write(move |db| {
            let present = tags::of_instance(db, &id)?;
            if present.len() >= MOST {
                return Err(Fault::bad_request(format!("The number of tags exceeded the per-server limit {MOST}")));
            }
            tags::insert(db, &id, &tag).map_err(Fault::from)
        })
        .await?;
    Ok(if added { Reply::empty(201).header("location", location) } else { Reply::no_content() })
}

async fn remove(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let id = changeable(&compute, &request, "delete tag").await?;
    let tag = request.param("tag")?.to_owned();
    compute
        .store
        .write(move |db| {
            let missing = || Fault::not_found(format!("Instance {id} has no tag '{tag}'"));
            if tags::delete(db, &id, &tag)? { Ok(()) } else { Err(missing()) }
        })
        .await?;
    Ok(Reply::no_content())
}
