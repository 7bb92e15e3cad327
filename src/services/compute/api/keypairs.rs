//! Users' SSH keys: make or bring, list, show, delete.

use std::sync::Arc;

use http_kit::page::Order;
use http_kit::{Direction, Endpoint, Paging, Reply, Request, Sortable, Target};
use kit::ids::UserId;
use kit::{Fault, Secret};
use serde_json::{Value, json};

use super::{no_marker, project, schemas, user};
use crate::Compute;
use crate::db::keypairs::{self, Keypair};
use crate::db::quotas;
use crate::domain::keypair;
use crate::view::set;
use crate::view::{self, Look};

const CREATE: &str = "os_compute_api:os-keypairs:create";
const DELETE: &str = "os_compute_api:os-keypairs:delete";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/os-keypairs", "os_compute_api:os-keypairs:index", &list).deferred(),
    Endpoint::get("/os-keypairs/{name}", "os_compute_api:os-keypairs:show", &show).deferred(),
    Endpoint::post("/os-keypairs", CREATE, &create).deferred().until(2, 1).schema(schemas::KEYPAIR).success(200),
    Endpoint::post("/os-keypairs", CREATE, &create)
        .deferred()
        .since(2, 2)
        .until(2, 9)
        .schema(schemas::KEYPAIR_22)
        .success(201),
    Endpoint::post("/os-keypairs", CREATE, &create)
        .deferred()
        .since(2, 10)
        .until(2, 91)
        .schema(schemas::KEYPAIR_210)
        .success(201),
    Endpoint::post("/os-keypairs", CREATE, &create).deferred().since(2, 92).schema(schemas::KEYPAIR_292).success(201),
    Endpoint::delete("/os-keypairs/{name}", DELETE, &delete).deferred(),
];

const BY_NAME: Sortable = Sortable { key: "name", column: "name" };
const ORDER: Order = Order { sortable: &[], default: &[(BY_NAME, Direction::Ascending)], id: "name", required: &[] };

/// Whose keys: the caller's, or from 2.10 on those of the user that is named.
fn owner(request: &Request, rule: &str, named: Option<&str>) -> Result<UserId, Fault> {
    let named = named.filter(|_| request.version.at_least(2, 10)).map(UserId::from);
    let owner = named.map_or_else(|| user(request), Ok)?;
    request.authorize(rule, &Target::user(&owner))?;
    Ok(owner)
}

fn asked_owner(request: &Request, rule: &str) -> Result<UserId, Fault> {
    owner(request, rule, request.query().all("user_id").next())
}

fn not_found(name: &str, owner: &UserId) -> Fault {
    Fault::not_found(format!("Keypair {name} not found for user {owner}"))
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let owner = asked_owner(&request, "os_compute_api:os-keypairs:index")?;
    let mut paging = Paging::parse(&request, &ORDER)?;
    let paged = request.version.at_least(2, 35);
    if !paged {
        (paging.limit, paging.marker) = (None, None);
    }
    let asked = paging.clone();
    let keys = compute.store.read(move |db| keypairs::list(db, &owner, &asked)).await.map_err(Fault::from)?;
    let mut keys = keys.ok_or_else(|| no_marker(&paging))?;
    paging.cut(&mut keys);
    let look = Look::of(&request);
    let views: Vec<Value> = keys.iter().map(|key| json!({ "keypair": view::keypairs::basic(&look, key) })).collect();
    let mut body = json!({ "keypairs": views });
    let last = keys.last().map(|key| key.name.as_str()).unwrap_or_default();
    if let Some(links) = paging.next_links(&request, keys.len(), last).filter(|_| paged) {
        set(&mut body, "keypairs_links", links);
    }
    Ok(Reply::ok(body))
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let owner = asked_owner(&request, "os_compute_api:os-keypairs:show")?;
    let name = request.param("name")?.to_owned();
    let key =
        compute.store.read(move |db| keypairs::get(db, &owner, &name)?.ok_or_else(|| not_found(&name, &owner))).await?;
    Ok(Reply::ok(view::keypairs::detail(&Look::of(&request), &key)))
}

async fn delete(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let owner = asked_owner(&request, DELETE)?;
    let name = request.param("name")?.to_owned();
    let gone = move |db: &rusqlite::Connection| {
        if keypairs::delete(db, &owner, &name)? { Ok(()) } else { Err(not_found(&name, &owner)) }
    };
    compute.store.write(gone).await?;
    Ok(Reply::empty(if request.version.at_least(2, 2) { 204 } else { 202 }))
}

async fn create(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let asked = request.body_value()?.get("keypair").cloned().unwrap_or_default();
    let text = |name: &str| asked.get(name).and_then(Value::as_str).map(str::to_owned);
    let owner = owner(&request, CREATE, text("user_id").as_deref())?;
    let key_type = text("type").unwrap_or_else(|| "ssh".to_owned());
    let (public_key, fingerprint, private_key) = match text("public_key") {
        Some(public_key) => {
            let fingerprint = keypair::fingerprint(&key_type, &public_key)?;
            (public_key, fingerprint, None)
        }
        None => generate(&key_type).await?,
    };
    let key = Keypair {
        id: 0,
        user_id: owner,
        name: text("name").unwrap_or_default().trim().to_owned(),
        key_type,
        public_key,
        fingerprint,
        created_at: compute.now(),
    };
    insert(&compute, project(&request)?.as_str().to_owned(), key.clone()).await?;
    Ok(Reply::json(view::keypairs::created(&Look::of(&request), &key, private_key.as_ref().map(Secret::expose))))
}

async fn generate(key_type: &str) -> Result<(String, String, Option<Secret>), Fault> {
    if key_type != "ssh" {
        return Err(Fault::bad_request("Keypair data is invalid: x509 key pairs can only be imported"));
    }
    let made = tokio::task::spawn_blocking(keypair::generate).await;
    let key = made.map_err(|error| Fault::internal("making a key pair", error))??;
    Ok((key.public_key, key.fingerprint, Some(key.private_key)))
}

async fn insert(compute: &Compute, project: String, key: Keypair) -> Result<(), Fault> {
    compute
        .store
        .write(move |db| {
            let limits = quotas::limits(db, &project)?;
            if !limits.allows("key_pairs", keypairs::count(db, &key.user_id)? + 1) {
                return Err(Fault::over_quota("Quota exceeded, too many key pairs."));
            }
            keypairs::insert(db, &key).map_err(|error| match error {
                error if error.is_unique() => Fault::conflict(format!("Key pair '{}' already exists.", key.name)),
                error => error.into(),
            })
        })
        .await
}
