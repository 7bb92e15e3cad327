//! `/metadefs/namespaces/{name}/tags`: words that things can be tagged with.

use std::sync::Arc;

use http_kit::page::Order;
use http_kit::{Condition, Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::{NEWEST, column, taken, target, unprotected};
use crate::Images;
use crate::db::metadefs::tags;
use crate::domain::metadefs::input::{NewTag, NewTags};
use crate::domain::metadefs::schemas::{TAG, TAGS, check, read};
use crate::domain::metadefs::{Named, Namespace};
use crate::view::metadefs as view;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/metadefs/namespaces/{namespace_name}/tags", "get_metadef_tags", &list).deferred(),
    Endpoint::post("/metadefs/namespaces/{namespace_name}/tags", "add_metadef_tags", &create_several).deferred(),
    Endpoint::delete("/metadefs/namespaces/{namespace_name}/tags", "delete_metadef_tags", &clear).deferred(),
    Endpoint::get("/metadefs/namespaces/{namespace_name}/tags/{tag_name}", "get_metadef_tag", &show).deferred(),
    Endpoint::post("/metadefs/namespaces/{namespace_name}/tags/{tag_name}", "add_metadef_tag", &create).deferred(),
    Endpoint::put("/metadefs/namespaces/{namespace_name}/tags/{tag_name}", "modify_metadef_tag", &rename).deferred(),
    Endpoint::delete("/metadefs/namespaces/{namespace_name}/tags/{tag_name}", "delete_metadef_tag", &delete).deferred(),
];

static ORDER: Order = Order {
    sortable: &[column("name"), column("created_at"), column("updated_at"), column("id")],
    default: NEWEST,
    id: "id",
    required: &["name", "created_at", "updated_at"],
};

async fn list(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let mut paging = super::paging(&request, &ORDER)?;
    if !paging.limit_asked {
        paging.limit = None;
    }
    let namespace = service.namespace(&request, "get_metadef_tags").await?;
    let (order, fetch, marker, after) = (paging.order_by(), paging.fetch(), paging.marker.clone(), paging.clone());
    let mut found = service
        .store
        .read(move |db| {
            let all = Condition::is("namespace_id", namespace.id);
            let start = match &marker {
                None => Condition::all(),
                Some(marker) => {
                    let columns: Vec<_> = after.key_columns().collect();
                    let key = tags::key(db, namespace.id, marker, &columns)?;
                    after.after(&key.ok_or_else(|| no_such_tag(marker))?)
                }
            };
            tags::list(db, all.and(start), &order, fetch).map_err(Fault::from)
        })
        .await?;
    paging.cut(&mut found);
    Ok(Reply::ok(json!({ "tags": view::tags(found.iter().map(|tag| tag.name.as_str())) })))
}

/// In the place of all that there were, unless `X-Openstack-Append` says that they stay.
async fn create_several(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let NewTags { tags: new } = read(&TAGS, request.body_value()?)?;
    for tag in &new {
        check(&TAG, &json!(tag))?;
    }
    let namespace = service.namespace(&request, "add_metadef_tags").await?;
    let append = request.header("x-openstack-append").and_then(http_kit::query::boolean).unwrap_or(false);
    let reply = json!({ "tags": view::tags(new.iter().map(|tag| tag.name.as_str())) });
    let (now, of) = (service.clock.now(), namespace.namespace.clone());
    let insert = move |db: &store::Connection, id| {
        if !append && !new.is_empty() {
            tags::clear(db, id)?;
        }
        new.iter().try_for_each(|tag| {
            tags::insert(db, id, &tag.name, now).map_err(|error| taken(error, || twice(&tag.name, &of)))
        })
    };
    service.in_namespace(&namespace, insert).await?;
    Ok(Reply::created(reply))
}

async fn create(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let name = request.param("tag_name")?.to_owned();
    check(&TAG, &json!({ "name": name }))?;
    let namespace = service.namespace(&request, "add_metadef_tag").await?;
    let (now, added, of) = (service.clock.now(), name.clone(), namespace.namespace.clone());
    let insert = move |db: &store::Connection, id| {
        tags::insert(db, id, &added, now).map_err(|error| taken(error, || twice(&added, &of)))
    };
    service.in_namespace(&namespace, insert).await?;
    Ok(Reply::created(view::named(&Named { name, created_at: now, updated_at: now })))
}

async fn show(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "get_metadef_tag").await?;
    Ok(Reply::ok(view::named(&find(&service, &request, &namespace).await?)))
}

async fn rename(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let NewTag { name } = read(&TAG, request.body_value()?)?;
    let namespace = service.namespace(&request, "modify_metadef_tag").await?;
    let before = find(&service, &request, &namespace).await?;
    let (now, from, to, of) = (service.clock.now(), before.name.clone(), name.clone(), namespace.namespace.clone());
    let rename = move |db: &store::Connection, id| {
        let renamed = tags::rename(db, id, &from, &to, now).map_err(|error| taken(error, || twice(&to, &of)))?;
        if renamed { Ok(()) } else { Err(no_such_tag(&from)) }
    };
    service.in_namespace(&namespace, rename).await?;
    Ok(Reply::ok(view::named(&Named { name, updated_at: now, ..before })))
}

async fn delete(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "delete_metadef_tag").await?;
    let tag = find(&service, &request, &namespace).await?;
    unprotected(&namespace, &format!("tag {}", tag.name))?;
    let delete = move |db: &store::Connection, id| {
        if tags::delete(db, id, &tag.name)? { Ok(()) } else { Err(no_such_tag(&tag.name)) }
    };
    service.in_namespace(&namespace, delete).await?;
    Ok(Reply::no_content())
}

async fn clear(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let namespace = service.namespace(&request, "delete_metadef_namespace").await?;
    request.authorize("delete_metadef_tags", &target(&namespace))?;
    unprotected(&namespace, &format!("namespace {}", namespace.namespace))?;
    service.in_namespace(&namespace, |db, id| tags::clear(db, id).map_err(Fault::from)).await?;
    Ok(Reply::no_content())
}

async fn find(service: &Images, request: &Request, namespace: &Namespace) -> Result<Named, Fault> {
    let (id, name) = (namespace.id, request.param("tag_name")?.to_owned());
    let wanted = name.clone();
    let found = service.store.read(move |db| tags::get(db, id, &wanted)).await?;
    found.ok_or_else(|| no_such_tag(&name))
}

fn no_such_tag(name: &str) -> Fault {
    Fault::not_found(format!("Could not find metadata tag {name}"))
}

fn twice(name: &str, namespace: &str) -> String {
    format!("A metadata tag with name={name} already exists in namespace={namespace}.")
}
