//! `/cloudbox/v1/status`: how the cloud on this host is.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;

use crate::Admin;

pub(super) static ENDPOINTS: &[Endpoint<Admin>] = &[Endpoint::get("/status", "cloudbox:status:get", &show)];

async fn show(service: Arc<Admin>, _request: Request) -> Result<Reply, Fault> {
    let status = (service.status)().await?;
    let body = serde_json::to_value(status).map_err(|error| Fault::internal("telling the status", error))?;
    Ok(Reply::ok(body))
}
