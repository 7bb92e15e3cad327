//! `POST /servers`: steps B2 to B5 of a boot.
//!
//! In this order: the body is read ([`asked`]), what it names is looked up and checked ([`check`]), quota is claimed and rows are
//! written in one transaction ([`insert`]), hosts are asked for. From the rows on the answer is 202: a server that
//! finds no host is in ERROR and says why. Volumes that were reserved are given back when no row came of it.

mod asked;
mod check;
mod insert;

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::trace::micros;
use kit::{Fault, Span, SpanKind, Timestamp, crash};
use serde_json::json;

use super::schemas;
use crate::Compute;
use crate::db::instances::InstanceRow;
use crate::db::spans;
use crate::domain::trace::{AUTHENTICATION, CLAIM, REQUEST};
use crate::lifecycle::schedule;
use crate::view::{self, Look};

use asked::Asked;

const RULE: &str = "os_compute_api:servers:create";

const fn row(since: Option<u16>, until: Option<u16>, schema: &'static str) -> Endpoint<Compute> {
    let mut row = Endpoint::post("/servers", RULE, &create).schema(schema).traced();
    if let Some(minor) = since {
        row = row.since(2, minor);
    }
    match until {
        Some(minor) => row.until(2, minor),
        None => row,
    }
}

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    row(None, Some(18), schemas::SERVER),
    row(Some(19), Some(31), schemas::SERVER_219),
    row(Some(32), Some(32), schemas::SERVER_232),
    row(Some(33), Some(36), schemas::SERVER_233),
    row(Some(37), Some(41), schemas::SERVER_237),
    row(Some(42), Some(51), schemas::SERVER_242),
    row(Some(52), Some(56), schemas::SERVER_252),
    row(Some(57), Some(62), schemas::SERVER_257),
    row(Some(63), Some(66), schemas::SERVER_263),
    row(Some(67), Some(73), schemas::SERVER_267),
    row(Some(74), Some(89), schemas::SERVER_274),
    row(Some(90), Some(93), schemas::SERVER_290),
    row(Some(94), None, schemas::SERVER_294),
];

async fn create(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let begun = Timestamp::now();
    let asked = Asked::parse(&request)?;
    let claim = request.context.trace.time("compute-api", CLAIM);
    let rows = prepare(&compute, &request, &asked).await;
    claim.finish(rows.as_ref().err().map(ToString::to_string));
    let (rows, spec) = rows?;
    crash::point("server.create", "insert", "after");
    schedule::run(&compute, &request.context, &rows, spec).await;
    keep_trace(&compute, &request, &rows, begun).await;
    answer(&request, &asked, &rows)
}

/// Checks, reserves, inserts (step B4): the rows, and what they need of a host.
async fn prepare(
    compute: &Compute,
    request: &Request,
    asked: &Asked,
) -> Result<(Vec<InstanceRow>, bus::topics::scheduler::RequestSpec), Fault> {
    let mut plan = check::run(compute, request, asked).await?;
    let reserved = insert::reserve(compute, request, &mut plan).await?;
    crash::point("server.create", "reserve", "after");
    let disks = plan.disks.clone();
    match insert::run(compute, request, plan).await {
        Ok(rows) => {
            let spec = rows.first().map(|row| schedule::request_spec(row, &disks));
            let spec = spec.ok_or_else(|| Fault::internal("making servers", "no row was inserted"))?;
            Ok((rows, spec))
        }
        Err(fault) => {
            insert::give_back(compute, request, reserved).await;
            Err(fault)
        }
    }
}

/// Keeps the request's spans with each server: its own, and those for the steps that the client made (B1, B2).
async fn keep_trace(compute: &Compute, request: &Request, rows: &[InstanceRow], begun: Timestamp) {
    let mut spans = request.context.trace.take();
    let first = spans.iter().map(|span| span.started_at).min().map_or(begun, |first| first.min(begun));
    spans.push(client_span("compute-api", REQUEST, first, micros_since(first)));
    if let Some(identity) = request.context.identity() {
        let micros = identity.authentication_micros;
        let took = std::time::Duration::from_micros(micros);
        let started_at = identity.issued_at.checked_sub(took).unwrap_or(identity.issued_at);
        spans.push(client_span("identity", AUTHENTICATION, started_at, micros));
    }
    let servers: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let request_id = request.context.request_id.clone();
    let kept = compute
        .store
        .write_relaxed(move |db| servers.iter().try_for_each(|id| spans::insert(db, id, &request_id, &spans)))
        .await
        .map_err(|error: store::Error| Fault::from(error));
    if let Err(fault) = kept {
        tracing::warn!(request_id = %request.context.request_id, error = %fault.chain(), "a boot's trace is not kept");
    }
}

fn micros_since(start: Timestamp) -> u64 {
    std::time::Duration::try_from(Timestamp::now().duration_since(start)).map_or(0, micros)
}

fn client_span(to: &str, name: &str, started_at: Timestamp, micros: u64) -> Span {
    Span {
        from: "client".to_owned(),
        to: to.to_owned(),
        name: name.to_owned(),
        kind: SpanKind::Rest,
        started_at,
        micros,
        queued_micros: 0,
        served_micros: micros,
        error: None,
    }
}

fn answer(request: &Request, asked: &Asked, rows: &[InstanceRow]) -> Result<Reply, Fault> {
    let first = rows.first().ok_or_else(|| Fault::internal("making servers", "no row was inserted"))?;
    if asked.return_reservation_id {
        return Ok(Reply::accepted(json!({ "reservation_id": first.reservation_id })));
    }
    let body = view::servers::created(&Look::of(request), first, &asked.security_groups, &asked.password);
    Ok(Reply::accepted(body).header("location", format!("{}/servers/{}", request.base_url(), first.id)))
}
