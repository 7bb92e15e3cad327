//! `/v3/OS-TRUST/trusts`.

use std::sync::Arc;

use http_kit::{Condition, Endpoint, Reply, Request, Target};
use kit::{Basis, Fault, Timestamp};
use serde_json::{Value, json};
use store::Connection;

use super::schema::{long_name, plain_id, text_or_null};
use super::{attributes, caller, collection, delegation, new_id};
use crate::db::effective::Person;
use crate::domain::role::{Holding, Role};
use crate::domain::trust::Trust;
use crate::{IdentityService, db, error, view};

const ALL: &str = "/OS-TRUST/trusts";
const ONE: &str = "/OS-TRUST/trusts/{trust_id}";
const ROLE: &str = "/OS-TRUST/trusts/{trust_id}/roles/{role_id}";

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["trust"], "properties": {"trust": {
        "type": "object", "required": ["trustor_user_id", "trustee_user_id", "impersonation"], "properties": {
            "trustor_user_id": {"type": "string"}, "trustee_user_id": {"type": "string"},
            "impersonation": {"type": "boolean"}, "project_id": "#,
    text_or_null!(),
    r#", "remaining_uses": {"type": ["integer", "null"], "minimum": 1}, "expires_at": "#,
    text_or_null!(),
    r#", "allow_redelegation": {"type": ["boolean", "null"]},
            "redelegation_count": {"type": ["integer", "null"], "minimum": 0}, "redelegated_trust_id": "#,
    text_or_null!(),
    r#", "roles": {"type": "array", "items": {"type": "object", "minProperties": 1, "maxProperties": 1,
            "additionalProperties": false, "properties": {"id": "#,
    plain_id!(),
    r#", "name": "#,
    long_name!(),
    "}}}}}}}"
);

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get(ALL, "identity:list_trusts", &list).deferred(),
    Endpoint::post(ALL, "identity:create_trust", &create).schema(CREATE).deferred(),
    Endpoint::get(ONE, "identity:get_trust", &show).deferred(),
    Endpoint::delete(ONE, "identity:delete_trust", &delete).deferred(),
    Endpoint::get("/OS-TRUST/trusts/{trust_id}/roles", "identity:list_roles_for_trust", &list_roles).deferred(),
    Endpoint::get(ROLE, "identity:get_role_for_trust", &show_role).deferred(),
];

/// Those of a trustor, those of a trustee, or all; any other query asks for none, as in Keystone.
async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let asked = |name: &str| request.query().get(name).filter(|id| !id.is_empty());
    let (rule, column, id) = match (asked("trustor_user_id"), asked("trustee_user_id")) {
        (Some(id), _) => ("identity:list_trusts_for_trustor", "trustor_user_id", id),
        (None, Some(id)) => ("identity:list_trusts_for_trustee", "trustee_user_id", id),
        (None, None) => ("identity:list_trusts", "", ""),
    };
    request.authorize(rule, &Target::new().with(&format!("target.trust.{column}"), id))?;
    delegation::refuse_applications(&request)?;
    let wanted = match column {
        "" if request.query().is_empty() => Condition::all(),
        "" => Condition::none(),
        column => Condition::is(column, id),
    };
    let trusts = service.store.read(move |db| db::trusts::list(db, &wanted)).await?;
    let base = request.base_url();
    let items = trusts.iter().map(|trust| view::trust::brief(trust, &base)).collect();
    Ok(collection(&request, "trusts", items))
}

/// The trust of the path with its roles. One that can no longer be used is not there.
async fn authorized(service: &IdentityService, request: &Request, rule: &str) -> Result<(Trust, Vec<Role>), Fault> {
    let id = request.param("trust_id")?.to_owned();
    let now = service.clock.now();
    let (trust, roles) = service
        .store
        .read(move |db| {
            let trust = db::trusts::get(db, &id)?;
            if !trust.is_usable(now) {
                return Err(error::not_found("trust", &id));
            }
            let roles = roles_of(db, &trust)?;
            Ok((trust, roles))
        })
        .await?;
    let target = Target::new()
        .with("target.trust.trustor_user_id", &trust.trustor_user_id)
        .with("target.trust.trustee_user_id", &trust.trustee_user_id);
    request.authorize(rule, &target)?;
    delegation::refuse_applications(request)?;
    Ok((trust, roles))
}

fn roles_of(db: &Connection, trust: &Trust) -> Result<Vec<Role>, Fault> {
    db::roles::list(db, &Condition::is_in("id", trust.role_ids.iter().map(|id| id.as_str().into())))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (trust, roles) = authorized(&service, &request, "identity:get_trust").await?;
    Ok(Reply::ok(json!({ "trust": view::trust::trust(&trust, &roles, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (trust, _) = authorized(&service, &request, "identity:delete_trust").await?;
    service.write(move |db| db::trusts::delete(db, &trust.id)).await?;
    Ok(Reply::no_content())
}

async fn list_roles(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (trust, roles) = authorized(&service, &request, "identity:list_roles_for_trust").await?;
    let base = request.base_url();
    let items: Vec<Value> = roles.iter().map(|role| view::role::role(role, &base)).collect();
    Ok(Reply::ok(json!({ "roles": items, "links": view::trust::roles_links(&trust, &base) })))
}

async fn show_role(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (_, roles) = authorized(&service, &request, "identity:get_role_for_trust").await?;
    let id = request.param("role_id")?;
    let role = roles.iter().find(|role| role.id == id).ok_or_else(|| error::not_found("role", id))?;
    Ok(Reply::ok(json!({ "role": view::role::role(role, &request.base_url()) })))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let mut given = attributes(&request, "trust")?;
    let trustor = given.peek("trustor_user_id").unwrap_or_default().to_owned();
    let target = Target::new().with("target.trust.trustor_user_id", &trustor);
    request.authorize("identity:create_trust", &target)?;
    delegation::refuse_applications(&request)?;
    let caller = caller(&request)?;
    let roles = given.items("roles");
    if given.peek("project_id").is_some_and(|id| !id.is_empty()) && roles.is_empty() {
        return Err(error::forbidden_action("At least one role should be specified"));
    }
    if caller.user.id.as_str() != trustor {
        return Err(error::forbidden_action("The authenticated user should match the trustor"));
    }
    let origin = match &caller.basis {
        Basis::Trust(trust) => Some(trust.id.clone()),
        Basis::AccessToken(_) => {
            return Err(error::forbidden_action("Redelegation allowed for delegated by trust only"));
        }
        _ => None,
    };
    let depth_asked = given.peek_value("redelegation_count").is_some_and(|value| !value.is_null());
    let now = service.clock.now();
    let trust = Trust::new(new_id(), given, now)?;
    let made = service.write(move |db| insert(db, trust, &roles, origin.as_deref(), depth_asked, now)).await?;
    Ok(Reply::created(json!({ "trust": view::trust::trust(&made.0, &made.1, &request.base_url()) })))
}

fn insert(
    db: &Connection,
    mut trust: Trust,
    asked: &[Value],
    origin: Option<&str>,
    depth_asked: bool,
    now: Timestamp,
) -> Result<(Trust, Vec<Role>), Fault> {
    db::users::get(db, &trust.trustee_user_id)?;
    let pedigree = origin.map(|id| db::trusts::pedigree(db, id)).transpose()?.unwrap_or_default();
    // What is handed on is the first trustor's.
    let giver = pedigree.last().map_or(&trust.trustor_user_id, |first| &first.trustor_user_id);
    trust.role_ids = held_roles(db, Person::user(giver, now), trust.project_id.as_deref(), asked)?;
    trust.redelegate(&pedigree, depth_asked)?;
    db::trusts::insert(db, &trust)?;
    let trust = db::trusts::get(db, &trust.id)?;
    let roles = roles_of(db, &trust)?;
    Ok((trust, roles))
}

/// The ids of the roles `asked` for, all of which `giver` must hold on the project.
fn held_roles(
    db: &Connection,
    giver: Person<'_>,
    project_id: Option<&str>,
    asked: &[Value],
) -> Result<Vec<String>, Fault> {
    // A domain's own roles, which count only by what they imply, can be handed on too.
    let held = match project_id {
        Some(project) => {
            let holding = Holding::Project(db::projects::get(db, project)?.id);
            db::effective::all_role_ids(db, giver, &holding)?
        }
        None => Vec::new(),
    };
    asked
        .iter()
        .map(|role| {
            let id = match (role["id"].as_str(), role["name"].as_str().unwrap_or_default()) {
                (Some(id), _) => id.to_owned(),
                (None, name) => db::roles::named(db, name)?.ok_or_else(|| error::not_found("role", name))?.id,
            };
            if held.contains(&id) { Ok(id) } else { Err(error::not_found("role", &id)) }
        })
        .collect()
}
