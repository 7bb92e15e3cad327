//! The five calls that every resource has: list, show, create, update, delete; written once over what a
//! resource says of itself.

use std::sync::Arc;

use http_kit::page::Order;
use http_kit::{Condition, Fields, Filter, Paging, Reply, Request, SqlValue, Target, filter};
use kit::ids::{NetworkId, ProjectId};
use kit::{Fault, RequestContext};
use serde::Serialize;
use serde::ser::SerializeMap as _;
use store::{Connection, params_from_iter, query, types};

use crate::change::Change;
use crate::db::{self, Selection};
use crate::domain::attributes::{self, Body, Verb};
use crate::domain::faults;
use crate::service::Network as Service;
use crate::view::{Audience, Shown};

/// What a resource says of itself.
pub trait Resource: Sized + Send + 'static {
    /// How it looks in an answer.
    type View<'m>: Serialize
    where
        Self: 'm;
    /// What bodies may say of it.
    const BODY: &'static attributes::Resource;
    /// What lists can be narrowed by.
    const FILTERS: &'static [Filter];
    /// What lists can be sorted by.
    const ORDER: Order;
    /// Where its rows are, as `t`; for a marker's key.
    const FROM: &'static str;

    /// What a caller of `project` sees; `t` is its table.
    fn scope(project: &str) -> Condition;
    /// Its rows.
    fn load(db: &Connection, selection: &Selection) -> Result<Vec<Self>, Fault>;
    /// Its id.
    fn id(&self) -> &str;
    /// Whose it is.
    fn project(&self) -> &ProjectId;
    /// The network that it is on, where that matters to who may change it.
    fn network(&self) -> Option<&NetworkId> {
        None
    }
    /// How it looks.
    fn view(&self, audience: Audience) -> Self::View<'_>;
    /// What is answered where there is none.
    fn not_found(id: &str) -> Fault;
    /// Conditions of filters of [`http_kit::FilterKind::Handled`].
    fn more_filters(_request: &Request) -> Result<Condition, Fault> {
        Ok(Condition::all())
    }
    /// More guarded parts of a body, beside the attributes that are marked so: `fixed_ips:ip_address`.
    fn guarded(_body: &Body) -> Vec<&'static str> {
        Vec::new()
    }
    /// Makes one.
    fn create(change: &mut Change<'_>, project: &ProjectId, body: &Body) -> Result<Self, Fault>;
    /// Changes one.
    fn update(_change: &mut Change<'_>, id: &str, _body: &Body) -> Result<Self, Fault> {
        Err(Self::not_found(id))
    }
    /// Takes one away.
    fn delete(change: &mut Change<'_>, id: &str) -> Result<(), Fault>;
}

/// The rows that the caller sees.
pub fn visible<T: Resource>(context: &RequestContext) -> Condition {
    if context.is_admin() {
        return Condition::all();
    }
    context.project_id().map_or_else(Condition::none, |project| T::scope(project.as_str()))
}

/// Who reads the answer.
pub fn audience(context: &RequestContext) -> Audience {
    Audience { is_admin: context.is_admin() }
}

/// The one that the path names, where the caller sees it.
pub async fn find<T: Resource>(service: &Service, request: &Request) -> Result<T, Fault> {
    let id = request.param("id")?.to_owned();
    let condition = Condition::is("t.id", id.as_str()).and(visible::<T>(&request.context));
    let found = service.read(move |db| T::load(db, &Selection::of(condition))).await?;
    found.into_iter().next().ok_or_else(|| T::not_found(&id))
}

/// `GET /things`.
pub async fn list<T: Resource>(service: Arc<Service>, request: Request) -> Result<Reply, Fault> {
    let paging = Paging::parse(&request, &T::ORDER)?;
    let narrowed = filter::conditions(&request, T::FILTERS)?.and(T::more_filters(&request)?);
    let mut condition = visible::<T>(&request.context).and(narrowed);
    let marker = paging.marker.clone().filter(|_| paging.limit.is_some());
    let page = paging.clone();
    let mut rows = service
        .read(move |db| {
            if let Some(marker) = marker {
                let key = key_of::<T>(db, &page, &marker)?.ok_or_else(|| T::not_found(&marker))?;
                condition = condition.and(page.after(&key));
            }
            let limit = u32::try_from(page.fetch()).ok();
            T::load(db, &Selection { condition, order: page.order_by(), limit })
        })
        .await?;
    paging.cut(&mut rows);
    let links = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => paging.both_links(&request, rows.len(), first.id(), last.id()),
        _ => paging.both_links(&request, 0, "", ""),
    };
    let (fields, audience) = (Fields::parse(request.query()), audience(&request.context));
    let items = rows.iter().map(|row| Shown::of(row.view(audience), &fields)).collect();
    Ok(Reply::ok(Listing { collection: T::BODY.collection, items, links }))
}

