//! `/v3/users/{user_id}/OS-OAUTH1/access_tokens`: what a user has lent to consumers.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use super::collection;
use super::delegation::{refuse_applications, refuse_handed_on};
use crate::domain::oauth1::AccessToken;
use crate::{IdentityService, db, error, view};

const ALL: &str = "/users/{user_id}/OS-OAUTH1/access_tokens";
const ONE: &str = "/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}";
const ROLES: &str = "/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles";
const ROLE: &str = "/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles/{role_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get(ALL, "identity:list_access_tokens", &list),
    Endpoint::get(ONE, "identity:get_access_token", &show),
    Endpoint::delete(ONE, "identity:delete_access_token", &delete),
    Endpoint::get(ROLES, "identity:list_access_token_roles", &list_roles),
    Endpoint::get(ROLE, "identity:get_access_token_role", &show_role),
];

/// The access token of the path, if it is its user's.
async fn find(service: &IdentityService, request: &Request) -> Result<AccessToken, Fault> {
    let (user_id, id) = (request.param("user_id")?, request.param("access_token_id")?.to_owned());
    let found = service.store.read(move |db| db::oauth1_tokens::get(db, &id)).await?;
    if found.user_id == user_id { Ok(found) } else { Err(Fault::not_found("Access token not found")) }
}

fn refuse_delegated(request: &Request) -> Result<(), Fault> {
    refuse_handed_on(request)?;
    refuse_applications(request)
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    refuse_delegated(&request)?;
    let (user_id, base) = (request.param("user_id")?.to_owned(), request.base_url());
    let found = service.store.read(move |db| db::oauth1_tokens::of_user(db, &user_id)).await?;
    Ok(collection(&request, "access_tokens", found.iter().map(|it| view::oauth1::access_token(it, &base)).collect()))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    refuse_delegated(&request)?;
    let found = find(&service, &request).await?;
    Ok(Reply::ok(json!({ "access_token": view::oauth1::access_token(&found, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    refuse_delegated(&request)?;
    let found = find(&service, &request).await?;
    service.write(move |db| db::oauth1_tokens::delete(db, &found.id)).await?;
    Ok(Reply::no_content())
}

async fn list_roles(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (found, base) = (find(&service, &request).await?, request.base_url());
    let roles = service.store.read(move |db| {
        let role = |id: &String| db::roles::get(db, id);
        found.role_ids.iter().map(role).collect::<Result<Vec<_>, Fault>>()
    });
    let items = roles.await?.iter().map(|role| view::oauth1::role(role, &base)).collect();
    Ok(collection(&request, "roles", items))
}

async fn show_role(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (found, id) = (find(&service, &request).await?, request.param("role_id")?.to_owned());
    if !found.role_ids.contains(&id) {
        return Err(error::not_found("role", &id));
    }
    let role = service.store.read(move |db| db::roles::get(db, &id)).await?;
    Ok(Reply::ok(json!({ "role": view::oauth1::role(&role, &request.base_url()) })))
}
