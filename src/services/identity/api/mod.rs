//! The REST API: a file per resource, each with its rows and its handlers.
//!
//! A handler reads the request, loads what the policy must know, authorises, does it, and answers.

pub(crate) mod access_rules;
pub(crate) mod access_tokens;
pub(crate) mod application_credentials;
pub(crate) mod auth;
pub(crate) mod consumers;
pub(crate) mod credentials;
mod delegation;
pub(crate) mod domain_config;
pub(crate) mod domains;
pub(crate) mod ec2_credentials;
pub(crate) mod endpoint_groups;
pub(crate) mod endpoints;
pub(crate) mod federation_auth;
mod filters;
pub(crate) mod grants;
pub(crate) mod groups;
pub(crate) mod home;
pub(crate) mod identity_providers;
pub(crate) mod implied_roles;
pub(crate) mod limits;
pub(crate) mod mappings;
pub(crate) mod oauth1;
pub(crate) mod oauth2;
pub(crate) mod policies;
pub(crate) mod policy_associations;
pub(crate) mod project_endpoints;
pub(crate) mod projects;
pub(crate) mod protocols;
pub(crate) mod regions;
pub(crate) mod registered_limits;
pub(crate) mod revocations;
pub(crate) mod role_assignments;
pub(crate) mod roles;
mod schema;
pub(crate) mod service_providers;
pub(crate) mod services;
pub(crate) mod signed_tokens;
pub(crate) mod tags;
pub(crate) mod tokens;
pub(crate) mod trusts;
pub(crate) mod users;
pub(crate) mod websso;
pub(crate) mod withdrawn;

use http_kit::page::{Direction, Order, Sortable};
use http_kit::{Endpoint, Paging, Query, Reply, Request, Target};
use kit::{Fault, Identity, Scope};
use serde_json::{Value, json};

use crate::domain::attributes::Attributes;
use crate::domain::group::Group;
use crate::domain::project::Project;
use crate::domain::user::User;
use crate::{IdentityService, error, view};

/// Every row.
pub(crate) static TABLES: &[&[Endpoint<IdentityService>]] = &[
    tokens::ENDPOINTS,
    auth::ENDPOINTS,
    domains::ENDPOINTS,
    projects::ENDPOINTS,
    tags::ENDPOINTS,
    users::ENDPOINTS,
    groups::ENDPOINTS,
    roles::ENDPOINTS,
    implied_roles::ENDPOINTS,
    grants::ENDPOINTS,
    role_assignments::ENDPOINTS,
    services::ENDPOINTS,
    endpoints::ENDPOINTS,
    regions::ENDPOINTS,
    endpoint_groups::ENDPOINTS,
    project_endpoints::ENDPOINTS,
    policies::ENDPOINTS,
    policy_associations::ENDPOINTS,
    domain_config::ENDPOINTS,
    revocations::ENDPOINTS,
    withdrawn::ENDPOINTS,
    application_credentials::ENDPOINTS,
    access_rules::ENDPOINTS,
    trusts::ENDPOINTS,
    identity_providers::ENDPOINTS,
    protocols::ENDPOINTS,
    mappings::ENDPOINTS,
    service_providers::ENDPOINTS,
    federation_auth::ENDPOINTS,
    websso::ENDPOINTS,
    registered_limits::ENDPOINTS,
    limits::ENDPOINTS,
    consumers::ENDPOINTS,
    oauth1::ENDPOINTS,
    access_tokens::ENDPOINTS,
    oauth2::ENDPOINTS,
    credentials::ENDPOINTS,
    ec2_credentials::ENDPOINTS,
    signed_tokens::ENDPOINTS,
];

/// Everything is listed by id.
const BY_ID: Order = Order {
    sortable: &[],
    default: &[(Sortable { key: "id", column: "id" }, Direction::Ascending)],
    id: "id",
    required: &[],
};

fn new_id() -> String {
    kit::ids::ProjectId::random_hex().to_string()
}

/// Who asks.
fn caller(request: &Request) -> Result<&Identity, Fault> {
    request.context.identity().ok_or_else(error::unauthorized)
}

/// The path's parameter `name`, as the id of something new.
fn id_of_new(request: &Request, name: &str) -> Result<String, Fault> {
    let id = request.param(name)?;
    match id.chars().count() {
        0..=64 => Ok(id.to_owned()),
        _ => Err(Fault::bad_request(format!("Invalid input for field {name}: it has more than 64 characters."))),
    }
}

/// The body's `key`, an object.
fn attributes(request: &Request, key: &str) -> Result<Attributes, Fault> {
    match request.body_value()?.get(key) {
        Some(Value::Object(object)) => Ok(Attributes::new(object.clone())),
        _ => Err(error::missing(key, "request body")),
    }
}

/// The body's `key`, a list of things that the schema has looked at.
fn batch<T: serde::de::DeserializeOwned>(request: &Request, key: &str) -> Result<Vec<T>, Fault> {
    let items = request.body_value()?.get(key).cloned().unwrap_or_default();
    serde_json::from_value(items).map_err(|error| Fault::bad_request(format!("Invalid input for {key}: {error}")))
}

/// The domain that the caller's token is for, where it is for one.
fn domain_scope(request: &Request) -> Option<String> {
    match &request.context.identity()?.scope {
        Scope::Domain(domain) => Some(domain.id.to_string()),
        _ => None,
    }
}

/// For lists: what a domain's reader may list is the domain that the token is for.
fn list_target(request: &Request) -> Target {
    match domain_scope(request) {
        Some(domain) => Target::new().with("target.domain_id", &domain).with("target.domain.id", &domain),
        None => Target::new(),
    }
}

/// A project, as policies ask about it.
fn project_target(target: Target, project: &Project) -> Target {
    target.with("target.project.id", &project.id).with_option("target.project.domain_id", project.domain_id.as_ref())
}

/// A user, as policies ask about it.
fn user_target(target: Target, user: &User) -> Target {
    target.with("target.user.id", &user.id).with("target.user.domain_id", &user.domain_id)
}

/// A group, as policies ask about it.
fn group_target(target: Target, group: &Group) -> Target {
    target.with("target.group.id", &group.id).with("target.group.domain_id", &group.domain_id)
}

/// Keystone takes a flag without a value, and every value but `0`, for yes.
fn flag(query: &Query, name: &str) -> bool {
    query.get(name).is_some_and(|value| value != "0")
}

/// A whole list.
fn collection(request: &Request, key: &str, items: Vec<Value>) -> Reply {
    let separator = if request.query().is_empty() { "" } else { "?" };
    let own = format!("{}{}{separator}{}", request.public_url(), request.path, request.query().encode());
    Reply::ok(json!({ key: items, "links": { "next": null, "self": own, "previous": null } }))
}

/// A page of a list; `truncated` where it is full.
fn page(request: &Request, key: &str, mut items: Vec<Value>, paging: &Paging) -> Reply {
    paging.cut(&mut items);
    let last = items.last().and_then(|item| item["id"].as_str()).unwrap_or_default().to_owned();
    let count = items.len();
    let mut body = json!({ key: items, "links": paging.keystone_links(request, count, &last) });
    if paging.is_truncated(count) {
        view::put(&mut body, "truncated", json!(true));
    }
    Reply::ok(body)
}
