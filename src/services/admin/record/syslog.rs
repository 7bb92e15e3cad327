//! A syslog daemon on this host: a datagram for each record, as RFC 5424 has it.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kit::Timestamp;

/// The facility for audit.
const FACILITY: u8 = 13;
/// What succeeded is a notice, what failed a warning.
const NOTICE: u8 = 5;
const WARNING: u8 = 4;
/// How long the daemon has to take a datagram.
const PATIENCE: Duration = Duration::from_millis(500);

/// The daemon.
pub(super) struct Syslog {
    path: PathBuf,
    host: String,
    open: Mutex<Option<UnixDatagram>>,
}

impl Syslog {
    /// The daemon that listens at `path`, told that this is `host`.
    pub(super) fn new(path: PathBuf, host: &str) -> Self {
        let plain = |character: &char| character.is_ascii_graphic();
        Self { path, host: host.chars().filter(plain).take(255).collect(), open: Mutex::default() }
    }

    /// Sends `lines` with whether they succeeded and when; whether the daemon took them.
    pub(super) fn send(&self, lines: &[(bool, Timestamp, String)]) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().all(|(succeeded, at, line)| {
            let message = self.message(*succeeded, *at, line);
            // A daemon that was restarted has another socket: tried once more.
            let sent = self.send_one(&mut open, &message).or_else(|_| self.send_one(&mut open, &message));
            if let Err(error) = &sent {
                tracing::error!(path = %self.path.display(), %error, "the syslog daemon did not take an audit record");
            }
            sent.is_ok()
        })
    }

    fn send_one(&self, open: &mut Option<UnixDatagram>, message: &str) -> std::io::Result<()> {
        let socket = match open {
            Some(socket) => socket,
            None => {
                let socket = UnixDatagram::unbound()?;
                socket.set_write_timeout(Some(PATIENCE))?;
                socket.connect(&self.path)?;
                open.insert(socket)
            }
        };
        let sent = socket.send(message.as_bytes()).map(drop);
        if sent.is_err() {
            *open = None;
        }
        sent
    }

    fn message(&self, succeeded: bool, at: Timestamp, line: &str) -> String {
        let priority = FACILITY * 8 + if succeeded { NOTICE } else { WARNING };
        let host = if self.host.is_empty() { "-" } else { &self.host };
        format!("<{priority}>1 {} {host} cloudbox {} AUDIT - {line}", kit::time::micros_z(at), std::process::id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_gets_a_datagram_for_each_record_also_after_it_was_restarted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let line = |text: &str| (true, Timestamp::UNIX_EPOCH, text.to_owned());
        let syslog = Syslog::new(path.clone(), "host 1");
        assert!(!syslog.send(&[line("lost")]), "nobody listens");
        for _ in 0..2 {
            let daemon = UnixDatagram::bind(&path).unwrap();
            assert!(syslog.send(&[line("{\"a\":1}"), (false, Timestamp::UNIX_EPOCH, "{}".to_owned())]));
            let mut buffer = [0; 512];
            let mut next = || {
                let length = daemon.recv(&mut buffer).unwrap();
                String::from_utf8(buffer[..length].to_vec()).unwrap()
            };
            let process = std::process::id();
            let expected = format!("1 1970-01-01T00:00:00.000000Z host1 cloudbox {process} AUDIT - ");
            assert_eq!(next(), format!("<109>{expected}{{\"a\":1}}"));
            assert_eq!(next(), format!("<108>{expected}{{}}"));
            std::fs::remove_file(&path).unwrap();
        }
    }
}
