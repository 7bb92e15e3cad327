//! A mistake in the configuration: where it is, what it is, and what would be right.

use std::fmt;

/// A mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Line and column, from 1; nothing where it is not in the file.
    pub place: Option<(usize, usize)>,
    /// What is wrong, in a line.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{line}:{column}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}
