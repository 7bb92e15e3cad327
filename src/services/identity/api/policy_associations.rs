//! `…/OS-ENDPOINT-POLICY/…`: which policy is for which endpoints.

use std::sync::Arc;

use http_kit::{Condition, Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;
use store::Connection;

use super::collection;
use crate::domain::policy::{Place, holding_for};
use crate::{IdentityService, db, view};

const OF_ENDPOINT: &str = "/policies/{policy_id}/OS-ENDPOINT-POLICY/endpoints/{endpoint_id}";
const OF_SERVICE: &str = "/policies/{policy_id}/OS-ENDPOINT-POLICY/services/{service_id}";
const OF_REGION: &str = "/policies/{policy_id}/OS-ENDPOINT-POLICY/services/{service_id}/regions/{region_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get(
        "/endpoints/{endpoint_id}/OS-ENDPOINT-POLICY/policy",
        "identity:get_policy_for_endpoint",
        &show_holding,
    ),
    Endpoint::get(
        "/policies/{policy_id}/OS-ENDPOINT-POLICY/endpoints",
        "identity:list_endpoints_for_policy",
        &list_endpoints,
    ),
    Endpoint::get(OF_ENDPOINT, "identity:check_policy_association_for_endpoint", &check),
    Endpoint::put(OF_ENDPOINT, "identity:create_policy_association_for_endpoint", &create),
    Endpoint::delete(OF_ENDPOINT, "identity:delete_policy_association_for_endpoint", &delete),
    Endpoint::get(OF_SERVICE, "identity:check_policy_association_for_service", &check),
    Endpoint::put(OF_SERVICE, "identity:create_policy_association_for_service", &create),
    Endpoint::delete(OF_SERVICE, "identity:delete_policy_association_for_service", &delete),
    Endpoint::get(OF_REGION, "identity:check_policy_association_for_region_and_service", &check),
    Endpoint::put(OF_REGION, "identity:create_policy_association_for_region_and_service", &create),
    Endpoint::delete(OF_REGION, "identity:delete_policy_association_for_region_and_service", &delete),
];

/// The policy of the path, and what the path associates it with.
fn named(request: &Request) -> Result<(String, Place), Fault> {
    let text = |name: &str| request.param(name).map(str::to_owned);
    let place = match (text("endpoint_id"), text("region_id")) {
        (Ok(endpoint), _) => Place::Endpoint(endpoint),
        (_, Ok(region)) => Place::ServiceInRegion(text("service_id")?, region),
        _ => Place::Service(text("service_id")?),
    };
    Ok((text("policy_id")?, place))
}

/// All of it must be there.
fn check_parts(db: &Connection, policy: &str, place: &Place) -> Result<(), Fault> {
    db::policies::get(db, policy)?;
    let [endpoint, service, region] = place.columns();
    endpoint.map(|id| db::endpoints::get(db, id)).transpose()?;
    service.map(|id| db::services::get(db, id)).transpose()?;
    region.map(|id| db::regions::get(db, id)).transpose()?;
    Ok(())
}

async fn check(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (policy, place) = named(&request)?;
    let there = service
        .store
        .read(move |db| {
            check_parts(db, &policy, &place)?;
            db::policies::is_associated(db, &policy, &place)
        })
        .await?;
    if there { Ok(Reply::no_content()) } else { Err(Fault::not_found("Could not find policy association.")) }
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (policy, place) = named(&request)?;
    service
        .write(move |db| {
            check_parts(db, &policy, &place)?;
            db::policies::associate(db, &policy, &place)
        })
        .await?;
    Ok(Reply::no_content())
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (policy, place) = named(&request)?;
    service
        .write(move |db| {
            check_parts(db, &policy, &place)?;
            db::policies::dissociate(db, &policy, &place)
        })
        .await?;
    Ok(Reply::no_content())
}

async fn list_endpoints(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (id, base) = (request.param("policy_id")?.to_owned(), request.base_url());
    let endpoints = service
        .store
        .read(move |db| {
            db::policies::get(db, &id)?;
            let places = db::policies::associations(db, Some(&id))?;
            let regions = db::regions::list(db, &Condition::all())?;
            let mut endpoints = db::endpoints::list(db, &Condition::all())?;
            endpoints.retain(|endpoint| places.iter().any(|(_, place)| place.covers(endpoint, &regions)));
            Ok::<_, Fault>(endpoints)
        })
        .await?;
    Ok(collection(&request, "endpoints", endpoints.iter().map(|it| view::catalog::endpoint(it, &base)).collect()))
}

async fn show_holding(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("endpoint_id")?.to_owned();
    let policy = service
        .store
        .read(move |db| {
            let endpoint = db::endpoints::get(db, &id)?;
            let (regions, associations) =
                (db::regions::list(db, &Condition::all())?, db::policies::associations(db, None)?);
            match holding_for(&endpoint, &regions, &associations) {
                Some(policy) => db::policies::get(db, policy),
                None => Err(Fault::not_found(format!("No policy is associated with endpoint {id}."))),
            }
        })
        .await?;
    Ok(Reply::ok(json!({ "policy": view::policy::policy(&policy, &request.base_url(), "endpoints") })))
}
