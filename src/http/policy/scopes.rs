//! What a token must be for, before a rule is even looked at: oslo.policy's `scope_types`, enforced.

use kit::Scope;

/// Kinds of tokens. As in oslo.policy, one that is for nothing counts as one for a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Tokens for a project.
    pub const PROJECT: Self = Self(1);
    /// Tokens for a domain.
    pub const DOMAIN: Self = Self(2);
    /// Tokens for the system.
    pub const SYSTEM: Self = Self(4);
    /// All of them.
    pub const ANY: Self = Self(7);
    /// Those for the system or a project.
    pub const SYSTEM_OR_PROJECT: Self = Self(5);

    /// Whether a token for `scope` is among them.
    #[must_use]
    pub fn contain(self, scope: &Scope) -> bool {
        let one = match scope {
            Scope::Project(_) | Scope::Unscoped => Self::PROJECT,
            Scope::Domain(_) => Self::DOMAIN,
            Scope::System => Self::SYSTEM,
        };
        self.0 & one.0 != 0
    }

    /// Their names.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        [(Self::SYSTEM, "system"), (Self::DOMAIN, "domain"), (Self::PROJECT, "project")]
            .into_iter()
            .filter_map(|(one, name)| (self.0 & one.0 != 0).then_some(name))
            .collect()
    }
}
