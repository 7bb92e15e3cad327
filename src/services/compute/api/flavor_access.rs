//! Which projects may use a flavor that is not public.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use kit::ids::{FlavorId, ProjectId};
use serde_json::{Value, json};

use super::flavors::not_found;
use super::schemas;
use crate::Compute;
use crate::db::flavors;

const PATH: &str = "/flavors/{flavor_id}/action";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/flavors/{flavor_id}/os-flavor-access", "os_compute_api:os-flavor-access", &list),
    Endpoint::action(PATH, "addTenantAccess", "os_compute_api:os-flavor-access:add_tenant_access", &add)
        .schema(schemas::ADD_TENANT_ACCESS),
    Endpoint::action(PATH, "removeTenantAccess", "os_compute_api:os-flavor-access:remove_tenant_access", &remove)
        .schema(schemas::REMOVE_TENANT_ACCESS),
];

fn render(flavor: &FlavorId, projects: &[ProjectId]) -> Reply {
    let entry = |project: &ProjectId| json!({ "flavor_id": flavor, "tenant_id": project });
    Reply::ok(json!({ "flavor_access": projects.iter().map(entry).collect::<Vec<_>>() }))
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let flavor = super::flavors::find(&compute, &request).await?;
    if flavor.is_public {
        return Err(Fault::not_found("Access list not available for public flavors."));
    }
    let id = flavor.spec.id.clone();
    let projects = compute.store.read(move |db| flavors::access(db, &id)).await.map_err(Fault::from)?;
    Ok(render(&flavor.spec.id, &projects))
}

fn tenant(request: &Request) -> Result<String, Fault> {
    Ok(request.action_value()?.get("tenant").and_then(Value::as_str).unwrap_or_default().to_owned())
}

async fn add(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let (id, tenant) = (FlavorId::new(request.param("flavor_id")?), tenant(&request)?);
    let flavor = id.clone();
    let projects = compute
        .store
        .write(move |db| {
            let found = flavors::get(db, &id)?.ok_or_else(|| not_found(&id))?;
            if found.is_public {
                return Err(Fault::conflict("Can not add access to a public flavor."));
            }
            flavors::insert_access(db, &id, &tenant).map_err(|error| match error {
                error if error.is_unique() => Fault::conflict(format!(
                    "Flavor access already exists for flavor {id} and project {tenant} combination."
                )),
                error => error.into(),
            })?;
            flavors::access(db, &id).map_err(Fault::from)
        })
        .await?;
    Ok(render(&flavor, &projects))
}

async fn remove(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let (id, tenant) = (FlavorId::new(request.param("flavor_id")?), tenant(&request)?);
    let flavor = id.clone();
    let projects = compute
        .store
        .write(move |db| {
            flavors::get(db, &id)?.ok_or_else(|| not_found(&id))?;
            if !flavors::delete_access(db, &id, &tenant)? {
                return Err(Fault::not_found(format!("Flavor access not found for {id} / {tenant} combination.")));
            }
            flavors::access(db, &id).map_err(Fault::from)
        })
        .await?;
    Ok(render(&flavor, &projects))
}
