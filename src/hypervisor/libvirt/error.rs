//! From libvirt's errors to ours.

use std::time::Duration;

use kit::ids::ServerId;
use virt::error::{Error, ErrorDomain, ErrorNumber};

use crate::error::DriverError;

/// What was being done, to which guest.
#[derive(Debug, Clone)]
pub struct Doing {
    verb: &'static str,
    server_id: Option<ServerId>,
}

impl Doing {
    /// `verb` to the guest `server_id`.
    pub fn to(verb: &'static str, server_id: &ServerId) -> Self {
        Self { verb, server_id: Some(server_id.clone()) }
    }

    /// `verb` to no guest in particular.
    pub const fn on_host(verb: &'static str) -> Self {
        Self { verb, server_id: None }
    }
}

impl std::fmt::Display for Doing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.server_id {
            Some(server_id) => write!(f, "{} guest {server_id}", self.verb),
            None => f.write_str(self.verb),
        }
    }
}

/// How a job failed, before it is known what was being done.
#[derive(Debug)]
pub enum Failure {
    /// Libvirt refused.
    Libvirt(Error),
    /// There is no such guest.
    NoGuest,
    /// The guest's state is in the way.
    Conflict(String),
    /// It is ready to be answered.
    Ready(DriverError),
    /// The host refused.
    Other(Box<dyn std::error::Error + Send + Sync>),
}

/// What a job answers.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// [`Failure::Other`].
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// The answer to the driver's caller.
    pub fn while_doing(self, doing: &Doing) -> DriverError {
        let source = match self {
            Self::Libvirt(error) => return translate(error, doing),
            Self::NoGuest => return not_found(doing),
            Self::Conflict(reason) => return DriverError::Conflict { doing: doing.to_string(), reason },
            Self::Ready(error) => return error,
            Self::Other(source) => source,
        };
        DriverError::Hypervisor { doing: doing.to_string(), source }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Libvirt(error)
    }
}

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        Self::Ready(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::other(error)
    }
}

impl From<super::xml::Unreadable> for Failure {
    fn from(error: super::xml::Unreadable) -> Self {
        Self::other(error)
    }
}

/// Whether libvirt says that there is no such domain.
pub fn is_no_domain(error: &Error) -> bool {
    error.code() == ErrorNumber::NoDomain
}

/// Whether the connection to libvirt is what failed.
pub fn is_disconnect(error: &Error) -> bool {
    match error.code() {
        ErrorNumber::NoConnect | ErrorNumber::InvalidConn | ErrorNumber::Rpc => true,
        // A socket that breaks during a call is a system or internal error of the RPC layer.
        ErrorNumber::SystemError | ErrorNumber::InternalError => {
            matches!(error.domain(), ErrorDomain::Rpc | ErrorDomain::Remote)
        }
        _ => false,
    }
}

fn not_found(doing: &Doing) -> DriverError {
    match &doing.server_id {
        Some(server_id) => DriverError::NotFound { server_id: server_id.clone() },
        None => DriverError::Hypervisor { doing: doing.to_string(), source: "no such domain".into() },
    }
}

fn translate(error: Error, doing: &Doing) -> DriverError {
    match error.code() {
        _ if is_disconnect(&error) => {
            DriverError::Disconnected { doing: doing.to_string(), source: Some(Box::new(error)) }
        }
        ErrorNumber::NoDomain => not_found(doing),
        ErrorNumber::OperationInvalid | ErrorNumber::DomExist => {
            DriverError::Conflict { doing: doing.to_string(), reason: error.message().to_owned() }
        }
        // Another job of the same domain held it for the 30 s that libvirt waits.
        ErrorNumber::OperationTimeout => {
            DriverError::Timeout { doing: doing.to_string(), after: Duration::from_secs(30) }
        }
        _ => DriverError::Hypervisor { doing: doing.to_string(), source: Box::new(error) },
    }
}
