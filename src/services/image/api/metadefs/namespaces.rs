//! `/metadefs/namespaces`: create, list, show, change, delete.

use std::collections::BTreeMap;
use std::sync::Arc;

use http_kit::page::Order;
use http_kit::{Condition, Endpoint, Reply, Request, SqlValue, Target};
use kit::Fault;
use serde_json::{Map, Value, json};

use super::{NEWEST, column, no_such_namespace, taken, target, unprotected};
use crate::Images;
use crate::db::metadefs::{namespaces, objects, properties, resource_types, tags};
use crate::domain::metadefs::input::NewNamespace;
use crate::domain::metadefs::property::Property;
use crate::domain::metadefs::schemas::{NAMESPACE, read};
use crate::domain::metadefs::{Association, Named, Namespace, Object};
use crate::view::metadefs as view;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/metadefs/namespaces", "get_metadef_namespaces", &list),
    Endpoint::post("/metadefs/namespaces", "add_metadef_namespace", &create),
    Endpoint::get("/metadefs/namespaces/{namespace_name}", "get_metadef_namespace", &show).deferred(),
    Endpoint::put("/metadefs/namespaces/{namespace_name}", "modify_metadef_namespace", &change).deferred(),
    Endpoint::delete("/metadefs/namespaces/{namespace_name}", "delete_metadef_namespace", &delete).deferred(),
];

static ORDER: Order = Order {
    sortable: &[
        column("namespace"),
        column("display_name"),
        column("description"),
        column("visibility"),
        column("protected"),
        column("owner"),
        column("created_at"),
        column("updated_at"),
        column("id"),
    ],
    default: NEWEST,
    id: "id",
    required: &["namespace", "visibility", "protected", "owner", "created_at", "updated_at"],
};

/// What is in a namespace.
#[derive(Default)]
struct Content {
    associations: Vec<Association>,
    objects: Vec<Object>,
    properties: BTreeMap<String, Property>,
    tags: Vec<Named>,
}

async fn list(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    request.authorize("list_metadef_resource_types", &Target::own())?;
    let paging = super::paging(&request, &ORDER)?;
    let condition = seen(&request).and(filters(&request)?);
    let (order, fetch, marker, after) = (paging.order_by(), paging.fetch(), paging.marker.clone(), paging.clone());
    let context = request.context.clone();
    let mut found = service
        .store
        .read(move |db| {
            let start = match &marker {
                None => Condition::all(),
                Some(marker) => {
                    let at = namespaces::get(db, marker)?.filter(|namespace| namespace.is_visible_to(&context));
                    let at = at.ok_or_else(|| no_such_namespace(marker))?;
                    let columns: Vec<_> = after.key_columns().collect();
                    after.after(&namespaces::key(db, at.id, &columns)?.unwrap_or_default())
                }
            };
            let found = namespaces::list(db, condition.and(start), &order, fetch)?;
            let with = |namespace: Namespace| {
                let associations = resource_types::associations(db, namespace.id)?;
                Ok((namespace, associations))
            };
            found.into_iter().map(with).collect::<Result<Vec<_>, Fault>>()
        })
        .await?;
    paging.cut(&mut found);
    found.retain(|(namespace, _)| request.allows("get_metadef_namespace", &target(namespace)));
    let last = found.last().map(|(namespace, _)| namespace.namespace.clone()).unwrap_or_default();
    let (first, next) = paging.relative_links(&request, found.len(), &last);
    let shown = |(namespace, associations): (Namespace, Vec<Association>)| {
        let mut body = view::namespace(&namespace);
        add(&mut body, &Content { associations, ..Content::default() }, &namespace.namespace);
        Value::Object(body)
    };
    let namespaces: Vec<Value> = found.into_iter().map(shown).collect();
    let mut body = json!({ "namespaces": namespaces, "first": first, "schema": "/v2/schemas/metadefs/namespaces" });
    if let (Some(next), Value::Object(body)) = (next, &mut body) {
        body.insert("next".to_owned(), next.into());
    }
    Ok(Reply::ok(body))
}

/// What the caller may see.
fn seen(request: &Request) -> Condition {
    if request.context.is_admin() {
        return Condition::all();
    }
    let public = Condition::is("visibility", "public");
    match request.context.project_id() {
        Some(project) => Condition::is("owner", project.as_str()).or(public),
        None => public,
    }
}

fn filters(request: &Request) -> Result<Condition, Fault> {
    let visibility = match request.query().get("visibility") {
        None | Some("") => Condition::all(),
        Some(asked @ ("public" | "private")) => Condition::is("visibility", asked),
        Some(other) => return Err(Fault::bad_request(format!("Invalid visibility value: {other}"))),
    };
    let Some(types) = request.query().get("resource_types") else { return Ok(visibility) };
    let types: Vec<SqlValue> = types.split(',').map(SqlValue::from).collect();
    let listed = vec!["?"; types.len()].join(", ");
    let sql = format!("id IN (SELECT namespace_id FROM image_metadef_associations WHERE resource_type IN ({listed}))");
    Ok(visibility.and(Condition::new(sql, types)))
}

