//! `/v2.0/`: which resources there are.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

/// The rows.
pub static ENDPOINTS: &[Endpoint<crate::Network>] = &[Endpoint::get("/", "", &resources)];

/// Resource, collection, path.
const RESOURCES: &[(&str, &str, &str)] = &[
    ("subnet", "subnets", "subnets"),
    ("network", "networks", "networks"),
    ("port", "ports", "ports"),
    ("router", "routers", "routers"),
    ("floatingip", "floatingips", "floatingips"),
    ("security_group", "security_groups", "security-groups"),
    ("security_group_rule", "security_group_rules", "security-group-rules"),
    ("quota", "quotas", "quotas"),
    ("agent", "agents", "agents"),
    ("availability_zone", "availability_zones", "availability_zones"),
    ("extension", "extensions", "extensions"),
];

async fn resources(_service: Arc<crate::Network>, request: Request) -> Result<Reply, Fault> {
    let base = request.base_url();
    let resource = |(name, collection, path): &(&str, &str, &str)| {
        let links = json!([{"rel": "self", "href": format!("{base}/{path}")}]);
        json!({"name": name, "collection": collection, "links": links})
    };
    let resources: Vec<Value> = RESOURCES.iter().map(resource).collect();
    Ok(Reply::ok(json!({"resources": resources})))
}
