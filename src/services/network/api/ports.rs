//! `/ports`.

use http_kit::page::Order;
use http_kit::{Condition, Direction, Endpoint, Filter, FilterKind, Request, Sortable, SqlValue};
use kit::Fault;
use kit::ids::{NetworkId, ProjectId};
use serde_json::Value;
use store::Connection;

use super::resource::{Resource, create, delete, list, show, update};
use crate::change::{self, Change};
use crate::db::{self, Selection};
use crate::domain::attributes::{self, Body};
use crate::domain::model::Port;
use crate::domain::{faults, resources};
use crate::view::Audience;
use crate::view::ports::PortView;

/// The rows.
pub static ENDPOINTS: &[Endpoint<crate::Network>] = &[
    Endpoint::get("/ports", "get_port", &list::<Port>),
    Endpoint::post("/ports", "create_port", &create::<Port>).deferred(),
    Endpoint::get("/ports/{id}", "get_port", &show::<Port>).deferred(),
    Endpoint::put("/ports/{id}", "update_port", &update::<Port>).deferred(),
    Endpoint::delete("/ports/{id}", "delete_port", &delete::<Port>).deferred(),
];

const ID: Sortable = Sortable { key: "id", column: "t.id" };

impl Resource for Port {
    type View<'m> = PortView<'m>;
    const BODY: &'static attributes::Resource = &resources::PORT;
    const FROM: &'static str = "network_ports t";
    const FILTERS: &'static [Filter] = &[
        Filter::new("id", "t.id", FilterKind::Exact),
        Filter::new("name", "t.name", FilterKind::Exact),
        Filter::new("project_id", "t.project_id", FilterKind::Exact),
        Filter::new("tenant_id", "t.project_id", FilterKind::Exact),
        Filter::new("network_id", "t.network_id", FilterKind::Exact),
        Filter::new("mac_address", "t.mac_address", FilterKind::Exact),
        Filter::new("admin_state_up", "t.admin_state_up", FilterKind::Bool),
        Filter::new("status", "t.status", FilterKind::Exact),
        Filter::new("device_id", "t.device_id", FilterKind::Exact),
        Filter::new("device_owner", "t.device_owner", FilterKind::Exact),
        Filter::new("binding:host_id", "t.binding_host", FilterKind::Exact),
        Filter::new("binding:vnic_type", "t.binding_vnic_type", FilterKind::Exact),
        Filter::new("port_security_enabled", "t.port_security_enabled", FilterKind::Bool),
        Filter::new("fixed_ips", "", FilterKind::Handled),
        Filter::new("security_groups", "", FilterKind::Handled),
        Filter::new("security_group_id", "", FilterKind::Handled),
        Filter::new("description", "t.description", FilterKind::Exact),
        Filter::new("revision_number", "t.revision_number", FilterKind::Int),
    ];
    const ORDER: Order = Order {
        sortable: &[
            ID,
            Sortable { key: "name", column: "t.name" },
            Sortable { key: "project_id", column: "t.project_id" },
            Sortable { key: "network_id", column: "t.network_id" },
            Sortable { key: "mac_address", column: "t.mac_address" },
            Sortable { key: "admin_state_up", column: "t.admin_state_up" },
            Sortable { key: "status", column: "t.status" },
            Sortable { key: "device_id", column: "t.device_id" },
            Sortable { key: "device_owner", column: "t.device_owner" },
            Sortable { key: "created_at", column: "t.created_at" },
            Sortable { key: "updated_at", column: "t.updated_at" },
        ],
        default: &[(ID, Direction::Ascending)],
        id: "t.id",
        required: &[],
    };

    fn scope(project: &str) -> Condition {
        let own = SqlValue::from(project);
        Condition::new(
            "t.project_id = ? OR t.network_id IN (SELECT id FROM network_networks WHERE project_id = ?)",
            [own.clone(), own],
        )
    }

    fn load(db: &Connection, selection: &Selection) -> Result<Vec<Self>, Fault> {
        db::ports::list(db, selection)
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn project(&self) -> &ProjectId {
        &self.project_id
    }

    fn view(&self, audience: Audience) -> PortView<'_> {
        PortView::of(self, audience)
    }

    fn not_found(id: &str) -> Fault {
        faults::port_not_found(id)
    }

    fn network(&self) -> Option<&NetworkId> {
        Some(&self.network_id)
    }

    fn more_filters(request: &Request) -> Result<Condition, Fault> {
        let query = request.query();
        let groups = query.all("security_groups").chain(query.all("security_group_id"));
        let mut condition = through(
            "t.id IN (SELECT port_id FROM network_port_groups WHERE security_group_id IN (",
            groups.map(SqlValue::from).collect(),
        );
        for (part, column) in [("ip_address=", "ip_address"), ("subnet_id=", "subnet_id")] {
            let values = query.all("fixed_ips").filter_map(|value| value.strip_prefix(part)).map(SqlValue::from);
            let select = match column {
                "ip_address" => "t.id IN (SELECT port_id FROM network_addresses WHERE ip_address IN (",
                _ => "t.id IN (SELECT port_id FROM network_addresses WHERE subnet_id IN (",
            };
            condition = condition.and(through(select, values.collect()));
        }
        Ok(condition)
    }

    fn guarded(body: &Body) -> Vec<&'static str> {
        let mut guarded = Vec::new();
        let fixed = body.get("fixed_ips").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if fixed.iter().any(|fixed| fixed.get("ip_address").is_some()) {
            guarded.push("fixed_ips:ip_address");
        }
        if body.text("device_owner").is_some_and(|owner| owner.starts_with("network:")) {
            guarded.push("device_owner");
        }
        guarded
    }

    fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Self, Fault> {
        change::ports::create(change, project, body)
    }

    fn update(change: &mut Change<'_>, id: &str, body: &Body) -> Result<Self, Fault> {
        change::ports::update(change, &id.into(), body)
    }

    fn delete(change: &mut Change<'_>, id: &str) -> Result<(), Fault> {
        change::ports::delete(change, &id.into())
    }
}

/// `select`, an opened list, closed over `values`; all rows where there are none.
fn through(select: &str, values: Vec<SqlValue>) -> Condition {
    if values.is_empty() {
        return Condition::all();
    }
    let marks = vec!["?"; values.len()].join(", ");
    Condition::new(format!("{select}{marks}))"), values)
}
