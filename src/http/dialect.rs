//! How each OpenStack API speaks, as data.
//!
//! Where two services differ in an answer that the kit gives, the difference is a field here; the
//! [envelope](crate::envelope), [discovery](crate::discovery) and [serve](crate::serve) modules read
//! them. The values are those of a running reference installation.

use crate::version::{Microversion, Scheme};

/// The form of error bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// `{"error": {"code", "message", "title"}}`
    Keystone,
    /// `{"itemNotFound": {"code", "message"}}`: Nova and Cinder.
    ByKind,
    /// `{"NeutronError": {"type", "message", "detail"}}`
    Neutron,
    /// `{"message", "code": "404 Not Found", "title"}`: webob's own, Glance.
    Webob,
    /// `{"errors": [{"status", "title", "detail", …}]}`
    Placement,
}

/// What speaks: one of OpenStack's APIs, or our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Api {
    /// Identity.
    Keystone,
    /// Compute.
    Nova,
    /// Volume.
    Cinder,
    /// Network.
    Neutron,
    /// Image.
    Glance,
    /// Placement.
    Placement,
    /// cloudbox's own, for its operator: none of OpenStack's.
    Cloudbox,
}

/// When `x-compute-request-id` is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComputeRequestId {
    /// Not at all.
    Never,
    /// With every request id.
    Always,
    /// Once the microversion is settled: not with a 401 or an unknown path (Cinder).
    WithVersion,
}

/// How one API speaks.
#[derive(Debug)]
pub struct Dialect {
    /// Which API it is.
    pub api: Api,
    /// The service's type in the catalog.
    pub service_type: &'static str,
    /// The service's name in the catalog.
    pub name: &'static str,
    /// Where the service is mounted: `/compute`.
    pub mount: &'static str,
    /// The part of the path after it below which the endpoints are: `/v2.1`, or nothing.
    pub version_path: &'static str,
    /// Older version paths that serve the same without microversions.
    pub legacy_paths: &'static [&'static str],
    /// How it does microversions, if it does.
    pub microversions: Option<Scheme>,
    /// The form of its error bodies.
    pub envelope: Envelope,
    /// The media type of its error bodies.
    pub error_media_type: &'static str,
    /// Whether the token is checked before the path.
    pub authenticate_first: bool,
    /// Whether the microversion is settled before the path.
    pub version_before_route: bool,
    /// Whether a project id may stand between version and resource.
    pub project_in_path: bool,
    /// Whether a `GET` row answers `HEAD` too.
    pub head_from_get: bool,
    /// Whether a slash at the path's end is ignored.
    pub trailing_slash: bool,
    /// Whether a wrong method is a 405, rather than an unknown path.
    pub wrong_method_is_405: bool,
    /// The status of an exceeded quota.
    pub over_quota: u16,
    /// When `x-compute-request-id` is sent beside `x-openstack-request-id`.
    pub compute_request_id: ComputeRequestId,
    /// Whether the 401 of the token check carries a request id.
    pub request_id_on_401: bool,
    /// `Vary` on every answer.
    pub vary: Option<&'static str>,
    /// The largest page.
    pub max_limit: u32,
    /// The page size where none is asked for; none: everything up to `max_limit`.
    pub default_limit: Option<u32>,
}

/// What most have in common.
const COMMON: Dialect = Dialect {
    api: Api::Nova,
    service_type: "",
    name: "",
    mount: "",
    version_path: "",
    legacy_paths: &[],
    microversions: None,
    envelope: Envelope::ByKind,
    error_media_type: "application/json",
    authenticate_first: true,
    version_before_route: false,
    project_in_path: false,
    head_from_get: false,
    trailing_slash: false,
    wrong_method_is_405: true,
    over_quota: 403,
    compute_request_id: ComputeRequestId::Never,
    request_id_on_401: true,
    vary: None,
    max_limit: 1000,
    default_limit: None,
};

/// Keystone.
pub static KEYSTONE: Dialect = Dialect {
    api: Api::Keystone,
    service_type: "identity",
    name: "keystone",
    mount: "/identity",
    version_path: "/v3",
    envelope: Envelope::Keystone,
    authenticate_first: false,
    head_from_get: true,
    trailing_slash: true,
    vary: Some("X-Auth-Token"),
    ..COMMON
};

