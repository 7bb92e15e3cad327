//! JSON home: the version document of a service as a list of its resources, for clients that ask for it by
//! `Accept: application/json-home`. Keystone has one.

use bytes::Bytes;
use hyper::header::{self, HeaderMap};
use hyper::{Method, StatusCode};
use serde_json::Value;

use crate::dialect::Dialect;
use crate::discovery::Found;
use crate::reply::Reply;

/// Makes the document: of what the paths of the resources begin with, and of those paths.
pub type Describe = fn(prefix: &str, paths: &[&'static str]) -> Value;

const MEDIA_TYPE: &str = "application/json-home";

/// A service's document, prepared: its links are relative to where it was read.
pub(crate) struct Home {
    version_path: &'static str,
    /// As the service's root answers it.
    root: Bytes,
    /// As its version answers it.
    version: Bytes,
}

impl Home {
    /// The document of `paths`, each named once.
    pub(crate) fn new(dialect: &Dialect, describe: Describe, paths: impl Iterator<Item = &'static str>) -> Self {
        let mut paths: Vec<&'static str> = paths.collect();
        paths.sort_unstable();
        paths.dedup();
        let text = |prefix: &str| Bytes::from(describe(prefix, &paths).to_string());
        Self { version_path: dialect.version_path, root: text(dialect.version_path), version: text("") }
    }

    /// The answer to a request of `path` below the service's mount, where it is for this document.
    pub(crate) fn answer(&self, path: &str, method: &Method, headers: &HeaderMap) -> Option<Found> {
        if !matches!(*method, Method::GET | Method::HEAD) || !is_preferred(headers) {
            return None;
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        let document = match path {
            "" => &self.root,
            _ if path == self.version_path => &self.version,
            _ => return None,
        };
        Some(Found::with_id(Reply::bytes(StatusCode::OK.as_u16(), MEDIA_TYPE, document.clone())))
    }
}

/// Whether the client would rather have JSON home than plain JSON.
fn is_preferred(headers: &HeaderMap) -> bool {
    let accepted = || headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let quality =
        |wanted: &str| accepted().flat_map(|list| list.split(',')).filter_map(|range| rate(range, wanted)).max();
    quality(MEDIA_TYPE).unwrap_or(0) > quality("application/json").unwrap_or(0)
}

/// How much, in thousandths, the media range `range` of an `Accept` header wants the media type `wanted`.
fn rate(range: &str, wanted: &str) -> Option<u16> {
    let mut parts = range.split(';').map(str::trim);
    let named = parts.next()?;
    let fits = named == "*/*" || named == "application/*" || named.eq_ignore_ascii_case(wanted);
    let quality = parts.find_map(|parameter| parameter.strip_prefix("q=")).map_or(Some(1.0), |text| text.parse().ok());
    let thousandths = |quality: f32| (quality.clamp(0.0, 1.0) * 1000.0) as u16;
    quality.filter(|_| fits).map(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_json_is_given_unless_home_is_wanted_more() {
        let preferred = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            is_preferred(&headers)
        };
        for accept in [
            "application/json-home",
            "text/html, application/json-home",
            "application/json;q=0.5, application/json-home",
        ] {
            assert!(preferred(accept), "{accept}");
        }
        for accept in [
            "*/*",
            "application/json",
            "application/json, application/json-home",
            "text/html",
            "application/json-home;q=0",
            "",
        ] {
            assert!(!preferred(accept), "{accept}");
        }
        assert!(!is_preferred(&HeaderMap::new()));
    }
}
