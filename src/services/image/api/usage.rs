//! `/info/usage`: what the caller's project has of what is limited.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Map, Value, json};

use crate::Images;
use crate::db::usage;
use crate::domain::quota::Resource;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[Endpoint::get("/info/usage", "", &show)];

async fn show(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let project = request.context.require_project()?.clone();
    let limits = service.limits(&request.context, &project).await?;
    let used = service
        .store
        .read(move |db| {
            let of = |resource| Ok((resource, usage::of(db, project.as_str(), resource)?));
            Resource::ALL.into_iter().map(of).collect::<Result<Vec<_>, store::Error>>()
        })
        .await?;
    let one = |(resource, usage): (Resource, i64)| {
        (resource.as_str().to_owned(), json!({ "usage": usage, "limit": limits.of(resource) }))
    };
    let usage: Map<String, Value> = used.into_iter().map(one).collect();
    Ok(Reply::ok(json!({ "usage": usage })))
}
