//! `/metadefs/namespaces/{name}/properties`: properties that are in no object.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::{taken, unprotected};
use crate::Images;
use crate::db::metadefs::{properties, resource_types};
use crate::domain::metadefs::Namespace;
use crate::domain::metadefs::property::Property;
use crate::domain::metadefs::schemas::{PROPERTY, read};
use crate::view::metadefs as view;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/metadefs/namespaces/{namespace_name}/properties", "get_metadef_properties", &list).deferred(),
    Endpoint::post("/metadefs/namespaces/{namespace_name}/properties", "add_metadef_property", &create).deferred(),
    Endpoint::delete("/metadefs/namespaces/{namespace_name}/properties", "delete_metadef_namespace", &clear).deferred(),
    Endpoint::get("/metadefs/namespaces/{namespace_name}/properties/{property_name}", "get_metadef_property", &show)
        .deferred(),
    Endpoint::put(
        "/metadefs/namespaces/{namespace_name}/properties/{property_name}",
        "modify_metadef_property",
        &change,
    )
    .deferred(),
    Endpoint::delete(
        "/metadefs/namespaces/{namespace_name}/properties/{property_name}",
        "remove_metadef_property",
        &delete,
    )
    .deferred(),
];

async fn list(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "get_metadef_properties").await?;
    let found = service.store.read(move |db| properties::list(db, namespace.id)).await?;
    Ok(Reply::ok(json!({ "properties": found })))
}

async fn create(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let (name, property) = given(&request)?;
    let namespace = service.namespace(&request, "add_metadef_property").await?;
    let reply = view::property(&name, &property);
    let of = namespace.namespace.clone();
    let insert = move |db: &store::Connection, id| {
        properties::insert(db, id, &name, &property).map_err(|error| {
            taken(error, || {
                format!("A metadata definition property with name={name} already exists in namespace={of}.")
            })
        })
    };
    service.in_namespace(&namespace, insert).await?;
    Ok(Reply::created(reply))
}

/// The property in the body, which holds its own name.
fn given(request: &Request) -> Result<(String, Property), Fault> {
    let property: Property = read(&PROPERTY, request.body_value()?)?;
    let name = property.name.clone().ok_or_else(|| Fault::bad_request("'name' is a required property"))?;
    Ok((name, property))
}

async fn show(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "get_metadef_property").await?;
    let asked = request.param("property_name")?;
    let name = match request.query().get("resource_type").filter(|name| !name.is_empty()) {
        None => asked.to_owned(),
        Some(resource_type) => {
            request.authorize("get_metadef_resource_type", &super::target(&namespace))?;
            let prefix = prefix(&service, &namespace, resource_type).await?.unwrap_or_default();
            let without = asked.strip_prefix(&prefix).filter(|_| !prefix.is_empty());
            let without = without.ok_or_else(|| {
                Fault::not_found(format!(
                    "Property {asked} does not start with the expected resource type association prefix of '{prefix}'."
                ))
            })?;
            without.to_owned()
        }
    };
    let (_, property) = find(&service, &namespace, &name).await?;
    Ok(Reply::ok(view::property(&name, &property)))
}

/// The prefix that the namespace's properties have on a resource.
async fn prefix(service: &Images, namespace: &Namespace, resource_type: &str) -> Result<Option<String>, Fault> {
    let (id, wanted) = (namespace.id, resource_type.to_owned());
    let found = service.store.read(move |db| resource_types::association(db, id, &wanted)).await?;
    let found = found.ok_or_else(|| {
        Fault::not_found(format!(
            "The metadata definition resource-type association of resource-type={resource_type} to namespace={}, was not found.",
            namespace.namespace
        ))
    })?;
    Ok(found.prefix)
}

async fn change(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let (name, property) = given(&request)?;
    let namespace = service.namespace(&request, "modify_metadef_property").await?;
    let (number, _) = find(&service, &namespace, request.param("property_name")?).await?;
    let reply = view::property(&name, &property);
    let of = namespace.namespace.clone();
    let update = move |db: &store::Connection, _| {
        properties::update(db, number, &name, &property).map_err(|error| {
            taken(error, || {
                format!(
                    "Invalid update. It would result in a duplicate metadata definition property with the same name={name} in namespace={of}."
                )
            })
        })
    };
    service.in_namespace(&namespace, update).await?;
    Ok(Reply::ok(reply))
}

async fn delete(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "remove_metadef_property").await?;
    let name = request.param("property_name")?.to_owned();
    find(&service, &namespace, &name).await?;
    unprotected(&namespace, &format!("property {name}"))?;
    let delete = move |db: &store::Connection, id| {
        if properties::delete(db, id, &name)? { Ok(()) } else { Err(no_such_property(&name)) }
    };
    service.in_namespace(&namespace, delete).await?;
    Ok(Reply::no_content())
}

async fn clear(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "delete_metadef_namespace").await?;
    unprotected(&namespace, &format!("namespace {}", namespace.namespace))?;
    service.in_namespace(&namespace, |db, id| properties::clear(db, id).map_err(Fault::from)).await?;
    Ok(Reply::no_content())
}

async fn find(service: &Images, namespace: &Namespace, name: &str) -> Result<(i64, Property), Fault> {
    let (id, wanted) = (namespace.id, name.to_owned());
    let found = service.store.read(move |db| properties::get(db, id, &wanted)).await?;
    found.ok_or_else(|| no_such_property(name))
}

fn no_such_property(name: &str) -> Fault {
    Fault::not_found(format!("Could not find property {name}"))
}
