//! What a guest prints, and where its screen is.

use bus::topics::compute_agent::ConsoleEndpoint;
use hypervisor::{DriverError, Endpoint};
use kit::Fault;
use kit::ids::ServerId;

use crate::agent::ComputeAgent;

/// The last `lines` lines of the serial console's log; all when `None`.
///
/// # Errors
/// 409 without a guest.
pub(crate) async fn output(agent: &ComputeAgent, id: &ServerId, lines: Option<u64>) -> Result<String, Fault> {
    let lines = lines.map(|lines| usize::try_from(lines).unwrap_or(usize::MAX));
    let bytes = agent.driver.console_log(id, lines).await.map_err(|error| or_not_ready(id, error))?;
    Ok(printable(&String::from_utf8_lossy(&bytes)))
}

/// Where the screen is served.
///
/// # Errors
/// 409 for a guest that does not run, or has no screen.
pub(crate) async fn vnc(agent: &ComputeAgent, id: &ServerId) -> Result<ConsoleEndpoint, Fault> {
    endpoint(id, agent.driver.vnc(id).await)
}

/// Where the serial console listens: for one client at a time.
///
/// # Errors
/// 409 for a guest that does not run.
pub(crate) async fn serial(agent: &ComputeAgent, id: &ServerId) -> Result<ConsoleEndpoint, Fault> {
    endpoint(id, agent.driver.serial(id).await)
}

fn endpoint(id: &ServerId, found: Result<Option<Endpoint>, DriverError>) -> Result<ConsoleEndpoint, Fault> {
    match found.map_err(|error| or_not_ready(id, error))? {
        Some(Endpoint::Unix(path)) => Ok(ConsoleEndpoint::Unix(path)),
        Some(Endpoint::Tcp(address)) => Ok(ConsoleEndpoint::Tcp(address.port())),
        None => Err(not_ready(id)),
    }
}

fn or_not_ready(id: &ServerId, error: DriverError) -> Fault {
    match error {
        DriverError::NotFound { .. } => not_ready(id),
        error => error.into(),
    }
}

fn not_ready(id: &ServerId) -> Fault {
    Fault::conflict(format!("Instance {id} is not ready"))
}

/// Without what XML cannot hold: Nova takes it out as well.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{7f}'..='\u{9f}')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_left_out() {
        assert_eq!(printable("a\u{1b}[0m\r\n\tb\0"), "a[0m\r\n\tb");
    }
}
