//! `GET /healthz` and `GET /readyz`: whether the cloud is alive, and whether every part of it works.
//!
//! * `/healthz` is 200 while the runtime and the database answer, whatever else is wrong: whoever watches it and restarts the
//!   process on 503 would mend nothing else by that.
//! * `/readyz` is 200 when every part works, and 503 with which does not and a short reason.
//!
//! Anybody may ask: what is shown is names of parts, fixed sentences and counts. Why a part failed is in the log, not here.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use http_kit::endpoint::BoxFuture;
use http_kit::{Bytes, RawHandler, ResponseBody, StatusCode};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response};
use serde_json::{Value, json};
use store::Store;

use crate::supervisor::{Health, State, UnitHealth};

/// How long the database has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A response of `body` in the media type `kind`.
pub(super) fn response(status: StatusCode, kind: &'static str, body: String) -> Response<ResponseBody> {
    let mut response = Response::new(Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn answer(well: bool, body: &Value) -> Response<ResponseBody> {
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    response(status, "application/json", body.to_string())
}

/// Whether the process does its work.
pub(super) struct Alive(Store);

impl Alive {
    /// Alive while `store` answers.
    pub(super) fn new(store: Store) -> Self {
        Self(store)
    }
}

/// Nothing, or why the database does not answer. One that has too much to do is alive.
async fn obstacle(store: &Store) -> Option<&'static str> {
    let asked = store.read(|db| store::query::one(db, "SELECT 1", [], |row| row.get::<_, i64>(0)));
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(_) | Err(store::Error::Busy)) => None,
        Ok(Err(error)) => {
            tracing::error!(%error, "the database does not answer");
            Some("the database does not answer")
        }
        Err(_) => Some("the database does not answer in time"),
    }
}

impl RawHandler for Alive {
    fn call(&self, _: Request<Incoming>) -> BoxFuture<'static, Response<ResponseBody>> {
        let store = self.0.clone();
        Box::pin(async move {
            match obstacle(&store).await {
                None => answer(true, &json!({ "status": "ok" })),
                Some(reason) => answer(false, &json!({ "status": "failed", "reasons": [reason] })),
            }
        })
    }
}

/// Shows the supervisor's health.
pub(super) struct Ready(Health);

impl Ready {
    /// A report of `health`.
    pub(super) fn new(health: Health) -> Self {
        Self(health)
    }
}

fn is_well(unit: &UnitHealth) -> bool {
    unit.state == State::Running && unit.condition.reasons.is_empty()
}

fn report(units: &[UnitHealth], well: bool) -> Value {
    let mut reasons: Vec<String> = Vec::new();
    for unit in units {
        if unit.state != State::Running {
            reasons.push(format!("{} is not running", unit.name));
        }
        reasons.extend(unit.condition.reasons.iter().map(ToString::to_string));
    }
    json!({
        "status": if well { "ok" } else { "degraded" },
        "reasons": reasons,
        "parts": units.iter().map(part).collect::<Vec<_>>(),
    })
}

/// One that runs, but not as it should, is degraded.
fn part(unit: &UnitHealth) -> Value {
    let degraded = unit.state == State::Running && !is_well(unit);
    json!({
        "name": unit.name,
        "state": if degraded { json!("degraded") } else { json!(unit.state) },
        "restarts": unit.restarts,
        "reasons": unit.condition.reasons,
        "repairs": unit.condition.repairs,
    })
}

impl RawHandler for Ready {
    fn call(&self, _: Request<Incoming>) -> BoxFuture<'static, Response<ResponseBody>> {
        let units = self.0.units();
        let well = units.iter().all(is_well);
        Box::pin(std::future::ready(answer(well, &report(&units, well))))
    }
}

#[cfg(test)]
mod tests {
    use kit::{Condition, Conditions, Timestamp};

    use super::*;

    #[test]
    fn a_part_that_runs_badly_says_why_and_not_more() {
        let conditions = Conditions::default();
        conditions.set("libvirt is not reachable", true);
        conditions.repaired("dnsmasq was started again", Timestamp::UNIX_EPOCH);
        let unit = |name, state, condition| {
            let last_error = Some("/var/lib/secret".to_owned());
            UnitHealth { name, state, restarts: 1, last_error, condition }
        };
        let units = [
            unit("store", State::Running, Condition::default()),
            unit("agent", State::Running, conditions.now()),
            unit("api", State::BackingOff, Condition::default()),
        ];
        assert_eq!(units.iter().map(is_well).collect::<Vec<_>>(), [true, false, false]);
        insta::assert_snapshot!(serde_json::to_string_pretty(&report(&units, false)).unwrap());
    }

    #[tokio::test]
    async fn a_database_that_is_closed_is_an_obstacle() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("t.db"), &[], store::Options::default()).unwrap();
        assert_eq!(obstacle(&store).await, None);
        store.close().await;
        assert_eq!(obstacle(&store).await, Some("the database does not answer"));
    }
}
