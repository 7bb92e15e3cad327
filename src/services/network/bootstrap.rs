//! What is there from the first start: the `default` network, which every project can use and which the host itself routes
//! for, and the external network `public`, where tenants' routers have their gateway: a pool that exists on the hosts alone, or addresses of
//! the LAN.

use kit::config::NetworkConfig;
use kit::ids::ProjectId;
use kit::{Fault, RequestContext};
use serde_json::{Value, json};

use crate::change::{Change, networks, subnets};
use crate::db;
use crate::domain::attributes::{Body, Resource, Verb, read};
use crate::domain::faults;
use crate::domain::model::EXTERNAL_PHYSICAL_NETWORK;
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
            make(change, &project, guests(&config))?;
            make(change, &project, outside(&config)?)
        });
        made.await
    }
}

/// A network with its subnet, as requests have them.
struct Plan {
    network: Value,
    subnet: Value,
    host_gateway: bool,
}

/// The network for guests: with DHCP, shared by all projects, and routed by the host.
fn guests(config: &NetworkConfig) -> Plan {
    let (name, cidr) = (&config.default_name, &config.default_cidr);
    Plan {
        network: json!({"name": name, "shared": true}),
        subnet: json!({"name": format!("{name}-subnet"), "cidr": cidr, "ip_version": version(cidr)}),
        host_gateway: true,
    }
}

/// The external network.
fn outside(config: &NetworkConfig) -> Result<Plan, Fault> {
    let lan = config.lan().map_err(|mistake| faults::bad_request(format!("{}: {}", mistake.key, mistake.reason)))?;
    let (name, cidr) = (format!("{EXTERNAL_NAME}-subnet"), &config.external_cidr);
    Ok(match lan {
        None => Plan {
            network: json!({"name": EXTERNAL_NAME, "router:external": true, "is_default": true}),
            subnet: json!({"name": name, "cidr": cidr, "ip_version": version(cidr), "enable_dhcp": false}),
            host_gateway: true,
        },
        Some(lan) => Plan {
            network: json!({
                "name": EXTERNAL_NAME, "router:external": true, "is_default": true,
                "provider:network_type": "flat", "provider:physical_network": EXTERNAL_PHYSICAL_NETWORK,
            }),
            subnet: json!({
                "name": name, "cidr": cidr, "ip_version": 4, "enable_dhcp": false, "gateway_ip": lan.gateway,
                "allocation_pools": [{"start": lan.first, "end": lan.last}],
            }),
            host_gateway: false,
        },
    })
}

fn version(cidr: &str) -> u8 {
    if cidr.contains(':') { 6 } else { 4 }
}

/// Makes a network and its subnet.
fn make(change: &mut Change<'_>, project: &ProjectId, mut plan: Plan) -> Result<(), Fault> {
    let mut network = networks::create(change, project, &body(&NETWORK, &plan.network)?)?;
    network.host_gateway = plan.host_gateway;
    db::networks::put(change.db, &network)?;
    if let Some(subnet) = plan.subnet.as_object_mut() {
        subnet.insert("network_id".to_owned(), json!(network.id));
    }
    subnets::create(change, project, &body(&SUBNET, &plan.subnet)?).map(drop)
}

/// `value` as a request's body.
fn body(resource: &Resource, value: &Value) -> Result<Body, Fault> {
    let object = value.as_object().ok_or_else(|| faults::bad_request("Body contains invalid data"))?;
    read(resource, object, Verb::Create)
}
