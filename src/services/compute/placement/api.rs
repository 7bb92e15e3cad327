//! Placement's own API, as far as it shows what the scheduler works with: hosts as resource providers, their inventories, what is
//! used of them, and servers' allocations. It changes nothing: conductor and the scheduler do that.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request, Rule};
use kit::Fault;
use serde_json::{Map, Value, json};
use store::Connection;

use super::db::{self, Allocation};
use super::resource::{Class, Resource};
use crate::Compute;
use crate::db::hosts::{self, Host};

const LIST: &str = "placement:resource_providers:list";
const SHOW: &str = "placement:resource_providers:show";
const INVENTORIES: &str = "placement:resource_providers:inventories:list";
const INVENTORY: &str = "placement:resource_providers:inventories:show";
const USAGES: &str = "placement:resource_providers:usages";
const AGGREGATES: &str = "placement:resource_providers:aggregates:list";
const TRAITS: &str = "placement:resource_providers:traits:list";
const OF_PROVIDER: &str = "placement:resource_providers:allocations:list";
const OF_CONSUMER: &str = "placement:allocations:list";

const ADMIN_OR_SERVICE: &str = "role:admin or role:service";

/// Placement's policy rules.
static RULES: &[Rule] = &[
    Rule::new(LIST, ADMIN_OR_SERVICE, "List resource providers."),
    Rule::new(SHOW, ADMIN_OR_SERVICE, "Show a resource provider."),
    Rule::new(INVENTORIES, ADMIN_OR_SERVICE, "List a provider's inventories."),
    Rule::new(INVENTORY, ADMIN_OR_SERVICE, "Show one of a provider's inventories."),
    Rule::new(USAGES, ADMIN_OR_SERVICE, "List what is used of a provider."),
    Rule::new(AGGREGATES, ADMIN_OR_SERVICE, "List a provider's aggregates."),
    Rule::new(TRAITS, ADMIN_OR_SERVICE, "List a provider's traits."),
    Rule::new(OF_PROVIDER, ADMIN_OR_SERVICE, "List a provider's allocations."),
    Rule::new(OF_CONSUMER, ADMIN_OR_SERVICE, "List a consumer's allocations."),
];

/// All tables.
static TABLES: &[&[Endpoint<Compute>]] = &[ENDPOINTS];

static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/resource_providers", LIST, &list).query_schema(
        r#"{"type": "object", "additionalProperties": false, "properties": {
            "name": {"type": "array"}, "uuid": {"type": "array"}, "in_tree": {"type": "array"}}}"#,
    ),
    Endpoint::get("/resource_providers/{uuid}", SHOW, &show),
    Endpoint::get("/resource_providers/{uuid}/inventories", INVENTORIES, &inventories),
    Endpoint::get("/resource_providers/{uuid}/inventories/{resource_class}", INVENTORY, &inventory),
    Endpoint::get("/resource_providers/{uuid}/usages", USAGES, &usages),
    Endpoint::get("/resource_providers/{uuid}/aggregates", AGGREGATES, &aggregates).since(1, 1),
    Endpoint::get("/resource_providers/{uuid}/traits", TRAITS, &traits).since(1, 6),
    Endpoint::get("/resource_providers/{uuid}/allocations", OF_PROVIDER, &of_provider),
    Endpoint::get("/allocations/{consumer_uuid}", OF_CONSUMER, &of_consumer),
];

impl Compute {
    /// Placement's API.
    #[must_use]
    pub fn placement(self: &Arc<Self>) -> http_kit::Service<Self> {
        http_kit::Service::new(&http_kit::dialect::PLACEMENT, Arc::clone(self), TABLES)
            .rules(RULES)
            .scopes(http_kit::Scopes::PROJECT)
    }
}

/// A host as a provider.
struct Provider {
    host: Host,
    generation: i64,
    inventories: Vec<(Class, Resource)>,
}

fn load(conn: &Connection, host: Host) -> Result<Provider, store::Error> {
    let generation = db::generation(conn, &host.uuid)?.unwrap_or(0);
    Ok(Provider { inventories: db::inventories(conn, &host.uuid)?, generation, host })
}

/// The provider that the path names.
async fn provider(compute: &Compute, request: &Request) -> Result<Provider, Fault> {
    let uuid = request.param("uuid")?.to_owned();
    let wanted = uuid.clone();
    let found = compute
        .store
        .read(move |conn| {
            let host = hosts::list(conn)?.into_iter().find(|host| host.uuid == wanted);
            host.map(|host| load(conn, host)).transpose()
        })
        .await
        .map_err(Fault::from)?;
    found.ok_or_else(|| Fault::not_found(format!("No resource provider with uuid {uuid} found")))
}

/// From 1.15 on, an answer says how old it is and that it is not to be kept.
fn reply(compute: &Compute, request: &Request, body: Value) -> Reply {
    let reply = Reply::ok(body);
    if !request.version.at_least(1, 15) {
        return reply;
    }
    let now = compute.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    reply.header("last-modified", now).header("cache-control", "no-cache")
}

