//! `/v3/OS-REVOKE/events`.

use std::sync::Arc;
use std::time::Duration;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::json;

use crate::{IdentityService, db, view};

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] =
    &[Endpoint::get("/OS-REVOKE/events", "identity:list_revoke_events", &list)];

/// What was revoked longer ago than a token lives concerns no token any more.
async fn list(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let lifetime = Duration::from_secs(service.config.token_ttl_secs);
    let mut since = service.clock.now().saturating_sub(lifetime).unwrap_or(kit::Timestamp::MIN);
    if let Some(text) = request.query().get("since").filter(|text| !text.is_empty()) {
        let asked = http_kit::filter::parse_time(text);
        since = since.max(asked.ok_or_else(|| Fault::bad_request(format!("invalidate date format {text}")))?);
    }
    let revocations = service.store.read(move |db| db::revocations::list(db, since)).await?;
    let events: Vec<_> = revocations.iter().map(view::revocation::event).collect();
    let own = format!("{}/OS-REVOKE/events", request.base_url());
    Ok(Reply::ok(json!({ "events": events, "links": { "next": null, "self": own, "previous": null } })))
}
