//! `qemu-img`, with limits on what it may take.
//!
//! It reads what users uploaded: memory and processor time are bounded, so that a crafted image costs an error and not the host.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use kit::Fault;
use tokio::process::Command;

/// The most address space, in bytes.
const ADDRESS_SPACE: u64 = 2 << 30;
/// The most processor time, in seconds.
const CPU_SECONDS: u64 = 1800;
/// The longest run.
const WITHIN: Duration = Duration::from_secs(3600);

/// Runs `qemu-img` with `arguments`; `doing` is for the log.
pub(super) async fn run<I, A>(doing: &str, arguments: I) -> Result<(), Fault>
where
    I: IntoIterator<Item = A>,
    A: AsRef<OsStr>,
{
    let mut command = Command::new("prlimit");
    command.arg(format!("--as={ADDRESS_SPACE}")).arg(format!("--cpu={CPU_SECONDS}")).arg("qemu-img").args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = tokio::time::timeout(WITHIN, command.output())
        .await
        .map_err(|_| Fault::timeout("Copying the image took too long."))?
        .map_err(|error| Fault::internal(doing, error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if said.contains("No space left on device") {
        return Err(Fault::unavailable(
            "There is not enough disk space on the host of the volume. Free some and try again.",
        ));
    }
    Err(Fault::internal(doing, format!("qemu-img: {}: {said}", output.status)))
}
