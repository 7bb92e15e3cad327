//! The policies of all services, as they are in force: replaced together or not at all.

use std::sync::{Arc, PoisonError, RwLock};

use super::{Overrides, Policy, PolicyError, Rule, Scopes};

/// The policies of all services. A request takes its service's once and keeps it to its end.
#[derive(Debug, Default)]
pub struct Policies(RwLock<Vec<Entry>>);

#[derive(Debug, Clone)]
struct Entry {
    service: &'static str,
    tables: Vec<&'static [Rule]>,
    scopes: Scopes,
    policy: Arc<Policy>,
}

impl Policies {
    /// Adds the policy of `service`; its number is for [`Policies::of`].
    pub(crate) fn add(
        &self,
        service: &'static str,
        tables: Vec<&'static [Rule]>,
        scopes: Scopes,
        overrides: &Overrides,
    ) -> Result<usize, PolicyError> {
        let policy = Arc::new(Policy::compile(&tables, scopes, overrides)?);
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry { service, tables, scopes, policy });
        Ok(entries.len() - 1)
    }

    /// The policy in force of the service that was added as the `index`th.
    pub(crate) fn of(&self, index: usize) -> Arc<Policy> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(index).map(|entry| Arc::clone(&entry.policy)).unwrap_or_default()
    }

    /// All services' names with their policies in force.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, Arc<Policy>)> {
        let entries = self.0.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| (entry.service, Arc::clone(&entry.policy))).collect()
    }

    /// Puts `overrides` in force in the place of those before.
    ///
    /// # Errors
    /// The first rule that cannot be used; nothing has changed then.
    pub fn replace(&self, overrides: &Overrides) -> Result<(), PolicyError> {
        let mut entries = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        for entry in &mut entries {
            entry.policy = Arc::new(Policy::compile(&entry.tables, entry.scopes, overrides)?);
        }
        let known = |name: &str| entries.iter().any(|entry| entry.policy.has(name));
        if let Some(rule) = overrides.names().find(|name| !known(name)) {
            return Err(PolicyError::UnknownOverride { rule: rule.to_owned(), at: overrides.line(rule).into() });
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = entries;
        Ok(())
    }
}
