//! Keystone's own words for what goes wrong, in one place.

use kit::Fault;

/// What Keystone says at the end of many a 400.
pub(crate) const MALFORMED: &str = "The server could not comply with the request since it is either malformed or otherwise \
                         incorrect. The client is assumed to be in error.";

/// 404: there is no `what` of that id or name.
pub(crate) fn not_found(what: &str, id: &str) -> Fault {
    Fault::not_found(format!("Could not find {what}: {id}."))
}

/// 409: storing a `kind` failed because of `details`.
pub(crate) fn conflict(kind: &str, details: impl std::fmt::Display) -> Fault {
    Fault::conflict(format!("Conflict occurred attempting to store {kind} - {details}."))
}

/// 409: a `kind` of this name exists, in the domain where it has one.
pub(crate) fn duplicate(kind: &str, name: &str, domain_id: Option<&str>) -> Fault {
    match domain_id {
        Some(domain) => conflict(kind, format!("Duplicate entry found with name {name} at domain ID {domain}")),
        None => conflict(kind, format!("Duplicate entry found with name {name}")),
    }
}

/// 400: `attribute` is missing from `target`.
pub(crate) fn missing(attribute: &str, target: &str) -> Fault {
    Fault::bad_request(format!("Expecting to find {attribute} in {target}. {MALFORMED}"))
}

/// 401, with nothing told about why.
pub(crate) fn unauthorized() -> Fault {
    Fault::unauthorized("The request you have made requires authentication.")
}

/// 403, with nothing told about why.
pub(crate) fn forbidden() -> Fault {
    Fault::forbidden("You are not authorized to perform the requested action.")
}

/// 403, with what it is that is not allowed.
pub(crate) fn forbidden_action(action: impl std::fmt::Display) -> Fault {
    Fault::forbidden(format!("You are not authorized to perform the requested action: {action}."))
}

/// 401: there is no such authentication method.
pub(crate) fn unsupported_method() -> Fault {
    Fault::unauthorized("Attempted to authenticate with an unsupported method.")
}

/// 403: the resource is immutable; `verb` is `update` or `delete`.
pub(crate) fn immutable(verb: &str, kind: &str, id: &str) -> Fault {
    // The lone backquote is Keystone's.
    Fault::forbidden(format!(
        "Unable to {verb} immutable {kind} resource: `{id}. Set resource option \"immutable\" to false first."
    ))
}

/// 403: nobody would be left who can administer the cloud. Keystone does it; who has no other way in is locked out.
pub(crate) fn last_administrator() -> Fault {
    Fault::forbidden(
        "This would leave the cloud without an administrator: no enabled user would hold the role admin anywhere. Give the \
         role to another user first, for example with `openstack role add --user USER --system all admin`.",
    )
}
