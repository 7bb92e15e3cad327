//! `/os-quota-sets` and `/limits`.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Map, Value, json};

use crate::Volumes;
use crate::db::{quotas, types};
use crate::domain::quota::{self, DEFAULTS, Usage};

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Volumes>] = &[
    Endpoint::get("/os-quota-sets/{project_id}", "volume_extension:quotas:show", &show),
    Endpoint::get("/os-quota-sets/{project_id}/defaults", "volume_extension:quotas:show", &defaults),
    Endpoint::put("/os-quota-sets/{project_id}", "volume_extension:quotas:update", &update),
    Endpoint::delete("/os-quota-sets/{project_id}", "volume_extension:quotas:delete", &delete),
    Endpoint::get("/limits", "", &limits),
];

/// A project's limits and what it has.
struct Account {
    limits: Vec<(&'static str, i64)>,
    usage: Usage,
    types: Vec<String>,
}

impl Volumes {
    async fn account(&self, project: &str) -> Result<Account, Fault> {
        let project = project.to_owned();
        self.store
            .read(move |db| {
                Ok(Account {
                    limits: quota::limits(&quotas::get(db, &project)?),
                    usage: quotas::usage(db, &project)?,
                    types: types::list(db)?.into_iter().map(|volume_type| volume_type.name).collect(),
                })
            })
            .await
    }
}

impl Account {
    /// The quota set, with a limit (and what is used, where `with_usage`) for each resource and each type.
    fn set(&self, with_usage: bool) -> Map<String, Value> {
        let entry = |limit: i64, used: i64| {
            if with_usage { json!({ "limit": limit, "in_use": used, "reserved": 0 }) } else { json!(limit) }
        };
        let counted = self.limits.iter().map(|(name, limit)| ((*name).to_owned(), entry(*limit, self.usage.of(name))));
        let by_type = self.types.iter().flat_map(|name| {
            ["volumes", "gigabytes", "snapshots"].map(|resource| (format!("{resource}_{name}"), entry(-1, 0)))
        });
        counted.chain(by_type).collect()
    }
}

fn with_id(mut set: Map<String, Value>, project: &str) -> Reply {
    set.insert("id".to_owned(), project.into());
    Reply::ok(json!({ "quota_set": set }))
}

/// Only an administrator may ask about another project.
fn own_or_admin(request: &Request) -> Result<String, Fault> {
    let project = request.param("project_id")?;
    if request.context.is_admin() || request.context.project_id().is_some_and(|own| own.as_str() == project) {
        return Ok(project.to_owned());
    }
    Err(Fault::forbidden(request.dialect().denied("volume_extension:quotas:show")))
}

async fn show(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let project = own_or_admin(&request)?;
    let account = service.account(&project).await?;
    Ok(with_id(account.set(request.query().flag("usage")), &project))
}

async fn defaults(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let project = own_or_admin(&request)?;
    let account = service.account(&project).await?;
    let account = Account { limits: DEFAULTS.to_vec(), ..account };
    Ok(with_id(account.set(false), &project))
}

async fn update(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let project = request.param("project_id")?.to_owned();
    let body = request.body_value()?;
    let set = body.get("quota_set").and_then(Value::as_object);
    let set = set.ok_or_else(|| Fault::bad_request("Missing required element 'quota_set' in request body."))?;
    let mut changes = Vec::new();
    for (name, value) in
        set.iter().filter(|(name, _)| !matches!(name.as_str(), "tenant_id" | "force" | "skip_validation"))
    {
        let resource = DEFAULTS.iter().find(|(known, _)| known == name).map(|(known, _)| *known);
        let limit = value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        match (resource, limit) {
            (Some(resource), Some(limit)) if limit >= -1 => changes.push((resource, limit)),
            (None, _) => return Err(Fault::bad_request(format!("Bad key(s) in quota set: {name}"))),
            _ => return Err(Fault::bad_request(format!("Quota limit for {name} must be an integer of -1 or more."))),
        }
    }
    let of = project.clone();
    let write = move |db: &store::Connection| -> Result<(), Fault> {
        changes.iter().try_for_each(|(resource, limit)| quotas::set(db, &of, resource, *limit)).map_err(Fault::from)
    };
    service.store.write(write).await?;
    Ok(Reply::ok(json!({ "quota_set": service.account(&project).await?.set(false) })))
}

async fn delete(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let project = request.param("project_id")?.to_owned();
    service.store.write(move |db| quotas::delete(db, &project).map_err(Fault::from)).await?;
    Ok(Reply::empty(200))
}

async fn limits(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let account = service.account(request.context.require_project()?.as_str()).await?;
    let limit = |name: &str| account.limits.iter().find(|(known, _)| *known == name).map_or(-1, |(_, limit)| *limit);
    Ok(Reply::ok(json!({ "limits": { "rate": [], "absolute": {
        "maxTotalVolumes": limit("volumes"),
        "maxTotalVolumeGigabytes": limit("gigabytes"),
        "maxTotalSnapshots": limit("snapshots"),
        "maxTotalBackups": limit("backups"),
        "maxTotalBackupGigabytes": limit("backup_gigabytes"),
        "totalVolumesUsed": account.usage.volumes,
        "totalGigabytesUsed": account.usage.gigabytes,
        "totalSnapshotsUsed": 0,
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    } } })))
}
