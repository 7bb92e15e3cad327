//! `/routers`.

use std::sync::Arc;

use http_kit::page::Order;
use http_kit::{Condition, Direction, Endpoint, Filter, FilterKind, Reply, Request, Sortable};
use kit::Fault;
use kit::ids::{PortId, ProjectId, SubnetId};
use serde_json::Value;
use store::Connection;

use super::resource::{Resource, create, delete, find, list, show, target, update, visible};
use crate::change::{self, Change};
use crate::db::{self, Selection};
use crate::domain::attributes::{self, Body};
use crate::domain::model::{Port, Router, Subnet};
use crate::domain::{faults, python, resources};
use crate::view::Audience;
use crate::view::routers::{InterfaceView, RouterView};

/// The rows.
pub static ENDPOINTS: &[Endpoint<crate::Network>] = &[
    Endpoint::get("/routers", "get_router", &list::<Router>),
    Endpoint::post("/routers", "create_router", &create::<Router>).deferred(),
    Endpoint::get("/routers/{id}", "get_router", &show::<Router>).deferred(),
    Endpoint::put("/routers/{id}", "update_router", &update::<Router>).deferred(),
    Endpoint::delete("/routers/{id}", "delete_router", &delete::<Router>).deferred(),
    Endpoint::put("/routers/{id}/add_router_interface", "add_router_interface", &add_interface).deferred(),
    Endpoint::put("/routers/{id}/remove_router_interface", "remove_router_interface", &remove_interface).deferred(),
];

const ID: Sortable = Sortable { key: "id", column: "t.id" };

impl Resource for Router {
    type View<'m> = RouterView<'m>;
    const BODY: &'static attributes::Resource = &resources::ROUTER;
    const FROM: &'static str = "network_routers t LEFT JOIN network_ports g ON g.id = t.gateway_port_id";
    const FILTERS: &'static [Filter] = &[
        Filter::new("id", "t.id", FilterKind::Exact),
        Filter::new("name", "t.name", FilterKind::Exact),
        Filter::new("project_id", "t.project_id", FilterKind::Exact),
        Filter::new("tenant_id", "t.project_id", FilterKind::Exact),
        Filter::new("admin_state_up", "t.admin_state_up", FilterKind::Bool),
        Filter::new("status", "'ACTIVE'", FilterKind::Exact),
        Filter::new("enable_snat", "t.enable_snat", FilterKind::Bool),
        Filter::new("description", "t.description", FilterKind::Exact),
        Filter::new("revision_number", "t.revision_number", FilterKind::Int),
    ];
    const ORDER: Order = Order {
        sortable: &[
            ID,
            Sortable { key: "name", column: "t.name" },
            Sortable { key: "project_id", column: "t.project_id" },
            Sortable { key: "admin_state_up", column: "t.admin_state_up" },
            Sortable { key: "created_at", column: "t.created_at" },
            Sortable { key: "updated_at", column: "t.updated_at" },
        ],
        default: &[(ID, Direction::Ascending)],
        id: "t.id",
        required: &[],
    };

    fn scope(project: &str) -> Condition {
        Condition::is("t.project_id", project)
    }

    fn load(db: &Connection, selection: &Selection) -> Result<Vec<Self>, Fault> {
        db::routers::list(db, selection)
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn project(&self) -> &ProjectId {
        &self.project_id
    }

    fn view(&self, _audience: Audience) -> RouterView<'_> {
        RouterView::of(self)
    }

    fn not_found(id: &str) -> Fault {
        faults::router_not_found(id)
    }

    fn guarded(body: &Body) -> Vec<&'static str> {
        let Some(info) = body.get("external_gateway_info") else { return Vec::new() };
        let parts = [
            ("enable_snat", "external_gateway_info:enable_snat"),
            ("external_fixed_ips", "external_gateway_info:external_fixed_ips"),
        ];
        parts.into_iter().filter(|(member, _)| info.get(member).is_some()).map(|(_, rule)| rule).collect()
    }

    fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Self, Fault> {
        change::routers::create(change, project, body)
    }

    fn update(change: &mut Change<'_>, id: &str, body: &Body) -> Result<Self, Fault> {
        change::routers::update(change, &id.into(), body)
    }

    fn delete(change: &mut Change<'_>, id: &str) -> Result<(), Fault> {
        change::routers::delete(change, &id.into())
    }
}

async fn add_interface(service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let router: Router = find(&service, &request).await?;
    request.authorize("add_router_interface", &target(&service, &router).await?)?;
    let (subnet, port) = interface(&request)?;
    // What the caller does not see cannot be connected.
    if let Some(id) = &subnet {
        seen::<Subnet>(&service, &request, id.as_str()).await?;
    }
    if let Some(id) = &port {
        seen::<Port>(&service, &request, id.as_str()).await?;
    }
    let added = service
        .change(&request.context, move |change| change::routers::add_interface(change, &router.id, subnet, port));
    Ok(Reply::ok(InterfaceView::of(&added.await?)))
}

async fn remove_interface(service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let router: Router = find(&service, &request).await?;
    request.authorize("remove_router_interface", &target(&service, &router).await?)?;
    let (subnet, port) = interface(&request)?;
    let removed = service
        .change(&request.context, move |change| change::routers::remove_interface(change, &router.id, subnet, port));
    Ok(Reply::ok(InterfaceView::of(&removed.await?)))
}

/// The subnet and the port that a body names.
fn interface(request: &Request) -> Result<(Option<SubnetId>, Option<PortId>), Fault> {
    let body = request.body_value()?;
    let named = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) if uuid::Uuid::parse_str(id).is_ok() => Ok(Some(id.clone())),
        Some(other) => {
            let reason = format!("'{}' is not a valid UUID", python::str(other));
            Err(faults::invalid_input(reason))
        }
    };
    Ok((named("subnet_id")?.map(SubnetId::from), named("port_id")?.map(PortId::from)))
}

async fn seen<T: Resource>(service: &crate::Network, request: &Request, id: &str) -> Result<(), Fault> {
    let condition = Condition::is("t.id", id).and(visible::<T>(&request.context));
    let found = service.read(move |db| T::load(db, &Selection::of(condition))).await?;
    if found.is_empty() { Err(T::not_found(id)) } else { Ok(()) }
}
