//! A fault as each API's own error answer.
//!
//! What a client reads is the fault's public message; its chain of causes goes to the log.

use bytes::Bytes;
use hyper::StatusCode;
use kit::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::dialect::{Api, Dialect, Envelope};
use crate::reply::Reply;
use crate::version::Microversion;

/// The status that `dialect` gives `fault`.
pub(crate) fn status(dialect: &Dialect, fault: &Fault) -> StatusCode {
    match fault.kind() {
        FaultKind::BadRequest => StatusCode::BAD_REQUEST,
        FaultKind::Unauthorized => StatusCode::UNAUTHORIZED,
        FaultKind::Forbidden => StatusCode::FORBIDDEN,
        FaultKind::NotFound => StatusCode::NOT_FOUND,
        FaultKind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        FaultKind::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        FaultKind::Conflict => StatusCode::CONFLICT,
        FaultKind::Gone => StatusCode::GONE,
        FaultKind::OverQuota => StatusCode::from_u16(dialect.over_quota).unwrap_or(StatusCode::FORBIDDEN),
        FaultKind::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        FaultKind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        FaultKind::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        FaultKind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        FaultKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        FaultKind::Busy | FaultKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        FaultKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What an error answer is made for.
pub(crate) struct Asked<'a> {
    pub(crate) dialect: &'static Dialect,
    pub(crate) request_id: &'a str,
    pub(crate) version: Option<Microversion>,
    pub(crate) method: &'a str,
}

/// The answer to `fault`.
pub(crate) fn reply(asked: &Asked<'_>, fault: &Fault) -> Reply {
    reply_as(asked, fault, status(asked.dialect, fault))
}

/// The answer to `fault` with `status`.
pub(crate) fn reply_as(asked: &Asked<'_>, fault: &Fault, status: StatusCode) -> Reply {
    let retry = match fault.kind() {
        _ if fault.retry_after().is_some() => fault.retry_after().map(|time| time.as_secs().max(1)),
        FaultKind::OverQuota if asked.dialect.over_quota == 413 && asked.dialect.api == Api::Cinder => Some(0),
        _ => None,
    };
    let body = match asked.dialect.envelope {
        Envelope::Keystone => keystone(status, fault.message()),
        Envelope::ByKind => by_kind(status, fault.message(), retry),
        Envelope::Neutron => neutron(status, fault),
        // webob has a template of its own for this one, which the message has gone through already.
        Envelope::Webob if status == StatusCode::UNSUPPORTED_MEDIA_TYPE => webob_whole(status, fault.message()),
        Envelope::Webob => webob(status, fault.message(), ""),
        Envelope::Placement => placement(asked, status, fault),
    };
    let reply = Reply::bytes(status.as_u16(), asked.dialect.error_media_type, body);
    let reply = match accepted_patches(asked, status) {
        Some(media_types) => reply.header("Accept-Patch", media_types),
        None => reply,
    };
    match retry {
        Some(seconds) => reply.header("Retry-After", seconds.to_string()),
        None => reply,
    }
}

/// What Glance says beside the refusal of a patch's media type.
fn accepted_patches(asked: &Asked<'_>, status: StatusCode) -> Option<&'static str> {
    let refused = status == StatusCode::UNSUPPORTED_MEDIA_TYPE && asked.method == "PATCH";
    (refused && asked.dialect.api == Api::Glance)
        .then_some("application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch")
}

/// `text` as a JSON string.
fn quoted(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn keystone(status: StatusCode, message: &str) -> Bytes {
    let (code, title) = (status.as_u16(), title(status));
    format!(r#"{{"error": {{"code": {code}, "message": {}, "title": "{title}"}}}}"#, quoted(message)).into()
}

fn by_kind(status: StatusCode, message: &str, retry: Option<u64>) -> Bytes {
    let kind = match status.as_u16() {
        400 => "badRequest",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "itemNotFound",
        405 => "badMethod",
        409 => "conflictingRequest",
        413 | 429 => "overLimit",
        415 => "badMediaType",
        501 => "notImplemented",
        503 => "serviceUnavailable",
        _ => "computeFault",
    };
    let retry = retry.map(|seconds| format!(r#", "retryAfter": "{seconds}""#)).unwrap_or_default();
    format!(r#"{{"{kind}": {{"code": {}, "message": {}{retry}}}}}"#, status.as_u16(), quoted(message)).into()
}

fn neutron(status: StatusCode, fault: &Fault) -> Bytes {
    let default = match status.as_u16() {
        400 => "HTTPBadRequest",
        401 => "HTTPUnauthorized",
        403 => "HTTPForbidden",
        404 => "HTTPNotFound",
        405 => "HTTPMethodNotAllowed",
        409 if fault.kind() == FaultKind::OverQuota => "OverQuota",
        409 => "HTTPConflict",
        410 => "HTTPGone",
        413 => "HTTPRequestEntityTooLarge",
        415 => "HTTPUnsupportedMediaType",
        501 => "HTTPNotImplemented",
        503 => "HTTPServiceUnavailable",
        504 => "HTTPGatewayTimeout",
        _ => "HTTPInternalServerError",
    };
    let kind = quoted(fault.code().unwrap_or(default));
    format!(r#"{{"NeutronError": {{"type": {kind}, "message": {}, "detail": ""}}}}"#, quoted(fault.message())).into()
}

/// webob's JSON form of an error: its template runs over the message, which is meant for HTML.
pub(crate) fn webob(status: StatusCode, message: &str, detail: &str) -> Bytes {
    webob_whole(status, &format!("{message}<br /><br />\n{detail}\n\n"))
}

fn webob_whole(status: StatusCode, message: &str) -> Bytes {
    let (title, message) = (title(status), quoted(message));
    format!(r#"{{"message": {message}, "code": "{} {title}", "title": "{title}"}}"#, status.as_u16()).into()
}

fn placement(asked: &Asked<'_>, status: StatusCode, fault: &Fault) -> Bytes {
    let (explanation, detail) = match fault.kind() {
        FaultKind::NotAcceptable => {
            let version = asked.version.map(|version| version.to_string()).unwrap_or_default();
            let text = "The resource could not be generated that was acceptable to your browser \
                        (content of type application/json. \n\n Invalid microversion: Unacceptable version header: ";
            (format!("{text}{version}"), String::new())
        }
        _ => (format!("{}\n\n ", explanation(status, asked.method)), format!("{}  ", fault.message())),
    };
    let mut error = serde_json::Map::new();
    let mut set = |name: &str, value: Value| error.insert(name.to_owned(), value);
    set("status", json!(status.as_u16()));
    set("title", json!(title(status)));
    set("detail", json!(format!("{explanation}{detail}")));
    set("request_id", json!(asked.request_id));
    if let Some(scheme) = asked.dialect.microversions.filter(|_| status == StatusCode::NOT_ACCEPTABLE) {
        set("max_version", json!(scheme.max.to_string()));
        set("min_version", json!(scheme.min.to_string()));
    } else if asked.version.is_some_and(|version| version.at_least(1, 23)) {
        set("code", json!(fault.code().unwrap_or("placement.undefined_code")));
    }
    json!({ "errors": [error] }).to_string().into()
}

/// What webob says of `status` before any detail.
fn explanation(status: StatusCode, method: &str) -> String {
    match status.as_u16() {
        400 => "The server could not comply with the request since it is either malformed or otherwise incorrect.",
        403 => "Access was denied to this resource.",
        404 => "The resource could not be found.",
        405 => return format!("The method {method} is not allowed for this resource."),
        409 => "There was a conflict when trying to complete your request.",
        413 => "The body of your request was too large for this server.",
        415 => "The request media type is not supported by this server.",
        503 => "The server is currently unavailable. Please try again at a later time.",
        _ => "The server has either erred or is incapable of performing the requested operation.",
    }
    .to_owned()
}

/// The status' name, as Python's `http` module has it.
pub(crate) fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        StatusCode::RANGE_NOT_SATISFIABLE => "Request Range Not Satisfiable",
        other => other.canonical_reason().unwrap_or("Unknown"),
    }
}

/// The answer to a request without a (valid) token.
pub(crate) fn unauthorized(dialect: &Dialect, public_url: &str) -> Reply {
    let body: Bytes = match dialect.api {
        Api::Keystone => keystone(StatusCode::UNAUTHORIZED, "The request you have made requires authentication."),
        Api::Glance => webob(
            StatusCode::UNAUTHORIZED,
            "This server could not verify that you are authorized to access the document you requested. Either you \
             supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply \
             the credentials required.",
            "",
        ),
        _ => Bytes::from_static(
            br#"{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}"#,
        ),
    };
    challenge(Reply::bytes(401, "application/json", body), public_url)
}

/// `reply`, a 401, with where to get a token.
pub(crate) fn challenge(reply: Reply, public_url: &str) -> Reply {
    reply.header("WWW-Authenticate", format!("Keystone uri=\"{public_url}/identity/v3\""))
}

/// The answer to a path below the version that no row has.
pub(crate) fn unknown_path(asked: &Asked<'_>) -> Reply {
    const NOT_FOUND: &str = "The resource could not be found.";
    match asked.dialect.api {
        Api::Keystone => keystone_page(),
        Api::Nova | Api::Cinder | Api::Glance => {
            Reply::bytes(404, "application/json", webob(StatusCode::NOT_FOUND, NOT_FOUND, ""))
        }
        Api::Neutron | Api::Cloudbox => reply(asked, &Fault::not_found(NOT_FOUND)),
        Api::Placement => reply(asked, &Fault::not_found("")),
    }
}

/// Flask's own page for an unknown path.
pub(crate) fn keystone_page() -> Reply {
    const PAGE: &str = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The \
        requested URL was not found on the server. If you entered the URL manually please check your spelling and try \
        again.</p>\n";
    Reply::bytes(404, "text/html; charset=utf-8", PAGE)
}

/// The answer to a method that a path does not have; `allowed` are those that it has.
pub(crate) fn wrong_method(asked: &Asked<'_>, allowed: &[&str]) -> Reply {
    if !asked.dialect.wrong_method_is_405 {
        return unknown_path(asked);
    }
    let flask: &[&str] = if asked.dialect.api == Api::Keystone { &["OPTIONS", "HEAD"] } else { &[] };
    let list = allowed.iter().chain(flask).copied().collect::<Vec<_>>().join(", ");
    let fault = |message: &'static str| Fault::new(FaultKind::MethodNotAllowed, message);
    let reply = match asked.dialect.api {
        Api::Keystone => {
            Reply::bytes(405, "application/json", r#"{"message": "The method is not allowed for the requested URL."}"#)
        }
        Api::Glance => Reply::bytes(
            405,
            "application/json",
            webob(
                StatusCode::METHOD_NOT_ALLOWED,
                &format!("The method {} is not allowed for this resource. ", asked.method),
                "",
            ),
        ),
        Api::Placement => reply(asked, &fault("The method specified is not allowed for this resource.")),
        _ => reply(
            asked,
            &fault("The server could not comply with the request since it is either malformed or otherwise incorrect."),
        ),
    };
    reply.header("Allow", list)
}

/// The answer where the path exists, but not in this microversion.
pub(crate) fn no_such_version(asked: &Asked<'_>) -> Reply {
    let message = match (asked.dialect.api, asked.version) {
        (Api::Cinder, Some(version)) => format!("API version {version} is not supported on this method."),
        (Api::Placement, _) => String::new(),
        _ => "The resource could not be found.".to_owned(),
    };
    reply(asked, &Fault::not_found(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect;

    fn body(dialect: &'static Dialect, fault: &Fault) -> String {
        let asked = Asked { dialect, request_id: "req-1", version: None, method: "GET" };
        let response = reply(&asked, fault).into_response(StatusCode::OK).unwrap();
        format!("{} {}", response.status().as_u16(), crate::testing::text(response))
    }

    #[test]
    fn each_service_has_its_envelope() {
        let fault = Fault::not_found("No \"x\".").with_code("XNotFound");
        insta::assert_snapshot!(body(&dialect::KEYSTONE, &fault), @r#"404 {"error": {"code": 404, "message": "No \"x\".", "title": "Not Found"}}"#);
        insta::assert_snapshot!(body(&dialect::NOVA, &fault), @r#"404 {"itemNotFound": {"code": 404, "message": "No \"x\"."}}"#);
        insta::assert_snapshot!(body(&dialect::NEUTRON, &fault), @r#"404 {"NeutronError": {"type": "XNotFound", "message": "No \"x\".", "detail": ""}}"#);
        insta::assert_snapshot!(body(&dialect::GLANCE, &fault), @r#"404 {"message": "No \"x\".<br /><br />\n\n\n", "code": "404 Not Found", "title": "Not Found"}"#);
        insta::assert_snapshot!(body(&dialect::PLACEMENT, &fault), @r#"404 {"errors":[{"detail":"The resource could not be found.\n\n No \"x\".  ","request_id":"req-1","status":404,"title":"Not Found"}]}"#);
    }

    #[test]
    fn quotas_differ() {
        let fault = Fault::over_quota("full");
        assert!(body(&dialect::NOVA, &fault).starts_with("403 {\"forbidden\""));
        assert!(body(&dialect::NEUTRON, &fault).starts_with("409 {\"NeutronError\": {\"type\": \"OverQuota\""));
        assert!(body(&dialect::GLANCE, &fault).starts_with("413 "));
        insta::assert_snapshot!(body(&dialect::CINDER, &fault), @r#"413 {"overLimit": {"code": 413, "message": "full", "retryAfter": "0"}}"#);
    }

    #[test]
    fn an_internal_fault_tells_nothing() {
        let fault = Fault::internal("reading /etc/secret", "no such table: tokens");
        for dialect in [&dialect::KEYSTONE, &dialect::NOVA, &dialect::NEUTRON, &dialect::GLANCE, &dialect::PLACEMENT] {
            let body = body(dialect, &fault);
            assert!(body.starts_with("500 ") && !body.contains("secret") && !body.contains("table"), "{body}");
        }
    }
}