/// Nova.
pub static NOVA: Dialect = Dialect {
    api: Api::Nova,
    service_type: "compute",
    name: "nova",
    mount: "/compute",
    version_path: "/v2.1",
    legacy_paths: &["/v2"],
    microversions: Some(Scheme {
        service: "compute",
        legacy_header: Some("x-openstack-nova-api-version"),
        min: Microversion(2, 1),
        max: Microversion(2, 104),
    }),
    error_media_type: "application/json; charset=UTF-8",
    project_in_path: true,
    wrong_method_is_405: false,
    compute_request_id: ComputeRequestId::Always,
    ..COMMON
};

/// Cinder.
pub static CINDER: Dialect = Dialect {
    api: Api::Cinder,
    service_type: "block-storage",
    name: "cinder",
    mount: "/volume",
    version_path: "/v3",
    microversions: Some(Scheme {
        service: "volume",
        legacy_header: None,
        min: Microversion(3, 0),
        max: Microversion(3, 71),
    }),
    project_in_path: true,
    wrong_method_is_405: false,
    over_quota: 413,
    compute_request_id: ComputeRequestId::WithVersion,
    ..COMMON
};

/// Neutron.
pub static NEUTRON: Dialect = Dialect {
    api: Api::Neutron,
    service_type: "network",
    name: "neutron",
    mount: "/network",
    version_path: "/v2.0",
    envelope: Envelope::Neutron,
    trailing_slash: true,
    over_quota: 409,
    ..COMMON
};

/// Glance.
pub static GLANCE: Dialect = Dialect {
    api: Api::Glance,
    service_type: "image",
    name: "glance",
    mount: "/image",
    version_path: "/v2",
    envelope: Envelope::Webob,
    over_quota: 413,
    request_id_on_401: false,
    default_limit: Some(25),
    ..COMMON
};

/// Placement.
pub static PLACEMENT: Dialect = Dialect {
    api: Api::Placement,
    service_type: "placement",
    name: "placement",
    mount: "/placement",
    microversions: Some(Scheme {
        service: "placement",
        legacy_header: None,
        min: Microversion(1, 0),
        max: Microversion(1, 39),
    }),
    envelope: Envelope::Placement,
    version_before_route: true,
    ..COMMON
};

/// cloudbox's own, outside of OpenStack's paths: what only its operator asks.
pub static CLOUDBOX: Dialect = Dialect {
    api: Api::Cloudbox,
    service_type: "cloudbox",
    name: "cloudbox",
    mount: "/cloudbox",
    version_path: "/v1",
    envelope: Envelope::Keystone,
    default_limit: Some(100),
    ..COMMON
};

impl Dialect {
    /// The path below which the endpoints are: `/compute/v2.1`.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("{}{}", self.mount, self.version_path)
    }

    /// What a caller is told that `rule` does not let through.
    #[must_use]
    pub fn denied(&self, rule: &str) -> String {
        match self.api {
            Api::Keystone => format!("You are not authorized to perform the requested action: {rule}."),
            Api::Nova | Api::Cinder => format!("Policy doesn't allow {rule} to be performed."),
            Api::Neutron => format!("rule:{rule} is disallowed by policy"),
            Api::Glance => format!("You are not authorized to complete {rule} action."),
            Api::Placement | Api::Cloudbox => format!("Policy does not allow {rule} to be performed."),
        }
    }

    /// What a caller is told whose body is not JSON.
    #[must_use]
    pub fn not_json(&self) -> &'static str {
        match self.api {
            Api::Keystone => {
                "Expecting to find valid JSON in request body. The server could not comply with the request since it \
                 is either malformed or otherwise incorrect. The client is assumed to be in error."
            }
            Api::Nova | Api::Cinder => "Malformed request body",
            Api::Glance => "Malformed JSON in request body.",
            Api::Neutron => {
                "The server could not comply with the request since it is either malformed or otherwise incorrect."
            }
            Api::Placement | Api::Cloudbox => "Malformed JSON",
        }
    }
}