async fn create(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let new: NewNamespace = read(&NAMESPACE, request.body_value()?)?;
    new.check()?;
    let contents = [
        (new.resource_type_associations.is_some(), "add_metadef_resource_type_association"),
        (new.objects.is_some(), "add_metadef_object"),
        (new.properties.is_some(), "add_metadef_property"),
        (new.tags.is_some(), "add_metadef_tag"),
    ];
    for (_, rule) in contents.iter().filter(|(given, _)| *given) {
        request.authorize(rule, &Target::own())?;
    }
    let own = || request.context.project_id().map(ToString::to_string).unwrap_or_default();
    let owner = new.owner.clone().unwrap_or_else(own);
    let (added, now) = (new.clone(), service.clock.now());
    let insert = move |db: &store::Connection| {
        namespaces::insert(db, &added, &owner, now).map_err(|error| {
            let twice = || format!("The metadata definition namespace={} already exists.", added.namespace);
            let inside =
                || format!("Something in the metadata definition namespace={} is there twice.", added.namespace);
            let namespace = error.is_unique_on("image_metadef_namespaces.namespace");
            taken(error, || if namespace { twice() } else { inside() })
        })
    };
    let made = service.store.write(insert).await?;
    let mut body = view::namespace(&made);
    if let Value::Object(given) = json!(new) {
        body.extend(given.into_iter().filter(|(_, value)| value.is_array() || value.is_object()));
    }
    Ok(Reply::created(body).header("Location", view::namespace_path(&made.namespace)))
}

async fn show(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "get_metadef_namespace").await?;
    let target = target(&namespace);
    for rule in ["list_metadef_resource_types", "get_metadef_objects", "get_metadef_properties", "get_metadef_tags"] {
        request.authorize(rule, &target)?;
    }
    let id = namespace.id;
    let mut content = service
        .store
        .read(move |db| {
            Ok::<_, store::Error>(Content {
                associations: resource_types::associations(db, id)?,
                objects: objects::list(db, id)?,
                properties: properties::list(db, id)?,
                tags: tags::all(db, id)?,
            })
        })
        .await?;
    if let Some(resource_type) = request.query().get("resource_type") {
        prefix(&mut content, resource_type);
    }
    let mut body = view::namespace(&namespace);
    add(&mut body, &content, &namespace.namespace);
    Ok(Reply::ok(body))
}

/// Puts the prefix for `resource_type` before the names of all properties.
fn prefix(content: &mut Content, resource_type: &str) {
    let association = content.associations.iter().find(|association| association.name == resource_type);
    let Some(prefix) = association.and_then(|association| association.prefix.clone()) else { return };
    content.properties = view::prefixed(&prefix, std::mem::take(&mut content.properties));
    for object in &mut content.objects {
        object.properties = view::prefixed(&prefix, std::mem::take(&mut object.properties));
        object.required.iter_mut().for_each(|name| name.insert_str(0, &prefix));
    }
}

/// Adds to a namespace's body what is in it, where anything is.
fn add(body: &mut Map<String, Value>, content: &Content, of: &str) {
    let associations = content.associations.iter().map(view::association).collect::<Vec<_>>();
    let objects = content.objects.iter().map(|object| view::object(of, object)).collect::<Vec<_>>();
    if !associations.is_empty() {
        body.insert("resource_type_associations".to_owned(), json!(associations));
    }
    if !objects.is_empty() {
        body.insert("objects".to_owned(), json!(objects));
    }
    if !content.properties.is_empty() {
        body.insert("properties".to_owned(), json!(content.properties));
    }
    if !content.tags.is_empty() {
        body.insert("tags".to_owned(), view::tags(content.tags.iter().map(|tag| tag.name.as_str())));
    }
}

async fn change(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let new: NewNamespace = read(&NAMESPACE, request.body_value()?)?;
    let before = service.namespace(&request, "modify_metadef_namespace").await?;
    let own = || request.context.project_id().map(ToString::to_string).unwrap_or_default();
    let namespace = Namespace {
        namespace: new.namespace,
        display_name: new.display_name,
        description: new.description,
        visibility: new.visibility.unwrap_or_else(|| "private".to_owned()),
        protected: new.protected.unwrap_or(false),
        owner: new.owner.filter(|owner| !owner.is_empty()).unwrap_or_else(own),
        updated_at: service.clock.now(),
        ..before.clone()
    };
    let changed = namespace.clone();
    let update = move |db: &store::Connection, _| {
        namespaces::update(db, &changed).map_err(|error| {
            taken(error, || {
                format!(
                    "Invalid update. It would result in a duplicate metadata definition namespace with the same name of {}",
                    changed.namespace
                )
            })
        })
    };
    service.in_namespace(&before, update).await?;
    Ok(Reply::ok(view::namespace(&namespace)))
}

async fn delete(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "delete_metadef_namespace").await?;
    unprotected(&namespace, &format!("namespace {}", namespace.namespace))?;
    service.in_namespace(&namespace, |db, id| namespaces::delete(db, id).map_err(Fault::from)).await?;
    Ok(Reply::no_content())
}
