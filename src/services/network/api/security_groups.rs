//! `/security-groups`.

use std::sync::Arc;

use http_kit::page::Order;
use http_kit::{Condition, Direction, Endpoint, Filter, FilterKind, Reply, Request, Sortable};
use kit::Fault;
use kit::ids::ProjectId;
use store::Connection;

use super::resource::{Resource, create, delete, list, show, update};
use crate::change::{self, Change};
use crate::db::{self, Selection};
use crate::domain::attributes::{self, Body};
use crate::domain::model::SecurityGroup;
use crate::domain::{faults, resources};
use crate::view::Audience;
use crate::view::security_groups::SecurityGroupView;

/// The rows.
pub static ENDPOINTS: &[Endpoint<crate::Network>] = &[
    Endpoint::get("/security-groups", "get_security_group", &list_groups),
    Endpoint::post("/security-groups", "create_security_group", &create::<SecurityGroup>).deferred(),
    Endpoint::get("/security-groups/{id}", "get_security_group", &show::<SecurityGroup>).deferred(),
    Endpoint::put("/security-groups/{id}", "update_security_group", &update::<SecurityGroup>).deferred(),
    Endpoint::delete("/security-groups/{id}", "delete_security_group", &delete::<SecurityGroup>).deferred(),
];

const ID: Sortable = Sortable { key: "id", column: "t.id" };

impl Resource for SecurityGroup {
    type View<'m> = SecurityGroupView<'m>;
    const BODY: &'static attributes::Resource = &resources::SECURITY_GROUP;
    const FROM: &'static str = "network_security_groups t";
    const FILTERS: &'static [Filter] = &[
        Filter::new("id", "t.id", FilterKind::Exact),
        Filter::new("name", "t.name", FilterKind::Exact),
        Filter::new("project_id", "t.project_id", FilterKind::Exact),
        Filter::new("tenant_id", "t.project_id", FilterKind::Exact),
        Filter::new("stateful", "t.stateful", FilterKind::Bool),
        Filter::new("shared", "0", FilterKind::Bool),
        Filter::new("description", "t.description", FilterKind::Exact),
        Filter::new("revision_number", "t.revision_number", FilterKind::Int),
    ];
    const ORDER: Order = Order {
        sortable: &[
            ID,
            Sortable { key: "name", column: "t.name" },
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
        db::security_groups::list(db, selection)
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn project(&self) -> &ProjectId {
        &self.project_id
    }

    fn view(&self, _audience: Audience) -> SecurityGroupView<'_> {
        SecurityGroupView::of(self)
    }

    fn not_found(id: &str) -> Fault {
        faults::security_group_not_found(id)
    }

    fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Self, Fault> {
        change::security_groups::create(change, project, body)
    }

    fn update(change: &mut Change<'_>, id: &str, body: &Body) -> Result<Self, Fault> {
        change::security_groups::update(change, &id.into(), body)
    }

    fn delete(change: &mut Change<'_>, id: &str) -> Result<(), Fault> {
        change::security_groups::delete(change, &id.into())
    }
}

/// The `default` group of the project that is looked at is made when it is first looked for, as in Neutron.
async fn list_groups(service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let query = request.query();
    let asked = query.get("project_id").or_else(|| query.get("tenant_id"));
    let asked = asked.filter(|_| request.context.is_admin()).map(ProjectId::new);
    if let Some(project) = asked.or_else(|| request.context.project_id().cloned()) {
        let of = project.clone();
        let known = service.read(move |db| db::security_groups::default_of(db, &of)).await?;
        if known.is_none() {
            let made = service.change(&request.context, move |change| {
                change::security_groups::ensure_default(change, &project).map(drop)
            });
            made.await?;
        }
    }
    list::<SecurityGroup>(service, request).await
}
