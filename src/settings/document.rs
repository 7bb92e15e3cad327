//! A configuration file as it is written: what is in it, where, and all that is wrong with its form at once.

use std::collections::BTreeMap;
use std::ops::Range;

use kit::config::Config;
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::finding::Finding;

/// The most mistakes that are told of one file.
const MOST: usize = 50;

/// A file that was read.
pub(super) struct Document {
    text: String,
    /// Where each key is, by its whole name.
    places: BTreeMap<String, usize>,
}

impl Document {
    /// Reads `text`: what it sets (without what is wrong), and what is wrong.
    pub(super) fn read(text: &str) -> (Self, Config, Vec<Finding>) {
        let mut document = Self { text: text.to_owned(), places: BTreeMap::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let findings = errors.iter().take(MOST).map(|error| document.finding(error, None)).collect();
            return (document, Config::default(), findings);
        }
        places("", table.get_ref(), &mut document.places);
        let (config, findings) = document.take_in(table);
        (document, config, findings)
    }

    /// Takes out what cannot be understood, one after the other, until the rest can be.
    fn take_in(&self, mut table: Spanned<DeTable<'_>>) -> (Config, Vec<Finding>) {
        let mut findings = Vec::new();
        loop {
            let error = match Config::deserialize(toml::Deserializer::from(table.clone())) {
                Ok(config) => return (config, findings),
                Err(error) => error,
            };
            let gone = error.span().and_then(|span| remove("", table.get_mut(), &span));
            findings.push(self.finding(&error, gone.as_deref()));
            if gone.is_none() || findings.len() == MOST {
                return (Config::default(), findings);
            }
        }
    }

    /// Line and column of `key`, or of the nearest table above it; nothing where neither is there.
    pub(super) fn place(&self, key: &str) -> Option<(usize, usize)> {
        let mut key = key;
        loop {
            if let Some(at) = self.places.get(key) {
                return Some(self.line(*at));
            }
            key = key.rsplit_once('.')?.0;
        }
    }

    /// The line that sets `key`.
    pub(super) fn line_of(&self, key: &str) -> Option<usize> {
        self.places.get(key).map(|at| self.line(*at).0)
    }

    fn line(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let begins = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(begins..).unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    }

    fn finding(&self, error: &Error, key: Option<&str>) -> Finding {
        let place = error.span().map(|span| self.line(span.start));
        let message = error.message().trim();
        let text = match (key, unknown(message)) {
            (Some(key), Some(known)) => format!("{key} is no setting{}", suggestion(key, &known)),
            (Some(key), None) => format!("{key}: {}", plain(message)),
            (None, _) => message.replace('\n', ": "),
        };
        Finding { place, text }
    }
}

/// Where each key of `table` is.
fn places(above: &str, table: &DeTable<'_>, found: &mut BTreeMap<String, usize>) {
    for (key, value) in table {
        let name = join(above, key.get_ref());
        found.insert(name.clone(), key.span().start);
        if let DeValue::Table(inner) = value.get_ref() {
            places(&name, inner, found);
        }
    }
}

/// Removes the key whose name or value is at `span`. Its whole name.
fn remove(above: &str, table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let at = |range: &Range<usize>| range.start <= span.start && span.start < range.end.max(range.start + 1);
    let mut found = None;
    for (key, value) in table.iter_mut() {
        let name = join(above, key.get_ref());
        if at(&key.span()) && span.end <= key.span().end {
            found = Some((key.clone(), name));
            break;
        }
        let range = value.span();
        match value.get_mut() {
            DeValue::Table(inner) => {
                if let Some(gone) = remove(&name, inner, span) {
                    return Some(gone);
                }
            }
            _ if at(&range) => {
                found = Some((key.clone(), name));
                break;
            }
            // The tables of an array are apart from each other in the text.
            DeValue::Array(elements) if elements.iter().any(|element| holds(element, span)) => {
                found = Some((key.clone(), name));
                break;
            }
            _ => {}
        }
    }
    let (key, name) = found?;
    table.remove(&key)?;
    Some(name)
}

fn holds(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let inside = |range: Range<usize>| range.start <= span.start && span.end <= range.end;
    match value.get_ref() {
        DeValue::Table(table) => {
            table.iter().any(|(key, value)| inside(key.span()) || inside(value.span()) || holds(value, span))
        }
        DeValue::Array(elements) => elements.iter().any(|element| holds(element, span)),
        _ => inside(value.span()),
    }
}

fn join(above: &str, key: &str) -> String {
    if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") }
}

/// The keys that there are, where `message` is about one that there is not.
fn unknown(message: &str) -> Option<Vec<&str>> {
    let known = message.strip_prefix("unknown field ")?;
    // The first is the unknown one itself.
    Some(known.split('`').skip(1).step_by(2).skip(1).collect())
}

/// The one of `known` that may have been meant.
fn suggestion(key: &str, known: &[&str]) -> String {
    let (above, last) = key.rsplit_once('.').map_or(("", key), |(above, last)| (above, last));
    let near = known.iter().map(|other| (strsim::jaro_winkler(last, other), other));
    match near.max_by(|one, other| one.0.total_cmp(&other.0)) {
        Some((likeness, other)) if likeness > 0.8 => format!("; did you mean {}?", join(above, other)),
        _ => format!("; there are {}", known.join(", ")),
    }
}

/// `message` without the names of Rust's types.
fn plain(message: &str) -> String {
    let expected = [
        (["usize", "u64", "u32", "u16", "u8"].as_slice(), "a whole number that is not negative"),
        (&["f64"], "a number"),
        (&["a boolean"], "true or false"),
        (&["a sequence"], "a list in brackets"),
    ];
    for (names, words) in expected {
        for name in names {
            if let Some(start) = message.strip_suffix(&format!("expected {name}")) {
                return format!("{start}expected {words}");
            }
        }
    }
    message.replace('\n', ": ")
}

/// `config` with `key` as it is by default; nothing where there is no such key.
pub(super) fn reset(config: &Config, key: &str) -> Option<Config> {
    let (mut table, default) = (toml::Table::try_from(config).ok()?, toml::Table::try_from(Config::default()).ok()?);
    let (mut into, mut from) = (&mut table, &default);
    let mut parts = key.split('.').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            into.insert(part.to_owned(), from.get(part)?.clone());
            break;
        }
        (into, from) = (into.get_mut(part)?.as_table_mut()?, from.get(part)?.as_table()?);
    }
    Config::deserialize(toml::Value::Table(table).into_deserializer()).ok()
}
