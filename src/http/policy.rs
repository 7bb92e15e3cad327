//! Who may do what: rules in oslo.policy's language, compiled at start and again when the operator's file changes.
//!
//! Each service has a table of [`Rule`]s with OpenStack's own defaults; an operator's file overrides single
//! ones. A rule that does not parse, names an unknown rule or goes in a circle stops the start (or leaves the rules that
//! are in force), so that enforcement itself cannot fail. A check that asks for what the target does not have is false.
//! What may be *seen* (404 instead of 403) is for the service to decide.

mod base;
mod caller;
mod check;
mod compiled;
mod explain;
mod in_force;
mod overrides;
mod parse;
mod pattern;
mod scopes;
mod target;

use std::collections::HashMap;

use kit::RequestContext;

pub use explain::{Explanation, RuleInfo, Verdict};
pub use in_force::Policies;
pub use overrides::Overrides;
pub use scopes::Scopes;
pub use target::Target;

use compiled::Compiled;
use parse::ParseError;

/// A rule with its default.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name, such as `os_compute_api:servers:show`.
    pub name: &'static str,
    /// The default, such as `rule:project_reader_or_admin`.
    pub check: &'static str,
    /// What it allows, for an operator.
    pub description: &'static str,
    /// The kinds of tokens that it is for; the service's own where it names none.
    pub scopes: Option<Scopes>,
}

impl Rule {
    /// A rule.
    #[must_use]
    pub const fn new(name: &'static str, check: &'static str, description: &'static str) -> Self {
        Self { name, check, description, scopes: None }
    }

    /// For these kinds of tokens alone.
    #[must_use]
    pub const fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = Some(scopes);
        self
    }
}

/// A line of the operator's file, where it is known; printed, it stands before what is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At(Option<u64>);

impl From<Option<u64>> for At {
    fn from(line: Option<u64>) -> Self {
        Self(line)
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, "line {line}: "))
    }
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A check string is not in the language.
    #[error("{at}the check of the policy rule {rule:?} is not understood: {source}")]
    Syntax {
        /// The rule.
        rule: String,
        /// Where.
        at: At,
        /// What is wrong with it.
        source: ParseError,
    },
    /// `rule:x` where there is no x.
    #[error("{at}the policy rule {rule:?} refers to {unknown:?}, which does not exist")]
    UnknownReference {
        /// The rule.
        rule: String,
        /// Where.
        at: At,
        /// What it refers to.
        unknown: String,
    },
    /// A rule that depends on itself.
    #[error("{at}the policy rule {rule:?} depends on itself")]
    Circular {
        /// The rule.
        rule: String,
        /// Where.
        at: At,
    },
    /// An override of a rule that no service has.
    #[error("{at}no service has a policy rule {rule:?}, and no rule refers to it")]
    UnknownOverride {
        /// The rule.
        rule: String,
        /// Where.
        at: At,
    },
    /// A rule that stands in the file twice.
    #[error("{at}the policy rule {rule:?} is set for the second time")]
    Twice {
        /// The rule.
        rule: String,
        /// Where.
        at: At,
    },
    /// The policy file cannot be read as one.
    #[error("{at}a policy file has a rule's name and its check in each entry: {reason}")]
    File {
        /// Where.
        at: At,
        /// What is wrong with it.
        reason: String,
    },
}

/// All rules of a service, compiled.
#[derive(Debug, Default)]
pub struct Policy {
    by_name: HashMap<String, usize>,
    rules: Vec<Compiled>,
}

impl Policy {
    /// Compiles the common base rules, `tables` over them, and `overrides` over those. `scopes` are of the rules that name
    /// none.
    ///
    /// # Errors
    /// The first rule that cannot be used.
    pub fn compile(tables: &[&[Rule]], scopes: Scopes, overrides: &Overrides) -> Result<Self, PolicyError> {
        compiled::compile(tables, scopes, overrides)
    }

    /// Whether there is a rule `name`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// All names, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Whether `rule` allows the caller of `context` to act on `target`. A part of the cloud may do
    /// anything; an unknown rule allows nothing.
    #[must_use]
    pub fn allows(&self, rule: &str, context: &RequestContext, target: &Target) -> bool {
        if context.is_service() {
            return true;
        }
        let Some(rule) = self.by_name.get(rule).and_then(|index| self.rules.get(*index)) else {
            tracing::error!(rule, "an unknown policy rule was enforced");
            return false;
        };
        let scope_fits = context.identity().is_none_or(|identity| rule.scopes.contain(&identity.scope));
        scope_fits && rule.check.holds(&check::Asked { rules: &self.rules, context, target })
    }
}

#[cfg(test)]
mod tests;
