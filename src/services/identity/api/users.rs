//! `/v3/users`.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::query::Query;
use http_kit::{Condition, Endpoint, Paging, Reply, Request, SqlValue, Target};
use kit::time::to_micros;
use kit::{Fault, Secret};
use serde_json::json;
use store::Connection;

use super::schema::{boolean, long_name, text_or_null};
use super::{BY_ID, attributes, domain_scope, list_target, new_id, page, user_target};
use crate::domain::attributes::Attributes;
use crate::domain::password::{Failures, day_of};
use crate::domain::user::{Account, User, accounts};
use crate::sign_in::Refusal;
use crate::{IdentityService, db, error, view};

macro_rules! properties {
    () => {
        concat!(
            r#""default_project_id": "#,
            text_or_null!(),
            r#", "description": "#,
            text_or_null!(),
            r#", "domain_id": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-zA-Z0-9-]+$"}"#,
            r#", "enabled": "#,
            boolean!(),
            r#", "federated": {"type": "array", "items": {"type": "object", "required": ["idp_id", "protocols"], "properties": {
                "idp_id": {"type": "string"}, "protocols": {"type": "array", "minItems": 1, "items": {
                    "type": "object", "required": ["protocol_id", "unique_id"], "properties": {
                        "protocol_id": {"type": "string"}, "unique_id": {"type": "string"}}}}}}}"#,
            r#", "name": "#,
            long_name!(),
            r#", "password": "#,
            text_or_null!(),
            r#", "options": {"type": "object", "additionalProperties": false, "properties": {
                "ignore_change_password_upon_first_use": {"type": ["boolean", "null"]},
                "ignore_password_expiry": {"type": ["boolean", "null"]},
                "ignore_lockout_failure_attempts": {"type": ["boolean", "null"]},
                "lock_password": {"type": ["boolean", "null"]},
                "ignore_user_inactivity": {"type": ["boolean", "null"]},
                "multi_factor_auth_enabled": {"type": ["boolean", "null"]},
                "multi_factor_auth_rules": {"type": ["array", "null"], "uniqueItems": true, "items": {
                    "type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": true}}}}"#
        )
    };
}

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["user"], "properties": {"user": {
        "type": "object", "required": ["name"], "properties": {"#,
    properties!(),
    "}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["user"], "properties": {"user": {
        "type": "object", "minProperties": 1, "properties": {"#,
    properties!(),
    "}}}}"
);
const CHANGE_PASSWORD: &str = r#"{"type": "object", "required": ["user"], "properties": {"user": {
    "type": "object", "additionalProperties": false, "required": ["original_password", "password"],
    "properties": {"original_password": {"type": "string"}, "password": {"type": "string"}}}}}"#;

pub(super) const FILTERS: &[Filter] = &[
    Filter::new("domain_id", "domain_id", FilterKind::Text),
    Filter::new("enabled", "enabled", FilterKind::Bool),
    Filter::new("name", "name", FilterKind::Text),
];

/// Who a user is at an identity provider: all of one account.
const ACCOUNT_FILTERS: &[Filter] = &[
    Filter::new("idp_id", "idp_id", FilterKind::Exact),
    Filter::new("protocol_id", "protocol_id", FilterKind::Exact),
    Filter::new("unique_id", "unique_id", FilterKind::Exact),
];

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/users", "identity:list_users", &list).deferred(),
    Endpoint::post("/users", "identity:create_user", &create).schema(CREATE).deferred(),
    Endpoint::get("/users/{user_id}", "identity:get_user", &show).deferred(),
    Endpoint::patch("/users/{user_id}", "identity:update_user", &update).schema(UPDATE).deferred(),
    Endpoint::delete("/users/{user_id}", "identity:delete_user", &delete).deferred(),
    Endpoint::post("/users/{user_id}/password", "", &change_password).schema(CHANGE_PASSWORD).unauthenticated(),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    request.authorize("identity:list_users", &list_target(&request))?;
    let paging = Paging::parse(&request, &BY_ID)?;
    let mut wanted = filter::conditions(&request, FILTERS)?.and(password_ends(request.query())?);
    let account = filter::conditions(&request, ACCOUNT_FILTERS)?;
    if account != Condition::all() {
        let sql = format!("id IN (SELECT user_id FROM identity_federated_users WHERE {})", account.sql);
        wanted = wanted.and(Condition::new(sql, account.values));
    }
    if let Some(own) = domain_scope(&request) {
        wanted = wanted.and(Condition::is("domain_id", own));
    }
    let (base, asked) = (request.base_url(), paging.clone());
    let users = service.store.read(move |db| db::users::list(db, &wanted, Some(&asked))).await?;
    let items = users.iter().map(|user| view::user::user(user, &base)).collect();
    Ok(page(&request, "users", items, &paging))
}

