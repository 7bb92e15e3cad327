//! What a mapping asks of the attributes that an identity provider sends.

use std::collections::{BTreeMap, HashSet};

use regex::{RegexSet, RegexSetBuilder};
use serde::Deserialize;
use serde_json::Value;

use super::MappingError;

/// How much memory the patterns of one requirement may take once compiled.
const PATTERN_BYTES: usize = 256 * 1024;

/// The attributes of somebody who logs in: each has one value or several.
pub(crate) type Assertion = BTreeMap<String, Vec<String>>;

/// An assertion of attributes whose values are separated by semicolons.
pub(crate) fn assertion<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Assertion {
    let split = |value: &str| value.split(';').map(str::to_owned).collect();
    attributes.into_iter().map(|(name, value)| (name.to_owned(), split(value))).collect()
}

/// One requirement, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(rename = "type")]
    attribute: String,
    any_one_of: Option<Vec<Value>>,
    not_any_of: Option<Vec<Value>>,
    blacklist: Option<Vec<Value>>,
    whitelist: Option<Vec<Value>>,
    regex: Option<bool>,
}

/// One requirement.
#[derive(Debug)]
pub(super) struct Requirement {
    attribute: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Present,
    AnyOneOf(Matcher),
    NotAnyOf(Matcher),
    Blacklist(Matcher),
    Whitelist(Matcher),
}

#[derive(Debug)]
enum Matcher {
    Exact(HashSet<String>),
    Patterns(RegexSet),
}

/// What an attribute comes to under a requirement.
pub(super) enum Outcome {
    /// The rule does not apply.
    Unmet,
    /// It holds, and stands for no value.
    Met,
    /// It holds, and stands for these.
    Values(Vec<String>),
}

impl Requirement {
    /// Reads a requirement.
    ///
    /// # Errors
    /// Where it asks for several things at once, or for a pattern that is none.
    pub(super) fn read(written: Written) -> Result<Self, MappingError> {
        let Written { attribute, any_one_of, not_any_of, blacklist, whitelist, regex } = written;
        let patterns = regex.unwrap_or(false);
        let test = match (any_one_of, not_any_of, blacklist, whitelist) {
            (None, None, None, None) if regex.is_none() => Test::Present,
            (Some(values), None, None, None) => Test::AnyOneOf(Matcher::read(values, patterns)?),
            (None, Some(values), None, None) => Test::NotAnyOf(Matcher::read(values, patterns)?),
            (None, None, Some(values), None) => Test::Blacklist(Matcher::read(values, patterns)?),
            (None, None, None, Some(values)) => Test::Whitelist(Matcher::read(values, patterns)?),
            _ => return Err(MappingError::Requirement(attribute)),
        };
        Ok(Self { attribute, test })
    }

    /// Whether it stands for a value that the local side can name.
    pub(super) fn stands_for_a_value(&self) -> bool {
        matches!(self.test, Test::Present | Test::Blacklist(_) | Test::Whitelist(_))
    }

    /// How many patterns it has.
    pub(super) fn patterns(&self) -> usize {
        match &self.test {
            Test::Present => 0,
            Test::AnyOneOf(it) | Test::NotAnyOf(it) | Test::Blacklist(it) | Test::Whitelist(it) => match it {
                Matcher::Exact(_) => 0,
                Matcher::Patterns(set) => set.len(),
            },
        }
    }

    /// What `assertion` comes to.
    pub(super) fn look_at(&self, assertion: &Assertion) -> Outcome {
        let Some(values) = assertion.get(&self.attribute).filter(|values| !values.is_empty()) else {
            return Outcome::Unmet;
        };
        let any = |matcher: &Matcher| values.iter().any(|value| matcher.holds(value));
        let kept = |matcher: &Matcher, wanted: bool| {
            let mut seen = HashSet::new();
            let kept = values.iter().filter(|value| matcher.holds(value) == wanted && seen.insert(*value));
            Outcome::Values(kept.cloned().collect())
        };
        match &self.test {
            Test::Present => Outcome::Values(values.clone()),
            Test::AnyOneOf(matcher) => {
                if any(matcher) {
                    Outcome::Met
                } else {
                    Outcome::Unmet
                }
            }
            Test::NotAnyOf(matcher) => {
                if any(matcher) {
                    Outcome::Unmet
                } else {
                    Outcome::Met
                }
            }
            Test::Blacklist(matcher) => kept(matcher, false),
            Test::Whitelist(matcher) => kept(matcher, true),
        }
    }
}

impl Matcher {
    fn read(values: Vec<Value>, patterns: bool) -> Result<Self, MappingError> {
        let texts = values.iter().filter_map(Value::as_str);
        if !patterns {
            return Ok(Self::Exact(texts.map(str::to_owned).collect()));
        }
        if texts.clone().count() != values.len() {
            return Err(MappingError::Pattern("a pattern must be a text".to_owned()));
        }
        // Python's `search` finds a pattern anywhere, and so does a set.
        let set = RegexSetBuilder::new(texts).size_limit(PATTERN_BYTES).nest_limit(64).build();
        set.map(Self::Patterns).map_err(|error| MappingError::Pattern(error.to_string()))
    }

    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Exact(values) => values.contains(value),
            Self::Patterns(set) => set.is_match(value),
        }
    }
}
