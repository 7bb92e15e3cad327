//! The command line: what can be said, and the way from an error to an exit code.
//!
//! One file per noun. Exit codes: 0 done, 1 failed, 2 not understood, 3 nothing of that name, 4 not allowed.

mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A cloud in one binary.
#[derive(Debug, Parser)]
#[command(name = "cloudbox", version, about, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the cloud on this host
    Serve(serve::Serve),
}

/// Runs the command line that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
    }
}
