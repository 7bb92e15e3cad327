//! `/v3/groups`, who is in them, and `/v3/users/{user_id}/groups`.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Condition, Endpoint, Paging, Reply, Request, Target};
use kit::Fault;
use serde_json::json;

use super::schema::{long_name, text_or_null};
use super::{BY_ID, attributes, collection, domain_scope, group_target, new_id, page, user_target};
use crate::domain::group::Group;
use crate::{IdentityService, db, error, view};

macro_rules! properties {
    () => {
        concat!(r#""description": "#, text_or_null!(), r#", "name": "#, long_name!())
    };
}

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["group"], "properties": {"group": {
        "type": "object", "required": ["name"], "properties": {
        "domain_id": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-zA-Z0-9-]+$"},"#,
    properties!(),
    "}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["group"], "properties": {"group": {
        "type": "object", "minProperties": 1, "properties": {"#,
    properties!(),
    "}}}}"
);

const FILTERS: &[Filter] =
    &[Filter::new("domain_id", "domain_id", FilterKind::Text), Filter::new("name", "name", FilterKind::Text)];
const FILTERS_OF_USER: &[Filter] = &[Filter::new("name", "name", FilterKind::Text)];

const MEMBER: &str = "/groups/{group_id}/users/{user_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/groups", "identity:list_groups", &list).deferred(),
    Endpoint::post("/groups", "identity:create_group", &create).schema(CREATE).deferred(),
    Endpoint::get("/groups/{group_id}", "identity:get_group", &show).deferred(),
    Endpoint::patch("/groups/{group_id}", "identity:update_group", &update).schema(UPDATE).deferred(),
    Endpoint::delete("/groups/{group_id}", "identity:delete_group", &delete).deferred(),
    Endpoint::get("/groups/{group_id}/users", "identity:list_users_in_group", &list_members).deferred(),
    Endpoint::get(MEMBER, "identity:check_user_in_group", &check_member).deferred(),
    Endpoint::put(MEMBER, "identity:add_user_to_group", &add_member).deferred(),
    Endpoint::delete(MEMBER, "identity:remove_user_from_group", &remove_member).deferred(),
    Endpoint::get("/users/{user_id}/groups", "identity:list_groups_for_user", &list_of_user).deferred(),
];

/// Narrowed to the domain that the token is for, where it is for one.
fn in_own_domain(request: &Request, wanted: Condition) -> Condition {
    match domain_scope(request) {
        Some(own) => wanted.and(Condition::is("domain_id", own)),
        None => wanted,
    }
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let target = match domain_scope(&request) {
        Some(domain) => Target::new().with("target.group.domain_id", domain),
        None => Target::new(),
    };
    request.authorize("identity:list_groups", &target)?;
    let paging = Paging::parse(&request, &BY_ID)?;
    let wanted = in_own_domain(&request, filter::conditions(&request, FILTERS)?);
    let (base, asked) = (request.base_url(), paging.clone());
    let groups = service.store.read(move |db| db::groups::list(db, &wanted, Some(&asked))).await?;
    let items = groups.iter().map(|group| view::group::group(group, &base)).collect();
    Ok(page(&request, "groups", items, &paging))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let given = attributes(&request, "group")?;
    let target = Target::new().with_option("target.group.domain_id", given.peek("domain_id"));
    request.authorize("identity:create_group", &target)?;
    let group = Group::new(new_id(), given, domain_scope(&request).as_deref());
    let reply = json!({ "group": view::group::group(&group, &request.base_url()) });
    service.write(move |db| db::groups::insert(db, &group)).await?;
    Ok(Reply::created(reply))
}

/// The group of the path, if the caller may do this to it.
async fn authorized(service: &IdentityService, request: &Request, rule: &str) -> Result<Group, Fault> {
    let id = request.param("group_id")?.to_owned();
    let found = service.store.read(move |db| db::groups::get(db, &id)).await;
    let target = found.as_ref().map_or_else(|_| Target::new(), |group| group_target(Target::new(), group));
    request.authorize(rule, &target)?;
    found
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let group = authorized(&service, &request, "identity:get_group").await?;
    Ok(Reply::ok(json!({ "group": view::group::group(&group, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let given = attributes(&request, "group")?;
    let found = authorized(&service, &request, "identity:update_group").await?;
    let group = service
        .write(move |db| {
            let mut group = db::groups::get(db, &found.id)?;
            group.apply(given)?;
            db::groups::update(db, &group)?;
            Ok(group)
        })
        .await?;
    Ok(Reply::ok(json!({ "group": view::group::group(&group, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let group = authorized(&service, &request, "identity:delete_group").await?;
    service.write_keeping_administrator(move |db| db::groups::delete(db, &group.id)).await?;
    Ok(Reply::no_content())
}

async fn list_members(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let group = authorized(&service, &request, "identity:list_users_in_group").await?;
    let paging = Paging::parse(&request, &BY_ID)?;
    let wanted = filter::conditions(&request, super::users::FILTERS)?.and(db::groups::members(&group.id));
    let wanted = in_own_domain(&request, wanted);
    let (base, asked) = (request.base_url(), paging.clone());
    let users = service.store.read(move |db| db::users::list(db, &wanted, Some(&asked))).await?;
    let items = users.iter().map(|user| view::user::user(user, &base)).collect();
    Ok(page(&request, "users", items, &paging))
}

/// The ids of the group and the user of the path, if the caller may do this to them.
async fn authorized_member(
    service: &IdentityService,
    request: &Request,
    rule: &str,
) -> Result<(String, String), Fault> {
    let (group_id, user_id) = (request.param("group_id")?.to_owned(), request.param("user_id")?.to_owned());
    let ids = (group_id.clone(), user_id.clone());
    let (group, user) = service
        .store
        .read(move |db| Ok::<_, Fault>((db::groups::find(db, &group_id)?, db::users::find(db, &user_id)?)))
        .await?;
    let target = group.map_or_else(Target::new, |group| group_target(Target::new(), &group));
    let target = match user {
        Some(user) => user_target(target, &user),
        None => target,
    };
    request.authorize(rule, &target)?;
    Ok(ids)
}

async fn check_member(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (group, user) = authorized_member(&service, &request, "identity:check_user_in_group").await?;
    service.store.read(move |db| db::groups::check_member(db, &group, &user)).await?;
    Ok(Reply::no_content())
}

async fn add_member(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (group, user) = authorized_member(&service, &request, "identity:add_user_to_group").await?;
    service.write(move |db| db::groups::add_member(db, &group, &user)).await?;
    Ok(Reply::no_content())
}

async fn remove_member(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (group, user) = authorized_member(&service, &request, "identity:remove_user_from_group").await?;
    service.write_keeping_administrator(move |db| db::groups::remove_member(db, &group, &user)).await?;
    Ok(Reply::no_content())
}

async fn list_of_user(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("user_id")?.to_owned();
    let user = super::users::find(&service, &id).await?;
    let target = Target::new().with("user_id", &id);
    let target = match &user {
        Some(user) => user_target(target, user),
        None => target,
    };
    request.authorize("identity:list_groups_for_user", &target)?;
    let user = user.ok_or_else(|| error::not_found("user", &id))?;
    let wanted = filter::conditions(&request, FILTERS_OF_USER)?.and(db::groups::of_user(&user.id));
    let wanted = in_own_domain(&request, wanted);
    let base = request.base_url();
    let groups = service.store.read(move |db| db::groups::list(db, &wanted, None)).await?;
    Ok(collection(&request, "groups", groups.iter().map(|group| view::group::membership(group, &base)).collect()))
}
