//! Limits: a project's quotas and what it uses of them.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request, Target};
use kit::Fault;
use serde_json::{Map, Value, json};

use crate::Compute;
use crate::db::{quotas, server_groups};
use crate::policy::name;

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[Endpoint::get("/limits", "os_compute_api:limits", &show)];

/// The name in the answer, the resource, and the last minor microversion that shows it.
const ABSOLUTE: &[(&str, &str, Option<u16>)] = &[
    ("maxTotalInstances", "instances", None),
    ("maxTotalCores", "cores", None),
    ("maxTotalRAMSize", "ram", None),
    ("maxServerMeta", "metadata_items", None),
    ("maxImageMeta", "metadata_items", Some(38)),
    ("maxPersonality", "injected_files", Some(56)),
    ("maxPersonalitySize", "injected_file_content_bytes", Some(56)),
    ("maxTotalKeypairs", "key_pairs", None),
    ("maxServerGroups", "server_groups", None),
    ("maxServerGroupMembers", "server_group_members", None),
    ("maxTotalFloatingIps", "floating_ips", Some(35)),
    ("maxSecurityGroups", "security_groups", Some(35)),
    ("maxSecurityGroupRules", "security_group_rules", Some(35)),
];

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let project = match request.query().get("tenant_id") {
        Some(other) => {
            request.authorize(name::OTHER_PROJECT_LIMITS, &Target::project(other))?;
            other.to_owned()
        }
        None => super::project(&request)?.to_string(),
    };
    let (limits, usage, groups) = compute
        .store
        .read(move |db| {
            let groups = server_groups::count(db, &project.as_str().into())?;
            Ok::<_, store::Error>((quotas::limits(db, &project)?, quotas::usage(db, &project)?, groups))
        })
        .await?;
    let shown = |until: Option<u16>| until.is_none_or(|until| !request.version.at_least(2, until + 1));
    let mut absolute: Map<String, Value> = ABSOLUTE
        .iter()
        .filter(|(_, _, until)| shown(*until))
        .map(|(name, resource, _)| ((*name).to_owned(), json!(limits.get(resource))))
        .collect();
    let used = [
        ("totalInstancesUsed", usage.instances, None),
        ("totalCoresUsed", usage.cores, None),
        ("totalRAMUsed", usage.ram, None),
        ("totalServerGroupsUsed", groups, None),
        // Neutron's: Nova has not counted them since it gave them up.
        ("totalFloatingIpsUsed", 0, Some(35)),
        ("totalSecurityGroupsUsed", 0, Some(35)),
    ];
    absolute.extend(
        used.into_iter().filter(|(_, _, until)| shown(*until)).map(|(n, count, _)| (n.to_owned(), json!(count))),
    );
    Ok(Reply::ok(json!({ "limits": { "rate": [], "absolute": absolute } })))
}
