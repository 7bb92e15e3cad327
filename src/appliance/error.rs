//! Why the appliance did not come up, with what to do about it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use kit::Timestamp;

use super::tls::CertificateError;
use crate::supervisor;

/// Why the appliance did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error("the data directory {} cannot be used: {source}; {}", path.display(), hint_on_files(source))]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The clock shows a time before what is on record.
    #[error(
        "it is {now} by this host's clock, but the newest record in the database is from {newest}: set the clock (`timedatectl`); \
         if it is right and the record is not, start once with `trust_clock = true` in the configuration"
    )]
    Clock {
        /// What the clock shows.
        now: Timestamp,
        /// When the newest record was made.
        newest: Timestamp,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; {}", hint_on_address(*address, source))]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The certificate cannot be used.
    #[error("TLS: {0}")]
    Tls(#[from] CertificateError),
    /// A driver cannot be used on this host.
    #[error("{what} cannot be used on this host: {reason}")]
    Driver {
        /// Which driver.
        what: &'static str,
        /// Why not, with causes.
        reason: String,
    },
    /// The policy file cannot be used.
    #[error("the policy file cannot be used: {0}")]
    Policy(String),
    /// The APIs contradict themselves: a defect.
    #[error("the APIs cannot be put together")]
    Api(#[from] http_kit::BuildError),
    /// What a new cloud has cannot be made.
    #[error("setting up {service} failed: {reason}")]
    Bootstrap {
        /// For which service.
        service: &'static str,
        /// Why, with causes.
        reason: String,
    },
    /// A unit did not start.
    #[error(transparent)]
    Unit(#[from] supervisor::StartError),
}

impl StartError {
    /// That `path` in the data directory cannot be used.
    pub(super) fn data_dir(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::DataDir { path: path.to_owned(), source }
    }

    /// The process's exit code: 2 where the configuration must be changed, 4 where permission is lacking, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let by_kind = |kind: ErrorKind| if kind == ErrorKind::PermissionDenied { 4 } else { 1 };
        match self {
            Self::Tls(CertificateError::File { source, .. }) if source.kind() == ErrorKind::PermissionDenied => 4,
            Self::Tls(error) if error.is_of_the_clock() => 1,
            Self::Tls(CertificateError::File { source, .. }) if source.kind() == ErrorKind::StorageFull => 1,
            Self::Tls(_) | Self::Policy(_) => 2,
            Self::Listen { source, .. } if source.kind() == ErrorKind::AddrNotAvailable => 2,
            Self::DataDir { source, .. } | Self::Listen { source, .. } => by_kind(source.kind()),
            Self::Store(store::OpenError::ReadOnly { .. }) => 4,
            _ => 1,
        }
    }
}

fn hint_on_files(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => "run cloudbox as root, or name a directory of your own with --data-dir",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full: free some space and start again",
        ErrorKind::ReadOnlyFilesystem => {
            "it is mounted read-only: mount it writable, or name another directory with --data-dir"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "something else is in its place: name another directory with --data-dir"
        }
        _ => "look at the directory, or name another one with --data-dir",
    }
}

fn hint_on_address(address: SocketAddr, error: &io::Error) -> String {
    let port = address.port();
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "`ss -ltnp 'sport = :{port}'` shows who listens there; stop that program, or choose another port with --listen or [api] listen"
        ),
        ErrorKind::AddrNotAvailable => {
            "this host does not have that address (`ip address` shows those it has); change --listen or [api] listen"
                .to_owned()
        }
        ErrorKind::PermissionDenied => {
            "ports below 1024 are root's: run cloudbox as root, or choose another port with --listen or [api] listen"
                .to_owned()
        }
        _ => "choose another address with --listen or [api] listen".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_what_to_do() {
        let listen =
            |kind: ErrorKind| StartError::Listen { address: "192.0.2.1:80".parse().unwrap(), source: kind.into() };
        let directory = |kind: ErrorKind| StartError::data_dir(Path::new("/d"))(kind.into());
        for (error, said, code) in [
            (listen(ErrorKind::AddrInUse), "ss -ltnp 'sport = :80'", 1),
            (listen(ErrorKind::AddrNotAvailable), "ip address", 2),
            (listen(ErrorKind::PermissionDenied), "as root", 4),
            (directory(ErrorKind::PermissionDenied), "--data-dir", 4),
            (directory(ErrorKind::StorageFull), "free some space", 1),
            (directory(ErrorKind::ReadOnlyFilesystem), "mount it writable", 1),
            (directory(ErrorKind::NotADirectory), "something else", 1),
        ] {
            assert!(error.to_string().contains(said), "{error}");
            assert_eq!(error.exit_code(), code, "{error}");
        }
    }
}
