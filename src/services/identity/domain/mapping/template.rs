//! Texts of a mapping's local side, with places for what the remote side matched: `{0}`, `{1}`, ….
//!
//! The places are found when the mapping is read, never in what an identity provider sends: a claim that holds
//! braces or brackets stays what it is.

use super::MappingError;

/// What each requirement that stands for a value matched, in order.
pub(crate) type Matches = Vec<Vec<String>>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Match(usize),
}

/// A text with places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

impl Template {
    /// Reads `text`, which may name the first `matches` matches. Braces are doubled to stand for themselves, and
    /// `{}` is the next match, as in Python.
    ///
    /// # Errors
    /// For a place that there is not, and for anything else between braces.
    pub(crate) fn parse(text: &str, matches: usize) -> Result<Self, MappingError> {
        let (mut pieces, mut literal, mut rest, mut next) = (Vec::new(), String::new(), text, 0);
        while let Some((before, after)) = rest.split_once(['{', '}']) {
            literal.push_str(before);
            let opened = rest.get(before.len()..).is_some_and(|tail| tail.starts_with('{'));
            let brace = if opened { '{' } else { '}' };
            if let Some(after) = after.strip_prefix(brace) {
                literal.push(brace);
                rest = after;
                continue;
            }
            let place = if opened { after.split_once('}') } else { None };
            let (name, after) = place.ok_or_else(|| MappingError::Place(text.to_owned()))?;
            let index = match name {
                "" => next,
                name => name.parse().map_err(|_| MappingError::Place(text.to_owned()))?,
            };
            next += 1;
            if index >= matches {
                return Err(MappingError::NoSuchMatch);
            }
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Match(index));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self(pieces))
    }

    /// The text with the matches in their places; several values of one match as Python prints a list.
    pub(crate) fn text(&self, matches: &Matches) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Match(index) => match matches.get(*index).map(Vec::as_slice).unwrap_or_default() {
                    [one] => text.push_str(one),
                    several => text.push_str(&printed(several)),
                },
            }
        }
        text
    }

    /// Each value, where the text is nothing but a match; else the one text.
    pub(crate) fn texts(&self, matches: &Matches) -> Vec<String> {
        match self.0.as_slice() {
            [Piece::Match(index)] => matches.get(*index).cloned().unwrap_or_default(),
            _ => vec![self.text(matches)],
        }
    }
}

/// A list as Python prints it.
fn printed(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("[{}]", quoted.join(", "))
}

fn quoted(value: &str) -> String {
    let quote = if value.contains('\'') && !value.contains('"') { '"' } else { '\'' };
    let escaped = value.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r");
    let escaped = if quote == '\'' { escaped.replace('\'', "\\'") } else { escaped };
    format!("{quote}{escaped}{quote}")
}

/// One template, or the elements of a list of them that was written as Python writes one: `['a', '{0}']`.
///
/// # Errors
/// As [`Template::parse`].
pub(crate) fn parse_list(text: &str, matches: usize) -> Result<Vec<Template>, MappingError> {
    match literal_list(text) {
        Some(items) => items.iter().map(|item| Template::parse(item, matches)).collect(),
        None => Ok(vec![Template::parse(text, matches)?]),
    }
}

/// The elements of a Python list of texts; none where it is anything else.
fn literal_list(text: &str) -> Option<Vec<String>> {
    let mut rest = text.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    let mut items = Vec::new();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
        let (item, after) = literal_text(rest.strip_prefix(quote)?, quote)?;
        items.push(item);
        rest = after.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start();
        }
    }
    Some(items)
}

/// A text up to its closing `quote`, and what follows.
fn literal_text(text: &str, quote: char) -> Option<(String, &str)> {
    let mut item = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => match characters.next()?.1 {
                'n' => item.push('\n'),
                't' => item.push('\t'),
                'r' => item.push('\r'),
                other => item.push(other),
            },
            _ if character == quote => return Some((item, text.get(at + character.len_utf8()..)?)),
            other => item.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(values: &[&[&str]]) -> Matches {
        values.iter().map(|values| values.iter().map(|value| (*value).to_owned()).collect()).collect()
    }

    fn text(template: &str, values: &[&[&str]]) -> Result<String, MappingError> {
        let matches = matches(values);
        Template::parse(template, matches.len()).map(|template| template.text(&matches))
    }

    #[test]
    fn places_are_filled() {
        let values: &[&[&str]] = &[&["Bob"], &["Thompson"], &["a", "it's"]];
        assert_eq!(text("{0} {1}", values).unwrap(), "Bob Thompson");
        assert_eq!(text("{}-{}", values).unwrap(), "Bob-Thompson");
        assert_eq!(text("{{{0}}}", values).unwrap(), "{Bob}");
        assert_eq!(text("{2}", values).unwrap(), r#"['a', "it's"]"#);
        assert_eq!(text("{0}", &[&[]]).unwrap(), "[]");
        assert!(matches!(text("{3}", values), Err(MappingError::NoSuchMatch)));
        for wrong in ["{", "}", "{0", "{name}", "{0!r}", "{0:>9}", "{-1}"] {
            assert!(matches!(text(wrong, values), Err(MappingError::Place(_))), "{wrong}");
        }
    }

    #[test]
    fn a_match_alone_is_all_of_its_values() {
        let values = matches(&[&["a", "b"], &["['x', 'y']"]]);
        assert_eq!(Template::parse("{0}", 2).unwrap().texts(&values), ["a", "b"]);
        assert_eq!(Template::parse("{1}", 2).unwrap().texts(&values), ["['x', 'y']"], "a claim is no list");
        assert_eq!(Template::parse("g-{1}", 2).unwrap().texts(&values), ["g-['x', 'y']"]);
    }

    #[test]
    fn a_list_is_read_as_python_writes_it() {
        assert_eq!(literal_list("['a', \"b\", 'it\\'s',]").unwrap(), ["a", "b", "it's"]);
        assert_eq!(literal_list(" [ ] ").unwrap(), Vec::<String>::new());
        for no in ["a", "[a]", "['a' 'b']", "['a'", "[1]", "('a',)", "['a]"] {
            assert_eq!(literal_list(no), None, "{no}");
        }
    }

    proptest! {
        #[test]
        fn text_without_braces_stays_itself(template in "[^{}]{0,40}") {
            prop_assert_eq!(text(&template, &[]).unwrap(), template);
        }

        #[test]
        fn doubled_braces_stand_for_themselves(wanted in "[a{}]{0,20}") {
            let template = wanted.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(text(&template, &[]).unwrap(), wanted);
        }

        #[test]
        fn what_a_match_holds_is_never_read(value in ".{0,40}") {
            prop_assert_eq!(text("<{0}>", &[&[&value]]).unwrap(), format!("<{value}>"));
        }

        #[test]
        fn a_printed_list_is_read_back(values in prop::collection::vec("[ -~\n]{0,12}", 2..5)) {
            prop_assert_eq!(literal_list(&printed(&values)), Some(values));
        }
    }
}
