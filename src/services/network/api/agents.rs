//! `/agents` and `/availability_zones`: network agents as they report, and where they are.

use std::sync::Arc;

use http_kit::page::Order;
use http_kit::{Condition, Direction, Endpoint, Fields, Filter, FilterKind, Paging, Reply, Request, Sortable, filter};
use kit::Fault;
use serde_json::{Value, json};

use crate::db::{self, Selection};
use crate::domain::faults;
use crate::view::Shown;
use crate::view::agents::AgentView;

/// The rows.
pub static ENDPOINTS: &[Endpoint<crate::Network>] = &[
    Endpoint::get("/agents", "get_agent", &list),
    Endpoint::get("/agents/{id}", "get_agent", &show),
    Endpoint::delete("/agents/{id}", "delete_agent", &delete),
    Endpoint::get("/availability_zones", "get_availability_zone", &zones),
];

const ID: Sortable = Sortable { key: "id", column: "t.id" };
const ORDER: Order = Order {
    sortable: &[ID, Sortable { key: "host", column: "t.host" }],
    default: &[(ID, Direction::Ascending)],
    id: "t.id",
    required: &[],
};
const FILTERS: &[Filter] = &[
    Filter::new("id", "t.id", FilterKind::Exact),
    Filter::new("host", "t.host", FilterKind::Exact),
    Filter::new("agent_type", "'Linux bridge agent'", FilterKind::Exact),
    Filter::new("binary", "'cloudbox-network-agent'", FilterKind::Exact),
    Filter::new("topic", "'N/A'", FilterKind::Exact),
    Filter::new("admin_state_up", "t.admin_state_up", FilterKind::Bool),
    Filter::new("availability_zone", "'nova'", FilterKind::Exact),
    Filter::new("alive", "", FilterKind::Handled),
];

async fn list(service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let paging = Paging::parse(&request, &ORDER)?;
    let condition = filter::conditions(&request, FILTERS)?;
    // Hosts are few: the whole list is one page.
    let selection = Selection { condition, order: paging.order_by(), limit: None };
    let agents = service.read(move |db| db::agents::list(db, &selection)).await?;
    let (fields, now) = (Fields::parse(request.query()), service.clock.now());
    let shown: Vec<_> = agents.iter().map(|agent| Shown::of(AgentView::of(agent, now), &fields)).collect();
    Ok(Reply::ok(json!({"agents": shown})))
}

async fn show(service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("id")?.to_owned();
    let wanted = id.clone();
    let found = service.read(move |db| db::agents::get(db, &wanted)).await?;
    let agent = found.ok_or_else(|| faults::agent_not_found(id))?;
    Ok(Reply::ok(json!({"agent": AgentView::of(&agent, service.clock.now())})))
}

async fn delete(service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("id")?.to_owned();
    let deleted = service.change(&request.context, move |change| {
        db::agents::get(change.db, &id)?.ok_or_else(|| faults::agent_not_found(&id))?;
        db::agents::delete(change.db, &id)
    });
    deleted.await?;
    Ok(Reply::no_content())
}

async fn zones(service: Arc<crate::Network>, _request: Request) -> Result<Reply, Fault> {
    let agents = service.read(|db| db::agents::list(db, &Selection::of(Condition::all()))).await?;
    let zone = |resource: &str| json!({"name": "nova", "resource": resource, "state": "available"});
    let zones: Vec<Value> = if agents.is_empty() { Vec::new() } else { vec![zone("network"), zone("router")] };
    Ok(Reply::ok(json!({"availability_zones": zones})))
}
