//! What went wrong, what to do next, and the exit code that says so.

use std::process::ExitCode;

/// What every command answers.
pub type Result<T> = std::result::Result<T, Problem>;

/// The kinds of failure that have an exit code of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It was tried and did not work: 1.
    Failed,
    /// The command line does not say what is meant: 2.
    Usage,
    /// Nothing of that name: 3.
    NotFound,
    /// Not logged in, or not allowed: 4.
    NotAllowed,
    /// Nobody answers: 5.
    Unreachable,
    /// Whoever read our output has had enough. No failure: 0.
    BrokenPipe,
}

/// A failure as it is told to the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Problem {
    /// Which exit code it has.
    pub kind: Kind,
    /// What went wrong.
    pub text: String,
    /// What to do next, where that is known.
    pub hint: Option<String>,
}

impl Problem {
    fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), hint: None }
    }

    /// It was tried and did not work.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::new(Kind::Failed, text)
    }

    /// The command line does not say what is meant.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Kind::Usage, text)
    }

    /// Nothing of that name.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, text)
    }

    /// Not logged in, or not allowed.
    pub fn not_allowed(text: impl Into<String>) -> Self {
        Self::new(Kind::NotAllowed, text)
    }

    /// Nobody answers.
    pub fn unreachable(text: impl Into<String>) -> Self {
        Self::new(Kind::Unreachable, text)
    }

    /// The failure `error` of `doing` something; a reader that has gone is not one.
    pub fn io(doing: &str, error: &std::io::Error) -> Self {
        let kind = if error.kind() == std::io::ErrorKind::BrokenPipe { Kind::BrokenPipe } else { Kind::Failed };
        Self::new(kind, format!("{doing}: {error}"))
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::BrokenPipe => 0,
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::NotFound => 3,
            Kind::NotAllowed => 4,
            Kind::Unreachable => 5,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_gone_is_not_a_failure() {
        let gone = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(Problem::io("writing", &gone).exit_code(), ExitCode::SUCCESS);
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert_eq!(Problem::io("writing", &full).kind, Kind::Failed);
    }
}
