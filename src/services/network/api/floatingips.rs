//! `/floatingips`.

use http_kit::page::Order;
use http_kit::{Condition, Direction, Endpoint, Filter, FilterKind, Sortable};
use kit::Fault;
use kit::ids::ProjectId;
use store::Connection;

use super::resource::{Resource, create, delete, list, show, update};
use crate::change::{self, Change};
use crate::db::{self, Selection};
use crate::domain::attributes::{self, Body};
use crate::domain::model::FloatingIp;
use crate::domain::{faults, resources};
use crate::view::Audience;
use crate::view::floatingips::FloatingIpView;

/// The rows.
pub static ENDPOINTS: &[Endpoint<crate::Network>] = &[
    Endpoint::get("/floatingips", "get_floatingip", &list::<FloatingIp>),
    Endpoint::post("/floatingips", "create_floatingip", &create::<FloatingIp>).deferred(),
    Endpoint::get("/floatingips/{id}", "get_floatingip", &show::<FloatingIp>).deferred(),
    Endpoint::put("/floatingips/{id}", "update_floatingip", &update::<FloatingIp>).deferred(),
    Endpoint::delete("/floatingips/{id}", "delete_floatingip", &delete::<FloatingIp>).deferred(),
];

const ID: Sortable = Sortable { key: "id", column: "t.id" };

impl Resource for FloatingIp {
    type View<'m> = FloatingIpView<'m>;
    const BODY: &'static attributes::Resource = &resources::FLOATING_IP;
    const FROM: &'static str = "network_floatingips t";
    const FILTERS: &'static [Filter] = &[
        Filter::new("id", "t.id", FilterKind::Exact),
        Filter::new("project_id", "t.project_id", FilterKind::Exact),
        Filter::new("tenant_id", "t.project_id", FilterKind::Exact),
        Filter::new("floating_network_id", "t.floating_network_id", FilterKind::Exact),
        Filter::new("floating_ip_address", "t.floating_ip_address", FilterKind::Exact),
        Filter::new("port_id", "t.port_id", FilterKind::Exact),
        Filter::new("fixed_ip_address", "t.fixed_ip_address", FilterKind::Exact),
        Filter::new("router_id", "t.router_id", FilterKind::Exact),
        Filter::new("status", "iif(t.port_id IS NULL, 'DOWN', 'ACTIVE')", FilterKind::Exact),
        Filter::new("description", "t.description", FilterKind::Exact),
        Filter::new("revision_number", "t.revision_number", FilterKind::Int),
    ];
    const ORDER: Order = Order {
        sortable: &[
            ID,
            Sortable { key: "project_id", column: "t.project_id" },
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
        db::floatingips::list(db, selection)
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn project(&self) -> &ProjectId {
        &self.project_id
    }

    fn view(&self, _audience: Audience) -> FloatingIpView<'_> {
        FloatingIpView::of(self)
    }

    fn not_found(id: &str) -> Fault {
        faults::floating_ip_not_found(id)
    }

    fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Self, Fault> {
        change::floatingips::create(change, project, body)
    }

    fn update(change: &mut Change<'_>, id: &str, body: &Body) -> Result<Self, Fault> {
        change::floatingips::update(change, id, body)
    }

    fn delete(change: &mut Change<'_>, id: &str) -> Result<(), Fault> {
        change::floatingips::delete(change, id)
    }
}
