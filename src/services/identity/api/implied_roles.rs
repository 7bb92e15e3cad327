//! `/v3/roles/{prior_role_id}/implies` and `/v3/role_inferences`.

use std::sync::Arc;

use http_kit::{Condition, Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

use crate::domain::role::Role;
use crate::{IdentityService, db, view};

const ONE: &str = "/roles/{prior_role_id}/implies/{implied_role_id}";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/roles/{prior_role_id}/implies", "identity:list_implied_roles", &list),
    Endpoint::get(ONE, "identity:get_implied_role", &show),
    Endpoint::head(ONE, "identity:check_implied_role", &check),
    Endpoint::put(ONE, "identity:create_implied_role", &create),
    Endpoint::delete(ONE, "identity:delete_implied_role", &delete),
    Endpoint::get("/role_inferences", "identity:list_role_inference_rules", &list_all),
];

async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("prior_role_id")?.to_owned();
    let own = format!("{}/roles/{id}/implies", request.base_url());
    let base = request.base_url();
    let (prior, implied) = service
        .store
        .read(move |db| Ok::<_, Fault>((db::roles::get(db, &id)?, db::implied_roles::list(db, &id)?)))
        .await?;
    let implied: Value = implied.iter().map(|role| view::role::brief(role, &base)).collect();
    let inference = json!({ "prior_role": view::role::brief(&prior, &base), "implies": implied });
    Ok(Reply::ok(json!({ "role_inference": inference, "links": { "self": own } })))
}

/// The two roles of the path.
struct Pair {
    prior: Role,
    implied: Role,
}

impl Pair {
    fn get(db: &store::Connection, prior: &str, implied: &str) -> Result<Self, Fault> {
        Ok(Self { prior: db::roles::get(db, prior)?, implied: db::roles::get(db, implied)? })
    }

    fn view(&self, base: &str) -> Value {
        let (prior, implied) = (view::role::brief(&self.prior, base), view::role::brief(&self.implied, base));
        let own = format!("{base}/roles/{}/implies/{}", self.prior.id, self.implied.id);
        json!({ "role_inference": { "prior_role": prior, "implies": implied }, "links": { "self": own } })
    }
}

fn ids(request: &Request) -> Result<(String, String), Fault> {
    Ok((request.param("prior_role_id")?.to_owned(), request.param("implied_role_id")?.to_owned()))
}

async fn existing(service: &IdentityService, request: &Request) -> Result<Pair, Fault> {
    let (prior, implied) = ids(request)?;
    service
        .store
        .read(move |db| {
            let pair = Pair::get(db, &prior, &implied)?;
            db::implied_roles::check(db, &prior, &implied)?;
            Ok(pair)
        })
        .await
}

async fn show(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(existing(&service, &request).await?.view(&request.base_url())))
}

async fn check(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    existing(&service, &request).await?;
    Ok(Reply::no_content())
}

async fn create(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (prior, implied) = ids(&request)?;
    let pair = service
        .write(move |db| {
            let pair = Pair::get(db, &prior, &implied)?;
            db::implied_roles::insert(db, &prior, &implied)?;
            Ok(pair)
        })
        .await?;
    Ok(Reply::created(pair.view(&request.base_url())))
}

async fn delete(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (prior, implied) = ids(&request)?;
    service
        .write_keeping_administrator(move |db| {
            Pair::get(db, &prior, &implied)?;
            db::implied_roles::delete(db, &prior, &implied)
        })
        .await?;
    Ok(Reply::no_content())
}

async fn list_all(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let base = request.base_url();
    let (roles, pairs) = service
        .store
        .read(|db| Ok::<_, Fault>((db::roles::list(db, &Condition::all())?, db::implied_roles::pairs(db)?)))
        .await?;
    let brief = |id: &str| roles.iter().find(|role| role.id == id).map(|role| view::role::brief(role, &base));
    let inferences: Vec<Value> = roles
        .iter()
        .filter_map(|prior| {
            let implied: Vec<Value> =
                pairs.iter().filter(|(id, _)| *id == prior.id).filter_map(|(_, implied)| brief(implied)).collect();
            (!implied.is_empty()).then(|| json!({ "prior_role": view::role::brief(prior, &base), "implies": implied }))
        })
        .collect();
    Ok(Reply::ok(json!({ "role_inferences": inferences })))
}
