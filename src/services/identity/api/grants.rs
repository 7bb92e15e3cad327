//! `/v3/{projects,domains}/{id}/users/{id}/roles` and `/v3/system/users/{id}/roles`: who is given which role on what.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request, Target};
use kit::Fault;

use super::roles::role_target;
use super::{collection, project_target, user_target};
use crate::db::assignments::{self, Assignment, Grant};
use crate::domain::project::Project;
use crate::domain::role::Holding;
use crate::{IdentityService, view};

const ON_PROJECT: &str = "/projects/{project_id}/users/{user_id}/roles/{role_id}";
const ON_DOMAIN: &str = "/domains/{domain_id}/users/{user_id}/roles/{role_id}";
const ON_SYSTEM: &str = "/system/users/{user_id}/roles/{role_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/projects/{project_id}/users/{user_id}/roles", "identity:list_grants", &list).deferred(),
    Endpoint::get(ON_PROJECT, "identity:check_grant", &check).deferred(),
    Endpoint::put(ON_PROJECT, "identity:create_grant", &create).deferred(),
    Endpoint::delete(ON_PROJECT, "identity:revoke_grant", &revoke).deferred(),
    Endpoint::get("/domains/{domain_id}/users/{user_id}/roles", "identity:list_grants", &list).deferred(),
    Endpoint::get(ON_DOMAIN, "identity:check_grant", &check).deferred(),
    Endpoint::put(ON_DOMAIN, "identity:create_grant", &create).deferred(),
    Endpoint::delete(ON_DOMAIN, "identity:revoke_grant", &revoke).deferred(),
    Endpoint::get("/system/users/{user_id}/roles", "identity:list_system_grants_for_user", &list).deferred(),
    Endpoint::get(ON_SYSTEM, "identity:check_system_grant_for_user", &check).deferred(),
    Endpoint::put(ON_SYSTEM, "identity:create_system_grant_for_user", &create).deferred(),
    Endpoint::delete(ON_SYSTEM, "identity:revoke_system_grant_for_user", &revoke).deferred(),
];

/// What the path says that the role is held on.
fn holding(request: &Request) -> Holding {
    match (request.param("project_id"), request.param("domain_id")) {
        (Ok(project), _) => Holding::Project(project.to_owned()),
        (_, Ok(domain)) => Holding::Domain(domain.to_owned()),
        _ => Holding::System,
    }
}

/// The rule for `verb` there.
fn rule(verb: &str, holding: &Holding) -> String {
    let plural = if verb == "list" { "s" } else { "" };
    match holding {
        Holding::System => format!("identity:{verb}_system_grant{plural}_for_user"),
        _ => format!("identity:{verb}_grant{plural}"),
    }
}

fn place_target(target: Target, place: Option<&Project>) -> Target {
    match place {
        Some(domain) if domain.is_domain => target.with("target.domain.id", &domain.id),
        Some(project) => project_target(target, project),
        None => target,
    }
}

/// The grant of the path, all parts of which must be there, if the caller may do `verb` with it.
async fn authorized(service: &IdentityService, request: &Request, verb: &str) -> Result<(Assignment, Grant), Fault> {
    let assignment = Assignment {
        user_id: request.param("user_id")?.to_owned(),
        role_id: request.param("role_id")?.to_owned(),
        holding: holding(request),
    };
    let named = assignment.clone();
    let found = service.store.read(move |db| assignments::named(db, &named)).await;
    let target = match &found {
        Ok(grant) => {
            let target = role_target(user_target(Target::new(), &grant.user), &grant.role);
            place_target(target, grant.place.as_ref())
        }
        Err(_) => Target::new(),
    };
    request.authorize(&rule(verb, &assignment.holding), &target)?;
    Ok((assignment, found?))
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (user_id, holding) = (request.param("user_id")?.to_owned(), holding(&request));
    let (user, place) = (user_id.clone(), holding.clone());
    let found = service.store.read(move |db| assignments::actor_and_place(db, &user, &place)).await;
    let target = match &found {
        Ok((user, place)) => place_target(user_target(Target::new(), user), place.as_ref()),
        Err(_) => Target::new(),
    };
    request.authorize(&rule("list", &holding), &target)?;
    found?;
    let base = request.base_url();
    let roles = service.store.read(move |db| assignments::roles_given(db, &user_id, &holding)).await?;
    Ok(collection(&request, "roles", roles.iter().map(|role| view::role::role(role, &base)).collect()))
}

async fn check(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (assignment, _) = authorized(&service, &request, "check").await?;
    let wanted = assignment.clone();
    match service.store.read(move |db| assignments::exists(db, &wanted)).await? {
        true => Ok(Reply::no_content()),
        false => Err(assignments::not_given(&assignment)),
    }
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (assignment, grant) = authorized(&service, &request, "create").await?;
    check_domain_of_role(&grant)?;
    service
        .write(move |db| {
            // Any part of it may have gone since.
            assignments::named(db, &assignment)?;
            assignments::insert(db, &assignment)
        })
        .await?;
    Ok(Reply::no_content())
}

/// A domain's own role serves on the projects of that domain only.
fn check_domain_of_role(grant: &Grant) -> Result<(), Fault> {
    match (&grant.role.domain_id, &grant.place) {
        (Some(domain), Some(place)) if !place.is_domain && place.domain_id.as_ref() != Some(domain) => {
            Err(Fault::forbidden(format!(
                "Project {} must be in the same domain as the role {} being assigned.",
                place.id, grant.role.id
            )))
        }
        _ => Ok(()),
    }
}

async fn revoke(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (assignment, _) = authorized(&service, &request, "revoke").await?;
    service
        .write(move |db| match assignments::delete(db, &assignment)? {
            true => Ok(()),
            false => Err(assignments::not_given(&assignment)),
        })
        .await?;
    Ok(Reply::no_content())
}
