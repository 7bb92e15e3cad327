//! `GET /metrics`: numbers about this process, its host and its guests, for Prometheus (OpenMetrics 1.0).
//!
//! Who may read them is a setting ([`MetricsAccess`]). A request that a proxy passed on is nobody's of this host.

mod families;
mod page;

use std::sync::{Arc, OnceLock};

use admin::Admin;
use http_kit::endpoint::BoxFuture;
use http_kit::{Authenticator, Metering, RawHandler, ResponseBody, StatusCode};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Request, Response};
use kit::config::MetricsAccess;
use kit::{Fault, FaultKind, RequestContext, Secret};
use serde_json::json;

use super::health::response;
use super::insight::Insight;

/// The media type of the page.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a proxy adds to a request that it passes on.
const PASSED_ON: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// The page.
pub(super) struct Metrics {
    insight: Insight,
    access: MetricsAccess,
    admin: Arc<Admin>,
    authenticator: Arc<dyn Authenticator>,
    /// Known once the APIs are put together, of which this page is a part.
    http: Arc<OnceLock<Metering>>,
}

impl Metrics {
    /// The page of what `insight` sees and `http` counts, for those whom `access` and the policy of `admin` let through.
    pub(super) fn new(
        insight: Insight,
        access: MetricsAccess,
        admin: Arc<Admin>,
        authenticator: Arc<dyn Authenticator>,
        http: Arc<OnceLock<Metering>>,
    ) -> Self {
        Self { insight, access, admin, authenticator, http }
    }
}

/// Whether somebody at `peer` may read without a token.
fn is_open(access: MetricsAccess, peer: Option<std::net::IpAddr>, headers: &HeaderMap) -> bool {
    match access {
        MetricsAccess::Everybody => true,
        MetricsAccess::Token => false,
        MetricsAccess::Loopback => {
            peer.is_some_and(|peer| peer.is_loopback()) && !PASSED_ON.iter().any(|name| headers.contains_key(*name))
        }
    }
}

/// The token of the request: OpenStack's header, or the one that Prometheus can be told to send.
fn token(headers: &HeaderMap) -> Option<Secret> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let token = text("x-auth-token").or_else(|| text("authorization")?.strip_prefix("Bearer "))?;
    (!token.is_empty()).then(|| Secret::new(token))
}

/// Asks whose `token` it is, and the policy.
async fn check(admin: Arc<Admin>, authenticator: Arc<dyn Authenticator>, token: Option<Secret>) -> Result<(), Fault> {
    let token =
        token.ok_or_else(|| Fault::unauthorized("A token is needed: X-Auth-Token, or Authorization: Bearer."))?;
    let identity = authenticator.authenticate(&RequestContext::anonymous(), &token).await?;
    match admin.may_read_metrics(identity) {
        true => Ok(()),
        false => Err(Fault::forbidden("Policy does not allow cloudbox:metrics:get to be performed.")),
    }
}

fn refusal(fault: &Fault) -> Response<ResponseBody> {
    let status = match fault.kind() {
        FaultKind::Unauthorized => StatusCode::UNAUTHORIZED,
        FaultKind::Forbidden => StatusCode::FORBIDDEN,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let error = json!({ "error": { "code": status.as_u16(), "message": fault.message() } });
    response(status, "application/json", error.to_string())
}

impl RawHandler for Metrics {
    fn call(&self, request: Request<Incoming>) -> BoxFuture<'static, Response<ResponseBody>> {
        let open = is_open(self.access, http_kit::peer(&request), request.headers());
        let token = token(request.headers());
        let (admin, authenticator) = (self.admin.clone(), self.authenticator.clone());
        let (insight, http) = (self.insight.clone(), self.http.clone());
        Box::pin(async move {
            if !open && let Err(fault) = check(admin, authenticator, token).await {
                return refusal(&fault);
            }
            let routes = http.get().map(Metering::metrics).unwrap_or_default();
            let families = families::all(&insight, &routes).await;
            match page::render(families) {
                Ok(text) => response(StatusCode::OK, OPENMETRICS, text),
                Err(error) => refusal(&Fault::internal("writing the metrics", error)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn who_asks_from_this_host_needs_no_token_unless_it_is_a_proxy() {
        let (here, there) = (Some([127, 0, 0, 1].into()), Some([192, 0, 2, 1].into()));
        let plain = HeaderMap::new();
        let mut passed_on = HeaderMap::new();
        passed_on.insert("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
        assert!(is_open(MetricsAccess::Loopback, here, &plain));
        assert!(!is_open(MetricsAccess::Loopback, here, &passed_on));
        assert!(!is_open(MetricsAccess::Loopback, there, &plain));
        assert!(!is_open(MetricsAccess::Loopback, None, &plain));
        assert!(!is_open(MetricsAccess::Token, here, &plain));
        assert!(is_open(MetricsAccess::Everybody, there, &passed_on));
    }

    #[test]
    fn a_token_comes_in_either_header() {
        let with = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            token(&headers).map(|token| token.expose().to_owned())
        };
        assert_eq!(with("x-auth-token", "abc").as_deref(), Some("abc"));
        assert_eq!(with("authorization", "Bearer abc").as_deref(), Some("abc"));
        assert_eq!(with("authorization", "Basic abc"), None);
        assert_eq!(with("x-auth-token", ""), None);
    }
}
