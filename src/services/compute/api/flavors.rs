//! Flavors: list, show, make, describe, delete.

use std::sync::Arc;

use bus::topics::compute_types::FlavorSpec;
use http_kit::filter::{self, FilterKind};
use http_kit::page::Order;
use http_kit::query::boolean;
use http_kit::{Condition, Direction, Endpoint, Filter, Paging, Reply, Request, Sortable, Target};
use kit::Fault;
use kit::ids::FlavorId;
use serde_json::{Value, json};

use super::{integer, no_marker, schemas};
use crate::Compute;
use crate::db::flavors::{self, Flavor};
use crate::domain::disks;
use crate::policy::name;
use crate::view::set;
use crate::view::{self, Look};

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/flavors", "os_compute_api:flavors", &list).until(2, 74),
    Endpoint::get("/flavors", "os_compute_api:flavors", &list).since(2, 75).query_schema(schemas::FLAVOR_QUERY),
    Endpoint::get("/flavors/detail", "os_compute_api:flavors", &detail).until(2, 74),
    Endpoint::get("/flavors/detail", "os_compute_api:flavors", &detail)
        .since(2, 75)
        .query_schema(schemas::FLAVOR_QUERY),
    Endpoint::get("/flavors/{flavor_id}", "os_compute_api:flavors", &show),
    Endpoint::post("/flavors", "os_compute_api:os-flavor-manage:create", &create)
        .until(2, 54)
        .schema(schemas::FLAVOR_CREATE),
    Endpoint::post("/flavors", "os_compute_api:os-flavor-manage:create", &create)
        .since(2, 55)
        .until(2, 101)
        .schema(schemas::FLAVOR_CREATE_255),
    Endpoint::post("/flavors", "os_compute_api:os-flavor-manage:create", &create)
        .since(2, 102)
        .schema(schemas::FLAVOR_CREATE_2102),
    Endpoint::put("/flavors/{flavor_id}", "os_compute_api:os-flavor-manage:update", &update)
        .since(2, 55)
        .schema(schemas::FLAVOR_UPDATE),
    Endpoint::delete("/flavors/{flavor_id}", "os_compute_api:os-flavor-manage:delete", &delete),
];

const fn sortable(key: &'static str, column: &'static str) -> Sortable {
    Sortable { key, column }
}

const ORDER: Order = Order {
    sortable: &[
        sortable("flavorid", "id"),
        sortable("id", "id"),
        sortable("name", "name"),
        sortable("memory_mb", "ram_mb"),
        sortable("root_gb", "disk_gb"),
        sortable("ephemeral_gb", "ephemeral_gb"),
        sortable("swap", "swap_mb"),
        sortable("vcpus", "vcpus"),
        sortable("rxtx_factor", "rxtx_factor"),
        sortable("is_public", "is_public"),
        sortable("description", "COALESCE(description, '')"),
        sortable("created_at", "created_at"),
    ],
    default: &[(sortable("flavorid", "id"), Direction::Ascending)],
    id: "id",
    required: &[],
};

const FILTERS: &[Filter] = &[Filter::new("name", "name", FilterKind::Exact)];

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let (flavors, links) = page(&compute, &request).await?;
    let look = Look::of(&request);
    let views: Vec<Value> = flavors.iter().map(|flavor| view::flavors::basic(&look, flavor)).collect();
    Ok(answer(views, links))
}

async fn detail(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let (flavors, links) = page(&compute, &request).await?;
    let (look, specs) = (Look::of(&request), sees_specs(&request));
    let views: Vec<Value> = flavors.iter().map(|flavor| view::flavors::detail(&look, flavor, specs)).collect();
    Ok(answer(views, links))
}

fn answer(views: Vec<Value>, links: Option<Value>) -> Reply {
    let mut body = json!({ "flavors": views });
    if let Some(links) = links {
        set(&mut body, "flavors_links", links);
    }
    Reply::ok(body)
}

async fn page(compute: &Compute, request: &Request) -> Result<(Vec<Flavor>, Option<Value>), Fault> {
    let paging = Paging::parse(request, &Order { ..ORDER })?;
    let paging = ascending_unless_asked(request, paging);
    let condition = conditions(request)?;
    let asked = paging.clone();
    let rows = compute.store.read(move |db| flavors::list(db, condition, &asked)).await.map_err(Fault::from)?;
    let mut rows = rows.ok_or_else(|| no_marker(&paging))?;
    paging.cut(&mut rows);
    let last = rows.last().map(|flavor| flavor.spec.id.to_string()).unwrap_or_default();
    let links = paging.next_links(request, rows.len(), &last);
    Ok((rows, links))
}

/// Flavors, unlike servers, are sorted upwards where only a key is given.
fn ascending_unless_asked(request: &Request, mut paging: Paging) -> Paging {
    if !request.query().has("sort_dir") {
        paging.sort.iter_mut().for_each(|(_, direction)| *direction = Direction::Ascending);
    }
    paging
}

