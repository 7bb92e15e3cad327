//! `/v3/role_assignments`: all grants, or with `effective` all that follows from them.

use std::collections::HashMap;
use std::sync::Arc;

use http_kit::{Condition, Endpoint, Query, Reply, Request, Target};
use kit::Fault;
use store::Connection;

use super::{collection, domain_scope};
use crate::db::assignments::{Assignment, Wanted};
use crate::domain::role::Holding;
use crate::view::assignment::{Names, Shown};
use crate::{IdentityService, db, view};

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] =
    &[Endpoint::get("/role_assignments", "identity:list_role_assignments", &list).deferred()];

/// Keystone takes a flag without a value, and every value but `0`, for yes.
fn flag(query: &Query, name: &str) -> bool {
    query.get(name).is_some_and(|value| value != "0")
}

fn wanted(query: &Query) -> Result<Wanted, Fault> {
    let text = |name: &str| query.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let (project, domain) = (text("scope.project.id"), text("scope.domain.id"));
    let system = text("scope.system").is_some();
    let holding = match (project, domain, system) {
        (Some(_), Some(_), _) => return Err(Fault::bad_request("Specify a domain or project, not both")),
        (_, Some(_), true) => return Err(Fault::bad_request("Specify system or domain, not both")),
        (Some(_), _, true) => return Err(Fault::bad_request("Specify system or project, not both")),
        (Some(project), ..) => Some(Holding::Project(project)),
        (_, Some(domain), _) => Some(Holding::Domain(domain)),
        (None, None, true) => Some(Holding::System),
        (None, None, false) => None,
    };
    if text("user.id").is_some() && text("group.id").is_some() {
        return Err(Fault::bad_request("Specify a user or group, not both"));
    }
    Ok(Wanted { user_id: text("user.id"), role_id: text("role.id"), holding })
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let own = domain_scope(&request);
    let query = request.query();
    let subtree = flag(query, "include_subtree");
    authorize(&service, &request, own.as_deref(), subtree).await?;
    let mut wanted = wanted(query)?;
    if query.get("group.id").is_some_and(|group| !group.is_empty()) {
        // There are no groups.
        return Ok(collection(&request, "role_assignments", Vec::new()));
    }
    let (effective, include_names) = (flag(query, "effective"), flag(query, "include_names"));
    // An effective role may come from another: the filter is for what comes out.
    let role = if effective { wanted.role_id.take() } else { None };
    let base = request.base_url();
    let items = service
        .store
        .read(move |db| {
            let given = if subtree { of_tree(db, wanted)? } else { db::assignments::list(db, &wanted)? };
            let given = of_domain(db, given, own.as_deref())?;
            let all = if effective { expand(db, &given)? } else { given.into_iter().map(|it| (it, None)).collect() };
            let names = if include_names { Some(names(db)?) } else { None };
            let shown = all.iter().filter(|(it, _)| role.as_ref().is_none_or(|role| *role == it.role_id));
            Ok::<_, Fault>(
                shown
                    .map(|(assignment, prior)| {
                        let shown = Shown { assignment, prior_role_id: prior.as_deref() };
                        view::assignment::assignment(&shown, names.as_ref(), &base)
                    })
                    .collect(),
            )
        })
        .await?;
    Ok(collection(&request, "role_assignments", items))
}

/// A domain's reader may list what is in the domain; of a tree, where its project is in the domain.
async fn authorize(
    service: &IdentityService,
    request: &Request,
    own: Option<&str>,
    subtree: bool,
) -> Result<(), Fault> {
    if !subtree {
        let target = own.map_or_else(Target::new, |domain| Target::new().with("target.domain_id", domain));
        return request.authorize("identity:list_role_assignments", &target);
    }
    let id = request.query().get("scope.project.id").unwrap_or_default().to_owned();
    let found = service.store.read(move |db| db::projects::get(db, &id)).await;
    let domain = found.as_ref().ok().and_then(|project| project.domain_id.clone());
    let target = Target::new().with_option("target.domain_id", domain);
    request.authorize("identity:list_role_assignments_for_tree", &target)?;
    match request.query().has("scope.project.id") {
        true => found.map(drop),
        false => Err(Fault::bad_request("scope.project.id must be specified if include_subtree is also specified")),
    }
}

/// What is given on the wanted project and on those below it.
fn of_tree(db: &Connection, mut wanted: Wanted) -> Result<Vec<Assignment>, Fault> {
    let Some(Holding::Project(top)) = wanted.holding.clone() else { return db::assignments::list(db, &wanted) };
    let below = db::projects::subtree(db, &top)?.into_iter().map(|project| project.id);
    let mut given = Vec::new();
    for id in std::iter::once(top).chain(below) {
        wanted.holding = Some(Holding::Project(id));
        given.extend(db::assignments::list(db, &wanted)?);
    }
    Ok(given)
}

/// Of `given`, what is on the domain `own` or on its projects; all where there is none.
fn of_domain(db: &Connection, given: Vec<Assignment>, own: Option<&str>) -> Result<Vec<Assignment>, Fault> {
    let Some(own) = own else { return Ok(given) };
    let inside = Condition::is("id", own).or(Condition::is("domain_id", own));
    let places = db::projects::list(db, &inside, None)?;
    let is_inside = |it: &Assignment| it.holding.id().is_some_and(|id| places.iter().any(|place| place.id == id));
    Ok(given.into_iter().filter(is_inside).collect())
}

/// `given`, each followed by what it implies, with the role that implies it.
fn expand(db: &Connection, given: &[Assignment]) -> Result<Vec<(Assignment, Option<String>)>, Fault> {
    let pairs = db::implied_roles::pairs(db)?;
    let mut all: Vec<(Assignment, Option<String>)> = Vec::new();
    for assignment in given {
        let mut held = vec![(assignment.role_id.clone(), None)];
        let mut next = 0;
        while let Some((role, _)) = held.get(next).cloned() {
            for (_, implied) in pairs.iter().filter(|(prior, _)| *prior == role) {
                if !held.iter().any(|(known, _)| known == implied) {
                    held.push((implied.clone(), Some(role.clone())));
                }
            }
            next += 1;
        }
        all.extend(held.into_iter().map(|(role_id, prior)| (Assignment { role_id, ..assignment.clone() }, prior)));
    }
    Ok(all)
}

fn names(db: &Connection) -> Result<Names, Fault> {
    let all = Condition::all();
    let users = db::users::list(db, &all, None)?.into_iter().map(|user| (user.id.clone(), user));
    let roles = db::roles::list(db, &all)?.into_iter().map(|role| (role.id.clone(), role));
    let places = db::projects::list(db, &all, None)?.into_iter().map(|place| (place.id.clone(), place));
    Ok(Names { users: users.collect(), roles: roles.collect(), places: places.collect::<HashMap<_, _>>() })
}
