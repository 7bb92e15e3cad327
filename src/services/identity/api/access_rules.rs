//! `/v3/users/{user_id}/access_rules`: they are made with an application credential and outlive it.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Condition, Endpoint, Reply, Request, Target};
use kit::Fault;
use serde_json::json;

use super::{collection, delegation};
use crate::{IdentityService, db, view};

const ONE: &str = "/users/{user_id}/access_rules/{access_rule_id}";

const FILTERS: &[Filter] = &[
    Filter::new("service", "service", FilterKind::Exact),
    Filter::new("path", "path", FilterKind::Exact),
    Filter::new("method", "method", FilterKind::Exact),
];

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/users/{user_id}/access_rules", "identity:list_access_rules", &list).deferred(),
    Endpoint::get(ONE, "identity:get_access_rule", &show).deferred(),
    Endpoint::delete(ONE, "identity:delete_access_rule", &delete).deferred(),
];

/// The user of the path, whose rules the caller may do `rule` to.
fn authorized(request: &Request, rule: &str) -> Result<String, Fault> {
    let user = request.param("user_id")?.to_owned();
    request.authorize(rule, &Target::new().with("target.user.id", &user))?;
    delegation::refuse_handed_on(request)?;
    Ok(user)
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let user = authorized(&request, "identity:list_access_rules")?;
    let wanted = filter::conditions(&request, FILTERS)?.and(Condition::is("user_id", user));
    let rules = service.store.read(move |db| db::access_rules::list(db, &wanted)).await?;
    let base = request.base_url();
    let items = rules.iter().map(|rule| view::application_credential::access_rule(rule, &base)).collect();
    Ok(collection(&request, "access_rules", items))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let user = authorized(&request, "identity:get_access_rule")?;
    let id = request.param("access_rule_id")?.to_owned();
    let rule = service.store.read(move |db| db::access_rules::get(db, &user, &id)).await?;
    Ok(Reply::ok(json!({ "access_rule": view::application_credential::access_rule(&rule, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let user = authorized(&request, "identity:delete_access_rule")?;
    let id = request.param("access_rule_id")?.to_owned();
    service.write(move |db| db::access_rules::delete(db, &user, &id)).await?;
    Ok(Reply::no_content())
}
