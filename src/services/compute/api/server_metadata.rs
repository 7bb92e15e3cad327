//! A server's metadata.

use std::collections::BTreeMap;
use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

use super::{no_server, schemas, server};
use crate::Compute;
use crate::db::{instance_changes, instances, quotas};
use crate::lifecycle::operate::check_lock;

const ALL: &str = "/servers/{server_id}/metadata";
const ONE: &str = "/servers/{server_id}/metadata/{key}";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get(ALL, "os_compute_api:server-metadata:index", &list),
    Endpoint::post(ALL, "os_compute_api:server-metadata:create", &create).schema(schemas::METADATA),
    Endpoint::put(ALL, "os_compute_api:server-metadata:update_all", &replace).schema(schemas::METADATA),
    Endpoint::get(ONE, "os_compute_api:server-metadata:show", &show),
    Endpoint::put(ONE, "os_compute_api:server-metadata:update", &update).schema(schemas::METADATA_ITEM),
    Endpoint::delete(ONE, "os_compute_api:server-metadata:delete", &delete),
];

type Metadata = BTreeMap<String, String>;

fn not_found() -> Fault {
    Fault::not_found("Metadata item was not found")
}

/// Refuses more items than the project may have.
pub(super) fn check_count(db: &rusqlite::Connection, project: &str, metadata: &Metadata) -> Result<(), Fault> {
    let limits = quotas::limits(db, project)?;
    let count = i64::try_from(metadata.len()).unwrap_or(i64::MAX);
    if limits.allows("metadata_items", count) {
        return Ok(());
    }
    let limit = limits.get("metadata_items");
    Err(Fault::over_quota(format!("Maximum number of metadata items exceeds {limit}")))
}

fn parse(request: &Request, name: &str) -> Result<Metadata, Fault> {
    let items = request.body_value()?.get(name).and_then(Value::as_object);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(items.into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect())
}

/// Changes the metadata of the server that the path names; answers what they are then.
async fn change(
    compute: &Compute,
    request: &Request,
    edit: impl FnOnce(&mut Metadata) -> Result<(), Fault> + Send + 'static,
) -> Result<Metadata, Fault> {
    let seen = server(compute, request).await?;
    let (context, now) = (request.context.clone(), compute.now());
    compute
        .store
        .write(move |db| {
            let mut row = instances::get(db, &seen.id)?.ok_or_else(|| no_server(&seen.id))?;
            check_lock(&context, &row)?;
            edit(&mut row.metadata)?;
            check_count(db, row.project_id.as_str(), &row.metadata)?;
            instance_changes::set_metadata(db, &row.id, &row.metadata, now)?;
            Ok(row.metadata)
        })
        .await
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(json!({ "metadata": server(&compute, &request).await?.metadata })))
}

async fn create(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let items = parse(&request, "metadata")?;
    let edit = move |metadata: &mut Metadata| {
        metadata.extend(items);
        Ok(())
    };
    Ok(Reply::ok(json!({ "metadata": change(&compute, &request, edit).await? })))
}

async fn replace(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let items = parse(&request, "metadata")?;
    let edit = move |metadata: &mut Metadata| {
        *metadata = items;
        Ok(())
    };
    Ok(Reply::ok(json!({ "metadata": change(&compute, &request, edit).await? })))
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    let key = request.param("key")?;
    let value = row.metadata.get(key).ok_or_else(not_found)?;
    Ok(Reply::ok(json!({ "meta": { key: value } })))
}

async fn update(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let items = parse(&request, "meta")?;
    if !items.contains_key(request.param("key")?) {
        server(&compute, &request).await?;
        return Err(Fault::bad_request("Request body and URI mismatch"));
    }
    let added = items.clone();
    let edit = move |metadata: &mut Metadata| {
        metadata.extend(added);
        Ok(())
    };
    change(&compute, &request, edit).await?;
    Ok(Reply::ok(json!({ "meta": items })))
}

async fn delete(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let key = request.param("key")?.to_owned();
    let edit = move |metadata: &mut Metadata| metadata.remove(&key).map(|_| ()).ok_or_else(not_found);
    change(&compute, &request, edit).await?;
    Ok(Reply::no_content())
}
