//! `/v3/users/{user_id}/application_credentials`.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Condition, Endpoint, Reply, Request, Target};
use kit::{AccessRule, Fault, FaultKind, Identity, Secret, Timestamp};
use serde_json::{Value, json};
use store::Connection;

use super::schema::{long_name, plain_id, text_or_null};
use super::{attributes, caller, collection, delegation, new_id};
use crate::db::effective::Person;
use crate::domain::application_credential::{ApplicationCredential, check_roles, invalid};
use crate::domain::attributes::Attributes;
use crate::domain::expiry;
use crate::domain::role::{Holding, Role};
use crate::{IdentityService, db, error, secrets, view};

const ALL: &str = "/users/{user_id}/application_credentials";
const ONE: &str = "/users/{user_id}/application_credentials/{application_credential_id}";

const CREATE: &str = concat!(
    r#"{"type": "object", "required": ["application_credential"], "properties": {"application_credential": {
        "type": "object", "additionalProperties": false, "required": ["name"], "properties": {
            "id": {"type": "string"}, "project_id": {"type": "string"}, "name": "#,
    long_name!(),
    r#", "description": "#,
    text_or_null!(),
    r#", "secret": "#,
    text_or_null!(),
    r#", "expires_at": "#,
    text_or_null!(),
    r#", "system": "#,
    text_or_null!(),
    r#", "unrestricted": {"type": ["boolean", "null"]},
        "roles": {"type": "array", "items": {"type": "object", "minProperties": 1, "maxProperties": 1,
            "additionalProperties": false, "properties": {"id": "#,
    plain_id!(),
    r#", "name": "#,
    long_name!(),
    r#"}}}, "access_rules": {"type": "array", "items": {"type": "object", "properties": {
            "method": {"type": "string", "enum": ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]},
            "path": {"type": "string", "maxLength": 225, "pattern": "^/"}, "service": "#,
    plain_id!(),
    r#", "id": "#,
    plain_id!(),
    "}}}}}}}"
);

const FILTERS: &[Filter] = &[Filter::new("name", "name", FilterKind::Exact)];

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get(ALL, "identity:list_application_credentials", &list).deferred(),
    Endpoint::post(ALL, "identity:create_application_credential", &create).schema(CREATE).deferred(),
    Endpoint::get(ONE, "identity:get_application_credential", &show).deferred(),
    Endpoint::delete(ONE, "identity:delete_application_credential", &delete).deferred(),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let user = request.param("user_id")?.to_owned();
    request.authorize("identity:list_application_credentials", &Target::user(&user))?;
    delegation::refuse_handed_on(&request)?;
    let wanted = filter::conditions(&request, FILTERS)?.and(Condition::is("user_id", user));
    let found = service.store.read(move |db| db::application_credentials::list(db, &wanted)).await?;
    let base = request.base_url();
    let items = found.iter().map(|it| view::application_credential::application_credential(it, None, &base)).collect();
    Ok(collection(&request, "application_credentials", items))
}

/// The credential of the path. Whose it is counts, not whose the path says that it is.
async fn authorized(service: &IdentityService, request: &Request, rule: &str) -> Result<ApplicationCredential, Fault> {
    let id = request.param("application_credential_id")?.to_owned();
    let wanted = id.clone();
    let found = service.store.read(move |db| db::application_credentials::find(db, &wanted)).await?;
    let owner = found.as_ref().map_or(request.param("user_id")?, |it| it.user_id.as_str());
    request.authorize(rule, &Target::user(owner))?;
    delegation::refuse_handed_on(request)?;
    found.ok_or_else(|| error::not_found("Application Credential", &id))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let found = authorized(&service, &request, "identity:get_application_credential").await?;
    let body = view::application_credential::application_credential(&found, None, &request.base_url());
    Ok(Reply::ok(json!({ "application_credential": body })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let found = authorized(&service, &request, "identity:delete_application_credential").await?;
    delegation::refuse_restricted(&request, "application credentials")?;
    service.write(move |db| db::application_credentials::delete(db, &found.id)).await?;
    Ok(Reply::no_content())
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    const RULE: &str = "identity:create_application_credential";
    let user = request.param("user_id")?;
    request.authorize(RULE, &Target::user(user))?;
    delegation::refuse_handed_on(&request)?;
    delegation::refuse_restricted(&request, "application credentials")?;
    let caller = caller(&request)?.clone();
    if caller.user.id.as_str() != user {
        return Err(error::forbidden_action("Cannot create an application credential for another user."));
    }
    let project = caller.project().ok_or_else(|| error::forbidden_action(RULE))?.id.to_string();
    let mut given = attributes(&request, "application_credential")?;
    let (secret, hash) = secret(&service, &mut given).await?;
    let asked = Asked::take(&mut given);
    let now = service.clock.now();
    let draft = ApplicationCredential {
        id: new_id(),
        user_id: user.to_owned(),
        project_id: project,
        name: given.text("name").unwrap_or_default(),
        description: given.text("description"),
        expires_at: given.text("expires_at").map(|text| expiry::parse(&text, now)).transpose()?,
        unrestricted: given.flag("unrestricted").unwrap_or(false),
        roles: Vec::new(),
        access_rules: Vec::new(),
    };
    let made = service.write(move |db| insert(db, draft, &asked, &caller, &hash, now)).await?;
    let body = view::application_credential::application_credential(&made, Some(&secret), &request.base_url());
    Ok(Reply::created(json!({ "application_credential": body })))
}

/// The secret that the client chose, or a new one; and what to store of it.
async fn secret(service: &IdentityService, given: &mut Attributes) -> Result<(Secret, String), Fault> {
    match given.text("secret").filter(|secret| !secret.is_empty()).map(Secret::new) {
        Some(chosen) => {
            let hash = service.passwords.hash(chosen.clone()).await?;
            Ok((chosen, hash))
        }
        None => secrets::make(),
    }
}

/// What the request asks to hand on.
struct Asked {
    roles: Vec<Value>,
    access_rules: Vec<Value>,
}

impl Asked {
    fn take(given: &mut Attributes) -> Self {
        Self { roles: given.items("roles"), access_rules: given.items("access_rules") }
    }
}

fn insert(
    db: &Connection,
    mut draft: ApplicationCredential,
    asked: &Asked,
    caller: &Identity,
    hash: &str,
    now: Timestamp,
) -> Result<ApplicationCredential, Fault> {
    draft.roles = roles(db, &asked.roles, caller)?;
    check_roles(caller, &draft.roles)?;
    check_held(db, &draft, now)?;
    let rules = asked.access_rules.iter().map(|rule| access_rule(db, &draft.user_id, rule));
    draft.access_rules = rules.collect::<Result<_, _>>()?;
    db::application_credentials::insert(db, &draft, hash)?;
    db::application_credentials::get(db, &draft.id)
}

/// The roles asked for with what they imply; all of the token's where none are asked for.
fn roles(db: &Connection, asked: &[Value], caller: &Identity) -> Result<Vec<Role>, Fault> {
    let mut roles = Vec::new();
    for role in asked {
        match (role["id"].as_str(), role["name"].as_str()) {
            (Some(id), _) => roles.push(db::roles::get(db, id).map_err(|fault| match fault.kind() {
                FaultKind::NotFound => invalid("Cannot create an application credential with unassigned role"),
                _ => fault,
            })?),
            (None, name) => {
                let name = name.unwrap_or_default();
                roles.push(db::roles::named(db, name)?.ok_or_else(|| error::not_found("role", name))?);
            }
        }
    }
    if roles.is_empty() {
        let own = caller.roles.iter().map(|role| role.id.as_str().into());
        return db::roles::list(db, &Condition::is_in("id", own));
    }
    db::implied_roles::with_implied(db, roles)
}

/// The user must hold the roles still: the token was looked at a moment ago.
fn check_held(db: &Connection, draft: &ApplicationCredential, now: Timestamp) -> Result<(), Fault> {
    let holding = Holding::Project(draft.project_id.clone());
    let held = db::effective::roles(db, Person::user(&draft.user_id, now), &holding)?;
    match draft.roles.iter().find(|role| held.iter().all(|held| held.id.as_str() != role.id)) {
        None => Ok(()),
        Some(role) => Err(invalid(&format!(
            "Could not find role assignment with role: {}, user or group: {}, project, domain, or system: {}.",
            role.id, draft.user_id, draft.project_id
        ))),
    }
}

/// The user's rule that is meant, by id or by what it says.
fn access_rule(db: &Connection, user_id: &str, asked: &Value) -> Result<AccessRule, Fault> {
    if let Some(id) = asked["id"].as_str() {
        return db::access_rules::get(db, user_id, id);
    }
    let text = |name: &str| {
        let value = asked[name].as_str().ok_or_else(|| error::missing(name, "access_rule"))?;
        Ok::<_, Fault>(value.to_owned())
    };
    let rule = AccessRule { id: new_id(), service: text("service")?, method: text("method")?, path: text("path")? };
    db::access_rules::ensure(db, user_id, rule)
}
