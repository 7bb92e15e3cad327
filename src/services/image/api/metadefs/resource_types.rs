//! `/metadefs/resource_types`, and what a namespace has to do with them.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::{taken, unprotected};
use crate::Images;
use crate::db::metadefs::resource_types;
use crate::domain::metadefs::Association;
use crate::domain::metadefs::input::NewAssociation;
use crate::domain::metadefs::schemas::{ASSOCIATION, read};
use crate::view::metadefs as view;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/metadefs/resource_types", "list_metadef_resource_types", &list),
    Endpoint::get("/metadefs/namespaces/{namespace_name}/resource_types", "list_metadef_resource_types", &associations)
        .deferred(),
    Endpoint::post(
        "/metadefs/namespaces/{namespace_name}/resource_types",
        "add_metadef_resource_type_association",
        &associate,
    )
    .deferred(),
    Endpoint::delete(
        "/metadefs/namespaces/{namespace_name}/resource_types/{resource_type}",
        "remove_metadef_resource_type_association",
        &dissociate,
    )
    .deferred(),
];

async fn list(service: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    let found = service.store.read(resource_types::list).await?;
    Ok(Reply::ok(json!({ "resource_types": found.iter().map(view::named).collect::<Vec<_>>() })))
}

async fn associations(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "list_metadef_resource_types").await?;
    let id = namespace.id;
    let found = service.store.read(move |db| resource_types::associations(db, id)).await?;
    let seen = request.allows("get_metadef_resource_type", &super::target(&namespace));
    let found: Vec<_> = found.iter().filter(|_| seen).map(view::association).collect();
    Ok(Reply::ok(json!({ "resource_type_associations": found })))
}

async fn associate(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let new: NewAssociation = read(&ASSOCIATION, request.body_value()?)?;
    let namespace = service.namespace(&request, "add_metadef_resource_type_association").await?;
    let (now, added, of) = (service.clock.now(), new.clone(), namespace.namespace.clone());
    let insert = move |db: &store::Connection, id| {
        resource_types::associate(db, id, &added, now).map_err(|error| {
            taken(error, || {
                format!(
                    "The metadata definition resource-type association of resource-type={} to namespace={of} already exists.",
                    added.name
                )
            })
        })
    };
    service.in_namespace(&namespace, insert).await?;
    let NewAssociation { name, prefix, properties_target } = new;
    let made = Association { name, prefix, properties_target, created_at: now, updated_at: now };
    Ok(Reply::created(view::association(&made)))
}

async fn dissociate(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "remove_metadef_resource_type_association").await?;
    let name = request.param("resource_type")?.to_owned();
    let nothing = || Fault::not_found(format!("Failed to find resource type {name} to delete"));
    let (id, wanted) = (namespace.id, name.clone());
    let found = service.store.read(move |db| resource_types::association(db, id, &wanted)).await?;
    found.ok_or_else(nothing)?;
    unprotected(&namespace, &format!("resource-type-association {name}"))?;
    let wanted = name.clone();
    let delete = move |db: &store::Connection, id| Ok(resource_types::dissociate(db, id, &wanted)?);
    if !service.in_namespace(&namespace, delete).await? {
        return Err(nothing());
    }
    Ok(Reply::no_content())
}
