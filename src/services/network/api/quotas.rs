//! `/quotas`.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request, Target};
use kit::Fault;
use kit::ids::ProjectId;
use serde_json::{Map, Value, json};

use crate::db::quotas::{self, QUOTAS, Quota};
use crate::domain::{faults, python};

/// The rows.
pub static ENDPOINTS: &[Endpoint<crate::Network>] = &[
    Endpoint::get("/quotas", "get_quotas", &list),
    Endpoint::get("/quotas/{project_id}", "get_quota", &show).deferred(),
    Endpoint::get("/quotas/{project_id}/default", "get_quota", &defaults).deferred(),
    Endpoint::get("/quotas/{project_id}/details", "get_quota", &details).deferred(),
    Endpoint::put("/quotas/{project_id}", "update_quota", &update),
    Endpoint::delete("/quotas/{project_id}", "delete_quota", &delete),
];

/// The project that the path names, where the caller may see its quotas.
fn project(request: &Request) -> Result<ProjectId, Fault> {
    let project = request.param("project_id")?;
    request.authorize("get_quota", &Target::project(project))?;
    Ok(project.into())
}

fn limits(quotas: &[(&'static Quota, i64)]) -> Map<String, Value> {
    quotas.iter().map(|(quota, limit)| (quota.name.to_owned(), Value::from(*limit))).collect()
}

async fn list(service: Arc<crate::Network>, _request: Request) -> Result<Reply, Fault> {
    let all = service.read(|db| {
        let mut all = Vec::new();
        for project in quotas::projects(db)? {
            let mut quota = limits(&quotas::get(db, &project)?);
            quota.insert("tenant_id".to_owned(), Value::from(project.as_str()));
            quota.insert("project_id".to_owned(), Value::from(project.as_str()));
            all.push(quota);
        }
        Ok(all)
    });
    Ok(Reply::ok(json!({"quotas": all.await?})))
}

async fn show(service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let project = project(&request)?;
    let quotas = service.read(move |db| quotas::get(db, &project)).await?;
    Ok(Reply::ok(json!({"quota": limits(&quotas)})))
}

async fn defaults(_service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    project(&request)?;
    let quotas: Vec<_> = QUOTAS.iter().map(|quota| (quota, quota.default)).collect();
    Ok(Reply::ok(json!({"quota": limits(&quotas)})))
}

async fn details(service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let project = project(&request)?;
    let quota = service.read(move |db| {
        let mut quota = Map::new();
        for (resource, limit) in quotas::get(db, &project)? {
            let used = quotas::used(db, &project, resource)?;
            quota.insert(resource.name.to_owned(), json!({"limit": limit, "used": used, "reserved": 0}));
        }
        Ok(quota)
    });
    Ok(Reply::ok(json!({"quota": quota.await?})))
}

async fn update(service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let project = ProjectId::new(request.param("project_id")?);
    let body = request.body_value()?.get("quota").and_then(Value::as_object);
    let body = body.ok_or_else(|| faults::bad_request("Unable to find 'quota' in request body"))?;
    let mut changes: Vec<(&'static Quota, i64)> = Vec::new();
    for (name, value) in
        body.iter().filter(|(name, _)| !matches!(name.as_str(), "tenant_id" | "project_id" | "force" | "check_limit"))
    {
        let quota = QUOTAS.iter().find(|quota| quota.name == name);
        let quota = quota.ok_or_else(|| faults::bad_request(format!("Unrecognized attribute(s) '{name}'")))?;
        changes.push((quota, limit(name, value)?));
    }
    let quotas = service.change(&request.context, move |change| {
        for (quota, limit) in changes {
            quotas::set(change.db, &project, quota, limit)?;
        }
        quotas::get(change.db, &project)
    });
    Ok(Reply::ok(json!({"quota": limits(&quotas.await?)})))
}

/// A limit: a whole number from −1 on.
fn limit(name: &str, value: &Value) -> Result<i64, Fault> {
    let number = value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    match number {
        Some(number) if (-1..=i64::from(i32::MAX)).contains(&number) => Ok(number),
        Some(number) if number < 0 => {
            Err(faults::invalid_attribute(name, format!("'{number}' is too small - must be at least '-1'")))
        }
        Some(number) => {
            let reason = format!("'{number}' is too large - must be no larger than '{}'", i32::MAX);
            Err(faults::invalid_attribute(name, reason))
        }
        None => Err(faults::invalid_input(format!("'{}' is not an integer", python::str(value)))),
    }
}

async fn delete(service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let project = ProjectId::new(request.param("project_id")?);
    let name = project.clone();
    let had = service.change(&request.context, move |change| quotas::delete(change.db, &project)).await?;
    if had { Ok(Reply::no_content()) } else { Err(faults::quota_not_found(name)) }
}