fn view(request: &Request, host: &Host, generation: i64) -> Value {
    let since = |minor| request.version.at_least(1, minor);
    let own = format!("{}/resource_providers/{}", request.dialect().mount, host.uuid);
    let rels: &[(&str, u16)] =
        &[("inventories", 0), ("usages", 0), ("aggregates", 1), ("traits", 6), ("allocations", 11)];
    let mut links = vec![json!({ "rel": "self", "href": own })];
    links.extend(
        rels.iter()
            .filter(|(_, minor)| since(*minor))
            .map(|(rel, _)| json!({ "rel": rel, "href": format!("{own}/{rel}") })),
    );
    let mut view = json!({ "uuid": host.uuid, "name": host.host, "generation": generation, "links": links });
    if since(14) {
        crate::view::set(&mut view, "parent_provider_uuid", Value::Null);
        crate::view::set(&mut view, "root_provider_uuid", json!(host.uuid));
    }
    view
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let all = compute
        .store
        .read(|conn| {
            let with_generation = |host: Host| Ok((db::generation(conn, &host.uuid)?.unwrap_or(0), host));
            hosts::list(conn)?.into_iter().map(with_generation).collect::<Result<Vec<_>, store::Error>>()
        })
        .await
        .map_err(Fault::from)?;
    let wanted = |host: &Host| {
        let is = |name: &str, value: &str| request.query().get(name).is_none_or(|wanted| wanted == value);
        is("name", host.host.as_str()) && is("uuid", &host.uuid) && is("in_tree", &host.uuid)
    };
    let views: Vec<_> = all
        .iter()
        .filter(|(_, host)| wanted(host))
        .map(|(generation, host)| view(&request, host, *generation))
        .collect();
    Ok(reply(&compute, &request, json!({ "resource_providers": views })))
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let provider = provider(&compute, &request).await?;
    Ok(reply(&compute, &request, view(&request, &provider.host, provider.generation)))
}

fn inventory_view(resource: &Resource) -> Value {
    json!({
        "total": resource.total,
        "reserved": resource.reserved,
        "min_unit": 1,
        "max_unit": resource.total,
        "step_size": 1,
        "allocation_ratio": resource.ratio,
    })
}

async fn inventories(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let provider = provider(&compute, &request).await?;
    let inventories: Map<_, _> = provider
        .inventories
        .iter()
        .map(|(class, resource)| (class.as_str().to_owned(), inventory_view(resource)))
        .collect();
    let body = json!({ "resource_provider_generation": provider.generation, "inventories": inventories });
    Ok(reply(&compute, &request, body))
}

async fn inventory(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let provider = provider(&compute, &request).await?;
    let name = request.param("resource_class")?;
    let found = provider.inventories.iter().find(|(class, _)| class.as_str() == name);
    let (_, resource) =
        found.ok_or_else(|| Fault::not_found(format!("No inventory of class {name} for {}", provider.host.uuid)))?;
    let mut body = inventory_view(resource);
    crate::view::set(&mut body, "resource_provider_generation", json!(provider.generation));
    Ok(reply(&compute, &request, body))
}

async fn usages(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let provider = provider(&compute, &request).await?;
    let usages: Map<_, _> = provider
        .inventories
        .iter()
        .map(|(class, resource)| (class.as_str().to_owned(), json!(resource.used)))
        .collect();
    let body = json!({ "resource_provider_generation": provider.generation, "usages": usages });
    Ok(reply(&compute, &request, body))
}

async fn aggregates(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let provider = provider(&compute, &request).await?;
    let mut body = json!({ "aggregates": [] });
    if request.version.at_least(1, 19) {
        crate::view::set(&mut body, "resource_provider_generation", json!(provider.generation));
    }
    Ok(reply(&compute, &request, body))
}

async fn traits(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let provider = provider(&compute, &request).await?;
    let body = json!({ "traits": [], "resource_provider_generation": provider.generation });
    Ok(reply(&compute, &request, body))
}

async fn of_provider(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let provider = provider(&compute, &request).await?;
    let uuid = provider.host.uuid.clone();
    let rows = compute.store.read(move |conn| db::allocations_on(conn, &uuid)).await.map_err(Fault::from)?;
    let allocations = grouped(
        &rows,
        |row| &row.consumer,
        |_| {
            if request.version.at_least(1, 28) { json!({ "consumer_generation": 1 }) } else { json!({}) }
        },
    );
    let body = json!({ "resource_provider_generation": provider.generation, "allocations": allocations });
    Ok(reply(&compute, &request, body))
}

async fn of_consumer(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let consumer = request.param("consumer_uuid")?.to_owned();
    let (rows, generations, owner) = compute
        .store
        .read(move |conn| {
            let rows = db::allocations_of(conn, &consumer)?;
            let mut generations = Map::new();
            for row in &rows {
                generations.insert(row.provider.clone(), json!(db::generation(conn, &row.provider)?));
            }
            let owner = crate::db::instances::get(conn, &consumer.as_str().into())?;
            Ok::<_, store::Error>((rows, generations, owner))
        })
        .await
        .map_err(Fault::from)?;
    let allocations =
        grouped(&rows, |row| &row.provider, |row| json!({ "generation": generations.get(&row.provider) }));
    let mut body = json!({ "allocations": allocations });
    let extra = [
        (12, "project_id", owner.as_ref().map(|row| json!(row.project_id))),
        (12, "user_id", owner.as_ref().map(|row| json!(row.user_id))),
        (28, "consumer_generation", Some(json!(1))),
        (38, "consumer_type", Some(json!("INSTANCE"))),
    ];
    for (minor, name, value) in extra {
        if let Some(value) = value.filter(|_| !rows.is_empty() && request.version.at_least(1, minor)) {
            crate::view::set(&mut body, name, value);
        }
    }
    Ok(reply(&compute, &request, body))
}

/// Allocations by what `key` says, each with its resources and what `rest` adds.
fn grouped(
    rows: &[Allocation],
    key: impl Fn(&Allocation) -> &String,
    rest: impl Fn(&Allocation) -> Value,
) -> Map<String, Value> {
    let mut groups = Map::new();
    for row in rows {
        let group = groups.entry(key(row).clone()).or_insert_with(|| {
            let mut group = rest(row);
            crate::view::set(&mut group, "resources", json!({}));
            group
        });
        if let Some(resources) = group.get_mut("resources") {
            crate::view::set(resources, &row.resource_class, json!(row.used));
        }
    }
    groups
}