/// The users whose password ends as `?password_expires_at=lt:2016-12-08T22:02:00Z` says, for users and for those of a group.
pub(super) fn password_ends(query: &Query) -> Result<Condition, Fault> {
    let one = |asked: &str| {
        // As Keystone looks for it: the operator has two or three letters.
        let (operator, time) = match asked.split_once(':') {
            Some((operator, time)) if matches!(operator.len(), 2 | 3) => (operator, time),
            _ => ("eq", asked),
        };
        let at = filter::parse_time(time)
            .ok_or_else(|| Fault::bad_request(format!("Timestamp not in expected format. {}", error::MALFORMED)))?;
        let comparison = match operator {
            "lt" => "password_expires_at < ?",
            "lte" => "password_expires_at <= ?",
            "gt" => "password_expires_at > ?",
            "gte" => "password_expires_at >= ?",
            "eq" => "password_expires_at = ?",
            "neq" => "password_expires_at <> ?",
            _ => {
                return Err(Fault::bad_request(format!(
                    "The given operator {operator} is not valid. It must be one of the following: 'eq', 'neq', 'lt', \
                     'lte', 'gt', or 'gte'."
                )));
            }
        };
        Ok(Condition::new(comparison, [SqlValue::Integer(to_micros(at))]))
    };
    query.all("password_expires_at").try_fold(Condition::all(), |condition, asked| Ok(condition.and(one(asked)?)))
}

/// The password that `given` sets, hashed; the inner option is none where it takes the password away.
async fn hash_of(service: &IdentityService, given: &mut Attributes) -> Result<Option<Option<String>>, Fault> {
    let Some(password) = given.nullable("password") else { return Ok(None) };
    let password = password.map(Secret::new);
    service.rules.check(password.as_ref().map(Secret::expose))?;
    match password {
        Some(password) => Ok(Some(Some(service.passwords.hash(password).await?))),
        None => Ok(Some(None)),
    }
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let mut given = attributes(&request, "user")?;
    let target = Target::new().with_option("target.user.domain_id", given.peek("domain_id"));
    request.authorize("identity:create_user", &target)?;
    let hash = hash_of(&service, &mut given).await?;
    let accounts = accounts(&mut given).unwrap_or_default();
    let mut user = User::new(new_id(), given, domain_scope(&request).as_deref(), service.moment());
    let now = service.clock.now();
    let password = hash.map(|hash| service.rules.new_password(hash, &user.options, false, now));
    user.password_expires_at = password.as_ref().and_then(|password| password.expires_at);
    let reply = json!({ "user": view::user::with_accounts(&user, &accounts, &request.base_url()) });
    service
        .write(move |db| {
            db::users::insert(db, &user)?;
            db::federated_users::replace(db, &user, &accounts)?;
            password.map_or(Ok(()), |password| db::passwords::set(db, &user.id, &password, 0))
        })
        .await?;
    Ok(Reply::created(reply))
}

/// The user `id`, if there is one.
pub(super) async fn find(service: &IdentityService, id: &str) -> Result<Option<User>, Fault> {
    let id = id.to_owned();
    service.store.read(move |db| db::users::find(db, &id)).await
}

