//! Why a verb failed, and what of it a client may know.
//!
//! `Display` says what was being done to what and never prints its source: [`DriverError::chain`] does, for
//! the log. The conversion into [`Fault`] is the one place where a failure of a host becomes public: it holds
//! no path, no domain XML and nothing that the hypervisor said.

use std::time::Duration;

use kit::Fault;
use kit::ids::ServerId;

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// There is no such guest.
    #[error("guest {server_id} does not exist")]
    NotFound {
        /// Which.
        server_id: ServerId,
    },
    /// The guest's state does not allow it.
    #[error("{doing}: {reason}")]
    Conflict {
        /// The verb, with its object.
        doing: String,
        /// What is in the way.
        reason: String,
    },
    /// What was asked for makes no guest.
    #[error("not a usable guest: {0}")]
    InvalidSpec(String),
    /// The hypervisor cannot do this.
    #[error("{0} is not supported by the hypervisor")]
    Unsupported(&'static str),
    /// It took longer than it may.
    #[error("{doing} took longer than {after:?}")]
    Timeout {
        /// The verb, with its object.
        doing: String,
        /// How long was waited.
        after: Duration,
    },
    /// Too many verbs are waiting.
    #[error("{doing}: too many requests to the hypervisor are waiting")]
    Busy {
        /// The verb, with its object.
        doing: String,
    },
    /// The hypervisor cannot be reached.
    #[error("{doing}: the hypervisor cannot be reached")]
    Disconnected {
        /// The verb, with its object.
        doing: String,
        /// What the connection said.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The hypervisor refused or failed.
    #[error("{doing} failed")]
    Hypervisor {
        /// The verb, with its object.
        doing: String,
        /// What the hypervisor said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl DriverError {
    /// [`DriverError::InvalidSpec`].
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::InvalidSpec(what.into())
    }

    /// The error and what caused it, on one line: for the log, never for a client.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

impl From<DriverError> for Fault {
    /// What a client may know of it; the rest is the fault's source.
    fn from(error: DriverError) -> Self {
        match &error {
            DriverError::NotFound { server_id } => {
                Self::not_found(format!("Instance {server_id} could not be found.")).caused_by(error)
            }
            DriverError::Conflict { .. } => {
                Self::conflict("The instance's state on its host does not allow this.").caused_by(error)
            }
            DriverError::InvalidSpec(what) if what.contains('/') => Self::internal("describing the guest", error),
            DriverError::InvalidSpec(what) => {
                Self::bad_request(format!("The hypervisor cannot make this guest: {what}.")).caused_by(error)
            }
            DriverError::Unsupported(what) => {
                Self::not_implemented(format!("{what} is not supported by the hypervisor.")).caused_by(error)
            }
            DriverError::Timeout { .. } => {
                Self::timeout("The hypervisor or the guest did not answer in time.").caused_by(error)
            }
            DriverError::Busy { .. } => Self::busy("The hypervisor is busy.", Duration::from_secs(5)).caused_by(error),
            DriverError::Disconnected { .. } => Self::unavailable("The hypervisor cannot be reached.").caused_by(error),
            DriverError::Hypervisor { .. } => Self::internal("driving the hypervisor", error),
        }
    }
}

/// The UUID that `id` spells.
pub(crate) fn uuid_of(id: &ServerId) -> Result<uuid::Uuid, DriverError> {
    uuid::Uuid::parse_str(id.as_str()).map_err(|_| DriverError::invalid(format!("server id {id} is not a UUID")))
}
