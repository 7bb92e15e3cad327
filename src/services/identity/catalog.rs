//! The catalog: where clients find each service, and what of it is made at first start.

use http_kit::Condition;
use kit::{Fault, Identity};
use serde_json::{Value, json};
use store::Connection;

use crate::db;
use crate::domain::catalog::{Endpoint, Service, expand_url};

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

/// The catalog as `identity` sees it: enabled services, each with its enabled endpoints.
pub(crate) fn of(db: &Connection, identity: &Identity) -> Result<Value, Fault> {
    let enabled = Condition::is("enabled", true);
    let endpoints = db::endpoints::list(db, &enabled)?;
    let project = identity.project().map(|project| project.id.as_str());
    let entry = |service: Service| {
        let of_service = endpoints.iter().filter(|endpoint| endpoint.service_id == service.id);
        let listed: Vec<Value> =
            of_service.filter_map(|endpoint| view(endpoint, project, identity.user.id.as_str())).collect();
        json!({ "endpoints": listed, "id": service.id, "type": service.kind, "name": service.name })
    };
    Ok(db::services::list(db, &enabled)?.into_iter().map(entry).collect())
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
