//! Quota sets: what a project may have.

use std::sync::Arc;

use http_kit::{Endpoint, Microversion, Reply, Request, Target};
use kit::Fault;
use serde_json::{Map, Value, json};

use super::{integer, schemas};
use crate::Compute;
use crate::db::{quotas, server_groups};
use crate::domain::quota::{Limits, RESOURCES, Resource};

const PATH: &str = "/os-quota-sets/{project_id}";
const SHOW: &str = "os_compute_api:os-quota-sets:show";
const DETAIL: &str = "os_compute_api:os-quota-sets:detail";
const UPDATE: &str = "os_compute_api:os-quota-sets:update";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get(PATH, SHOW, &show).deferred(),
    Endpoint::get("/os-quota-sets/{project_id}/detail", DETAIL, &detail).deferred(),
    Endpoint::get("/os-quota-sets/{project_id}/defaults", "os_compute_api:os-quota-sets:defaults", &defaults),
    Endpoint::put(PATH, UPDATE, &update).until(2, 35).schema(schemas::QUOTA_UPDATE),
    Endpoint::put(PATH, UPDATE, &update).since(2, 36).until(2, 56).schema(schemas::QUOTA_UPDATE_236),
    Endpoint::put(PATH, UPDATE, &update).since(2, 57).schema(schemas::QUOTA_UPDATE_257),
    Endpoint::delete(PATH, "os_compute_api:os-quota-sets:delete", &delete),
];

fn shown(version: Microversion) -> impl Iterator<Item = &'static Resource> {
    RESOURCES.iter().filter(move |one| one.until.is_none_or(|until| !version.at_least(2, until + 1)))
}

fn render(version: Microversion, limits: &Limits) -> Map<String, Value> {
    shown(version).map(|one| (one.name.to_owned(), json!(limits.get(one.name)))).collect()
}

/// With the id, as shows have it and updates do not.
fn with_id(mut set: Map<String, Value>, project: &str) -> Reply {
    set.insert("id".to_owned(), json!(project));
    Reply::ok(json!({ "quota_set": set }))
}

async fn limits(compute: &Compute, project: &str) -> Result<Limits, Fault> {
    let project = project.to_owned();
    compute.store.read(move |db| quotas::limits(db, &project)).await.map_err(Fault::from)
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let project = request.param("project_id")?;
    request.authorize(SHOW, &Target::project(project))?;
    Ok(with_id(render(request.version, &limits(&compute, project).await?), project))
}

async fn defaults(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let limits = compute.store.read(quotas::defaults).await.map_err(Fault::from)?;
    Ok(with_id(render(request.version, &limits), request.param("project_id")?))
}

async fn detail(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let project = request.param("project_id")?;
    request.authorize(DETAIL, &Target::project(project))?;
    let limits = limits(&compute, project).await?;
    let wanted = project.to_owned();
    let (usage, groups) = compute
        .store
        .read(move |db| {
            let groups = server_groups::count(db, &wanted.as_str().into())?;
            Ok::<_, store::Error>((quotas::usage(db, &wanted)?, groups))
        })
        .await?;
    let used = |name: &str| match name {
        "server_groups" => groups,
        // What is counted by user or by group, rather than by project, shows as unused.
        _ => usage.by_resource().iter().find(|(resource, _)| *resource == name).map_or(0, |(_, used)| *used),
    };
    let entry = |one: &Resource| {
        let value = json!({ "limit": limits.get(one.name), "in_use": used(one.name), "reserved": 0 });
        (one.name.to_owned(), value)
    };
    Ok(with_id(shown(request.version).map(entry).collect(), project))
}

async fn update(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let project = request.param("project_id")?.to_owned();
    let asked = request.body_value()?.get("quota_set").cloned().unwrap_or_default();
    let force = asked.get("force").is_some_and(crate::domain::disks::truth);
    let set: Vec<(String, i64)> = asked
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| RESOURCES.iter().any(|one| one.name == name.as_str()))
        .filter_map(|(name, value)| Some((name.clone(), integer(value)?)))
        .collect();
    let limits = compute
        .store
        .write(move |db| {
            let usage = quotas::usage(db, &project)?;
            for (name, limit) in &set {
                check(name, *limit, usage.by_resource().iter().find(|(one, _)| one == name), force)?;
                quotas::set(db, &project, name, *limit)?;
            }
            quotas::limits(db, &project).map_err(Fault::from)
        })
        .await?;
    Ok(Reply::ok(json!({ "quota_set": render(request.version, &limits) })))
}

fn check(name: &str, limit: i64, used: Option<&(&str, i64)>, force: bool) -> Result<(), Fault> {
    if limit < -1 {
        return Err(Fault::bad_request(format!("Quota limit {limit} for {name} must be -1 or greater.")));
    }
    match used {
        Some((_, used)) if !force && limit >= 0 && *used > limit => Err(Fault::bad_request(format!(
            "Quota limit {limit} for {name} must be greater than or equal to already used and reserved {used}."
        ))),
        _ => Ok(()),
    }
}

async fn delete(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let project = request.param("project_id")?.to_owned();
    compute.store.write(move |db| quotas::delete(db, &project)).await.map_err(Fault::from)?;
    Ok(Reply::empty(202))
}
