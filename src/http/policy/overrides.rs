//! An operator's policy file: lines of `"rule" = "check"`.

use std::collections::BTreeMap;

use super::PolicyError;

/// The checks that replace defaults.
#[derive(Debug, Clone, Default)]
pub struct Overrides(BTreeMap<String, String>);

impl Overrides {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads a policy file: `"rule" = "check"` on each line; `#` starts a comment.
    ///
    /// # Errors
    /// The first line that is of another form.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let mut rules = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, check) = assignment(line).ok_or(PolicyError::File { line: index + 1 })?;
            rules.insert(name, check);
        }
        Ok(Self(rules))
    }

    /// The check that replaces `rule`'s default.
    #[must_use]
    pub fn get(&self, rule: &str) -> Option<&str> {
        self.0.get(rule).map(String::as_str)
    }

    /// The rules that are replaced.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn assignment(line: &str) -> Option<(String, String)> {
    let (name, rest) = quoted(line)?;
    let (check, rest) = quoted(rest.trim_start().strip_prefix('=')?.trim_start())?;
    let rest = rest.trim_start();
    (rest.is_empty() || rest.starts_with('#')).then_some((name, check))
}

/// The quoted text that `text` starts with, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let mut inner = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' if quote == '"' => inner.push(characters.next()?.1),
            _ if character == quote => return Some((inner, text.get(at + 1..)?)),
            _ => inner.push(character),
        }
    }
    None
}
