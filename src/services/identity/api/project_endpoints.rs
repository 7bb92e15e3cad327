//! `/v3/OS-EP-FILTER/projects/{id}/endpoints`: the choice of endpoints for projects.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;

use super::collection;
use crate::{IdentityService, db, view};

const CHOICE: &str = "/OS-EP-FILTER/projects/{project_id}/endpoints/{endpoint_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/OS-EP-FILTER/projects/{project_id}/endpoints", "identity:list_endpoints_for_project", &list),
    Endpoint::get(
        "/OS-EP-FILTER/endpoints/{endpoint_id}/projects",
        "identity:list_projects_for_endpoint",
        &list_projects,
    ),
    Endpoint::get(CHOICE, "identity:check_endpoint_in_project", &check),
    Endpoint::put(CHOICE, "identity:add_endpoint_to_project", &create),
    Endpoint::delete(CHOICE, "identity:remove_endpoint_from_project", &delete),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (project, base) = (request.param("project_id")?.to_owned(), request.base_url());
    let endpoints = service
        .store
        .read(move |db| {
            db::projects::get(db, &project)?;
            db::project_endpoints::list(db, &project)
        })
        .await?;
    Ok(collection(&request, "endpoints", endpoints.iter().map(|it| view::catalog::endpoint(it, &base)).collect()))
}

async fn list_projects(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (endpoint, base) = (request.param("endpoint_id")?.to_owned(), request.base_url());
    let projects = service
        .store
        .read(move |db| {
            db::endpoints::get(db, &endpoint)?;
            db::project_endpoints::projects(db, &endpoint)
        })
        .await?;
    Ok(collection(&request, "projects", projects.iter().map(|it| view::project::project(it, &base)).collect()))
}

/// Project and endpoint of the path.
fn named(request: &Request) -> Result<(String, String), Fault> {
    Ok((request.param("project_id")?.to_owned(), request.param("endpoint_id")?.to_owned()))
}

async fn check(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (project, endpoint) = named(&request)?;
    service
        .store
        .read(move |db| {
            db::endpoints::get(db, &endpoint)?;
            db::projects::get(db, &project)?;
            db::project_endpoints::check(db, &project, &endpoint)
        })
        .await?;
    Ok(Reply::no_content())
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (project, endpoint) = named(&request)?;
    service
        .write(move |db| {
            db::endpoints::get(db, &endpoint)?;
            db::projects::get(db, &project)?;
            db::project_endpoints::insert(db, &project, &endpoint)
        })
        .await?;
    Ok(Reply::no_content())
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (project, endpoint) = named(&request)?;
    service.write(move |db| db::project_endpoints::delete(db, &project, &endpoint)).await?;
    Ok(Reply::no_content())
}
