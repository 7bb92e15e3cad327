//! `/v3/role_assignments`: all grants, or with `effective` all that follows from them.

use std::sync::Arc;

use http_kit::{Endpoint, Query, Reply, Request, Target};
use kit::Fault;

use super::{collection, domain_scope, flag, project_target};
use crate::db::role_assignments::Wanted;
use crate::domain::assignment::Actor;
use crate::domain::role::Holding;
use crate::{IdentityService, db, view};

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] =
    &[Endpoint::get("/role_assignments", "identity:list_role_assignments", &list).deferred()];

const INHERITED: &str = "scope.OS-INHERIT:inherited_to";

fn wanted(query: &Query) -> Result<Wanted, Fault> {
    let text = |name: &str| query.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let (project, domain, system) = (text("scope.project.id"), text("scope.domain.id"), text("scope.system"));
    let (user, group) = (text("user.id"), text("group.id"));
    let not_both = [
        (domain.is_some() && project.is_some(), "domain or project"),
        (system.is_some() && domain.is_some(), "system or domain"),
        (system.is_some() && project.is_some(), "system or project"),
        (user.is_some() && group.is_some(), "a user or group"),
    ];
    if let Some((_, what)) = not_both.iter().find(|(both, _)| *both) {
        let article = if what.starts_with("domain") { "a " } else { "" };
        return Err(Fault::bad_request(format!("Specify {article}{what}, not both")));
    }
    let holding = match (project, domain) {
        (Some(project), _) => Some(Holding::Project(project)),
        (None, Some(domain)) => Some(Holding::Domain(domain)),
        (None, None) => system.filter(|system| system == "all").map(|_| Holding::System),
    };
    let wanted = Wanted {
        actor: user.map(Actor::User).or(group.map(Actor::Group)),
        role_id: text("role.id"),
        holding,
        subtree: flag(query, "include_subtree"),
        inherited: query.get(INHERITED).map(|to| to == "projects"),
        inside: None,
        effective: flag(query, "effective"),
        names: flag(query, "include_names"),
    };
    check_effective(&wanted)?;
    Ok(wanted)
}

/// Filters that would leave nothing over are refused.
fn check_effective(wanted: &Wanted) -> Result<(), Fault> {
    if !wanted.effective {
        return Ok(());
    }
    let refused =
        |what: &str| Err(Fault::bad_request(format!("Combining {what} will always result in an empty list.")));
    match (&wanted.actor, &wanted.holding) {
        (Some(Actor::Group(_)), _) => refused("effective and group filter"),
        (_, Some(Holding::Domain(_))) if wanted.inherited == Some(true) => {
            refused("effective, domain and inherited filters")
        }
        _ => Ok(()),
    }
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let own = domain_scope(&request);
    authorize(&service, &request, own.as_deref()).await?;
    let mut wanted = wanted(request.query())?;
    // A domain's reader sees what is in the domain.
    wanted.inside = own;
    let base = request.base_url();
    let items = service
        .store
        .read(move |db| {
            let listed = db::role_assignments::list(db, &wanted)?;
            Ok::<_, Fault>(listed.iter().map(|it| view::role_assignment::role_assignment(it, &base)).collect())
        })
        .await?;
    Ok(collection(&request, "role_assignments", items))
}

/// A domain's reader may list what is in the domain; of a tree, where its project is in the domain.
async fn authorize(service: &IdentityService, request: &Request, own: Option<&str>) -> Result<(), Fault> {
    if !flag(request.query(), "include_subtree") {
        let target = own.map_or_else(Target::new, |domain| Target::new().with("target.domain_id", domain));
        return request.authorize("identity:list_role_assignments", &target);
    }
    let id = request.query().get("scope.project.id").unwrap_or_default().to_owned();
    let found = service.store.read(move |db| db::projects::get(db, &id)).await;
    let target = found.as_ref().map_or_else(
        |_| Target::new(),
        |project| project_target(Target::new(), project).with_option("target.domain_id", project.domain_id.as_ref()),
    );
    request.authorize("identity:list_role_assignments_for_tree", &target)?;
    match request.query().has("scope.project.id") {
        true => found.map(drop),
        false => Err(Fault::bad_request("scope.project.id must be specified if include_subtree is also specified")),
    }
}
