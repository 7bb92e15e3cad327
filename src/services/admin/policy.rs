//! Who may ask: an administrator, with a token for a project or for the system; how the cloud is, a reader of the system, too.

use http_kit::{Rule, Scopes};

/// The rule for `/metrics`, which is no endpoint of any table.
pub(crate) const METRICS: &str = "cloudbox:metrics:get";

const ADMIN_OR_SYSTEM_READER: &str = "rule:context_is_admin or (role:reader and system_scope:all)";

/// See the module.
pub(crate) static RULES: &[Rule] = &[
    Rule::new("cloudbox:audit:list", "rule:context_is_admin", "See the audit trail.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("cloudbox:policy:list", "rule:context_is_admin", "See the policy in force.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("cloudbox:policy:check", "rule:context_is_admin", "Ask what the policy says to somebody.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("cloudbox:status:get", ADMIN_OR_SYSTEM_READER, "See how the cloud is.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(METRICS, ADMIN_OR_SYSTEM_READER, "Read the metrics, where a token is needed for that.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
];
