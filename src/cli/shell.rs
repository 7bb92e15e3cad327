//! What packages and shells want: completions and manual pages, made from the command line itself.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::output::Output;
use super::problem::{Problem, Result};

/// Print completions for a shell
#[derive(Debug, Args)]
pub struct Completion {
    /// For which
    shell: Shell,
}

/// Write the manual pages into a directory
#[derive(Debug, Args)]
pub struct Man {
    /// Which
    directory: PathBuf,
}

impl Completion {
    /// Prints it.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn run(self, out: Output) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "cloudbox", &mut script);
        out.raw(&String::from_utf8_lossy(&script))
    }
}

impl Man {
    /// Writes them.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn run(self) -> Result<()> {
        let written = std::fs::create_dir_all(&self.directory)
            .and_then(|()| clap_mangen::generate_to(super::command(), &self.directory));
        written.map_err(|error| Problem::io(&format!("cannot write into {}", self.directory.display()), &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page() {
        let dir = tempfile::tempdir().unwrap();
        Man { directory: dir.path().join("man") }.run().unwrap();
        let page = |name: &str| std::fs::read_to_string(dir.path().join("man").join(name));
        assert!(page("cloudbox-vm-create.1").unwrap().contains("boot\\-volume\\-size"));
        assert!(page("cloudbox.1").is_ok() && page("cloudbox-serve.1").is_ok());
        assert!(page("cloudbox-man.1").is_err() && page("cloudbox-help.1").is_err());
    }
}
