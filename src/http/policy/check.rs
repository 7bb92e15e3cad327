//! A compiled check and its evaluation, which allocates nothing.

use std::collections::HashMap;

use kit::RequestContext;

use super::caller::Held;
use super::compiled::Compiled;
use super::parse::{Expression, Field, Left, Wanted};
use super::pattern::Pattern;
use super::target::Target;

/// An [`Expression`] whose references are indices.
#[derive(Debug)]
pub(super) enum Check {
    Always,
    Never,
    Role(Pattern),
    Rule(usize),
    Compare(Left, Pattern),
    Field(Field),
    And(Vec<Check>),
    Or(Vec<Check>),
    Not(Box<Check>),
}

/// What a check is evaluated against.
pub(super) struct Asked<'a> {
    pub(super) rules: &'a [Compiled],
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
            Expression::Field(field) => Self::Field(field),
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
            Self::Role(role) => has_role(role, asked),
            Self::Rule(index) => asked.rules.get(*index).is_some_and(|rule| rule.check.holds(asked)),
            Self::Compare(left, right) => compare(left, right, asked),
            Self::Field(field) => is_field(field, asked),
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

    /// It as a check string.
    pub(super) fn text(&self, rules: &[Compiled]) -> String {
        let joined = |parts: &[Self], word: &str| {
            let part = |part: &Self| match part {
                Self::And(_) | Self::Or(_) => format!("({})", part.text(rules)),
                _ => part.text(rules),
            };
            parts.iter().map(part).collect::<Vec<_>>().join(word)
        };
        match self {
            Self::Always => "@".to_owned(),
            Self::Never => "!".to_owned(),
            Self::Role(role) => format!("role:{role}"),
            Self::Rule(index) => format!("rule:{}", rules.get(*index).map_or("", |rule| &rule.name)),
            Self::Compare(left, right) => format!("{left}:{right}"),
            Self::Field(field) => format!("field:{field}"),
            Self::And(parts) => joined(parts, " and "),
            Self::Or(parts) => joined(parts, " or "),
            Self::Not(inner) => match inner.as_ref() {
                Self::And(_) | Self::Or(_) => format!("not ({})", inner.text(rules)),
                _ => format!("not {}", inner.text(rules)),
            },
        }
    }
}

/// The rules that depend on themselves.
pub(super) fn circular(rules: &[Compiled]) -> impl Iterator<Item = usize> {
    let references: Vec<Vec<usize>> = rules
        .iter()
        .map(|rule| {
            let mut found = Vec::new();
            rule.check.references(&mut found);
            found
        })
        .collect();
    (0..references.len()).filter(move |start| {
        let mut seen = vec![false; references.len()];
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

/// Roles are named without regard to case.
fn has_role(role: &Pattern, asked: &Asked<'_>) -> bool {
    match role {
        Pattern::Text(name) => asked.context.has_role(name),
        _ => role.read(asked.target, asked.context).is_some_and(|name| asked.context.has_role(&name)),
    }
}

/// Whether both sides are the same; not where one of them does not exist.
fn compare(left: &Left, right: &Pattern, asked: &Asked<'_>) -> bool {
    let is = |text: &str| right.is(text, asked.target, asked.context);
    match left {
        Left::Literal(text) => is(text),
        Left::Unknown(_) => false,
        Left::Caller(attribute, _) => match attribute.of(asked.context) {
            None => false,
            Some(Held::Text(text)) => is(text),
            Some(Held::Null) => right.is_none(),
            Some(Held::Names(roles)) => roles.iter().any(|role| is(&role.name)),
            Some(Held::Ids(roles)) => roles.iter().any(|role| is(role.id.as_str())),
        },
    }
}

fn is_field(field: &Field, asked: &Asked<'_>) -> bool {
    asked.target.get(&field.name, asked.context).is_some_and(|found| match &field.wanted {
        Wanted::Text(wanted) => found.text() == wanted,
        Wanted::Regex(regex) => regex.is_match(found.text()),
    })
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Literal(text) if matches!(text.as_str(), "None" | "True" | "False") => f.write_str(text),
            Self::Literal(text) if text.parse::<i64>().is_ok() => f.write_str(text),
            Self::Literal(text) => write!(f, "'{text}'"),
            Self::Caller(_, name) | Self::Unknown(name) => f.write_str(name),
        }
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.wanted {
            Wanted::Text(text) => write!(f, "{}={text}", self.path),
            Wanted::Regex(regex) => {
                let inner = regex.as_str().strip_prefix("^(?:").and_then(|inner| inner.strip_suffix(')'));
                write!(f, "{}=~{}", self.path, inner.unwrap_or_default())
            }
        }
    }
}
