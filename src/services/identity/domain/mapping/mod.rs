//! Mappings: from the attributes that an identity provider sends to a user, groups and projects of this cloud.
//!
//! A mapping is a list of rules; a rule's remote side says whom it applies to, its local side what they are.
//! Everything is checked when a mapping is stored ([`Mapping::read`]): its form, that each place on the
//! local side has a match on the remote side, and that its patterns compile within bounds. Keystone finds the latter
//! two out at the first login. Patterns are of Rust's `regex`, which has no look-around and takes linear time.

mod local;
mod requirement;
mod template;
#[cfg(test)]
mod tests;

use kit::Fault;
use serde::Deserialize;
use serde_json::Value;

use self::local::Local;
use self::requirement::{Outcome, Requirement};
use super::login::DomainNamed;

pub(crate) use self::requirement::{Assertion, assertion};

/// The most rules of a mapping.
const MOST_RULES: usize = 1_000;

/// The most patterns of a mapping.
const MOST_PATTERNS: usize = 500;

/// Why a mapping cannot be used, or makes nothing of somebody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MappingError {
    #[error("{0}")]
    Form(String),
    #[error("schema_version {0} is not one of 1.0, 2.0 and 3.0")]
    Version(String),
    #[error("rules must hold between 1 and {MOST_RULES} rules and at most {MOST_PATTERNS} patterns")]
    TooMany,
    #[error("the requirement of {0} is not valid: use one of any_one_of, not_any_of, blacklist and whitelist, or none")]
    Requirement(String),
    #[error("a pattern cannot be used: {0}")]
    Pattern(String),
    #[error("{0} is none of this schema_version's properties")]
    Unknown(&'static str),
    #[error("a group is named by its id, or by its name and domain")]
    Group,
    #[error("the local section refers to a remote match that doesn't exist (e.g. {{0}} in a local section)")]
    NoSuchMatch,
    #[error("{0:?} has braces that are no {{0}}, {{1}}, …; double them to have them as they are")]
    Place(String),
    #[error("Invalid rule: Both 'groups' and 'domain' keywords must be specified.")]
    GroupDomain,
    #[error("what the identity provider sent is not the JSON that the mapping expects: {0}")]
    Json(String),
    #[error(
        "Could not map any federated user properties to identity values. Check debug logs or the mapping used for \
         additional details."
    )]
    Nobody,
}

impl From<MappingError> for Fault {
    fn from(error: MappingError) -> Self {
        Self::bad_request(error.to_string())
    }
}

/// The form of a mapping. The second has domains for projects and honours a local side's domain for users, the third
/// has `projects_json` and takes away what an identity provider does not give any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    One,
    Two,
    Three,
}

impl Version {
    fn read(text: &str) -> Result<Self, MappingError> {
        match text {
            "1.0" => Ok(Self::One),
            "2.0" => Ok(Self::Two),
            "3.0" => Ok(Self::Three),
            other => Err(MappingError::Version(other.to_owned())),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    local: Vec<local::Written>,
    remote: Vec<requirement::Written>,
}

#[derive(Debug)]
struct Rule {
    remote: Vec<Requirement>,
    local: Vec<Local>,
}

/// A mapping that can be used.
#[derive(Debug)]
pub(crate) struct Mapping {
    version: Version,
    rules: Vec<Rule>,
}

/// What a mapping makes of somebody.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mapped {
    /// None where no rule names one.
    pub(crate) user: Option<MappedUser>,
    pub(crate) group_ids: Vec<String>,
    pub(crate) groups: Vec<NamedGroup>,
    pub(crate) projects: Vec<MappedProject>,
    /// Whether roles that are not among the projects' are taken away.
    pub(crate) takes_away: bool,
    default_domain: Option<DomainNamed>,
}

/// A user of a mapping.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct MappedUser {
    pub(crate) kind: UserKind,
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) domain: Option<DomainNamed>,
}

/// Whether a user is made from what the identity provider says, or is already here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UserKind {
    #[default]
    Ephemeral,
    Local,
}

/// A group by name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NamedGroup {
    pub(crate) name: String,
    pub(crate) domain: DomainNamed,
}

/// A project that is made where there is none, and the names of the roles that the user has there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MappedProject {
    pub(crate) name: String,
    /// None stands for the identity provider's.
    pub(crate) domain: Option<DomainNamed>,
    pub(crate) roles: Vec<String>,
}

impl Mapping {
    /// Reads the `rules` of a mapping of `version`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(rules: &Value, version: &str) -> Result<Self, MappingError> {
        let version = Version::read(version)?;
        let written = rules.as_array().ok_or_else(|| MappingError::Form("rules must be a list".to_owned()))?;
        if written.is_empty() || written.len() > MOST_RULES {
            return Err(MappingError::TooMany);
        }
        let (mut rules, mut patterns) = (Vec::with_capacity(written.len()), 0);
        for rule in written {
            let rule = Rule::read(rule, version)?;
            patterns += rule.remote.iter().map(Requirement::patterns).sum::<usize>();
            if patterns > MOST_PATTERNS {
                return Err(MappingError::TooMany);
            }
            rules.push(rule);
        }
        Ok(Self { version, rules })
    }

    /// What it makes of somebody with these attributes.
    ///
    /// # Errors
    /// Where no rule applies, or one that does cannot be followed.
    pub(crate) fn apply(&self, assertion: &Assertion) -> Result<Mapped, MappingError> {
        let mut mapped = Mapped { takes_away: self.version >= Version::Three, ..Mapped::default() };
        let mut applied = false;
        for rule in &self.rules {
            let Some(matches) = rule.matches(assertion) else { continue };
            for local in &rule.local {
                applied = true;
                local.add_to(&mut mapped, &matches)?;
            }
        }
        if !applied {
            return Err(MappingError::Nobody);
        }
        mapped.finish(self.version);
        Ok(mapped)
    }
}

impl Mapped {
    fn finish(&mut self, version: Version) {
        let default = self.default_domain.take().filter(|_| version >= Version::Two);
        if let Some(user) = &mut self.user
            && user.domain.is_none()
        {
            user.domain = default;
        }
        if version < Version::Two {
            // A local side's domain is for its groups alone.
            self.projects.iter_mut().for_each(|project| project.domain = None);
        }
        let mut seen = std::collections::HashSet::new();
        self.group_ids.retain(|id| seen.insert(id.clone()));
    }
}

impl Rule {
    fn read(written: &Value, version: Version) -> Result<Self, MappingError> {
        let written = WrittenRule::deserialize(written).map_err(|error| MappingError::Form(error.to_string()))?;
        if written.remote.is_empty() {
            return Err(MappingError::Form("remote must not be empty".to_owned()));
        }
        let remote = written.remote.into_iter().map(Requirement::read).collect::<Result<Vec<_>, _>>()?;
        let matches = remote.iter().filter(|requirement| requirement.stands_for_a_value()).count();
        let local = written.local.into_iter().map(|local| Local::read(local, version, matches));
        Ok(Self { local: local.collect::<Result<_, _>>()?, remote })
    }

    /// What its requirements stand for; none where it does not apply.
    fn matches(&self, assertion: &Assertion) -> Option<template::Matches> {
        let mut matches = Vec::new();
        for requirement in &self.remote {
            match requirement.look_at(assertion) {
                Outcome::Unmet => return None,
                Outcome::Met => {}
                Outcome::Values(values) => matches.push(values),
            }
        }
        Some(matches)
    }
}
