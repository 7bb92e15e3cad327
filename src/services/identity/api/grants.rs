//! `/v3/{projects,domains}/{id}/{users,groups}/{id}/roles`, `/v3/system/{users,groups}/{id}/roles` and their inherited
//! kin under `/v3/OS-INHERIT`: who is given which role on what.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request, Target};
use kit::Fault;

use super::roles::role_target;
use super::{collection, group_target, project_target, user_target};
use crate::db::assignments::{self, Grant, Holder};
use crate::domain::assignment::{Actor, Assignment};
use crate::domain::project::Project;
use crate::domain::role::Holding;
use crate::{IdentityService, view};

/// The rows for one role and, where Keystone has that, for the list of them.
macro_rules! grants {
    ($($path:literal, $suffix:literal: $one:literal $(, $many:literal)?;)*) => {
        &[$(
            $(Endpoint::get(concat!($path, "/roles", $suffix), concat!("identity:list_", $many), &list).deferred(),)?
            Endpoint::get(concat!($path, "/roles/{role_id}", $suffix), concat!("identity:check_", $one), &check)
                .deferred(),
            Endpoint::put(concat!($path, "/roles/{role_id}", $suffix), concat!("identity:create_", $one), &create)
                .deferred(),
            Endpoint::delete(concat!($path, "/roles/{role_id}", $suffix), concat!("identity:revoke_", $one), &revoke)
                .deferred(),
        )*]
    };
}

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = grants! {
    "/projects/{project_id}/users/{user_id}", "": "grant", "grants";
    "/projects/{project_id}/groups/{group_id}", "": "grant", "grants";
    "/domains/{domain_id}/users/{user_id}", "": "grant", "grants";
    "/domains/{domain_id}/groups/{group_id}", "": "grant", "grants";
    "/OS-INHERIT/projects/{project_id}/users/{user_id}", "/inherited_to_projects": "grant";
    "/OS-INHERIT/projects/{project_id}/groups/{group_id}", "/inherited_to_projects": "grant";
    "/OS-INHERIT/domains/{domain_id}/users/{user_id}", "/inherited_to_projects": "grant", "grants";
    "/OS-INHERIT/domains/{domain_id}/groups/{group_id}", "/inherited_to_projects": "grant", "grants";
    "/system/users/{user_id}", "": "system_grant_for_user", "system_grants_for_user";
    "/system/groups/{group_id}", "": "system_grant_for_group", "system_grants_for_group";
};

/// What the path says: who holds, on what, and whether for the projects below.
struct Named {
    actor: Actor,
    holding: Holding,
    inherited: bool,
}

impl Named {
    fn of(request: &Request) -> Result<Self, Fault> {
        let holding = match (request.param("project_id"), request.param("domain_id")) {
            (Ok(project), _) => Holding::Project(project.to_owned()),
            (_, Ok(domain)) => Holding::Domain(domain.to_owned()),
            _ => Holding::System,
        };
        let actor = match request.param("user_id") {
            Ok(user) => Actor::User(user.to_owned()),
            Err(_) => Actor::Group(request.param("group_id")?.to_owned()),
        };
        Ok(Self { actor, holding, inherited: request.path.ends_with("/inherited_to_projects") })
    }

    /// The rule for `verb` on it.
    fn rule(&self, verb: &str) -> String {
        let plural = if verb == "list" { "s" } else { "" };
        match (&self.holding, &self.actor) {
            (Holding::System, Actor::User(_)) => format!("identity:{verb}_system_grant{plural}_for_user"),
            (Holding::System, Actor::Group(_)) => format!("identity:{verb}_system_grant{plural}_for_group"),
            _ => format!("identity:{verb}_grant{plural}"),
        }
    }
}

/// What policies ask about the two ends of a grant.
fn target(holder: &Holder, place: Option<&Project>) -> Target {
    let target = match holder {
        Holder::User(user) => user_target(Target::new(), user),
        Holder::Group(group) => group_target(Target::new(), group),
    };
    match place {
        Some(domain) if domain.is_domain => target.with("target.domain.id", &domain.id),
        Some(project) => project_target(target, project),
        None => target,
    }
}

/// The grant of the path, all parts of which must be there, if the caller may do `verb` with it.
async fn authorized(service: &IdentityService, request: &Request, verb: &str) -> Result<(Assignment, Grant), Fault> {
    let named = Named::of(request)?;
    let rule = named.rule(verb);
    let Named { actor, holding, inherited } = named;
    let assignment = Assignment { actor, role_id: request.param("role_id")?.to_owned(), holding, inherited };
    let wanted = assignment.clone();
    let found = service.store.read(move |db| assignments::named(db, &wanted)).await;
    let target = found
        .as_ref()
        .map_or_else(|_| Target::new(), |grant| role_target(target(&grant.holder, grant.place.as_ref()), &grant.role));
    request.authorize(&rule, &target)?;
    Ok((assignment, found?))
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let named = Named::of(&request)?;
    let rule = named.rule("list");
    let (actor, holding) = (named.actor.clone(), named.holding.clone());
    let found = service.store.read(move |db| assignments::holder_and_place(db, &actor, &holding)).await;
    let target = found.as_ref().map_or_else(|_| Target::new(), |(holder, place)| target(holder, place.as_ref()));
    request.authorize(&rule, &target)?;
    found?;
    let base = request.base_url();
    let Named { actor, holding, inherited } = named;
    let roles = service.store.read(move |db| assignments::roles_given(db, &actor, &holding, inherited)).await?;
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

/// A domain's own role serves on the projects of that domain only, and on the system not at all.
fn check_domain_of_role(grant: &Grant) -> Result<(), Fault> {
    let Some(domain) = &grant.role.domain_id else { return Ok(()) };
    let role = &grant.role.id;
    match &grant.place {
        None => Err(Fault::bad_request(format!(
            "Role {role} is a domain-specific role. Unable to use a domain-specific role in a system assignment."
        ))),
        Some(place) if !place.is_domain && place.domain_id.as_ref() != Some(domain) => Err(Fault::forbidden(format!(
            "Project {} must be in the same domain as the role {role} being assigned.",
            place.id
        ))),
        Some(_) => Ok(()),
    }
}

async fn revoke(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (assignment, _) = authorized(&service, &request, "revoke").await?;
    service
        .write_keeping_administrator(move |db| match assignments::delete(db, &assignment)? {
            true => Ok(()),
            false => Err(assignments::not_given(&assignment)),
        })
        .await?;
    Ok(Reply::no_content())
}
