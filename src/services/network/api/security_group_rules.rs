//! `/security-group-rules`.

use http_kit::page::Order;
use http_kit::{Condition, Direction, Endpoint, Filter, FilterKind, Sortable, SqlValue};
use kit::Fault;
use kit::ids::ProjectId;
use store::Connection;

use super::resource::{Resource, create, delete, list, show};
use crate::change::{self, Change};
use crate::db::{self, Selection};
use crate::domain::attributes::{self, Body};
use crate::domain::model::Rule;
use crate::domain::{faults, resources};
use crate::view::Audience;
use crate::view::security_groups::RuleView;

/// The rows.
pub static ENDPOINTS: &[Endpoint<crate::Network>] = &[
    Endpoint::get("/security-group-rules", "get_security_group_rule", &list::<Rule>),
    Endpoint::post("/security-group-rules", "create_security_group_rule", &create::<Rule>).deferred(),
    Endpoint::get("/security-group-rules/{id}", "get_security_group_rule", &show::<Rule>).deferred(),
    Endpoint::delete("/security-group-rules/{id}", "delete_security_group_rule", &delete::<Rule>).deferred(),
];

const ID: Sortable = Sortable { key: "id", column: "t.id" };

impl Resource for Rule {
    type View<'m> = RuleView<'m>;
    const BODY: &'static attributes::Resource = &resources::SECURITY_GROUP_RULE;
    const FROM: &'static str = "network_security_group_rules t";
    const FILTERS: &'static [Filter] = &[
        Filter::new("id", "t.id", FilterKind::Exact),
        Filter::new("project_id", "t.project_id", FilterKind::Exact),
        Filter::new("tenant_id", "t.project_id", FilterKind::Exact),
        Filter::new("security_group_id", "t.security_group_id", FilterKind::Exact),
        Filter::new("direction", "t.direction", FilterKind::Exact),
        Filter::new("ethertype", "t.ethertype", FilterKind::Exact),
        Filter::new("protocol", "t.protocol", FilterKind::Exact),
        Filter::new("port_range_min", "t.port_range_min", FilterKind::Int),
        Filter::new("port_range_max", "t.port_range_max", FilterKind::Int),
        Filter::new("remote_ip_prefix", "t.remote_ip_prefix", FilterKind::Exact),
        Filter::new("remote_group_id", "t.remote_group_id", FilterKind::Exact),
        Filter::new("description", "t.description", FilterKind::Exact),
        Filter::new("revision_number", "t.revision_number", FilterKind::Int),
    ];
    const ORDER: Order = Order {
        sortable: &[
            ID,
            Sortable { key: "project_id", column: "t.project_id" },
            Sortable { key: "security_group_id", column: "t.security_group_id" },
            Sortable { key: "direction", column: "t.direction" },
            Sortable { key: "ethertype", column: "t.ethertype" },
            Sortable { key: "protocol", column: "t.protocol" },
            Sortable { key: "port_range_min", column: "t.port_range_min" },
            Sortable { key: "port_range_max", column: "t.port_range_max" },
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
            "t.project_id = ? OR t.security_group_id IN (SELECT id FROM network_security_groups WHERE project_id = ?)",
            [own.clone(), own],
        )
    }

    fn load(db: &Connection, selection: &Selection) -> Result<Vec<Self>, Fault> {
        db::rules::list(db, selection)
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn project(&self) -> &ProjectId {
        &self.project_id
    }

    fn view(&self, _audience: Audience) -> RuleView<'_> {
        RuleView::of(self)
    }

    fn not_found(id: &str) -> Fault {
        faults::rule_not_found(id)
    }

    fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Self, Fault> {
        change::security_groups::create_rule(change, project, body)
    }

    fn delete(change: &mut Change<'_>, id: &str) -> Result<(), Fault> {
        change::security_groups::delete_rule(change, &id.into())
    }
}
