//! A writer of indented XML that escapes what it is given.

use std::fmt::Write as _;

/// An attribute: its name and its value, unescaped.
pub type Attribute<'a> = (&'a str, &'a str);

/// XML being written.
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
    depth: usize,
}

impl Writer {
    /// `<name attributes/>`
    pub fn empty(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        self.open(name, attributes);
        self.out.push_str("/>\n");
    }

    /// `<name attributes>text</name>`
    pub fn text(&mut self, name: &str, attributes: &[Attribute<'_>], text: &str) {
        self.open(name, attributes);
        let _infallible = writeln!(self.out, ">{}</{name}>", escaped(text));
    }

    /// `<name attributes>` with what `content` writes inside.
    pub fn element(&mut self, name: &str, attributes: &[Attribute<'_>], content: impl FnOnce(&mut Self)) {
        self.open(name, attributes);
        self.out.push_str(">\n");
        self.depth += 1;
        content(self);
        self.depth -= 1;
        let _infallible = writeln!(self.out, "{:indent$}</{name}>", "", indent = self.depth * 2);
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.out
    }

    fn open(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        let _infallible = write!(self.out, "{:indent$}<{name}", "", indent = self.depth * 2);
        for (key, value) in attributes {
            let _infallible = write!(self.out, " {key}='{}'", escaped(value));
        }
    }
}

/// `text` as it may stand in an element or a quoted attribute. XML has no way to write most control
/// characters: they become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _infallible = write!(out, "&#{};", u32::from(c));
            }
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Root {
        #[serde(rename = "@a")]
        attribute: String,
        #[serde(rename = "$text", default)]
        text: String,
    }

    proptest! {
        #[test]
        fn nothing_breaks_out(attribute in "\\PC*", text in "[^\\p{C}\\s]*") {
            let mut xml = Writer::default();
            xml.text("root", &[("a", &attribute)], &text);
            let root: Root = quick_xml::de::from_str(&xml.finish()).unwrap();
            prop_assert_eq!(root.attribute, attribute);
            prop_assert_eq!(root.text, text);
        }
    }

    #[test]
    fn control_characters_are_replaced() {
        let mut xml = Writer::default();
        xml.text("n", &[], "a\u{1b}[31m\u{0}b\n");
        assert_eq!(xml.finish(), "<n>a\u{fffd}[31m\u{fffd}b&#10;</n>\n");
    }
}
