//! The terminal on standard input, changed for a while: without echo for a secret, raw for a console.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::problem::{Problem, Result};

/// The most bytes of a secret.
const LONGEST_SECRET: u64 = 4096;

/// The terminal as it is wanted now. It is as it was before when this is dropped; where there is none, nothing is done.
pub struct Changed(Option<Termios>);

impl Changed {
    /// Every key goes through as it is.
    ///
    /// # Errors
    /// When the terminal cannot be changed; so with the other.
    pub fn raw() -> Result<Self> {
        Self::by(Termios::make_raw)
    }

    /// What is typed is not seen.
    pub fn silent() -> Result<Self> {
        Self::by(|modes| modes.local_modes.remove(LocalModes::ECHO))
    }

    fn by(change: impl FnOnce(&mut Termios)) -> Result<Self> {
        let input = std::io::stdin();
        if !input.is_terminal() {
            return Ok(Self(None));
        }
        let refused = |error: rustix::io::Errno| Problem::io("cannot set the terminal up", &error.into());
        let before = tcgetattr(&input).map_err(refused)?;
        let mut now = before.clone();
        change(&mut now);
        tcsetattr(&input, OptionalActions::Now, &now).map_err(refused)?;
        Ok(Self(Some(before)))
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // Nobody is left to tell.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
            eprintln!();
        }
    }
}

/// A line of standard input; of a terminal it is asked for as `what`, and not shown.
///
/// # Errors
/// When nothing can be read.
pub fn secret(what: &str) -> Result<String> {
    let silent = Changed::silent()?;
    if silent.0.is_some() {
        // Who does not see it can type all the same.
        let _ = write!(std::io::stderr(), "{what}: ");
    }
    let mut line = String::new();
    let read = std::io::stdin().lock().take(LONGEST_SECRET).read_line(&mut line);
    read.map_err(|error| Problem::io(&format!("cannot read the {what}"), &error))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
