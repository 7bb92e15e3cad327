//! Who may do what: rules in oslo.policy's language, compiled at start.
//!
//! Each service has a table of [`Rule`]s with OpenStack's own defaults; an operator's file overrides single
//! ones. A rule that does not parse, names an unknown rule or goes in a circle stops the start, so that
//! enforcement itself cannot fail. A check that asks for what the target does not have is false.
//! What may be *seen* (404 instead of 403) is for the service to decide.

mod base;
mod check;
mod overrides;
mod parse;
mod target;

use std::collections::HashMap;

use kit::RequestContext;

pub use overrides::Overrides;
pub use target::Target;

use check::Check;
use parse::{Expression, ParseError};

/// A rule with its default.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name, such as `os_compute_api:servers:show`.
    pub name: &'static str,
    /// The default, such as `rule:project_reader_or_admin`.
    pub check: &'static str,
    /// What it allows, for an operator.
    pub description: &'static str,
}

impl Rule {
    /// A rule.
    #[must_use]
    pub const fn new(name: &'static str, check: &'static str, description: &'static str) -> Self {
        Self { name, check, description }
    }
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A check string is not in the language.
    #[error("the policy rule {rule:?} is not understood")]
    Syntax {
        /// The rule.
        rule: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// `rule:x` where there is no x.
    #[error("the policy rule {rule:?} refers to {unknown:?}, which does not exist")]
    UnknownReference {
        /// The rule.
        rule: String,
        /// What it refers to.
        unknown: String,
    },
    /// A rule that depends on itself.
    #[error("the policy rule {rule:?} depends on itself")]
    Circular {
        /// The rule.
        rule: String,
    },
    /// An override of a rule that no service has.
    #[error("the policy file sets {rule:?}, which is no rule of any service")]
    UnknownOverride {
        /// The rule.
        rule: String,
    },
    /// The policy file cannot be read as one.
    #[error("line {line} of the policy file is not of the form \"rule\" = \"check\"")]
    File {
        /// The line, from 1.
        line: usize,
    },
}

/// All rules of a service, compiled.
#[derive(Debug, Default)]
pub struct Policy {
    by_name: HashMap<String, usize>,
    checks: Vec<Check>,
}

impl Policy {
    /// Compiles the common base rules, `tables` over them, and `overrides` over those.
    ///
    /// # Errors
    /// The first rule that cannot be used.
    pub fn compile(tables: &[&[Rule]], overrides: &Overrides) -> Result<Self, PolicyError> {
        let mut names = Vec::<String>::new();
        let mut by_name = HashMap::<String, usize>::new();
        let mut parsed = Vec::<Expression>::new();
        let defaults = base::RULES.iter().chain(tables.iter().flat_map(|table| table.iter()));
        for rule in defaults {
            let text = overrides.get(rule.name).unwrap_or(rule.check);
            let expression =
                parse::parse(text).map_err(|source| PolicyError::Syntax { rule: rule.name.to_owned(), source })?;
            match by_name.get(rule.name).and_then(|index| parsed.get_mut(*index)) {
                Some(present) => *present = expression,
                None => {
                    by_name.insert(rule.name.to_owned(), parsed.len());
                    names.push(rule.name.to_owned());
                    parsed.push(expression);
                }
            }
        }
        let checks = parsed
            .into_iter()
            .zip(&names)
            .map(|(expression, rule)| {
                Check::resolve(expression, &by_name)
                    .map_err(|unknown| PolicyError::UnknownReference { rule: rule.clone(), unknown })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(rule) = check::circular(&checks).and_then(|index| names.into_iter().nth(index)) {
            return Err(PolicyError::Circular { rule });
        }
        Ok(Self { by_name, checks })
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
        let Some(check) = self.by_name.get(rule).and_then(|index| self.checks.get(*index)) else {
            tracing::error!(rule, "an unknown policy rule was enforced");
            return false;
        };
        check.holds(&check::Asked { checks: &self.checks, context, target })
    }
}

#[cfg(test)]
mod tests;
