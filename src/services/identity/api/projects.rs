//! `/v3/projects`.

use std::collections::HashSet;
use std::sync::Arc;

use http_kit::filter::{self, Filter, FilterKind};
use http_kit::{Condition, Endpoint, Paging, Query, Reply, Request, SqlValue, Target};
use kit::Fault;
use kit::config::LimitModel;
use serde_json::{Value, json};

use super::schema::{boolean, id_or_null, project_properties};
use super::{BY_ID, attributes, domain_scope, flag, list_target, new_id, page, project_target};
use crate::db::effective::Person;
use crate::domain::limit::Limit;
use crate::domain::project::{DEEPEST, Project};
use crate::{IdentityService, db, error, view};

const CREATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["project"], "properties": {"project": {
        "type": "object", "required": ["name"], "properties": {"domain_id": "#,
    id_or_null!(),
    r#", "parent_id": "#,
    id_or_null!(),
    r#", "is_domain": "#,
    boolean!(),
    ", ",
    project_properties!(),
    "}}}}"
);
const UPDATE: &str = concat!(
    r#"{"type": "object", "additionalProperties": false, "required": ["project"], "properties": {"project": {
        "type": "object", "properties": {"#,
    project_properties!(),
    "}}}}"
);

const FILTERS: &[Filter] = &[
    Filter::new("domain_id", "domain_id", FilterKind::Text),
    Filter::new("enabled", "enabled", FilterKind::Bool),
    Filter::new("name", "name", FilterKind::Text),
    Filter::new("parent_id", "parent_id", FilterKind::Text),
    Filter::new("is_domain", "is_domain", FilterKind::Bool),
];

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/projects", "identity:list_projects", &list).deferred(),
    Endpoint::post("/projects", "identity:create_project", &create).schema(CREATE).deferred(),
    Endpoint::get("/projects/{project_id}", "identity:get_project", &show).deferred(),
    Endpoint::patch("/projects/{project_id}", "identity:update_project", &update).schema(UPDATE).deferred(),
    Endpoint::delete("/projects/{project_id}", "identity:delete_project", &delete).deferred(),
    Endpoint::get("/users/{user_id}/projects", "identity:list_user_projects", &list_of_user).deferred(),
];

/// The condition that tag filters make: all of them, any, not all, none.
fn tag_conditions(query: &Query) -> Condition {
    let has =
        |tag: &str| Condition::new("EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", [SqlValue::from(tag)]);
    let all = |text: &str| text.split(',').map(has).fold(Condition::all(), Condition::and);
    let any = |text: &str| text.split(',').map(has).reduce(Condition::or).unwrap_or_else(Condition::none);
    let not = |condition: Condition| Condition::new(format!("NOT ({})", condition.sql), condition.values);
    [
        query.get("tags").map(all),
        query.get("tags-any").map(any),
        query.get("not-tags").map(|text| not(all(text))),
        query.get("not-tags-any").map(|text| not(any(text))),
    ]
    .into_iter()
    .flatten()
    .fold(Condition::all(), Condition::and)
}

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    request.authorize("identity:list_projects", &list_target(&request))?;
    let paging = Paging::parse(&request, &BY_ID)?;
    let mut wanted = filter::conditions(&request, FILTERS)?.and(tag_conditions(request.query()));
    if !request.query().has("is_domain") {
        wanted = wanted.and(Condition::is("is_domain", false));
    }
    if let Some(own) = domain_scope(&request) {
        wanted = wanted.and(Condition::is("domain_id", own));
    }
    let (base, asked) = (request.base_url(), paging.clone());
    let projects = service.store.read(move |db| db::projects::list(db, &wanted, Some(&asked))).await?;
    let items = projects.iter().map(|project| view::project::project(project, &base)).collect();
    Ok(page(&request, "projects", items, &paging))
}

async fn list_of_user(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("user_id")?.to_owned();
    let user = super::users::find(&service, &id).await?;
    let target = user.map_or_else(Target::new, |user| super::user_target(Target::new(), &user));
    request.authorize("identity:list_user_projects", &target)?;
    let filters = filter::conditions(&request, FILTERS)?;
    let base = request.base_url();
    let held = filters.and(db::effective::projects_of(Person::user(&id, service.clock.now()))?);
    let projects = service.store.read(move |db| db::projects::list(db, &held, None)).await?;
    let items = projects.iter().map(|project| view::project::project(project, &base)).collect();
    Ok(super::collection(&request, "projects", items))
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let given = attributes(&request, "project")?;
    let target = Target::new().with_option("target.project.domain_id", given.peek("domain_id"));
    request.authorize("identity:create_project", &target)?;
    let home = domain_scope(&request);
    let project = Project::new(new_id(), given, home.as_deref(), service.moment())?;
    let reply = json!({ "project": view::project::project(&project, &request.base_url()) });
    let deepest = match service.config.limit_model {
        LimitModel::Flat => DEEPEST,
        LimitModel::StrictTwoLevel => 2,
    };
    service
        .write(move |db| {
            db::projects::insert(db, &project)?;
            db::projects::check_depth(db, &project, deepest)
        })
        .await?;
    Ok(Reply::created(reply))
}

/// The project of the path, if the caller may do this to it.
pub(super) async fn authorized(service: &IdentityService, request: &Request, rule: &str) -> Result<Project, Fault> {
    let id = request.param("project_id")?.to_owned();
    let found = service.store.read(move |db| db::projects::get(db, &id)).await;
    let target = found.as_ref().map_or_else(|_| Target::new(), |project| project_target(Target::new(), project));
    request.authorize(rule, &target)?;
    found
}

/// How a project's parents or what is below it are to be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relatives {
    Unasked,
    List,
    Ids,
}

