//! `/cloudbox/v1/audit`: the audit trail, the newest record first, in pages.

use std::sync::Arc;

use http_kit::{Endpoint, Query, Reply, Request};
use kit::{Fault, Timestamp};
use serde_json::{Value, json};

use crate::db::audit::Wanted;
use crate::{Admin, db, view};

/// The size of a page, where none is asked for, and the largest.
const PAGE: i64 = 100;
const LARGEST: i64 = 1000;

pub(super) static ENDPOINTS: &[Endpoint<Admin>] = &[Endpoint::get("/audit", "cloudbox:audit:list", &list)];

async fn list(service: Arc<Admin>, request: Request) -> Result<Reply, Fault> {
    let wanted = wanted(request.query())?;
    let limit = match request.query().get("limit") {
        None => PAGE,
        Some(text) => text.parse().ok().filter(|limit| *limit > 0).ok_or_else(|| invalid("limit", text))?,
    };
    let limit = limit.min(LARGEST);
    let mut found = service.store.read(move |db| db::audit::list(db, &wanted, limit + 1)).await?;
    let more = i64::try_from(found.len()).unwrap_or(i64::MAX) > limit;
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let mut body = json!({ "events": found.iter().map(view::audit::event).collect::<Vec<_>>() });
    if let (true, Some(last), Some(body)) = (more, found.last(), body.as_object_mut()) {
        let next = request.query().clone().with("marker", &last.seq.to_string());
        body.insert("next".to_owned(), Value::from(format!("{}/audit?{}", request.base_url(), next.encode())));
    }
    Ok(Reply::ok(body))
}

fn wanted(query: &Query) -> Result<Wanted, Fault> {
    const KNOWN: [&str; 11] = [
        "user",
        "project",
        "action",
        "outcome",
        "service",
        "target",
        "request_id",
        "since",
        "until",
        "limit",
        "marker",
    ];
    if let Some((name, _)) = query.pairs().find(|(name, _)| !KNOWN.contains(name)) {
        return Err(Fault::bad_request(format!("There is no filter {name:?}; there are {}.", KNOWN.join(", "))));
    }
    let text = |name: &str| query.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let time =
        |name: &str| text(name).map(|value| value.parse::<Timestamp>().map_err(|_| invalid(name, &value))).transpose();
    let succeeded = match query.get("outcome") {
        None | Some("") => None,
        Some("success") => Some(true),
        Some("failure") => Some(false),
        Some(other) => return Err(invalid("outcome", other)),
    };
    let before = text("marker").map(|marker| marker.parse().map_err(|_| invalid("marker", &marker))).transpose()?;
    Ok(Wanted {
        user: text("user"),
        project: text("project"),
        action: text("action"),
        succeeded,
        service: text("service"),
        target: text("target"),
        request_id: text("request_id"),
        since: time("since")?,
        until: time("until")?,
        before,
    })
}

fn invalid(name: &str, value: &str) -> Fault {
    let expected = match name {
        "outcome" => "success or failure",
        "since" | "until" => "a time such as 2026-11-22T18:40:00Z",
        _ => "a positive number",
    };
    Fault::bad_request(format!("{value:?} is no {name}: use {expected}."))
}
