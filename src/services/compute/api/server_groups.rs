//! Server groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request, Target};
use kit::Fault;
use serde_json::{Value, json};

use super::{integer, project, schemas, user};
use crate::Compute;
use crate::db::quotas;
use crate::db::server_groups::{self, ServerGroup};
use crate::policy::name;
use crate::view::{self, Look};

const CREATE: &str = "os_compute_api:os-server-groups:create";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/os-server-groups", "os_compute_api:os-server-groups:index", &list),
    Endpoint::get("/os-server-groups/{group_id}", "os_compute_api:os-server-groups:show", &show),
    Endpoint::post("/os-server-groups", CREATE, &create).until(2, 14).schema(schemas::SERVER_GROUP),
    Endpoint::post("/os-server-groups", CREATE, &create).since(2, 15).until(2, 63).schema(schemas::SERVER_GROUP_215),
    Endpoint::post("/os-server-groups", CREATE, &create).since(2, 64).schema(schemas::SERVER_GROUP_264),
    Endpoint::delete("/os-server-groups/{group_id}", "os_compute_api:os-server-groups:delete", &delete),
];

fn not_found(id: &str) -> Fault {
    Fault::not_found(format!("Instance group {id} could not be found."))
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let query = request.query();
    let all = query.has("all_projects") && request.context.is_admin();
    if all {
        request.authorize(name::ALL_GROUPS, &Target::own())?;
    }
    let project = if all { None } else { Some(project(&request)?) };
    let number = |name: &str| query.get(name).map(|text| whole(name, text)).transpose();
    let (limit, offset) = (number("limit")?.unwrap_or(1000).min(1000), number("offset")?.unwrap_or(0));
    let groups = compute
        .store
        .read(move |db| server_groups::list(db, project.as_ref(), limit, offset))
        .await
        .map_err(Fault::from)?;
    let look = Look::of(&request);
    let views: Vec<Value> = groups.iter().map(|group| view::server_groups::detail(&look, group)).collect();
    Ok(Reply::ok(json!({ "server_groups": views })))
}

fn whole(name: &str, text: &str) -> Result<i64, Fault> {
    text.parse().ok().filter(|number: &i64| *number >= 0).ok_or_else(|| {
        Fault::bad_request(format!(
            "Invalid input for query parameters {name}. Value: {text}. '{text}' does not match '^[0-9]*$'"
        ))
    })
}

/// The group that the path names, where the caller may see it.
async fn find(compute: &Compute, request: &Request) -> Result<ServerGroup, Fault> {
    let id = request.param("group_id")?.to_owned();
    let wanted = id.clone();
    let group = compute.store.read(move |db| server_groups::get(db, &wanted)).await.map_err(Fault::from)?;
    let seen =
        |group: &ServerGroup| request.context.is_admin() || request.context.project_id() == Some(&group.project_id);
    group.filter(seen).ok_or_else(|| not_found(&id))
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let group = find(&compute, &request).await?;
    Ok(Reply::ok(json!({ "server_group": view::server_groups::detail(&Look::of(&request), &group) })))
}

async fn delete(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let group = find(&compute, &request).await?;
    compute
        .store
        .write(move |db| if server_groups::delete(db, &group.id)? { Ok(()) } else { Err(not_found(&group.id)) })
        .await?;
    Ok(Reply::no_content())
}

async fn create(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let asked = request.body_value()?.get("server_group").cloned().unwrap_or_default();
    let policy = asked.get("policy").or_else(|| asked.pointer("/policies/0")).and_then(Value::as_str);
    let rules: BTreeMap<String, i64> = asked
        .get("rules")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), integer(value)?)))
        .collect();
    if !rules.is_empty() && policy != Some("anti-affinity") {
        return Err(Fault::bad_request("Only anti-affinity policy supports rules."));
    }
    let group = ServerGroup {
        id: uuid::Uuid::new_v4().hyphenated().to_string(),
        name: asked.get("name").and_then(Value::as_str).unwrap_or_default().trim().to_owned(),
        project_id: project(&request)?,
        user_id: user(&request)?,
        policy: policy.unwrap_or_default().to_owned(),
        rules,
        members: Vec::new(),
    };
    let (row, now) = (group.clone(), compute.now());
    compute
        .store
        .write(move |db| {
            let limits = quotas::limits(db, row.project_id.as_str())?;
            if !limits.allows("server_groups", server_groups::count(db, &row.project_id)? + 1) {
                return Err(Fault::over_quota("Quota exceeded, too many server groups."));
            }
            server_groups::insert(db, &row, now).map_err(Fault::from)
        })
        .await?;
    Ok(Reply::ok(json!({ "server_group": view::server_groups::detail(&Look::of(&request), &group) })))
}
