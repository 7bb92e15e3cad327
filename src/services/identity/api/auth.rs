//! `/v3/auth/…`: what the bearer of a token can get a token for, and the catalog.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::{Fault, Identity};
use serde_json::json;
use store::Connection;

use super::collection;
use crate::db::effective::Person;
use crate::domain::role::Holding;
use crate::{IdentityService, db, error, view};

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/auth/catalog", "identity:get_auth_catalog", &show_catalog),
    Endpoint::get("/auth/projects", "identity:get_auth_projects", &list_projects),
    Endpoint::get("/auth/domains", "identity:get_auth_domains", &list_domains),
    // The names that these lists had before.
    Endpoint::get("/OS-FEDERATION/projects", "identity:get_auth_projects", &list_projects),
    Endpoint::get("/OS-FEDERATION/domains", "identity:get_auth_domains", &list_domains),
    Endpoint::get("/auth/system", "identity:get_auth_system", &list_systems),
];

fn identity(request: &Request) -> Result<Identity, Fault> {
    request.context.identity().cloned().ok_or_else(error::unauthorized)
}

async fn show_catalog(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let identity = identity(&request)?;
    if identity.project().is_none() {
        return Err(error::forbidden());
    }
    let catalog = service.catalog(&identity).await?;
    let own = format!("{}/auth/catalog", request.base_url());
    Ok(Reply::ok(json!({ "catalog": *catalog, "links": { "self": own } })))
}

async fn list_projects(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let identity = identity(&request)?;
    let own = db::effective::projects_of(Person::of(&identity, service.clock.now()))?;
    let base = request.base_url();
    let projects = service.store.read(move |db| db::projects::list(db, &own, None)).await?;
    let items = projects.iter().map(|project| view::project::project(project, &base)).collect();
    Ok(collection(&request, "projects", items))
}

async fn list_domains(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let identity = identity(&request)?;
    let own = db::effective::domains_of(Person::of(&identity, service.clock.now()))?;
    let base = request.base_url();
    let domains = service.store.read(move |db| db::projects::list(db, &own, None)).await?;
    let items = domains.iter().map(|domain| view::project::domain(domain, &base)).collect();
    Ok(collection(&request, "domains", items))
}

async fn list_systems(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let identity = identity(&request)?;
    let now = service.clock.now();
    let held = move |db: &Connection| db::effective::roles(db, Person::of(&identity, now), &Holding::System);
    let roles = service.store.read(held).await?;
    let systems = if roles.is_empty() { json!([]) } else { json!([{ "all": true }]) };
    let own = format!("{}/auth/system", request.base_url());
    Ok(Reply::ok(json!({ "system": systems, "links": { "self": own } })))
}
