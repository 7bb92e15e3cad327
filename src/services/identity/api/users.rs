//! `/v3/users`.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Condition, Endpoint, Paging, Reply, Request, Target};
use kit::{Fault, Secret};
use serde_json::json;

use super::schema::{boolean, long_name, text_or_null};
use super::{BY_ID, attributes, domain_scope, list_target, new_id, page, user_target};
use crate::domain::attributes::Attributes;
use crate::domain::user::User;
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

const FILTERS: &[Filter] = &[
    Filter::new("domain_id", "domain_id", FilterKind::Exact),
    Filter::new("enabled", "enabled", FilterKind::Bool),
    Filter::new("name", "name", FilterKind::Exact),
    Filter::new("name__icontains", "name", FilterKind::Like),
    Filter::new("name__startswith", "name", FilterKind::Prefix),
];

/// The longest password that is hashed.
const LONGEST_PASSWORD: usize = 4096;

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
    let mut wanted = filter::conditions(&request, FILTERS)?;
    if let Some(own) = domain_scope(&request) {
        wanted = wanted.and(Condition::is("domain_id", own));
    }
    let (base, asked) = (request.base_url(), paging.clone());
    let users = service.store.read(move |db| db::users::list(db, &wanted, Some(&asked))).await?;
    let items = users.iter().map(|user| view::user::user(user, &base)).collect();
    Ok(page(&request, "users", items, &paging))
}

/// The password among `given`, hashed.
async fn hash_of(service: &IdentityService, given: &mut Attributes) -> Result<Option<String>, Fault> {
    match given.text("password") {
        Some(password) => Ok(Some(hash(service, Secret::new(password)).await?)),
        None => Ok(None),
    }
}

async fn hash(service: &IdentityService, password: Secret) -> Result<String, Fault> {
    if password.expose().len() > LONGEST_PASSWORD {
        return Err(Fault::bad_request(format!(
            "The password length must be less than or equal to {LONGEST_PASSWORD}. The server could not comply with the \
             request because the password is invalid."
        )));
    }
    service.passwords.hash(password).await
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let mut given = attributes(&request, "user")?;
    let target = Target::new().with_option("target.user.domain_id", given.peek("domain_id"));
    request.authorize("identity:create_user", &target)?;
    let hash = hash_of(&service, &mut given).await?;
    let user = User::new(new_id(), given, domain_scope(&request).as_deref(), service.clock.now());
    let reply = json!({ "user": view::user::user(&user, &request.base_url()) });
    service.write(move |db| db::users::insert(db, &user, hash.as_deref())).await?;
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
    Ok(Reply::ok(json!({ "user": view::user::user(&user, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let mut given = attributes(&request, "user")?;
    let found = authorized(&service, &request, "identity:update_user").await?;
    let hash = hash_of(&service, &mut given).await?;
    let now = service.clock.now();
    let user = service
        .write(move |db| {
            let mut user = db::users::get(db, &found.id)?;
            user.apply(given, hash.is_some(), now)?;
            db::users::update(db, &user, hash.as_deref())?;
            Ok(user)
        })
        .await?;
    Ok(Reply::ok(json!({ "user": view::user::user(&user, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let user = authorized(&service, &request, "identity:delete_user").await?;
    service.write(move |db| db::users::delete(db, &user.id)).await?;
    Ok(Reply::no_content())
}

/// The user's own change, proven by the old password instead of a token.
async fn change_password(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("user_id")?.to_owned();
    let mut given = attributes(&request, "user")?;
    let (old, new) = (given.text("original_password").unwrap_or_default(), given.text("password").unwrap_or_default());
    let (old, new) = (Secret::new(old), Secret::new(new));
    let wanted = id.clone();
    let (user, stored) = service
        .store
        .read(move |db| Ok::<_, Fault>((db::users::find(db, &wanted)?, db::users::password_hash(db, &wanted)?)))
        .await?;
    let right = service.passwords.verify(old, stored.clone()).await?;
    if !right || !user.is_some_and(|user| user.enabled) {
        return Err(error::unauthorized());
    }
    let hash = hash(&service, new).await?;
    let now = service.clock.now();
    service
        .write(move |db| {
            // Two changes at once: the second proved a password that is no longer the one.
            if db::users::password_hash(db, &id)? != stored {
                return Err(error::unauthorized());
            }
            let mut user = db::users::get(db, &id)?;
            user.apply(Attributes::default(), true, now)?;
            db::users::update(db, &user, Some(&hash))
        })
        .await?;
    Ok(Reply::no_content())
}
