//! `/v3/projects/{project_id}/tags`.

use std::sync::Arc;

use http_kit::validate::Lazy;
use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::projects::authorized;
use super::schema::{tag, tags};
use crate::{IdentityService, db};

const REPLACE: &str =
    concat!(r#"{"type": "object", "additionalProperties": false, "properties": {"tags": "#, tags!(), "}}");

static ONE: Lazy = Lazy::of(concat!(r#"{"type": "object", "properties": {"value": "#, tag!(), "}}"));
static ALL: Lazy = Lazy::of(concat!(r#"{"type": "object", "properties": {"tags": "#, tags!(), "}}"));

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/projects/{project_id}/tags", "identity:list_project_tags", &list).deferred(),
    Endpoint::put("/projects/{project_id}/tags", "identity:update_project_tags", &replace).schema(REPLACE).deferred(),
    Endpoint::delete("/projects/{project_id}/tags", "identity:delete_project_tags", &clear).deferred(),
    Endpoint::get("/projects/{project_id}/tags/{value}", "identity:get_project_tag", &check).deferred(),
    Endpoint::put("/projects/{project_id}/tags/{value}", "identity:create_project_tag", &add).deferred(),
    Endpoint::delete("/projects/{project_id}/tags/{value}", "identity:delete_project_tag", &remove).deferred(),
];

fn answer(request: &Request, tags: &[String]) -> Reply {
    let own = format!("{}{}", request.public_url(), request.path);
    Reply::ok(json!({ "tags": tags, "links": { "self": own } }))
}

fn no_such(tag: &str) -> Fault {
    crate::error::not_found("project tag", tag)
}

/// Gives the project `id` other tags.
async fn change(
    service: &IdentityService,
    id: String,
    change: impl FnOnce(&mut Vec<String>) -> Result<(), Fault> + Send + 'static,
) -> Result<Vec<String>, Fault> {
    service
        .write(move |db| {
            let before = db::projects::get(db, &id)?;
            let mut project = before.clone();
            change(&mut project.tags)?;
            db::projects::update(db, &before, &project)?;
            Ok(project.tags)
        })
        .await
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let project = authorized(&service, &request, "identity:list_project_tags").await?;
    Ok(answer(&request, &project.tags))
}

async fn replace(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let project = authorized(&service, &request, "identity:update_project_tags").await?;
    let given = request.body_value()?.get("tags").and_then(|tags| tags.as_array().cloned()).unwrap_or_default();
    let new: Vec<String> = given.iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect();
    let tags = change(&service, project.id, move |tags| {
        *tags = new;
        Ok(())
    })
    .await?;
    Ok(answer(&request, &tags))
}

async fn clear(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let project = authorized(&service, &request, "identity:delete_project_tags").await?;
    change(&service, project.id, |tags| {
        tags.clear();
        Ok(())
    })
    .await?;
    Ok(Reply::no_content())
}

async fn check(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let project = authorized(&service, &request, "identity:get_project_tag").await?;
    let value = request.param("value")?;
    if project.tags.iter().any(|tag| tag == value) { Ok(Reply::no_content()) } else { Err(no_such(value)) }
}

async fn add(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let project = authorized(&service, &request, "identity:create_project_tag").await?;
    let value = request.param("value")?.to_owned();
    ONE.get()?.check_body(&json!({ "value": value }))?;
    let mut all = project.tags.clone();
    all.push(value.clone());
    ALL.get()?.check_body(&json!({ "tags": all }))?;
    let own = format!("{}/projects/{}/tags/{value}", request.base_url(), project.id);
    change(&service, project.id, move |tags| {
        if !tags.contains(&value) {
            tags.push(value);
        }
        Ok(())
    })
    .await?;
    Ok(Reply::empty(201).header("Location", own))
}

async fn remove(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let project = authorized(&service, &request, "identity:delete_project_tag").await?;
    let value = request.param("value")?.to_owned();
    change(&service, project.id, move |tags| {
        let before = tags.len();
        tags.retain(|tag| tag != &value);
        if tags.len() == before { Err(no_such(&value)) } else { Ok(()) }
    })
    .await?;
    Ok(Reply::no_content())
}