impl Relatives {
    /// `name` is `parents` or `subtree`.
    fn asked(query: &Query, name: &str) -> Result<Self, Fault> {
        match (flag(query, &format!("{name}_as_list")), flag(query, &format!("{name}_as_ids"))) {
            (true, true) => Err(Fault::bad_request(format!(
                "Cannot use {name}_as_list and {name}_as_ids query params at the same time."
            ))),
            (true, false) => Ok(Self::List),
            (false, true) => Ok(Self::Ids),
            (false, false) => Ok(Self::Unasked),
        }
    }
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let project = authorized(&service, &request, "identity:get_project").await?;
    let base = request.base_url();
    let mut body = view::project::project(&project, &base);
    let query = request.query();
    let (parents, subtree) = (Relatives::asked(query, "parents")?, Relatives::asked(query, "subtree")?);
    if parents == Relatives::Unasked && subtree == Relatives::Unasked {
        return Ok(Reply::ok(json!({ "project": body })));
    }
    let identity = request.context.identity().ok_or_else(error::unauthorized)?;
    let own = db::effective::projects_of(Person::of(identity, service.clock.now()))?;
    let limits = flag(query, "include_limits");
    let family = service.store.read(move |db| Family::of(db, project, &own, limits)).await?;
    match parents {
        Relatives::Unasked => {}
        Relatives::List => view::put(&mut body, "parents", family.listed(&family.parents, &base)),
        Relatives::Ids => view::put(&mut body, "parents", family.parent_ids()),
    }
    match subtree {
        Relatives::Unasked => {}
        Relatives::List => view::put(&mut body, "subtree", family.listed(&family.subtree, &base)),
        Relatives::Ids => view::put(&mut body, "subtree", family.ids_below(&family.project.id)),
    }
    Ok(Reply::ok(json!({ "project": body })))
}

/// A project with all above and below it.
struct Family {
    project: Project,
    /// The nearest first; the domain is the last.
    parents: Vec<Project>,
    subtree: Vec<Project>,
    /// Those on which the caller holds a role: lists are of these, trees of ids are of all.
    own: HashSet<String>,
    limits: Option<Vec<Limit>>,
}

impl Family {
    fn of(db: &store::Connection, project: Project, own: &Condition, limits: bool) -> Result<Self, Fault> {
        let subtree = db::projects::subtree(db, &project.id)?;
        let parents = db::projects::parents(db, &project.id)?;
        let own = db::projects::list(db, own, None)?;
        let own: HashSet<String> = own.into_iter().map(|project| project.id).collect();
        let limits = if limits {
            let all = parents.iter().chain(&subtree).map(|project| project.id.as_str().into());
            Some(db::limits::list(db, &Condition::is_in("project_id", all), None)?)
        } else {
            None
        };
        Ok(Self { project, parents, subtree, own, limits })
    }

    fn listed(&self, projects: &[Project], base: &str) -> Value {
        let one = |project: &Project| {
            let mut value = view::project::project(project, base);
            if let Some(limits) = &self.limits {
                let of_project = limits.iter().filter(|limit| limit.project_id.as_ref() == Some(&project.id));
                view::put(&mut value, "limits", of_project.map(view::limit::bare).collect());
            }
            json!({ "project": value })
        };
        projects.iter().filter(|project| self.own.contains(&project.id)).map(one).collect()
    }

    fn parent_ids(&self) -> Value {
        self.parents.iter().rev().fold(Value::Null, |above, parent| json!({ &parent.id: above }))
    }

    fn ids_below(&self, id: &str) -> Value {
        let children = self.subtree.iter().filter(|project| project.parent_id.as_deref() == Some(id));
        let tree: serde_json::Map<_, _> = children.map(|child| (child.id.clone(), self.ids_below(&child.id))).collect();
        if tree.is_empty() { Value::Null } else { Value::Object(tree) }
    }
}

async fn update(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let given = attributes(&request, "project")?;
    let found = authorized(&service, &request, "identity:update_project").await?;
    let now = service.moment();
    let project = service
        .write_keeping_administrator(move |db| {
            let before = db::projects::get(db, &found.id)?;
            let mut project = before.clone();
            project.apply(given, now)?;
            db::projects::update(db, &before, &project)?;
            Ok(project)
        })
        .await?;
    Ok(Reply::ok(json!({ "project": view::project::project(&project, &request.base_url()) })))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let found = authorized(&service, &request, "identity:delete_project").await?;
    service
        .write_keeping_administrator(move |db| {
            let project = db::projects::get(db, &found.id)?;
            if project.is_domain {
                db::projects::delete_domain(db, &project)
            } else {
                db::projects::delete(db, &project)
            }
        })
        .await?;
    Ok(Reply::no_content())
}
