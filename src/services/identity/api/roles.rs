//! `/v3/roles`.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Condition, Endpoint, Reply, Request, Target};
use kit::Fault;
use serde_json::json;

use super::schema::{id_or_null, immutable_option, long_name, text_or_null};
use super::{attributes, collection, domain_scope, new_id};
use crate::domain::role::Role;
use crate::{IdentityService, db, view};

macro_rules! properties {
    () => {
        concat!(
            r#""name": "#,
            long_name!(),
            r#", "description": "#,
            text_or_null!(),
            r#", "domain_id": "#,
            id_or_null!(),
            r#", "options": "#,
            immutable_option!()
        )
    };
}

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["role"], "properties": {"role": {
        "type": "object", "required": ["name"], "properties": {"#,
    properties!(),
    "}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["role"], "properties": {"role": {
        "type": "object", "minProperties": 1, "properties": {"#,
    properties!(),
    "}}}}"
);

const FILTERS: &[Filter] =
    &[Filter::new("name", "name", FilterKind::Text), Filter::new("domain_id", "domain_id", FilterKind::Text)];

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/roles", "identity:list_roles", &list).deferred(),
    Endpoint::post("/roles", "identity:create_role", &create).schema(CREATE).deferred(),
    Endpoint::get("/roles/{role_id}", "identity:get_role", &show).deferred(),
    Endpoint::patch("/roles/{role_id}", "identity:update_role", &update).schema(UPDATE).deferred(),
    Endpoint::delete("/roles/{role_id}", "identity:delete_role", &delete).deferred(),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let of_domain = request.query().get("domain_id").is_some_and(|domain| !domain.is_empty());
    let rule = if of_domain { "identity:list_domain_roles" } else { "identity:list_roles" };
    let own = domain_scope(&request);
    // A project's manager reads roles too: the default asks for nothing but that the caller's domain is not `None`.
    request.authorize(rule, &Target::new().with_option("domain_id", own.as_ref()))?;
    let mut wanted = filter::conditions(&request, FILTERS)?;
    if !of_domain {
        wanted = wanted.and(Condition::is("domain_id", None::<&str>));
    }
    let base = request.base_url();
    let roles = service.store.read(move |db| db::roles::list(db, &wanted)).await?;
    Ok(collection(&request, "roles", roles.iter().map(|role| view::role::role(role, &base)).collect()))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let role = Role::new(new_id(), attributes(&request, "role")?);
    let rule = if role.domain_id.is_some() { "identity:create_domain_role" } else { "identity:create_role" };
    request.authorize(rule, &role_target(Target::new(), &role))?;
    let reply = json!({ "role": view::role::role(&role, &request.base_url()) });
    service.write(move |db| db::roles::insert(db, &role)).await?;
    Ok(Reply::created(reply))
}

/// A role, as policies ask about it.
pub(super) fn role_target(target: Target, role: &Role) -> Target {
    target.with("target.role.name", &role.name).with_option("target.role.domain_id", role.domain_id.as_ref())
}

/// The role of the path, if the caller may do this to it: `verb` is `get`, `update` or `delete`.
async fn authorized(service: &IdentityService, request: &Request, verb: &str) -> Result<Role, Fault> {
    let id = request.param("role_id")?.to_owned();
    let found = service.store.read(move |db| db::roles::get(db, &id)).await;
    let of_domain = found.as_ref().is_ok_and(|role| role.domain_id.is_some());
    let target = found.as_ref().map_or_else(|_| Target::new(), |role| role_target(Target::new(), role));
    let kind = if of_domain { "domain_role" } else { "role" };
    request.authorize(&format!("identity:{verb}_{kind}"), &target)?;
    found
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let role = authorized(&service, &request, "get").await?;
    Ok(Reply::ok(json!({ "role": view::role::role(&role, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let given = attributes(&request, "role")?;
    let found = authorized(&service, &request, "update").await?;
    let role = service
        .write_keeping_administrator(move |db| {
            let mut role = db::roles::get(db, &found.id)?;
            role.apply(given)?;
            db::roles::update(db, &role)?;
            Ok(role)
        })
        .await?;
    Ok(Reply::ok(json!({ "role": view::role::role(&role, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let role = authorized(&service, &request, "delete").await?;
    service.write_keeping_administrator(move |db| db::roles::delete(db, &role.id)).await?;
    Ok(Reply::no_content())
}
