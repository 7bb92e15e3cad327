//! `/v3/domains`.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Condition, Endpoint, Paging, Reply, Request, Target};
use kit::Fault;
use serde_json::json;

use super::schema::project_properties;
use super::{BY_ID, attributes, domain_scope, list_target, new_id, page};
use crate::domain::project::Project;
use crate::{IdentityService, db, view};

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["domain"], "properties": {"domain": {
        "type": "object", "required": ["name"], "properties": {
        "explicit_domain_id": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-zA-Z0-9-]+$"},"#,
    project_properties!(),
    "}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["domain"], "properties": {"domain": {
        "type": "object", "minProperties": 1, "properties": {"#,
    project_properties!(),
    "}}}}"
);

const FILTERS: &[Filter] =
    &[Filter::new("name", "name", FilterKind::Text), Filter::new("enabled", "enabled", FilterKind::Bool)];

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/domains", "identity:list_domains", &list).deferred(),
    Endpoint::post("/domains", "identity:create_domain", &create).schema(CREATE),
    Endpoint::get("/domains/{domain_id}", "identity:get_domain", &show).deferred(),
    Endpoint::patch("/domains/{domain_id}", "identity:update_domain", &update).schema(UPDATE),
    Endpoint::delete("/domains/{domain_id}", "identity:delete_domain", &delete),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    request.authorize("identity:list_domains", &list_target(&request))?;
    let paging = Paging::parse(&request, &BY_ID)?;
    let mut wanted = filter::conditions(&request, FILTERS)?.and(Condition::is("is_domain", true));
    if let Some(own) = domain_scope(&request) {
        wanted = wanted.and(Condition::is("id", own));
    }
    let (base, asked) = (request.base_url(), paging.clone());
    let domains = service.store.read(move |db| db::projects::list(db, &wanted, Some(&asked))).await?;
    let items = domains.iter().map(|domain| view::project::domain(domain, &base)).collect();
    Ok(page(&request, "domains", items, &paging))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let mut given = attributes(&request, "domain")?;
    let id = match given.text("explicit_domain_id") {
        Some(id) if uuid::Uuid::try_parse(&id).is_ok_and(|uuid| uuid.simple().to_string() == id) => id,
        Some(_) => return Err(Fault::bad_request("Domain ID does not conform to required UUID format.")),
        None => new_id(),
    };
    let domain = Project::new_domain(id, given, service.moment());
    let reply = json!({ "domain": view::project::domain(&domain, &request.base_url()) });
    service.write(move |db| db::projects::insert(db, &domain)).await?;
    Ok(Reply::created(reply))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("domain_id")?.to_owned();
    let wanted = id.clone();
    let found = service.store.read(move |db| db::projects::get_domain(db, &wanted)).await;
    let target = if found.is_ok() { Target::new().with("target.domain.id", &id) } else { Target::new() };
    request.authorize("identity:get_domain", &target)?;
    Ok(Reply::ok(json!({ "domain": view::project::domain(&found?, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, mut given) = (request.param("domain_id")?.to_owned(), attributes(&request, "domain")?);
    // What only projects have means nothing here.
    given.drop(&["domain_id", "parent_id", "is_domain"]);
    let now = service.moment();
    let domain = service
        .write_keeping_administrator(move |db| {
            let before = db::projects::get_domain(db, &id)?;
            let mut domain = before.clone();
            domain.apply(given, now)?;
            db::projects::update(db, &before, &domain)?;
            Ok(domain)
        })
        .await?;
    Ok(Reply::ok(json!({ "domain": view::project::domain(&domain, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("domain_id")?.to_owned();
    service
        .write_keeping_administrator(move |db| db::projects::delete_domain(db, &db::projects::get_domain(db, &id)?))
        .await?;
    Ok(Reply::no_content())
}
