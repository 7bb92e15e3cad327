//! The content of the two tables as data, and the transaction that leads from one content to another. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::numbers::Numbers;
use super::{groups, ports, tables};
use crate::drivers::desired::Desired;
use crate::drivers::linux::names::Names;

/// The family of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Frames between the ports of a bridge.
    Bridge,
    /// IP packets, bridged ones included.
    Inet,
}

impl Family {
    /// As nft spells it.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Inet => "inet",
        }
    }
}

/// A chain, set or map: its table's family and its name.
pub type Place = (Family, String);

/// What changes with the host's networks and ports; what never changes is in [`tables`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ruleset {
    /// Sets that come and go, with their type.
    sets: BTreeMap<Place, &'static str>,
    /// Chains that come and go, with their rules.
    chains: BTreeMap<Place, Vec<String>>,
    /// The elements of all sets and maps: key, and for maps the value.
    elements: BTreeMap<Place, BTreeMap<String, Option<String>>>,
}

impl Ruleset {
    /// What the tables hold for `desired`.
    #[must_use]
    pub fn render(names: &Names, desired: &Desired, numbers: &Numbers) -> Self {
        let mut rules = Self::default();
        ports::render_networks(&mut rules, names, desired, numbers);
        groups::render(&mut rules, desired);
        ports::render_ports(&mut rules, names, desired, numbers);
        rules
    }

    /// Declares a set.
    pub fn set(&mut self, family: Family, name: impl Into<String>, kind: &'static str) {
        self.sets.insert((family, name.into()), kind);
    }

    /// Declares a chain with its rules.
    pub fn chain(&mut self, family: Family, name: impl Into<String>, rules: Vec<String>) {
        self.chains.insert((family, name.into()), rules);
    }

    /// Puts an element into a set.
    pub fn element(&mut self, family: Family, set: impl Into<String>, key: impl Into<String>) {
        self.elements.entry((family, set.into())).or_default().insert(key.into(), None);
    }

    /// Puts an element into a map.
    pub fn mapping(&mut self, family: Family, map: &str, key: impl Into<String>, value: impl Into<String>) {
        self.elements.entry((family, map.to_owned())).or_default().insert(key.into(), Some(value.into()));
    }

    /// The transaction that makes both tables hold exactly this, whatever was in them.
    #[must_use]
    pub fn replacement(&self, table: &str) -> String {
        let mut script = String::new();
        for (family, skeleton) in [(Family::Bridge, tables::BRIDGE), (Family::Inet, tables::INET)] {
            let family = family.keyword();
            // Deleting wants a table that is there; adding one that is there is fine.
            let _ = write!(script, "add table {family} {table}\ndelete table {family} {table}\n");
            let _ = write!(script, "table {family} {table} {{\n{skeleton}}}\n");
        }
        if let Some(changes) = self.changes_from(&Self::default(), table) {
            script.push_str(&changes);
        }
        script
    }

    /// The transaction that leads from `before` to this, with what differs and nothing else; none when nothing does.
    #[must_use]
    pub fn changes_from(&self, before: &Self, table: &str) -> Option<String> {
        let mut script = Script { table, text: String::new() };
        let none = BTreeMap::new();
        // First whatever the new rules refer to …
        for (place, kind) in self.sets.iter().filter(|(place, _)| !before.sets.contains_key(*place)) {
            script.line("add set", place, &format!(" {{ {kind}; }}"));
        }
        for place in self.chains.keys().filter(|place| !before.chains.contains_key(*place)) {
            script.line("add chain", place, "");
        }
        // … then away with elements that lead to old chains …
        for (place, old) in &before.elements {
            let new = self.elements.get(place).unwrap_or(&none);
            let gone = old.iter().filter(|(key, value)| new.get(*key) != Some(value));
            let gone: Vec<&str> = gone.map(|(key, _)| key.as_str()).collect();
            if self.sets.contains_key(place) || !before.sets.contains_key(place) {
                script.elements("delete element", place, &gone);
            }
        }
        // … the rules, …
        for (place, rules) in self.chains.iter().filter(|(place, rules)| before.chains.get(*place) != Some(rules)) {
            if before.chains.contains_key(place) {
                script.line("flush chain", place, "");
            }
            rules.iter().for_each(|rule| script.line("add rule", place, &format!(" {rule}")));
        }
        // … the elements that lead to them, …
        for (place, new) in &self.elements {
            let old = before.elements.get(place).unwrap_or(&none);
            let added = new.iter().filter(|(key, value)| old.get(*key) != Some(value));
            let added: Vec<String> = added
                .map(|(key, value)| value.as_ref().map_or_else(|| key.clone(), |value| format!("{key} : {value}")))
                .collect();
            script.elements("add element", place, &added);
        }
        // … and last what nothing refers to any more.
        let gone: BTreeSet<&Place> = before.chains.keys().filter(|place| !self.chains.contains_key(*place)).collect();
        gone.iter().for_each(|place| script.line("flush chain", place, ""));
        gone.iter().for_each(|place| script.line("delete chain", place, ""));
        for place in before.sets.keys().filter(|place| !self.sets.contains_key(*place)) {
            script.line("delete set", place, "");
        }
        (!script.text.is_empty()).then_some(script.text)
    }
}

struct Script<'a> {
    table: &'a str,
    text: String,
}

impl Script<'_> {
    fn line(&mut self, verb: &str, (family, name): &Place, rest: &str) {
        let _ = writeln!(self.text, "{verb} {} {} {name}{rest}", family.keyword(), self.table);
    }

    fn elements<T: AsRef<str>>(&mut self, verb: &str, place: &Place, elements: &[T]) {
        if !elements.is_empty() {
            let list: Vec<&str> = elements.iter().map(AsRef::as_ref).collect();
            self.line(verb, place, &format!(" {{ {} }}", list.join(", ")));
        }
    }
}
