//! What is there from the first start: the `default` network, which every project can use and which the host itself routes
//! for, and the external network `public`, where tenants' routers have their gateway.

use kit::ids::ProjectId;
use kit::{Fault, RequestContext};
use serde_json::{Value, json};

use crate::change::{Change, networks, subnets};
use crate::db;
use crate::domain::attributes::{Body, Resource, Verb, read};
use crate::domain::faults;
use crate::domain::resources::{NETWORK, SUBNET};
use crate::service::Network;

/// The name of the external network.
const EXTERNAL_NAME: &str = "public";

impl Network {
    /// Makes what every cloud has, for `project` (the administrator's), where the cloud has no network at all yet.
    /// Done again, it does nothing.
    ///
    /// # Errors
    /// 400 where the configured ranges cannot be used; the store's.
    pub async fn bootstrap(&self, project: &ProjectId) -> Result<(), Fault> {
        let (project, config) = (project.clone(), self.config.clone());
        let context = RequestContext::service("network");
        let made = self.change(&context, move |change| {
            let none = db::Selection { limit: Some(1), ..db::Selection::of(http_kit::Condition::all()) };
            if !db::networks::list(change.db, &none)?.is_empty() {
                return Ok(());
            }
            make(change, &project, &config.default_name, true, &config.default_cidr)?;
            make(change, &project, EXTERNAL_NAME, false, &config.external_cidr)
        });
        made.await
    }
}

/// Makes a network that the host routes for, with a subnet of `cidr`: one for guests, with DHCP and shared by all
/// projects, or an external one.
fn make(change: &mut Change<'_>, project: &ProjectId, name: &str, guests: bool, cidr: &str) -> Result<(), Fault> {
    let network = json!({"name": name, "shared": guests, "router:external": !guests, "is_default": !guests});
    let mut network = networks::create(change, project, &body(&NETWORK, &network)?)?;
    network.host_gateway = true;
    db::networks::put(change.db, &network)?;
    let version = if cidr.contains(':') { 6 } else { 4 };
    let subnet = json!({
        "name": format!("{name}-subnet"), "network_id": network.id, "ip_version": version, "cidr": cidr,
        "enable_dhcp": guests,
    });
    let subnet = body(&SUBNET, &subnet)?;
    subnets::create(change, project, &subnet).map(drop)
}

/// `value` as a request's body.
fn body(resource: &Resource, value: &Value) -> Result<Body, Fault> {
    let object = value.as_object().ok_or_else(|| faults::bad_request("Body contains invalid data"))?;
    read(resource, object, Verb::Create)
}
