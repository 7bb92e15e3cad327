//! The security groups of a server's interfaces. Their rules are the network service's to show.

use std::sync::Arc;

use bus::topics::compute_types::SecurityGroupRef;
use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

use super::server;
use crate::Compute;

pub(super) static ENDPOINTS: &[Endpoint<Compute>] =
    &[Endpoint::get("/servers/{server_id}/os-security-groups", "os_compute_api:os-security-groups:list", &list)];

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    // Deliberate deviation: no rules and no description; compute knows which groups, network what is in them.
    let entry = |group: &SecurityGroupRef| json!({ "id": group.id, "name": group.name, "tenant_id": row.project_id, "description": "", "rules": [] });
    let groups: Vec<Value> = row.security_groups.iter().map(entry).collect();
    Ok(Reply::ok(json!({ "security_groups": groups })))
}