/// The sort columns of the row that a marker names.
fn key_of<T: Resource>(db: &Connection, paging: &Paging, marker: &str) -> Result<Option<Vec<SqlValue>>, Fault> {
    let columns: Vec<&str> = paging.key_columns().collect();
    let sql = format!("SELECT {} FROM {} WHERE t.id = ?1", columns.join(", "), T::FROM);
    let key = query::opt(db, &sql, params_from_iter([marker]), |row| {
        (0..columns.len())
            .map(|index| {
                Ok(match row.get::<_, types::Value>(index)? {
                    types::Value::Integer(number) => SqlValue::Integer(number),
                    types::Value::Real(number) => SqlValue::Real(number),
                    types::Value::Text(text) => SqlValue::Text(text),
                    types::Value::Null | types::Value::Blob(_) => SqlValue::Null,
                })
            })
            .collect()
    });
    Ok(key?)
}

/// A list in an answer, serialised without a detour.
struct Listing<V> {
    collection: &'static str,
    items: Vec<Shown<V>>,
    links: Option<serde_json::Value>,
}

impl<V: Serialize> Serialize for Listing<V> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.collection, &self.items)?;
        if let Some(links) = &self.links {
            map.serialize_entry(&format!("{}_links", self.collection), links)?;
        }
        map.end()
    }
}

/// `{"thing": …}`.
pub fn wrapped<T: Resource>(request: &Request, status: u16, thing: &T) -> Reply {
    let fields = Fields::parse(request.query());
    let shown = Shown::of(thing.view(audience(&request.context)), &fields);
    Reply::status(status, std::collections::BTreeMap::from([(T::BODY.name, shown)]))
}

/// `GET /things/{id}`.
pub async fn show<T: Resource>(service: Arc<Service>, request: Request) -> Result<Reply, Fault> {
    let found: T = find(&service, &request).await?;
    if !request.allows(&format!("get_{}", T::BODY.name), &target(&service, &found).await?) {
        return Err(T::not_found(found.id()));
    }
    Ok(wrapped(&request, 200, &found))
}

/// What a policy can ask about `thing`.
pub async fn target<T: Resource>(service: &Service, thing: &T) -> Result<Target, Fault> {
    let target = Target::project(thing.project().as_str());
    match thing.network().cloned() {
        Some(network) => on_network(service, target, network).await,
        None => Ok(target),
    }
}

/// `target`, with what a policy can ask about the network that it is on.
async fn on_network(service: &Service, target: Target, id: NetworkId) -> Result<Target, Fault> {
    let network = service.read(move |db| db::networks::get(db, &id)).await?;
    Ok(match network {
        Some(network) => {
            target.with("network:project_id", network.project_id.as_str()).with_bool("shared", network.shared)
        }
        None => target,
    })
}

/// Enforces `<verb>_<thing>` and, for what of the body is guarded, the rules of those parts.
fn authorize<T: Resource>(request: &Request, verb: &str, target: &Target, body: &Body) -> Result<(), Fault> {
    let action = format!("{verb}_{}", T::BODY.name);
    let guarded = body.guarded().iter().copied().filter(|name| *name != "device_owner").chain(T::guarded(body));
    let parts: Vec<String> = guarded.map(|part| format!("{action}:{part}")).collect();
    let allowed = request.allows(&action, target) && parts.iter().all(|rule| request.allows(rule, target));
    if allowed { Ok(()) } else { Err(faults::not_authorized(&action, &parts)) }
}

