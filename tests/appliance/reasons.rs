//! Why an operation of OpenStack is not there, for the services that are otherwise complete.
//!
//! A service of [`COMPLETE`] must answer everything in the inventory but what is listed here, and nothing that is
//! answered may be listed.

/// The services that miss nothing without a reason.
pub const COMPLETE: &[&str] = &["identity"];

/// Operations that are not there, and why.
struct Reason {
    service: &'static str,
    /// Separated by blanks.
    methods: &'static str,
    /// As in the inventory; with a `*` at its end, all that begin so.
    path: &'static str,
    why: &'static str,
}

const NOT_THERE_EITHER: &str = "Keystone has the path for POST alone and answers 405, as cloudbox does";

const NO_SAML: &str = "cloudbox federates by OpenID Connect; it is no SAML2 identity provider";

const REASONS: &[Reason] = &[
    Reason { service: "identity", methods: "GET HEAD", path: "/v3/OS-OAUTH1/access_token", why: NOT_THERE_EITHER },
    Reason { service: "identity", methods: "GET HEAD", path: "/v3/OS-OAUTH1/request_token", why: NOT_THERE_EITHER },
    Reason {
        service: "identity",
        methods: "DELETE",
        path: "/v3/users/{user_id}/tokens",
        why: "Keystone has no such path: tokens are revoked one by one",
    },
    Reason { service: "identity", methods: "GET HEAD POST", path: "/v3/auth/OS-FEDERATION/saml2*", why: NO_SAML },
    Reason { service: "identity", methods: "GET HEAD", path: "/v3/OS-FEDERATION/saml2/metadata", why: NO_SAML },
];

/// Why `method` on `path` of `service` is not there.
pub fn of(service: &str, method: &str, path: &str) -> Option<&'static str> {
    let is_at = |reason: &&Reason| match reason.path.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => reason.path == path,
    };
    let found = REASONS.iter().filter(|reason| reason.service == service).filter(is_at);
    found.into_iter().find(|reason| reason.methods.split(' ').any(|it| it == method)).map(|reason| reason.why)
}
