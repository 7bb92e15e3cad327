//! A flavor's extra specs.

use std::collections::BTreeMap;
use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use kit::ids::FlavorId;
use serde_json::{Value, json};

use super::flavors::not_found;
use super::schemas;
use crate::Compute;
use crate::db::flavors;

const ALL: &str = "/flavors/{flavor_id}/os-extra_specs";
const ONE: &str = "/flavors/{flavor_id}/os-extra_specs/{key}";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get(ALL, "os_compute_api:os-flavor-extra-specs:index", &list),
    Endpoint::post(ALL, "os_compute_api:os-flavor-extra-specs:create", &create).schema(schemas::EXTRA_SPECS_CREATE),
    Endpoint::get(ONE, "os_compute_api:os-flavor-extra-specs:show", &show),
    Endpoint::put(ONE, "os_compute_api:os-flavor-extra-specs:update", &update).schema(schemas::EXTRA_SPECS_UPDATE),
    Endpoint::delete(ONE, "os_compute_api:os-flavor-extra-specs:delete", &delete),
];

/// Values may come as numbers; they are kept as text.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn no_spec(flavor: &FlavorId, key: &str) -> Fault {
    Fault::not_found(format!("Flavor {flavor} has no extra specs with key {key}."))
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let flavor = super::flavors::find(&compute, &request).await?;
    Ok(Reply::ok(json!({ "extra_specs": flavor.spec.extra_specs })))
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let flavor = super::flavors::find(&compute, &request).await?;
    let key = request.param("key")?;
    let value = flavor.spec.extra_specs.get(key).ok_or_else(|| no_spec(&flavor.spec.id, key))?;
    Ok(Reply::ok(json!({ key: value })))
}

async fn create(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let specs = request.body_value()?.get("extra_specs").and_then(Value::as_object);
    let specs: BTreeMap<String, String> =
        specs.into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect();
    change(&compute, &request, specs.clone()).await?;
    Ok(Reply::ok(json!({ "extra_specs": specs })))
}

async fn update(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let key = request.param("key")?.to_owned();
    let value = request.body_value()?.get(&key).map(text);
    let value = value.ok_or_else(|| Fault::bad_request("Request body and URI mismatch"))?;
    change(&compute, &request, BTreeMap::from([(key.clone(), value.clone())])).await?;
    Ok(Reply::ok(json!({ key: value })))
}

async fn change(compute: &Compute, request: &Request, specs: BTreeMap<String, String>) -> Result<(), Fault> {
    let id = FlavorId::new(request.param("flavor_id")?);
    compute
        .store
        .write(move |db| {
            let mut flavor = flavors::get(db, &id)?.ok_or_else(|| not_found(&id))?;
            flavor.spec.extra_specs.extend(specs);
            flavors::set_extra_specs(db, &id, &flavor.spec.extra_specs)?;
            Ok(())
        })
        .await
}

async fn delete(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let (id, key) = (FlavorId::new(request.param("flavor_id")?), request.param("key")?.to_owned());
    compute
        .store
        .write(move |db| {
            let mut flavor = flavors::get(db, &id)?.ok_or_else(|| not_found(&id))?;
            flavor.spec.extra_specs.remove(&key).ok_or_else(|| no_spec(&id, &key))?;
            flavors::set_extra_specs(db, &id, &flavor.spec.extra_specs).map_err(Fault::from)
        })
        .await?;
    Ok(Reply::empty(200))
}
