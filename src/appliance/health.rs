//! `GET /healthz`: 200 when every part works, 503 with which does not and a short reason.
//!
//! Anybody may ask: what is shown is names of parts, fixed sentences and counts. Why a part failed is in the log, not here.

use http_body_util::{BodyExt as _, Full};
use http_kit::endpoint::BoxFuture;
use http_kit::{Bytes, RawHandler, ResponseBody, StatusCode};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response};
use serde_json::{Value, json};

use crate::supervisor::{Health, State, UnitHealth};

/// Shows the supervisor's health.
pub(super) struct Report(Health);

impl Report {
    /// A report of `health`.
    pub(super) fn new(health: Health) -> Self {
        Self(health)
    }

    fn answer(&self) -> Response<ResponseBody> {
        let units = self.0.units();
        let well = units.iter().all(is_well);
        let body = report(&units, well).to_string();
        let mut response = Response::new(Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
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

impl RawHandler for Report {
    fn call(&self, _: Request<Incoming>) -> BoxFuture<'static, Response<ResponseBody>> {
        let answer = self.answer();
        Box::pin(std::future::ready(answer))
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
}
