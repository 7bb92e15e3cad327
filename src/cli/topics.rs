//! What `cloudbox help TOPIC` says beside the commands.

/// The exit codes.
pub const EXIT_CODES: &str = "\
What the exit codes mean:

  0  done, or whoever read the output had enough of it
  1  it was tried and did not work
  2  not understood, or ambiguous: nothing was done
  3  nothing of that name
  4  not logged in, or not allowed
  5  nobody answers at the cloud's address

A command on several things does all that it can; its code is that of the first failure. `cloudbox vm ssh` ends as the
command in the VM ends, with 255 where ssh itself fails.
";