/// `POST /things`, one or several: all of them or none.
pub async fn create<T: Resource>(service: Arc<Service>, request: Request) -> Result<Reply, Fault> {
    let (objects, bulk) = attributes::objects(T::BODY, request.body_value()?, Verb::Create)?;
    let mut bodies = Vec::with_capacity(objects.len());
    for object in &objects {
        let mut body = attributes::read(T::BODY, object, Verb::Create)?;
        let project = project_of(&request.context, &mut body)?;
        let mut target = Target::project(project.as_str());
        if let Some(network) = body.text("network_id").filter(|_| T::BODY.name != "network") {
            let network = seen_network(&service, &request.context, network.into()).await?;
            target = target.with("network:project_id", network.project_id.as_str()).with_bool("shared", network.shared);
        }
        authorize::<T>(&request, "create", &target, &body)?;
        bodies.push((project, body));
    }
    let made = service.change(&request.context, move |change| {
        bodies.iter().map(|(project, body)| T::create(change, project, body)).collect::<Result<Vec<T>, _>>()
    });
    let made = made.await?;
    match made.first() {
        Some(one) if !bulk => Ok(wrapped(&request, 201, one)),
        _ => {
            let (fields, audience) = (Fields::parse(request.query()), audience(&request.context));
            let items = made.iter().map(|row| Shown::of(row.view(audience), &fields)).collect();
            Ok(Reply::created(Listing { collection: T::BODY.collection, items, links: None }))
        }
    }
}

async fn seen_network(
    service: &Service,
    context: &RequestContext,
    id: NetworkId,
) -> Result<crate::domain::model::Network, Fault> {
    let condition = Condition::is("t.id", id.as_str()).and(visible::<crate::domain::model::Network>(context));
    let found = service.read(move |db| db::networks::list(db, &Selection::of(condition))).await?;
    found.into_iter().next().ok_or_else(|| faults::network_not_found(&id))
}

/// Whose a new thing will be: the caller's project, or, where an administrator says so, another.
fn project_of(context: &RequestContext, body: &mut Body) -> Result<ProjectId, Fault> {
    let asked = match (body.text("project_id"), body.text("tenant_id")) {
        (Some(project), Some(tenant)) if project != tenant => {
            return Err(faults::bad_request("'project_id' and 'tenant_id' do not match"));
        }
        (project, tenant) => project.or(tenant).filter(|id| !id.is_empty()),
    };
    match (asked, context.project_id()) {
        (Some(asked), Some(own)) if asked == own.as_str() => Ok(own.clone()),
        (Some(asked), _) if context.is_admin() => Ok(asked.into()),
        (Some(_), _) => Err(faults::bad_request(
            "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges",
        )),
        (None, Some(own)) => Ok(own.clone()),
        (None, None) => Err(faults::bad_request("Running without keystone AuthN requires tenant_id to be specified")),
    }
}

/// `PUT /things/{id}`.
pub async fn update<T: Resource>(service: Arc<Service>, request: Request) -> Result<Reply, Fault> {
    let (objects, _) = attributes::objects(T::BODY, request.body_value()?, Verb::Update)?;
    let object = objects.into_iter().next().unwrap_or_default();
    let body = attributes::read(T::BODY, &object, Verb::Update)?;
    let found: T = find(&service, &request).await?;
    authorize::<T>(&request, "update", &target(&service, &found).await?, &body)?;
    let id = found.id().to_owned();
    let changed = service.change(&request.context, move |change| T::update(change, &id, &body)).await?;
    Ok(wrapped(&request, 200, &changed))
}

/// `DELETE /things/{id}`.
pub async fn delete<T: Resource>(service: Arc<Service>, request: Request) -> Result<Reply, Fault> {
    let found: T = find(&service, &request).await?;
    request.authorize(&format!("delete_{}", T::BODY.name), &target(&service, &found).await?)?;
    let id = found.id().to_owned();
    service.change(&request.context, move |change| T::delete(change, &id)).await?;
    Ok(Reply::no_content())
}
