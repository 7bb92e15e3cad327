//! Who may ask: an administrator, with a token for a project or for the system.

use http_kit::{Rule, Scopes};

/// See the module.
pub(crate) static RULES: &[Rule] = &[
    Rule::new("cloudbox:audit:list", "rule:context_is_admin", "See the audit trail.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("cloudbox:policy:list", "rule:context_is_admin", "See the policy in force.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("cloudbox:policy:check", "rule:context_is_admin", "Ask what the policy says to somebody.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
];
