//! The query string: ordered, with repeated names, decoded once.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What Python's `quote_plus` leaves as it is, as links on the reference show.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b' ');

/// A query string's names and values, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the part of a URL after `?`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        };
        Self(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// The last value of `name`, as the services take it where one is expected.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of `name`, in order.
    pub fn all<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether `name` is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Whether the last value of `name` says yes, as oslo's `bool_from_string` reads it.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(boolean).unwrap_or(false)
    }

    /// All pairs, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same without any `name`.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(key, _)| key != name);
        self
    }

    /// The same with one `name` at the end.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        let mut query = self.without(name);
        query.0.push((name.to_owned(), value.to_owned()));
        query
    }

    /// The query string again, encoded.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.0 {
            if !text.is_empty() {
                text.push('&');
            }
            encode(name, &mut text);
            text.push('=');
            encode(value, &mut text);
        }
        text
    }
}

fn encode(part: &str, into: &mut String) {
    for piece in utf8_percent_encode(part, KEPT) {
        into.push_str(&piece.replace(' ', "+"));
    }
}

fn decode(text: &str) -> String {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// What `text` means as a boolean, as oslo's strict `bool_from_string` reads it.
#[must_use]
pub fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Some(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repeated_names_keep_their_order() {
        let query = Query::parse("fields=id&limit=1&fields=name&flag&name=a+b%20c");
        assert_eq!(query.all("fields").collect::<Vec<_>>(), ["id", "name"]);
        assert_eq!(query.get("fields"), Some("name"));
        assert_eq!(query.get("flag"), Some(""));
        assert_eq!(query.get("name"), Some("a b c"));
        assert_eq!(query.with("limit", "2").without("fields").encode(), "flag=&name=a+b+c&limit=2");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(pairs in prop::collection::vec((".{1,8}", ".{0,8}"), 0..6)) {
            let query = Query(pairs);
            prop_assert_eq!(Query::parse(&query.encode()), query);
        }
    }
}
