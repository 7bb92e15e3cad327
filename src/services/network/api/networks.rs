//! `/networks`.

use http_kit::page::Order;
use http_kit::{Condition, Direction, Endpoint, Filter, FilterKind, Sortable, SqlValue};
use kit::Fault;
use kit::ids::ProjectId;
use store::Connection;

use super::resource::{Resource, create, delete, list, show, update};
use crate::change::{self, Change};
use crate::db::{self, Selection};
use crate::domain::attributes::{self, Body};
use crate::domain::model::Network;
use crate::domain::{faults, resources};
use crate::view::Audience;
use crate::view::networks::NetworkView;

/// The rows.
pub static ENDPOINTS: &[Endpoint<crate::Network>] = &[
    Endpoint::get("/networks", "get_network", &list::<Network>),
    Endpoint::post("/networks", "create_network", &create::<Network>).deferred(),
    Endpoint::get("/networks/{id}", "get_network", &show::<Network>).deferred(),
    Endpoint::put("/networks/{id}", "update_network", &update::<Network>).deferred(),
    Endpoint::delete("/networks/{id}", "delete_network", &delete::<Network>).deferred(),
];

const ID: Sortable = Sortable { key: "id", column: "t.id" };

impl Resource for Network {
    type View<'m> = NetworkView<'m>;
    const BODY: &'static attributes::Resource = &resources::NETWORK;
    const FROM: &'static str = "network_networks t";
    const FILTERS: &'static [Filter] = &[
        Filter::new("id", "t.id", FilterKind::Exact),
        Filter::new("name", "t.name", FilterKind::Exact),
        Filter::new("project_id", "t.project_id", FilterKind::Exact),
        Filter::new("tenant_id", "t.project_id", FilterKind::Exact),
        Filter::new("description", "t.description", FilterKind::Exact),
        Filter::new("admin_state_up", "t.admin_state_up", FilterKind::Bool),
        Filter::new("status", "iif(t.admin_state_up, 'ACTIVE', 'DOWN')", FilterKind::Exact),
        Filter::new("shared", "t.shared", FilterKind::Bool),
        Filter::new("router:external", "t.external", FilterKind::Bool),
        Filter::new("is_default", "t.is_default", FilterKind::Bool),
        Filter::new("mtu", "t.mtu", FilterKind::Int),
        Filter::new("port_security_enabled", "t.port_security_enabled", FilterKind::Bool),
        Filter::new("dns_domain", "t.dns_domain", FilterKind::Exact),
        Filter::new("provider:network_type", "t.network_type", FilterKind::Exact),
        Filter::new("provider:physical_network", "t.physical_network", FilterKind::Exact),
        Filter::new("provider:segmentation_id", "t.segmentation_id", FilterKind::Int),
        Filter::new("revision_number", "t.revision_number", FilterKind::Int),
    ];
    const ORDER: Order = Order {
        sortable: &[
            ID,
            Sortable { key: "name", column: "t.name" },
            Sortable { key: "project_id", column: "t.project_id" },
            Sortable { key: "tenant_id", column: "t.project_id" },
            Sortable { key: "admin_state_up", column: "t.admin_state_up" },
            Sortable { key: "status", column: "t.admin_state_up" },
            Sortable { key: "mtu", column: "t.mtu" },
            Sortable { key: "created_at", column: "t.created_at" },
            Sortable { key: "updated_at", column: "t.updated_at" },
        ],
        default: &[(ID, Direction::Ascending)],
        id: "t.id",
        required: &[],
    };

    fn scope(project: &str) -> Condition {
        Condition::new("t.project_id = ? OR t.shared = 1 OR t.external = 1", [SqlValue::from(project)])
    }

    fn load(db: &Connection, selection: &Selection) -> Result<Vec<Self>, Fault> {
        db::networks::list(db, selection)
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn project(&self) -> &ProjectId {
        &self.project_id
    }

    fn view(&self, audience: Audience) -> NetworkView<'_> {
        NetworkView::of(self, audience)
    }

    fn not_found(id: &str) -> Fault {
        faults::network_not_found(id)
    }

    fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Self, Fault> {
        change::networks::create(change, project, body)
    }

    fn update(change: &mut Change<'_>, id: &str, body: &Body) -> Result<Self, Fault> {
        change::networks::update(change, &id.into(), body)
    }

    fn delete(change: &mut Change<'_>, id: &str) -> Result<(), Fault> {
        change::networks::delete(change, &id.into())
    }
}