/// The user of the path, if the caller may do this to it.
async fn authorized(service: &IdentityService, request: &Request, rule: &str) -> Result<User, Fault> {
    let id = request.param("user_id")?;
    let found = find(service, id).await?;
    let target = found.as_ref().map_or_else(Target::new, |user| user_target(Target::new(), user));
    request.authorize(rule, &target)?;
    found.ok_or_else(|| error::not_found("user", id))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let user = authorized(&service, &request, "identity:get_user").await?;
    let id = user.id.clone();
    let accounts = service.store.read(move |db| db::federated_users::of_user(db, &id)).await?;
    Ok(Reply::ok(json!({ "user": view::user::with_accounts(&user, &accounts, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let mut given = attributes(&request, "user")?;
    let found = authorized(&service, &request, "identity:update_user").await?;
    let hash = hash_of(&service, &mut given).await?;
    let service_for_write = service.clone();
    let changed =
        service.write_keeping_administrator(move |db| change(db, &service_for_write, &found.id, given, hash)).await?;
    let (user, accounts) = changed;
    Ok(Reply::ok(json!({ "user": view::user::with_accounts(&user, &accounts, &request.base_url()) })))
}

/// Changes the user `id` as `given`, with a password where there is one.
fn change(
    db: &Connection,
    service: &IdentityService,
    id: &str,
    mut given: Attributes,
    hash: Option<Option<String>>,
) -> Result<(User, Vec<Account>), Fault> {
    let (now, rules) = (service.clock.now(), &service.rules);
    let mut user = db::users::get(db, id)?;
    let new_accounts = accounts(&mut given);
    user.apply(given, hash.is_some(), service.moment())?;
    db::users::update(db, &user)?;
    if let Some(accounts) = &new_accounts {
        db::federated_users::replace(db, &user, accounts)?;
    }
    if let Some(hash) = hash {
        let password = rules.new_password(hash, &user.options, false, now);
        db::passwords::set(db, id, &password, rules.history())?;
        user.password_expires_at = password.expires_at;
    }
    if user.enabled {
        // Any change by an administrator of who is enabled ends a lockout, and puts inactivity off.
        db::passwords::set_failures(db, id, Failures::default())?;
        if rules.inactive_before(now).is_some() {
            db::passwords::set_last_active(db, id, day_of(now))?;
        }
    }
    Ok((user, db::federated_users::of_user(db, id)?))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let user = authorized(&service, &request, "identity:delete_user").await?;
    service.write_keeping_administrator(move |db| db::users::delete(db, &user.id)).await?;
    Ok(Reply::no_content())
}

/// The user's own change, proven by the old password instead of a token.
async fn change_password(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("user_id")?.to_owned();
    let mut given = attributes(&request, "user")?;
    let (old, new) = (given.text("original_password").unwrap_or_default(), given.text("password").unwrap_or_default());
    let (old, new) = (Secret::new(old), Secret::new(new));
    let wanted = id.clone();
    let find = move |db: &Connection| db::users::find(db, &wanted);
    let user = match service.check_password(&id, find, old, request.peer()).await {
        Ok(user) | Err(Refusal::Expired(user)) => user,
        Err(Refusal::Disabled(user)) => {
            return Err(Fault::unauthorized(format!("The account is disabled for user: {}.", user.id)));
        }
        Err(refusal) => return Err(refusal.for_login()),
    };
    service.rules.check(Some(new.expose()))?;
    let history = service.rules.history();
    let (present, last) = service
        .store
        .read(move |db| Ok::<_, Fault>((db::passwords::get(db, &id)?, db::passwords::last_hashes(db, &id, history)?)))
        .await?;
    service.rules.check_change(&user.options, &present, service.clock.now())?;
    if service.passwords.is_one_of(&new, last).await? {
        return Err(service.rules.used_before());
    }
    let hash = service.passwords.hash(new).await?;
    let service_for_write = service.clone();
    service.write(move |db| replace_password(db, &service_for_write, &user, hash)).await?;
    Ok(Reply::no_content())
}

/// Gives `user`, as it was when it proved its old password, the one that it chose, and ends its tokens.
fn replace_password(db: &Connection, service: &IdentityService, user: &User, hash: String) -> Result<(), Fault> {
    let mut present = db::users::get(db, &user.id)?;
    // Two changes at once: the second proved a password that is no longer the one.
    if present.tokens_valid_since != user.tokens_valid_since {
        return Err(error::unauthorized());
    }
    present.apply(Attributes::default(), true, service.moment())?;
    db::users::update(db, &present)?;
    let password = service.rules.new_password(Some(hash), &present.options, true, service.clock.now());
    db::passwords::set(db, &user.id, &password, service.rules.history())
}