fn conditions(request: &Request) -> Result<Condition, Fault> {
    let query = request.query();
    let mut condition = filter::conditions(request, FILTERS)?;
    if !request.context.is_admin() {
        condition = condition.and(flavors::usable_by(request.context.project_id()));
    } else if let Some(public) = public_filter(query.get("is_public"))? {
        condition = condition.and(Condition::is("is_public", public));
    }
    for (name, sql) in [("minRam", "ram_mb >= ?"), ("minDisk", "disk_gb >= ?")] {
        if let Some(text) = query.get(name) {
            let least: i64 = text.parse().map_err(|_| Fault::bad_request(format!("Invalid {name} filter [{text}]")))?;
            condition = condition.and(Condition::new(sql, [least.into()]));
        }
    }
    Ok(condition)
}

/// Which flavors an administrator sees: the public ones, unless asked for others, or with `none` for all.
fn public_filter(text: Option<&str>) -> Result<Option<bool>, Fault> {
    match text {
        None => Ok(Some(true)),
        Some(text) if text.eq_ignore_ascii_case("none") => Ok(None),
        Some(text) => {
            boolean(text).map(Some).ok_or_else(|| Fault::bad_request(format!("Invalid is_public filter [{text}]")))
        }
    }
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let flavor = find(&compute, &request).await?;
    Ok(one(&request, &flavor))
}

/// The flavor that the path names, where the caller may see it.
pub(super) async fn find(compute: &Compute, request: &Request) -> Result<Flavor, Fault> {
    let id = FlavorId::new(request.param("flavor_id")?);
    let (wanted, admin, project) = (id.clone(), request.context.is_admin(), request.context.project_id().cloned());
    let found = compute
        .store
        .read(move |db| match flavors::get(db, &wanted)? {
            Some(flavor) if !flavor.is_public && !admin => {
                let usable = project.map(|project| flavors::is_usable_by(db, &wanted, &project)).transpose()?;
                Ok::<_, store::Error>(usable.unwrap_or(false).then_some(flavor))
            }
            found => Ok(found),
        })
        .await?;
    found.ok_or_else(|| not_found(&id))
}

pub(super) fn not_found(id: &FlavorId) -> Fault {
    Fault::not_found(format!("Flavor {id} could not be found."))
}

fn sees_specs(request: &Request) -> bool {
    request.allows(name::FLAVOR_EXTRA_SPECS, &Target::own())
}

fn one(request: &Request, flavor: &Flavor) -> Reply {
    Reply::ok(json!({ "flavor": view::flavors::detail(&Look::of(request), flavor, sees_specs(request)) }))
}

async fn create(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let flavor = parse(&request)?;
    let (row, now) = (flavor.clone(), compute.now());
    let inserted: Result<(), store::Error> = compute.store.write(move |db| flavors::insert(db, &row, now)).await;
    match inserted {
        Ok(()) => Ok(one(&request, &flavor)),
        Err(error) if error.is_unique_on("compute_flavors.id") => {
            Err(Fault::conflict(format!("Flavor with ID {} already exists.", flavor.spec.id)))
        }
        Err(error) if error.is_unique_on("compute_flavors.name") => {
            Err(Fault::conflict(format!("Flavor with name {} already exists.", flavor.spec.name)))
        }
        Err(error) => Err(error.into()),
    }
}

fn parse(request: &Request) -> Result<Flavor, Fault> {
    let body = request.body_value()?;
    let asked = body.get("flavor").unwrap_or(&Value::Null);
    let number = |name: &str| {
        let number = asked.get(name).and_then(integer).unwrap_or(0);
        u64::try_from(number).map_err(|_| Fault::bad_request(format!("Invalid input received: {name}")))
    };
    let text = |name: &str| asked.get(name).and_then(Value::as_str).map(str::to_owned);
    let id = match asked.get("id") {
        Some(Value::String(id)) if id != "auto" => FlavorId::new(id),
        Some(Value::Number(id)) => FlavorId::new(id.to_string()),
        _ => FlavorId::random(),
    };
    let factor = asked.get("rxtx_factor").and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok()));
    Ok(Flavor {
        spec: FlavorSpec {
            id,
            name: text("name").unwrap_or_default().trim().to_owned(),
            vcpus: u32::try_from(number("vcpus")?).unwrap_or(u32::MAX),
            ram_mb: number("ram")?,
            disk_gb: number("disk")?,
            ephemeral_gb: number("OS-FLV-EXT-DATA:ephemeral")?,
            swap_mb: number("swap")?,
            extra_specs: std::collections::BTreeMap::new(),
        },
        description: text("description"),
        rxtx_factor: factor.unwrap_or(1.0),
        is_public: asked.get("os-flavor-access:is_public").is_none_or(disks::truth),
    })
}

async fn update(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let id = FlavorId::new(request.param("flavor_id")?);
    let description = request.body_value()?.pointer("/flavor/description").and_then(Value::as_str).map(str::to_owned);
    let flavor = compute
        .store
        .write(move |db| {
            if !flavors::set_description(db, &id, description.as_deref())? {
                return Err(not_found(&id));
            }
            flavors::get(db, &id)?.ok_or_else(|| not_found(&id))
        })
        .await?;
    Ok(one(&request, &flavor))
}

async fn delete(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let id = FlavorId::new(request.param("flavor_id")?);
    compute.store.write(move |db| if flavors::delete(db, &id)? { Ok(()) } else { Err(not_found(&id)) }).await?;
    Ok(Reply::empty(202))
}
