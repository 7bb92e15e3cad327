//! Why a rule allows or denies: the check as a tree, with what came of each part.

use kit::RequestContext;
use serde::Serialize;

use super::Policy;
use super::check::{Asked, Check};
use super::parse::Left;
use super::target::Target;

/// What came of a rule for a caller and a target.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The rule.
    pub rule: String,
    /// Whether it allows.
    pub allowed: bool,
    /// Whether the caller's token is of a kind that the rule is for.
    pub scope_fits: bool,
    /// The kinds of tokens that the rule is for.
    pub scopes: Vec<&'static str>,
    /// The check and its parts.
    pub check: Verdict,
}

/// What came of a check.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// The check.
    pub check: String,
    /// Whether it holds.
    pub holds: bool,
    /// What it compared, where that is not plain to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Its parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Verdict>,
}

/// A rule as an operator sees it.
#[derive(Debug, Clone, Serialize)]
pub struct RuleInfo {
    /// Its name.
    pub name: String,
    /// The check in force.
    pub check: String,
    /// The default; none where the operator's file made the rule.
    pub default: Option<&'static str>,
    /// Whether the operator's file says it.
    pub overridden: bool,
    /// The kinds of tokens that it is for.
    pub scopes: Vec<&'static str>,
    /// What it allows.
    pub description: &'static str,
}

impl Policy {
    /// All rules, by name.
    #[must_use]
    pub fn describe(&self) -> Vec<RuleInfo> {
        let describe = |rule: &super::compiled::Compiled| RuleInfo {
            name: rule.name.clone(),
            check: rule.check.text(&self.rules),
            default: rule.default,
            overridden: rule.overridden,
            scopes: rule.scopes.names(),
            description: rule.description,
        };
        let mut all: Vec<RuleInfo> = self.rules.iter().map(describe).collect();
        all.sort_by(|one, two| one.name.cmp(&two.name));
        all
    }

    /// As [`Policy::allows`], with the reasons. Nothing where there is no such rule.
    #[must_use]
    pub fn explain(&self, rule: &str, context: &RequestContext, target: &Target) -> Option<Explanation> {
        let compiled = self.rules.get(*self.by_name.get(rule)?)?;
        let check = verdict(&compiled.check, &Asked { rules: &self.rules, context, target });
        let scope_fits = context.identity().is_none_or(|identity| compiled.scopes.contain(&identity.scope));
        Some(Explanation {
            rule: rule.to_owned(),
            allowed: context.is_service() || (scope_fits && check.holds),
            scope_fits,
            scopes: compiled.scopes.names(),
            check,
        })
    }
}

fn verdict(check: &Check, asked: &Asked<'_>) -> Verdict {
    let parts = match check {
        Check::Rule(index) => asked.rules.get(*index).map(|rule| verdict(&rule.check, asked)).into_iter().collect(),
        Check::And(parts) | Check::Or(parts) => parts.iter().map(|part| verdict(part, asked)).collect(),
        Check::Not(inner) => vec![verdict(inner, asked)],
        _ => Vec::new(),
    };
    Verdict { check: check.text(asked.rules), holds: check.holds(asked), because: because(check, asked), parts }
}

/// What the two sides of a comparison were.
fn because(check: &Check, asked: &Asked<'_>) -> Option<String> {
    let Check::Compare(left, right) = check else { return None };
    let right = right.read(asked.target, asked.context);
    let right = right.map_or("which the target does not have".to_owned(), |text| format!("{text:?}"));
    Some(match left {
        Left::Literal(text) => format!("{text:?} against {right}"),
        Left::Unknown(name) => format!("no token has {name}"),
        Left::Caller(attribute, _) => {
            format!("{} against {right}", attribute.of(asked.context).map_or("nothing".to_owned(), |held| held.shown()))
        }
    })
}
