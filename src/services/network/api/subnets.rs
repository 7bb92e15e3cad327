//! `/subnets`.

use http_kit::page::Order;
use http_kit::{Condition, Direction, Endpoint, Filter, FilterKind, Sortable, SqlValue};
use kit::Fault;
use kit::ids::{NetworkId, ProjectId};
use store::Connection;

use super::resource::{Resource, create, delete, list, show, update};
use crate::change::{self, Change};
use crate::db::{self, Selection};
use crate::domain::attributes::{self, Body};
use crate::domain::model::Subnet;
use crate::domain::{faults, resources};
use crate::view::Audience;
use crate::view::subnets::SubnetView;

/// The rows.
pub static ENDPOINTS: &[Endpoint<crate::Network>] = &[
    Endpoint::get("/subnets", "get_subnet", &list::<Subnet>),
    Endpoint::post("/subnets", "create_subnet", &create::<Subnet>).deferred(),
    Endpoint::get("/subnets/{id}", "get_subnet", &show::<Subnet>).deferred(),
    Endpoint::put("/subnets/{id}", "update_subnet", &update::<Subnet>).deferred(),
    Endpoint::delete("/subnets/{id}", "delete_subnet", &delete::<Subnet>).deferred(),
];

const ID: Sortable = Sortable { key: "id", column: "t.id" };

impl Resource for Subnet {
    type View<'m> = SubnetView<'m>;
    const BODY: &'static attributes::Resource = &resources::SUBNET;
    const FROM: &'static str = "network_subnets t JOIN network_networks n ON n.id = t.network_id";
    const FILTERS: &'static [Filter] = &[
        Filter::new("id", "t.id", FilterKind::Exact),
        Filter::new("name", "t.name", FilterKind::Exact),
        Filter::new("project_id", "t.project_id", FilterKind::Exact),
        Filter::new("tenant_id", "t.project_id", FilterKind::Exact),
        Filter::new("network_id", "t.network_id", FilterKind::Exact),
        Filter::new("ip_version", "t.ip_version", FilterKind::Int),
        Filter::new("cidr", "t.cidr", FilterKind::Exact),
        Filter::new("gateway_ip", "t.gateway_ip", FilterKind::Exact),
        Filter::new("enable_dhcp", "t.enable_dhcp", FilterKind::Bool),
        Filter::new("ipv6_ra_mode", "t.ipv6_ra_mode", FilterKind::Exact),
        Filter::new("ipv6_address_mode", "t.ipv6_address_mode", FilterKind::Exact),
        Filter::new("subnetpool_id", "NULL", FilterKind::Exact),
        Filter::new("segment_id", "NULL", FilterKind::Exact),
        Filter::new("router:external", "n.external", FilterKind::Bool),
        Filter::new("shared", "n.shared", FilterKind::Bool),
        Filter::new("description", "t.description", FilterKind::Exact),
        Filter::new("revision_number", "t.revision_number", FilterKind::Int),
    ];
    const ORDER: Order = Order {
        sortable: &[
            ID,
            Sortable { key: "name", column: "t.name" },
            Sortable { key: "project_id", column: "t.project_id" },
            Sortable { key: "network_id", column: "t.network_id" },
            Sortable { key: "ip_version", column: "t.ip_version" },
            Sortable { key: "cidr", column: "t.cidr" },
            Sortable { key: "gateway_ip", column: "t.gateway_ip" },
            Sortable { key: "enable_dhcp", column: "t.enable_dhcp" },
            Sortable { key: "created_at", column: "t.created_at" },
            Sortable { key: "updated_at", column: "t.updated_at" },
        ],
        default: &[(ID, Direction::Ascending)],
        id: "t.id",
        required: &[],
    };

    fn scope(project: &str) -> Condition {
        let own = SqlValue::from(project);
        Condition::new("t.project_id = ? OR n.project_id = ? OR n.shared = 1", [own.clone(), own])
    }

    fn load(db: &Connection, selection: &Selection) -> Result<Vec<Self>, Fault> {
        db::subnets::list(db, selection)
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn project(&self) -> &ProjectId {
        &self.project_id
    }

    fn view(&self, _audience: Audience) -> SubnetView<'_> {
        SubnetView::of(self)
    }

    fn not_found(id: &str) -> Fault {
        faults::subnet_not_found(id)
    }

    fn network(&self) -> Option<&NetworkId> {
        Some(&self.network_id)
    }

    fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Self, Fault> {
        change::subnets::create(change, project, body)
    }

    fn update(change: &mut Change<'_>, id: &str, body: &Body) -> Result<Self, Fault> {
        change::subnets::update(change, &id.into(), body)
    }

    fn delete(change: &mut Change<'_>, id: &str) -> Result<(), Fault> {
        change::subnets::delete(change, &id.into())
    }
}
