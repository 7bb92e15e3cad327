//! `/v3/limits` and the model by which they are enforced.

use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Condition, Endpoint, Paging, Reply, Request, Target};
use kit::config::LimitModel;
use kit::{Fault, Scope};
use serde_json::{Value, json};

use super::schema::{amount, id_or_null, text_or_null};
use super::{BY_ID, attributes, new_id, page};
use crate::domain::limit::Limit;
use crate::{IdentityService, db, view};

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["limits"], "properties": {"limits": {
        "type": "array", "minItems": 1, "items": {"type": "object", "additionalProperties": false,
        "required": ["service_id", "resource_name", "resource_limit"],
        "oneOf": [{"required": ["domain_id"]}, {"required": ["project_id"]}], "properties": {
        "service_id": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-zA-Z0-9-]+$"},
        "resource_name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "[\\S]+"},
        "region_id": {"type": ["string", "null"], "maxLength": 255}, "project_id": "#,
    id_or_null!(),
    r#", "domain_id": "#,
    id_or_null!(),
    r#", "resource_limit": "#,
    amount!(),
    r#", "description": "#,
    text_or_null!(),
    "}}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["limit"], "properties": {"limit": {
        "type": "object", "additionalProperties": false, "properties": {"resource_limit": "#,
    amount!(),
    r#", "description": "#,
    text_or_null!(),
    "}}}}"
);

const FILTERS: &[Filter] = &[
    Filter::new("service_id", "service_id", FilterKind::Text),
    Filter::new("region_id", "region_id", FilterKind::Text),
    Filter::new("resource_name", "resource_name", FilterKind::Text),
    Filter::new("project_id", "project_id", FilterKind::Text),
    Filter::new("domain_id", "domain_id", FilterKind::Text),
];

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/limits", "identity:list_limits", &list),
    Endpoint::post("/limits", "identity:create_limits", &create).schema(CREATE),
    Endpoint::get("/limits/model", "identity:get_limit_model", &show_model),
    Endpoint::get("/limits/{limit_id}", "identity:get_limit", &show).deferred(),
    Endpoint::patch("/limits/{limit_id}", "identity:update_limit", &update).schema(UPDATE),
    Endpoint::delete("/limits/{limit_id}", "identity:delete_limit", &delete),
];

/// What the caller sees: administrators, services and the system's people all of them, others what is their scope's.
fn visible(request: &Request) -> Condition {
    let Some(identity) = request.context.identity() else { return Condition::none() };
    if identity.roles.iter().any(|role| role.name == "admin" || role.name == "service") {
        return Condition::all();
    }
    match &identity.scope {
        Scope::System => Condition::all(),
        Scope::Domain(domain) => Condition::new(
            "domain_id = ? OR project_id IN (SELECT id FROM identity_projects WHERE ifnull(domain_id, '') = ?)",
            [domain.id.as_str().into(), domain.id.as_str().into()],
        ),
        Scope::Project(project) => Condition::is("project_id", project.id.as_str()),
        Scope::Unscoped => Condition::none(),
    }
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let paging = Paging::parse(&request, &BY_ID)?;
    let wanted = filter::conditions(&request, FILTERS)?.and(visible(&request));
    let (base, asked) = (request.base_url(), paging.clone());
    let limits = service.store.read(move |db| db::limits::list(db, &wanted, Some(&asked))).await?;
    let items = limits.iter().map(|limit| view::limit::limit(limit, &base)).collect();
    Ok(page(&request, "limits", items, &paging))
}

/// All of them or none.
async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let given: Vec<Limit> = super::batch(&request, "limits")?;
    let model = service.config.limit_model;
    let limits = service
        .write(move |db| {
            let placed = given.into_iter().map(|limit| db::limits::placed(db, Limit { id: new_id(), ..limit }));
            let limits = placed.collect::<Result<Vec<_>, _>>()?;
            for limit in &limits {
                check(db, model, limit, &limits)?;
                db::limits::insert(db, limit)?;
            }
            Ok(limits)
        })
        .await?;
    let base = request.base_url();
    let items: Value = limits.iter().map(|limit| view::limit::limit(limit, &base)).collect();
    Ok(Reply::created(json!({ "limits": items })))
}

fn check(db: &store::Connection, model: LimitModel, limit: &Limit, batch: &[Limit]) -> Result<(), Fault> {
    match model {
        LimitModel::Flat => Ok(()),
        LimitModel::StrictTwoLevel => db::limits::check_fits(db, limit, batch),
    }
}

async fn show_model(service: Arc<IdentityService>, _request: Request) -> Result<Reply, Fault> {
    let (name, description) = match service.config.limit_model {
        LimitModel::Flat => {
            ("flat", "Limit enforcement and validation does not take project hierarchy into consideration.")
        }
        LimitModel::StrictTwoLevel => {
            ("strict_two_level", "This model requires project hierarchy never exceeds a depth of two")
        }
    };
    Ok(Reply::ok(json!({ "model": { "name": name, "description": description } })))
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("limit_id")?.to_owned();
    let found = service
        .store
        .read(move |db| {
            let limit = db::limits::get(db, &id)?;
            let project = limit.project_id.as_deref().map(|id| db::projects::get(db, id)).transpose()?;
            Ok::<_, Fault>((limit, project))
        })
        .await;
    let target = found.as_ref().map_or_else(
        |_| Target::new(),
        |(limit, project)| {
            let target = Target::new().with_option("target.limit.project_id", limit.project_id.as_ref());
            match (project, &limit.domain_id) {
                (Some(project), _) => target.with_option("target.limit.project.domain_id", project.domain_id.as_ref()),
                (None, Some(domain)) => target.with("target.limit.domain.id", domain),
                (None, None) => target,
            }
        },
    );
    request.authorize("identity:get_limit", &target)?;
    let (limit, _) = found?;
    Ok(Reply::ok(json!({ "limit": view::limit::limit(&limit, &request.base_url()) })))
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, mut given) = (request.param("limit_id")?.to_owned(), attributes(&request, "limit")?);
    let model = service.config.limit_model;
    let limit = service
        .write(move |db| {
            let mut limit = db::limits::get(db, &id)?;
            limit.resource_limit = given.integer("resource_limit").unwrap_or(limit.resource_limit);
            limit.description = given.nullable("description").unwrap_or(limit.description);
            check(db, model, &limit, &[])?;
            db::limits::update(db, &limit)?;
            Ok(limit)
        })
        .await?;
    Ok(Reply::ok(json!({ "limit": view::limit::limit(&limit, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("limit_id")?.to_owned();
    service.write(move |db| db::limits::delete(db, &id)).await?;
    Ok(Reply::no_content())
}
