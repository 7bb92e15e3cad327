//! An operator's policy file: YAML (or JSON), a rule's name and its check in each entry, as oslo.policy reads it.
//!
//! A check is a string, or the older list of lists. Stricter than there: a name that is given twice, an entry without a
//! check and a check that is none are errors with their line, because they would open or close what nobody meant.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::PolicyError;
use super::parse::{self, Expression, ParseError};

/// The checks that replace defaults.
#[derive(Debug, Clone, Default)]
pub struct Overrides(BTreeMap<String, Override>);

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Override {
    pub(super) expression: Expression,
    /// The line of the file, from 1.
    pub(super) line: u64,
}

/// The file's entries, in order.
struct Entries(Vec<(Spanned<String>, Written)>);

/// A check as it is written.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Lists(Vec<Inner>),
    Other(serde::de::IgnoredAny),
}

/// One of the lists, or a check that stands for a list of itself.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Inner {
    One(String),
    All(Vec<String>),
}

impl Overrides {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// The first entry that cannot be used, with its line.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        // A file of comments is no map, and no mistake.
        if text.lines().all(|line| matches!(line.trim().as_bytes().first(), None | Some(b'#')) || line.trim() == "---")
        {
            return Ok(Self::none());
        }
        let options = serde_saphyr::options! { strict_booleans: true };
        let entries: Entries = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let line = error.location().map(|location| location.line());
            PolicyError::File { at: line.into(), reason: message(&error.to_string()) }
        })?;
        let mut rules = BTreeMap::new();
        for (name, written) in entries.0 {
            let line = name.referenced.line();
            let bare = matches!(&written, Written::Text(text) if text.is_empty()) && !is_quoted(text, line);
            let expression = if bare { Err(ParseError::Bare) } else { written.parse() };
            let expression = expression.map_err(|source| PolicyError::Syntax {
                rule: name.value.clone(),
                at: Some(line).into(),
                source,
            })?;
            if rules.insert(name.value.clone(), Override { expression, line }).is_some() {
                return Err(PolicyError::Twice { rule: name.value, at: Some(line).into() });
            }
        }
        Ok(Self(rules))
    }

    /// The check that replaces `rule`'s default.
    pub(super) fn get(&self, rule: &str) -> Option<&Override> {
        self.0.get(rule)
    }

    /// The line that says `rule`.
    pub(super) fn line(&self, rule: &str) -> Option<u64> {
        self.0.get(rule).map(|rule| rule.line)
    }

    /// The rules that are replaced.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Written {
    fn parse(self) -> Result<Expression, ParseError> {
        match self {
            Self::Text(text) => parse::parse(&text),
            Self::Lists(lists) => {
                let lists: Vec<Vec<String>> = lists
                    .into_iter()
                    .map(|inner| match inner {
                        Inner::One(text) => vec![text],
                        Inner::All(texts) => texts,
                    })
                    .collect();
                parse::parse_lists(&lists)
            }
            Self::Other(_) => Err(ParseError::Shape),
        }
    }
}

/// Whether an empty text is written as one in this line, or in the one after it.
fn is_quoted(file: &str, line: u64) -> bool {
    let before = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    file.lines().skip(before).take(2).any(|line| line.contains("\"\"") || line.contains("''"))
}

/// The reader's message without the place, which is told before it.
fn message(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    match line.split_once(": ") {
        Some((place, rest)) if place.starts_with("line ") => rest.to_owned(),
        _ => line.to_owned(),
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Entries;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a rule's name and its check in each entry")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(All)
    }
}
