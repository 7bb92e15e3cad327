//! Hypervisors: the hosts, as administrators see them.

use std::collections::HashMap;
use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

use crate::Compute;
use crate::db::hosts::{self, Host, Usage};
use crate::db::instances;
use crate::view::set;
use crate::view::{self, Look};

const LIST: &str = "os_compute_api:os-hypervisors:list";
const DETAIL: &str = "os_compute_api:os-hypervisors:list-detail";
const SHOW: &str = "os_compute_api:os-hypervisors:show";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/os-hypervisors", LIST, &list),
    Endpoint::get("/os-hypervisors/detail", DETAIL, &detail),
    Endpoint::get("/os-hypervisors/statistics", "os_compute_api:os-hypervisors:statistics", &statistics).until(2, 87),
    Endpoint::get("/os-hypervisors/{hypervisor_id}", SHOW, &show),
];

async fn load(compute: &Compute) -> Result<Vec<(Host, Usage)>, Fault> {
    let (hosts, usage) = compute.store.read(|db| Ok::<_, store::Error>((hosts::list(db)?, hosts::usage(db)?))).await?;
    let usage: HashMap<_, _> = usage.into_iter().collect();
    Ok(hosts
        .into_iter()
        .map(|host| {
            let used = usage.get(&host.host).copied().unwrap_or_default();
            (host, used)
        })
        .collect())
}

/// From 2.53 on a list can be narrowed to a name.
fn matches(request: &Request, host: &Host) -> bool {
    let pattern = request.query().get("hypervisor_hostname_pattern").filter(|_| request.version.at_least(2, 53));
    pattern.is_none_or(|pattern| host.inventory.hypervisor_hostname.contains(pattern))
}

async fn rendered(
    compute: &Compute,
    request: &Request,
    render: impl Fn(&Look, &Host, Usage) -> Value,
) -> Result<Reply, Fault> {
    let look = Look::of(request);
    let hosts = load(compute).await?;
    let mut views = Vec::new();
    for (host, usage) in hosts.iter().filter(|(host, _)| matches(request, host)) {
        let mut view = render(&look, host, *usage);
        if let Some(servers) = servers(compute, request, host).await? {
            set(&mut view, "servers", servers);
        }
        views.push(view);
    }
    if views.is_empty()
        && let Some(pattern) = request.query().get("hypervisor_hostname_pattern")
    {
        return Err(Fault::not_found(format!("No hypervisor matching '{pattern}' could be found.")));
    }
    Ok(Reply::ok(json!({ "hypervisors": views })))
}

/// The servers on a host, where they are asked for (2.53).
async fn servers(compute: &Compute, request: &Request, host: &Host) -> Result<Option<Value>, Fault> {
    if !request.version.at_least(2, 53) || !request.query().flag("with_servers") {
        return Ok(None);
    }
    let name = host.host.clone();
    let rows = compute.store.read(move |db| instances::on_host(db, &name)).await.map_err(Fault::from)?;
    if rows.is_empty() && !request.version.at_least(2, 75) {
        return Ok(None);
    }
    let entry = |row: &instances::InstanceRow| json!({ "uuid": row.id, "name": row.instance_name() });
    Ok(Some(rows.iter().map(entry).collect()))
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let now = compute.now();
    rendered(&compute, &request, |look, host, _| view::hypervisors::basic(look, host, now)).await
}

async fn detail(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let now = compute.now();
    rendered(&compute, &request, |look, host, usage| view::hypervisors::detail(look, host, usage, now)).await
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("hypervisor_id")?;
    let by_uuid = request.version.at_least(2, 53);
    let named = |host: &Host| if by_uuid { host.uuid == id } else { host.number.to_string() == id };
    let hosts = load(&compute).await?;
    let found = hosts.iter().find(|(host, _)| named(host));
    let (host, usage) =
        found.ok_or_else(|| Fault::not_found(format!("Hypervisor with ID '{id}' could not be found.")))?;
    let mut view = view::hypervisors::detail(&Look::of(&request), host, *usage, compute.now());
    if let Some(servers) = servers(&compute, &request, host).await? {
        set(&mut view, "servers", servers);
    }
    Ok(Reply::ok(json!({ "hypervisor": view })))
}

async fn statistics(compute: Arc<Compute>, _request: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(view::hypervisors::statistics(&load(&compute).await?)))
}
