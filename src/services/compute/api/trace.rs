//! The trace of a server's boot: cloudbox's own, at a path that Nova does not have.
//!
//! `GET /servers/{server_id}/cloudbox-trace` answers `{"trace": {"server_id", "request_id", "steps": [{"step", "service",
//! "from", "to", "kind", "description", "started_at", "micros", "result"}]}}`: always the sixteen steps B1 to B16. `result` is
//! `ok`, the failure's message, or `-` for a step that did not happen, whose times are null. `?request_id=` asks for
//! the spans of another request; by default they are those of the request that made the server.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

use super::find_server;
use crate::Compute;
use crate::db::spans;
use crate::domain::trace::{self, Line};

pub(super) static ENDPOINTS: &[Endpoint<Compute>] =
    &[Endpoint::get("/servers/{server_id}/cloudbox-trace", "os_compute_api:os-instance-actions:show", &show)];

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = find_server(&compute, &request, true).await?;
    let request_id = request.query().get("request_id").unwrap_or(&row.request_id).to_owned();
    let (id, wanted) = (row.id.clone(), request_id.clone());
    let spans = compute.store.read(move |db| spans::of_request(db, &id, &wanted)).await.map_err(Fault::from)?;
    let steps: Vec<Value> = trace::lines(&spans).iter().map(render).collect();
    Ok(Reply::ok(json!({ "trace": { "server_id": row.id, "request_id": request_id, "steps": steps } })))
}

fn render(line: &Line) -> Value {
    let done = line.done.as_ref();
    json!({
        "step": line.step,
        "service": line.service,
        "from": line.from,
        "to": line.to,
        "kind": line.kind,
        "description": line.description,
        "started_at": done.map(|done| kit::time::micros_z(done.started_at)),
        "micros": done.map(|done| done.micros),
        "result": done.map_or("-", |done| done.error.as_deref().unwrap_or("ok")),
    })
}
