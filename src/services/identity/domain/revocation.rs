//! What identity remembers of revoked tokens: single ones, and all of a user, project or domain up to a time.

use kit::Timestamp;

/// Whose tokens were revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// The token with this audit id.
    Token(String),
    /// All of a user.
    User(String),
    /// All of a project.
    Project(String),
    /// All of a domain, and of its users.
    Domain(String),
}

/// A revocation: of what was issued before `at`, done then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) of: Revoked,
    pub(crate) at: Timestamp,
}
