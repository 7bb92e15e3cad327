//! The version documents: what a client reads before it has a token.
//!
//! As on the reference, each service has its own form, status and idea of which paths are open.

use hyper::Method;
use serde_json::{Value, json};

use crate::dialect::{Api, Dialect};
use crate::reply::Reply;

/// An answer to a path outside of the endpoints.
pub(crate) struct Found {
    pub(crate) reply: Reply,
    /// Whether it carries request ids.
    pub(crate) request_id: bool,
    /// Whether it carries the lowest microversion's headers.
    pub(crate) version: bool,
}

impl Found {
    fn bare(reply: Reply) -> Self {
        Self { reply, request_id: false, version: false }
    }

    pub(crate) fn with_id(reply: Reply) -> Self {
        Self { reply, request_id: true, version: false }
    }

    fn versioned(reply: Reply) -> Self {
        Self { reply, request_id: true, version: true }
    }
}

/// The version document that `path` (below the service's mount) names, if it is one.
pub(crate) fn document(dialect: &Dialect, path: &str, method: &Method, public_url: &str) -> Option<Found> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let base = format!("{public_url}{}", dialect.mount);
    let root = matches!(path, "" | "/");
    match (dialect.api, path) {
        (Api::Keystone, _) if root => Some(Found::with_id(
            Reply::status(300, json!({ "versions": { "values": [keystone(&base)] } }))
                .header("Location", format!("{base}/v3/")),
        )),
        (Api::Keystone, "/v3" | "/v3/") => Some(Found::with_id(Reply::ok(json!({ "version": keystone(&base) })))),
        (Api::Nova, _) if root => {
            Some(Found::bare(Reply::ok(json!({ "versions": [nova_2_0(&base), nova_2_1(&base)] }))))
        }
        (Api::Nova, "/v2.1" | "/v2.1/") => Some(Found::versioned(Reply::ok(nova_detail(nova_2_1(&base), "2.1")))),
        (Api::Nova, "/v2" | "/v2/") => Some(Found::with_id(Reply::ok(nova_detail(nova_2_0(&base), "2")))),
        (Api::Cinder, _) if root => Some(Found::versioned(Reply::status(300, cinder(&base)))),
        (Api::Neutron, _) if root => Some(Found::bare(Reply::ok(
            json!({ "versions": [{ "id": "v2.0", "status": "CURRENT", "links": [self_link(format!("{base}/v2.0/"))] }] }),
        ))),
        (Api::Glance, _) if root => Some(Found::bare(Reply::status(300, glance(&base)))),
        (Api::Glance, "/versions") => Some(Found::bare(Reply::ok(glance(&base)))),
        (Api::Placement, _) if root => Some(Found::versioned(Reply::ok(placement(dialect)))),
        (Api::Cloudbox, _) if root => Some(Found::with_id(Reply::ok(
            json!({ "versions": [{ "id": "v1", "status": "CURRENT", "links": [self_link(format!("{base}/v1/"))] }] }),
        ))),
        _ => None,
    }
}

/// The answer to `path` (below the mount), which is neither a document nor below the version.
pub(crate) fn unknown(dialect: &Dialect, path: &str, public_url: &str) -> Found {
    let base = format!("{public_url}{}", dialect.mount);
    match dialect.api {
        Api::Keystone => Found::with_id(crate::envelope::keystone_page()),
        Api::Nova => Found::bare(Reply::status(300, nova_choices(&base, path))),
        Api::Glance => Found::bare(Reply::status(300, glance(&base))),
        Api::Neutron => {
            Found::bare(Reply::status(404, json!({ "code": 404, "title": "Not Found", "description": null })))
        }
        Api::Cinder | Api::Placement | Api::Cloudbox => Found::with_id(Reply::bytes(
            404,
            "application/json",
            crate::envelope::webob(hyper::StatusCode::NOT_FOUND, "The resource could not be found.", ""),
        )),
    }
}

fn self_link(href: String) -> Value {
    json!({ "rel": "self", "href": href })
}

fn media(kind: &str) -> Value {
    json!([{ "base": "application/json", "type": format!("application/vnd.openstack.{kind}") }])
}

fn keystone(base: &str) -> Value {
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [self_link(format!("{base}/v3/"))],
        "media-types": media("identity-v3+json"),
    })
}

fn nova_2_0(base: &str) -> Value {
    json!({
        "id": "v2.0",
        "status": "DEPRECATED",
        "version": "",
        "min_version": "",
        "updated": "2025-07-04T12:00:00Z",
        "links": [self_link(format!("{base}/v2/"))],
    })
}

fn nova_2_1(base: &str) -> Value {
    json!({
        "id": "v2.1",
        "status": "CURRENT",
        "version": "2.104",
        "min_version": "2.1",
        "updated": "2013-07-23T11:33:21Z",
        "links": [self_link(format!("{base}/v2.1/"))],
    })
}

fn nova_detail(mut version: Value, media_version: &str) -> Value {
    if let Some(links) = version.get_mut("links").and_then(Value::as_array_mut) {
        links.push(json!({ "rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/" }));
    }
    if let Some(fields) = version.as_object_mut() {
        fields.insert("media-types".to_owned(), media(&format!("compute+json;version={media_version}")));
    }
    json!({ "version": version })
}

fn nova_choices(base: &str, path: &str) -> Value {
    let choice = |id: &str, status: &str, segment: &str, media_version: &str| {
        json!({
            "id": id,
            "status": status,
            "links": [self_link(format!("{base}/{segment}{path}"))],
            "media-types": media(&format!("compute+json;version={media_version}")),
        })
    };
    json!({ "choices": [choice("v2.0", "DEPRECATED", "v2", "2"), choice("v2.1", "CURRENT", "v2.1", "2.1")] })
}

/// Cinder's versions, with `base` as the URL of its mount: also what `/v3/` answers to who has a token.
#[must_use]
pub fn cinder(base: &str) -> Value {
    json!({ "versions": [{
        "id": "v3.0",
        "status": "CURRENT",
        "version": "3.71",
        "min_version": "3.0",
        "updated": "2023-08-31T00:00:00Z",
        "links": [
            { "rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/" },
            { "rel": "self", "href": format!("{base}/v3/") },
        ],
        "media-types": media("volume+json;version=3"),
    }] })
}

/// In the order that Glance lists them in: with several stores and a cache.
const GLANCE_VERSIONS: [&str; 19] = [
    "v2.18", "v2.17", "v2.16", "v2.15", "v2.14", "v2.13", "v2.12", "v2.11", "v2.10", "v2.9", "v2.8", "v2.7", "v2.6",
    "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0",
];

fn glance(base: &str) -> Value {
    let version = |id: &&str| {
        let status = if *id == "v2.18" { "CURRENT" } else { "SUPPORTED" };
        json!({ "id": id, "status": status, "links": [self_link(format!("{base}/v2/"))] })
    };
    json!({ "versions": GLANCE_VERSIONS.iter().map(version).collect::<Vec<_>>() })
}

fn placement(dialect: &Dialect) -> Value {
    let (min, max) = dialect.microversions.map_or_else(Default::default, |scheme| (scheme.min, scheme.max));
    json!({ "versions": [{
        "id": "v1.0",
        "max_version": max.to_string(),
        "min_version": min.to_string(),
        "status": "CURRENT",
        "links": [self_link(dialect.mount.to_owned())],
    }] })
}
