//! `/metadefs/namespaces/{name}/objects`: groups of properties.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Map, Value, json};

use super::{taken, unprotected};
use crate::Images;
use crate::db::metadefs::objects;
use crate::domain::metadefs::input::NewObject;
use crate::domain::metadefs::schemas::{KEYED_PROPERTY, OBJECT, check, read};
use crate::domain::metadefs::{Namespace, Object};
use crate::view::metadefs as view;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/metadefs/namespaces/{namespace_name}/objects", "get_metadef_objects", &list).deferred(),
    Endpoint::post("/metadefs/namespaces/{namespace_name}/objects", "add_metadef_object", &create).deferred(),
    Endpoint::delete("/metadefs/namespaces/{namespace_name}/objects", "delete_metadef_namespace", &clear).deferred(),
    Endpoint::get("/metadefs/namespaces/{namespace_name}/objects/{object_name}", "get_metadef_object", &show)
        .deferred(),
    Endpoint::put("/metadefs/namespaces/{namespace_name}/objects/{object_name}", "modify_metadef_object", &change)
        .deferred(),
    Endpoint::delete("/metadefs/namespaces/{namespace_name}/objects/{object_name}", "delete_metadef_object", &delete)
        .deferred(),
];

/// All of them: Glance checks a limit and a direction here, and then follows neither.
async fn list(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    match request.query().get("limit").map(str::parse::<i64>) {
        Some(Err(_)) => return Err(Fault::bad_request("limit param must be an integer")),
        Some(Ok(limit)) if limit <= 0 => return Err(Fault::bad_request("limit param must be positive")),
        _ => {}
    }
    if let Some(direction) = request.query().get("sort_dir").filter(|direction| !["asc", "desc"].contains(direction)) {
        return Err(Fault::bad_request(format!("Invalid sort direction: {direction}")));
    }
    let namespace = service.namespace(&request, "get_metadef_objects").await?;
    let id = namespace.id;
    let found = service.store.read(move |db| objects::list(db, id)).await?;
    let seen = request.allows("get_metadef_object", &super::target(&namespace));
    let found = found.iter().filter(|_| seen).map(|object| view::object(&namespace.namespace, object));
    Ok(Reply::ok(json!({ "objects": found.collect::<Vec<_>>(), "schema": "v2/schemas/metadefs/objects" })))
}

async fn create(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let body = request.body_value()?;
    let new: NewObject = read(&OBJECT, body)?;
    for definition in body.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::values) {
        check(&KEYED_PROPERTY, definition)?;
    }
    let namespace = service.namespace(&request, "add_metadef_object").await?;
    let (now, added, of) = (service.clock.now(), new.clone(), namespace.namespace.clone());
    let insert = move |db: &store::Connection, id| {
        objects::insert(db, id, &added, now).map_err(|error| {
            taken(error, || {
                format!("A metadata definition object with name={} already exists in namespace={of}.", added.name)
            })
        })
    };
    service.in_namespace(&namespace, insert).await?;
    let made = Object {
        id: 0,
        name: new.name.clone(),
        description: new.description.clone(),
        required: Vec::new(),
        properties: std::collections::BTreeMap::new(),
        created_at: now,
        updated_at: now,
    };
    Ok(Reply::created(written(&namespace, &made, new)))
}

/// An object that was just written: its lists are shown where they were given.
fn written(namespace: &Namespace, object: &Object, given: NewObject) -> Map<String, Value> {
    let mut body = view::bare_object(&namespace.namespace, object);
    if let Some(required) = given.required {
        body.insert("required".to_owned(), json!(required));
    }
    if let Some(properties) = given.properties {
        body.insert("properties".to_owned(), json!(properties));
    }
    body
}

async fn show(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "get_metadef_object").await?;
    let object = find(&service, &request, &namespace).await?;
    Ok(Reply::ok(view::object(&namespace.namespace, &object)))
}

async fn change(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let new: NewObject = read(&OBJECT, request.body_value()?)?;
    let namespace = service.namespace(&request, "modify_metadef_object").await?;
    let before = find(&service, &request, &namespace).await?;
    let (now, changed, id, of) = (service.clock.now(), new.clone(), before.id, namespace.namespace.clone());
    let update = move |db: &store::Connection, _| {
        objects::update(db, id, &changed, now).map_err(|error| {
            taken(error, || {
                format!(
                    "Invalid update. It would result in a duplicate metadata definition object with the same name={} in namespace={of}.",
                    changed.name
                )
            })
        })
    };
    service.in_namespace(&namespace, update).await?;
    let after = Object { name: new.name.clone(), description: new.description.clone(), updated_at: now, ..before };
    Ok(Reply::ok(written(&namespace, &after, new)))
}

async fn delete(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "delete_metadef_object").await?;
    let object = find(&service, &request, &namespace).await?;
    unprotected(&namespace, &format!("object {}", object.name))?;
    let delete = move |db: &store::Connection, id| {
        if objects::delete(db, id, &object.name)? { Ok(()) } else { Err(no_such_object(&object.name)) }
    };
    service.in_namespace(&namespace, delete).await?;
    Ok(Reply::no_content())
}

async fn clear(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "delete_metadef_namespace").await?;
    unprotected(&namespace, &format!("namespace {}", namespace.namespace))?;
    service.in_namespace(&namespace, |db, id| objects::clear(db, id).map_err(Fault::from)).await?;
    Ok(Reply::no_content())
}

async fn find(service: &Images, request: &Request, namespace: &Namespace) -> Result<Object, Fault> {
    let (id, name) = (namespace.id, request.param("object_name")?.to_owned());
    let wanted = name.clone();
    let found = service.store.read(move |db| objects::get(db, id, &wanted)).await?;
    found.ok_or_else(|| no_such_object(&name))
}

fn no_such_object(name: &str) -> Fault {
    Fault::not_found(format!("Could not find metadata object {name}"))
}
