//! The catalog: where clients find each service, and what of it is made at first start.
//!
//! Every validated token shows it, and it hardly ever changes: [`Catalogs`] remembers it until identity does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http_kit::Condition;
use kit::{Fault, Identity};
use serde_json::{Value, json};
use store::Connection;

use crate::IdentityService;
use crate::db;
use crate::domain::catalog::{Endpoint, Service, expand_url};
use crate::token::cache::Generation;

/// A service that cloudbox itself offers.
pub(crate) struct Offered {
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    /// What follows the public URL.
    pub(crate) path: &'static str,
}

/// What cloudbox offers, under the types of the service-types authority.
pub(crate) const OFFERED: &[Offered] = &[
    Offered { kind: "identity", name: "keystone", path: "/identity/v3" },
    Offered { kind: "compute", name: "nova", path: "/compute/v2.1" },
    Offered { kind: "placement", name: "placement", path: "/placement" },
    Offered { kind: "image", name: "glance", path: "/image" },
    Offered { kind: "network", name: "neutron", path: "/network" },
    Offered { kind: "block-storage", name: "cinder", path: "/volume/v3" },
];

/// Every interface of an endpoint.
pub(crate) const INTERFACES: [&str; 3] = ["public", "internal", "admin"];

/// The most catalogs remembered; when there are more, all are forgotten.
const MOST: usize = 256;

/// Whose catalog it is: URLs may name the project and the user.
type Key = (Option<String>, String);

/// Catalogs as they were read at a generation of identity's tables.
#[derive(Default)]
pub(crate) struct Catalogs(Mutex<HashMap<Key, (Generation, Arc<Value>)>>);

impl Catalogs {
    fn get(&self, key: &Key, generation: Generation) -> Option<Arc<Value>> {
        let catalogs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        catalogs.get(key).filter(|(read_at, _)| *read_at == generation).map(|(_, catalog)| catalog.clone())
    }

    fn put(&self, key: Key, generation: Generation, catalog: Arc<Value>) {
        let mut catalogs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if catalogs.len() >= MOST {
            catalogs.clear();
        }
        catalogs.insert(key, (generation, catalog));
    }
}

impl IdentityService {
    /// The catalog as `identity` sees it.
    pub(crate) async fn catalog(&self, identity: &Identity) -> Result<Arc<Value>, Fault> {
        let key = (identity.project().map(|project| project.id.to_string()), identity.user.id.to_string());
        // Before the tables are read: what is read may be newer, never older.
        let generation = self.cache.generation();
        if let Some(catalog) = self.catalogs.get(&key, generation) {
            return Ok(catalog);
        }
        let (seen, unfiltered) = (identity.clone(), self.config.return_all_endpoints_if_no_filter);
        let catalog = Arc::new(self.store.read(move |db| of(db, &seen, unfiltered)).await?);
        self.catalogs.put(key, generation, catalog.clone());
        Ok(catalog)
    }
}

/// The catalog as `identity` sees it: enabled services, each with its enabled endpoints.
///
/// Where endpoints were chosen for its project, there are only those, and only services that have one; otherwise
/// all, or none where `unfiltered` is false.
fn of(db: &Connection, identity: &Identity, unfiltered: bool) -> Result<Value, Fault> {
    let project = identity.project().map(|project| project.id.as_str());
    let chosen = project.map(|project| db::project_endpoints::list(db, project)).transpose()?.unwrap_or_default();
    if chosen.is_empty() && !unfiltered {
        return Ok(json!([]));
    }
    let enabled = Condition::is("enabled", true);
    let services = db::services::list(db, &enabled)?;
    if chosen.is_empty() {
        let endpoints = db::endpoints::list(db, &enabled)?;
        return Ok(entries(services, &endpoints, identity, project).collect());
    }
    let endpoints: Vec<Endpoint> = chosen.into_iter().filter(|endpoint| endpoint.enabled).collect();
    let has_any = |entry: &Value| entry["endpoints"] != json!([]);
    Ok(entries(services, &endpoints, identity, project).filter(has_any).collect())
}

/// An entry for each of `services`, with what of `endpoints` is its.
fn entries(
    services: Vec<Service>,
    endpoints: &[Endpoint],
    identity: &Identity,
    project: Option<&str>,
) -> impl Iterator<Item = Value> {
    let entry = move |service: Service| {
        let of_service = endpoints.iter().filter(|endpoint| endpoint.service_id == service.id);
        let listed: Vec<Value> =
            of_service.filter_map(|endpoint| view(endpoint, project, identity.user.id.as_str())).collect();
        json!({ "endpoints": listed, "id": service.id, "type": service.kind, "name": service.name })
    };
    services.into_iter().map(entry)
}

fn view(endpoint: &Endpoint, project_id: Option<&str>, user_id: &str) -> Option<Value> {
    Some(json!({
        "id": endpoint.id,
        "interface": endpoint.interface,
        "region_id": endpoint.region_id,
        "url": expand_url(&endpoint.url, project_id, user_id)?,
        "region": endpoint.region_id,
    }))
}
