//! A compiled check and its evaluation.

use std::borrow::Cow;
use std::collections::HashMap;

use kit::{Identity, RequestContext, Scope};

use super::parse::{Expression, Left, Right};
use super::target::{Target, Value};

/// An [`Expression`] whose references are indices.
#[derive(Debug)]
pub(super) enum Check {
    Always,
    Never,
    Role(String),
    Rule(usize),
    Compare(Left, Right),
    Field(String, String),
    And(Vec<Check>),
    Or(Vec<Check>),
    Not(Box<Check>),
}

/// What a check is evaluated against.
pub(super) struct Asked<'a> {
    pub(super) checks: &'a [Check],
    pub(super) context: &'a RequestContext,
    pub(super) target: &'a Target,
}

impl Check {
    /// Resolves the references of `expression`, or tells the one that is unknown.
    pub(super) fn resolve(expression: Expression, names: &HashMap<String, usize>) -> Result<Self, String> {
        let each = |parts: Vec<Expression>| {
            parts.into_iter().map(|part| Self::resolve(part, names)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match expression {
            Expression::Always => Self::Always,
            Expression::Never => Self::Never,
            Expression::Role(role) => Self::Role(role),
            Expression::Rule(name) => Self::Rule(names.get(&name).copied().ok_or(name)?),
            Expression::Compare(left, right) => Self::Compare(left, right),
            Expression::Field(name, value) => Self::Field(name, value),
            Expression::And(parts) => Self::And(each(parts)?),
            Expression::Or(parts) => Self::Or(each(parts)?),
            Expression::Not(inner) => Self::Not(Box::new(Self::resolve(*inner, names)?)),
        })
    }

    /// Whether it holds.
    pub(super) fn holds(&self, asked: &Asked<'_>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Role(role) => asked.context.has_role(role),
            Self::Rule(index) => asked.checks.get(*index).is_some_and(|check| check.holds(asked)),
            Self::Compare(left, right) => compare(left, right, asked).unwrap_or(false),
            Self::Field(name, value) => {
                asked.target.get(name, asked.context).is_some_and(|found| found.text() == *value)
            }
            Self::And(parts) => parts.iter().all(|part| part.holds(asked)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(asked)),
            Self::Not(inner) => !inner.holds(asked),
        }
    }

    fn references(&self, into: &mut Vec<usize>) {
        match self {
            Self::Rule(index) => into.push(*index),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.references(into)),
            Self::Not(inner) => inner.references(into),
            _ => {}
        }
    }
}

/// A rule that depends on itself, if there is one.
pub(super) fn circular(checks: &[Check]) -> Option<usize> {
    let references: Vec<Vec<usize>> = checks
        .iter()
        .map(|check| {
            let mut found = Vec::new();
            check.references(&mut found);
            found
        })
        .collect();
    (0..checks.len()).find(|start| {
        let mut seen = vec![false; checks.len()];
        let mut open = references.get(*start).cloned().unwrap_or_default();
        while let Some(next) = open.pop() {
            if next == *start {
                return true;
            }
            if let Some(flag) = seen.get_mut(next).filter(|flag| !**flag) {
                *flag = true;
                open.extend(references.get(next).into_iter().flatten());
            }
        }
        false
    })
}

/// Whether both sides are the same; `None` where one of them does not exist.
fn compare(left: &Left, right: &Right, asked: &Asked<'_>) -> Option<bool> {
    let target;
    let right: &str = match right {
        Right::Text(text) => text,
        Right::Target(name) => {
            target = asked.target.get(name, asked.context)?;
            target.text()
        }
    };
    let left = match left {
        Left::Literal(text) => Cow::Borrowed(text.as_str()),
        Left::Caller(name) => caller(name, asked.context)?,
    };
    Some(left == right)
}

/// The caller's attribute `name`, as text; absent attributes are absent, not `None`.
fn caller<'c>(name: &str, context: &'c RequestContext) -> Option<Cow<'c, str>> {
    let identity = context.identity()?;
    let project = identity.project();
    let text = match name {
        "user_id" | "user" | "token.user.id" => identity.user.id.as_str(),
        "user_domain_id" | "token.user.domain.id" => identity.user.domain.id.as_str(),
        "project_id" | "tenant_id" | "tenant" | "token.project.id" => project?.id.as_str(),
        "project_domain_id" | "token.project.domain.id" => project?.domain.id.as_str(),
        "domain_id" | "token.domain.id" => scoped_domain(identity)?,
        "system_scope" | "system" | "token.system.all" => match (&identity.scope, name) {
            (Scope::System, "token.system.all") => "True",
            (Scope::System, _) => "all",
            _ => return None,
        },
        "is_admin" => return Some(Cow::Borrowed(if context.is_admin() { "True" } else { "False" })),
        "is_admin_project" => "True",
        "request_id" => &context.request_id,
        _ => return None,
    };
    Some(Cow::Borrowed(text))
}

fn scoped_domain(identity: &Identity) -> Option<&str> {
    match &identity.scope {
        Scope::Domain(domain) => Some(domain.id.as_str()),
        _ => None,
    }
}

impl Value<'_> {
    /// As Python's `%s` prints it.
    pub(super) fn text(&self) -> &str {
        match self {
            Value::Text(text) => text,
            Value::Null => "None",
            Value::Bool(true) => "True",
            Value::Bool(false) => "False",
        }
    }
}
