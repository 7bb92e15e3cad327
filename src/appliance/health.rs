//! `GET /healthz`: 200 when every part works, 503 with which does not.

use http_body_util::{BodyExt as _, Full};
use http_kit::endpoint::BoxFuture;
use http_kit::{Bytes, RawHandler, ResponseBody, StatusCode};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response};
use serde_json::json;

use crate::supervisor::{Health, State};

/// Shows the supervisor's health. Why a part failed is in the log, not here.
pub(super) struct Report(Health);

impl Report {
    /// A report of `health`.
    pub(super) fn new(health: Health) -> Self {
        Self(health)
    }

    fn answer(&self) -> Response<ResponseBody> {
        let units = self.0.units();
        let well = units.iter().all(|unit| unit.state == State::Running);
        let parts: Vec<_> = units
            .iter()
            .map(|unit| json!({ "name": unit.name, "state": unit.state, "restarts": unit.restarts }))
            .collect();
        let body = json!({ "status": if well { "ok" } else { "degraded" }, "parts": parts }).to_string();
        let mut response = Response::new(Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl RawHandler for Report {
    fn call(&self, _: Request<Incoming>) -> BoxFuture<'static, Response<ResponseBody>> {
        let answer = self.answer();
        Box::pin(std::future::ready(answer))
    }
}
