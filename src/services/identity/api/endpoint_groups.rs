//! `/v3/OS-EP-FILTER/endpoint_groups`, and the choice of groups for projects.

use std::sync::Arc;

use http_kit::{Paging, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::schema::{long_name, text_or_null};
use super::{BY_ID, attributes, collection, filters, new_id, page};
use crate::domain::endpoint_group::EndpointGroup;
use crate::{IdentityService, db, view};

macro_rules! properties {
    () => {
        concat!(
            r#""properties": {"name": "#,
            long_name!(),
            r#", "description": "#,
            text_or_null!(),
            r#", "filters": {"type": "object", "properties": {
                "interface": {"type": "string", "enum": ["admin", "internal", "public"]},
                "service_id": {"type": "string"}, "region_id": "#,
            text_or_null!(),
            r#", "enabled": {"type": "boolean"}}}}"#
        )
    };
}

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "properties": {"endpoint_group": {
        "type": "object", "additionalProperties": false, "required": ["name", "filters"], "#,
    properties!(),
    "}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["endpoint_group"], "properties": {
        "endpoint_group": {"type": "object", "additionalProperties": false, "minProperties": 1, "#,
    properties!(),
    "}}}"
);
const QUERY: &str = r#"{"type": "object", "additionalProperties": false, "properties": {"name": {"type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "[\\S]+"}}}}"#;

const ONE: &str = "/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}";
const CHOICE: &str = "/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects/{project_id}";

pub(crate) static ENDPOINTS: &[http_kit::Endpoint<IdentityService>] = &[
    http_kit::Endpoint::get("/OS-EP-FILTER/endpoint_groups", "identity:list_endpoint_groups", &list)
        .query_schema(QUERY),
    http_kit::Endpoint::post("/OS-EP-FILTER/endpoint_groups", "identity:create_endpoint_group", &create).schema(CREATE),
    http_kit::Endpoint::get(ONE, "identity:get_endpoint_group", &show),
    http_kit::Endpoint::patch(ONE, "identity:update_endpoint_group", &update).schema(UPDATE),
    http_kit::Endpoint::delete(ONE, "identity:delete_endpoint_group", &delete),
    http_kit::Endpoint::get(
        "/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/endpoints",
        "identity:list_endpoints_associated_with_endpoint_group",
        &list_endpoints,
    ),
    http_kit::Endpoint::get(
        "/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects",
        "identity:list_projects_associated_with_endpoint_group",
        &list_projects,
    ),
    http_kit::Endpoint::get(
        "/OS-EP-FILTER/projects/{project_id}/endpoint_groups",
        "identity:list_endpoint_groups_for_project",
        &list_of_project,
    ),
    http_kit::Endpoint::get(CHOICE, "identity:get_endpoint_group_in_project", &show_choice),
    http_kit::Endpoint::put(CHOICE, "identity:add_endpoint_group_to_project", &choose),
    http_kit::Endpoint::delete(CHOICE, "identity:remove_endpoint_group_from_project", &leave),
];

fn group_id(request: &Request) -> Result<String, Fault> {
    Ok(request.param("endpoint_group_id")?.to_owned())
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (wanted, paging) = (filters::conditions(&request, &["name"]), Paging::parse(&request, &BY_ID)?);
    let (base, asked) = (request.base_url(), paging.clone());
    let groups = service.store.read(move |db| db::endpoint_groups::list(db, &wanted, Some(&asked))).await?;
    let items = groups.iter().map(|group| view::endpoint_group::endpoint_group(group, &base)).collect();
    Ok(page(&request, "endpoint_groups", items, &paging))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let new = EndpointGroup::new(new_id(), attributes(&request, "endpoint_group")?)?;
    let reply = json!({ "endpoint_group": view::endpoint_group::endpoint_group(&new, &request.base_url()) });
    service.write(move |db| db::endpoint_groups::insert(db, &new)).await?;
    Ok(Reply::created(reply))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = group_id(&request)?;
    let group = service.store.read(move |db| db::endpoint_groups::get(db, &id)).await?;
    let shown = view::endpoint_group::endpoint_group(&group, &request.base_url());
    Ok(Reply::ok(json!({ "endpoint_group": shown })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, given) = (group_id(&request)?, attributes(&request, "endpoint_group")?);
    let group = service
        .write(move |db| {
            let mut group = db::endpoint_groups::get(db, &id)?;
            group.apply(given)?;
            db::endpoint_groups::update(db, &group)?;
            Ok(group)
        })
        .await?;
    let shown = view::endpoint_group::endpoint_group(&group, &request.base_url());
    Ok(Reply::ok(json!({ "endpoint_group": shown })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = group_id(&request)?;
    service.write(move |db| db::endpoint_groups::delete(db, &id)).await?;
    Ok(Reply::no_content())
}

async fn list_endpoints(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, base) = (group_id(&request)?, request.base_url());
    let (group, endpoints) = service
        .store
        .read(move |db| {
            let group = db::endpoint_groups::get(db, &id)?;
            Ok::<_, Fault>((group, db::endpoints::list(db, &http_kit::Condition::all())?))
        })
        .await?;
    let members = endpoints.iter().filter(|endpoint| group.has(endpoint));
    Ok(collection(&request, "endpoints", members.map(|it| view::catalog::endpoint(it, &base)).collect()))
}

async fn list_projects(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, base) = (group_id(&request)?, request.base_url());
    let projects = service.store.read(move |db| db::endpoint_groups::projects(db, &id)).await?;
    Ok(collection(&request, "projects", projects.iter().map(|it| view::project::project(it, &base)).collect()))
}

async fn list_of_project(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, base) = (request.param("project_id")?.to_owned(), request.base_url());
    let groups = service
        .store
        .read(move |db| {
            db::projects::get(db, &id)?;
            db::endpoint_groups::of_project(db, &id)
        })
        .await?;
    let items = groups.iter().map(|group| view::endpoint_group::endpoint_group(group, &base)).collect();
    Ok(collection(&request, "endpoint_groups", items))
}

/// The project and the group of the path, in the order that Keystone looks for them.
fn check_both(db: &store::Connection, group: &str, project: &str) -> Result<(), Fault> {
    db::projects::get(db, project)?;
    db::endpoint_groups::get(db, group)?;
    Ok(())
}

async fn show_choice(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (group, project) = (group_id(&request)?, request.param("project_id")?.to_owned());
    let shown = json!({ "project_endpoint_group": view::endpoint_group::of_project(&group, &project) });
    service
        .store
        .read(move |db| {
            check_both(db, &group, &project)?;
            db::endpoint_groups::check_chosen(db, &group, &project)
        })
        .await?;
    Ok(Reply::ok(shown))
}

async fn choose(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (group, project) = (group_id(&request)?, request.param("project_id")?.to_owned());
    service
        .write(move |db| {
            check_both(db, &group, &project)?;
            db::endpoint_groups::choose(db, &group, &project)
        })
        .await?;
    Ok(Reply::no_content())
}

async fn leave(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (group, project) = (group_id(&request)?, request.param("project_id")?.to_owned());
    service
        .write(move |db| {
            check_both(db, &group, &project)?;
            db::endpoint_groups::leave(db, &group, &project)
        })
        .await?;
    Ok(Reply::no_content())
}
