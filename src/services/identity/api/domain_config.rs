//! `/v3/domains/{id}/config`: what a domain sets for itself, whole, by group and by option; and the defaults.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::Value;

use crate::domain::domain_config::{self, Part, SECURITY_COMPLIANCE};
use crate::{IdentityService, db, view};

const ALL: &str = "/domains/{domain_id}/config";
const GROUP: &str = "/domains/{domain_id}/config/{group}";
const OPTION: &str = "/domains/{domain_id}/config/{group}/{option}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/domains/config/default", "identity:get_domain_config_default", &show_default),
    Endpoint::get("/domains/config/{group}/default", "identity:get_domain_config_default", &show_default),
    Endpoint::get("/domains/config/{group}/{option}/default", "identity:get_domain_config_default", &show_default),
    Endpoint::get(ALL, "identity:get_domain_config", &show),
    Endpoint::put(ALL, "identity:create_domain_config", &replace),
    Endpoint::patch(ALL, "identity:update_domain_config", &update),
    Endpoint::delete(ALL, "identity:delete_domain_config", &delete),
    Endpoint::get(GROUP, "identity:get_domain_config", &show).deferred(),
    Endpoint::patch(GROUP, "identity:update_domain_config", &update),
    Endpoint::delete(GROUP, "identity:delete_domain_config", &delete),
    Endpoint::get(OPTION, "identity:get_domain_config", &show).deferred(),
    Endpoint::patch(OPTION, "identity:update_domain_config", &update),
    Endpoint::delete(OPTION, "identity:delete_domain_config", &delete),
];

/// What the path is about.
fn part(request: &Request) -> Part {
    let text = |name: &str| request.param(name).ok().map(str::to_owned);
    Part { group: text("group"), option: text("option") }
}

/// The configuration that the body gives; what is missing is empty.
fn given(request: &Request) -> Result<Value, Fault> {
    Ok(request.body_value()?.get("config").cloned().unwrap_or_default())
}

impl IdentityService {
    /// The rule for passwords and its description, where the operator set them.
    fn password_rule(&self) -> [Option<&str>; 2] {
        let rules = &self.config.security_compliance;
        [&rules.password_regex, &rules.password_regex_description]
            .map(|text| Some(text.as_str()).filter(|it| !it.is_empty()))
    }
}

async fn show_default(_: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let part = part(&request);
    let settings = domain_config::defaults(&part)?;
    Ok(Reply::ok(view::domain_config::config(&part, settings)))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, part) = (request.param("domain_id")?.to_owned(), part(&request));
    if part.group.as_deref() == Some(SECURITY_COMPLIANCE) {
        request.authorize("identity:get_security_compliance_domain_config", &http_kit::Target::own())?;
        let settings = domain_config::security_compliance(&id, &part, service.password_rule())?;
        return Ok(Reply::ok(view::domain_config::config(&part, settings)));
    }
    request.authorize("identity:get_domain_config", &http_kit::Target::own())?;
    part.check()?;
    let (of, asked) = (id.clone(), part.clone());
    let mut settings = service.store.read(move |db| db::domain_config::list(db, &of, &asked)).await?;
    settings.retain(|setting| setting.value.is_some());
    if settings.is_empty() {
        return Err(part.not_found(&id));
    }
    Ok(Reply::ok(view::domain_config::config(&part, settings)))
}

async fn replace(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, config) = (request.param("domain_id")?.to_owned(), given(&request)?);
    let (before, settings) = service
        .write(move |db| {
            db::projects::get_domain(db, &id)?;
            let settings = domain_config::parse(&config)?;
            let before = db::domain_config::list(db, &id, &Part::default())?;
            db::domain_config::delete(db, &id, &Part::default())?;
            db::domain_config::update(db, &id, &settings)?;
            Ok((before, settings))
        })
        .await?;
    let status = if before.is_empty() { 201 } else { 200 };
    Ok(Reply::status(status, view::domain_config::config(&Part::default(), settings)))
}

/// Answers with the whole configuration, whatever part was changed.
async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, part, config) = (request.param("domain_id")?.to_owned(), part(&request), given(&request)?);
    let mut settings = service
        .write(move |db| {
            db::projects::get_domain(db, &id)?;
            let settings = part.change(&config)?;
            if part.group.is_some() && db::domain_config::list(db, &id, &part)?.is_empty() {
                return Err(part.not_found(&id));
            }
            db::domain_config::update(db, &id, &settings)?;
            db::domain_config::list(db, &id, &Part::default())
        })
        .await?;
    settings.retain(|setting| setting.value.is_some());
    Ok(Reply::ok(view::domain_config::config(&Part::default(), settings)))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, part) = (request.param("domain_id")?.to_owned(), part(&request));
    service
        .write(move |db| {
            db::projects::get_domain(db, &id)?;
            part.check()?;
            if part.group.is_some() && db::domain_config::list(db, &id, &part)?.is_empty() {
                return Err(part.not_found(&id));
            }
            db::domain_config::delete(db, &id, &part)
        })
        .await?;
    Ok(Reply::no_content())
}
