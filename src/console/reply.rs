//! Plain answers of the console's paths.

use http_body_util::{BodyExt as _, Full};
use http_kit::{Bytes, ResponseBody, StatusCode};
use hyper::Response;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};

/// Nothing but our own script, and a connection back to where the page came from.
const POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self' ws: wss:; img-src 'self' data:";

/// `body` of the type `media_type`.
pub(crate) fn content(media_type: &'static str, body: &'static str) -> Response<ResponseBody> {
    let mut response = Response::new(bytes(Bytes::from_static(body.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `status` with one line of text.
pub(crate) fn text(status: StatusCode, line: &str) -> Response<ResponseBody> {
    let mut response = Response::new(bytes(Bytes::from(format!("{line}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn bytes(bytes: Bytes) -> ResponseBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}
