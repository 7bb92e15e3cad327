//! The `cloudbox` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    cloudbox::cli::main()
}
