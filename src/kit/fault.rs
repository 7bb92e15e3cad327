//! The one error that crosses service boundaries.
//!
//! A [`Fault`] says what went wrong in the terms of the caller, free of any transport: `http` turns it
//! into each service's own error body, the bus carries it as it is. Its message is public: it never
//! holds a path, SQL or a backtrace. The cause stays behind in [`std::error::Error::source`]
//! for the log of the process where it happened, and does not travel.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What kind of failure it is; `http` maps each to a status code per service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FaultKind {
    /// The request is malformed or asks for the impossible: 400.
    BadRequest,
    /// No token, or not a valid one: 401.
    Unauthorized,
    /// The caller may see the thing but not do this to it: 403.
    Forbidden,
    /// No such thing, or the caller may not see it: 404.
    NotFound,
    /// The path exists, the method does not: 405.
    MethodNotAllowed,
    /// The microversion asked for is not supported: 406.
    NotAcceptable,
    /// The state of the thing does not allow it: 409.
    Conflict,
    /// OpenStack has withdrawn it: 410.
    Gone,
    /// A quota is used up: 403, 409 or 413, by service.
    OverQuota,
    /// The body is larger than allowed: 413.
    PayloadTooLarge,
    /// The media type is not one that is understood here: 415.
    UnsupportedMediaType,
    /// There are no such bytes: 416.
    RangeNotSatisfiable,
    /// No host has room for it. Nova's `NoValidHost`; a server's fault says 500.
    NoValidHost,
    /// Not offered by this cloud: 501.
    NotImplemented,
    /// The caller has asked, or failed, too often: 429 with `Retry-After`.
    TooMany,
    /// A queue is full, try again: 503 with `Retry-After`.
    Busy,
    /// A part of the cloud is not there: 503.
    Unavailable,
    /// The deadline passed: 504.
    Timeout,
    /// A defect or a failure of the host: 500, with nothing told about its cause.
    Internal,
}

/// A failure, as its caller is told of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    kind: FaultKind,
    message: Cow<'static, str>,
    code: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    #[serde(skip)]
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident)+) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
            Self::new(FaultKind::$kind, message)
        }
    )+};
}

impl Fault {
    /// A fault of `kind` with a public `message`.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), code: None, retry_after: None, source: None }
    }

    constructors! {
        /// [`FaultKind::BadRequest`].
        bad_request => BadRequest
        /// [`FaultKind::Unauthorized`].
        unauthorized => Unauthorized
        /// [`FaultKind::Forbidden`].
        forbidden => Forbidden
        /// [`FaultKind::NotFound`].
        not_found => NotFound
        /// [`FaultKind::Conflict`].
        conflict => Conflict
        /// [`FaultKind::Gone`].
        gone => Gone
        /// [`FaultKind::OverQuota`].
        over_quota => OverQuota
        /// [`FaultKind::PayloadTooLarge`].
        too_large => PayloadTooLarge
        /// [`FaultKind::UnsupportedMediaType`].
        unsupported_media_type => UnsupportedMediaType
        /// [`FaultKind::RangeNotSatisfiable`].
        range_not_satisfiable => RangeNotSatisfiable
        /// [`FaultKind::NoValidHost`].
        no_valid_host => NoValidHost
        /// [`FaultKind::NotImplemented`].
        not_implemented => NotImplemented
        /// [`FaultKind::Unavailable`].
        unavailable => Unavailable
        /// [`FaultKind::Timeout`].
        timeout => Timeout
    }

    /// A defect or a failure of the host. `doing` and `cause` go to the log only; the caller reads
    /// that it was unexpected.
    #[must_use]
    pub fn internal(doing: &str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let cause: Box<dyn std::error::Error + Send + Sync> = cause.into();
        Self::new(FaultKind::Internal, "An unexpected error prevented the server from fulfilling your request.")
            .caused_by(Doing { doing: doing.to_owned(), cause })
    }

    /// A full queue: the caller should try again after `retry_after`.
    #[must_use]
    pub fn busy(message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(FaultKind::Busy, message) }
    }

    /// The caller has asked, or failed, too often, and may try again after `retry_after`.
    #[must_use]
    pub fn too_many(message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(FaultKind::TooMany, message) }
    }

    /// With a machine-readable name, such as Neutron's `type` (`NetworkNotFound`).
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// With the error that led to it, for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(cause));
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        self.kind
    }

    /// The public message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The machine-readable name, where one was given.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// When to try again, for [`FaultKind::Busy`] and [`FaultKind::TooMany`].
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether the same request may succeed later without any change to it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, FaultKind::Busy | FaultKind::Unavailable | FaultKind::Timeout)
    }

    /// What is behind the message, on one line; the message where there is nothing. As [`Fault::chain`], never for a client.
    #[must_use]
    pub fn causes(&self) -> String {
        let chain = self.chain();
        chain.strip_prefix(&*self.message).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&chain).to_owned()
    }

    /// The message and the chain of causes, on one line: for the log, never for a client.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.message.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What was being done when `cause` struck.
#[derive(Debug)]
struct Doing {
    doing: String,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl std::fmt::Display for Doing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.doing)
    }
}

impl std::error::Error for Doing {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_in_the_chain_and_nowhere_else() {
        let fault = Fault::internal("opening /var/lib/secret", std::io::Error::other("disk on fire"));
        assert!(fault.chain().contains("opening /var/lib/secret: disk on fire"));
        assert!(!fault.to_string().contains("secret"));
        assert!(!serde_json::to_string(&fault).unwrap().contains("fire"));
    }

    #[test]
    fn a_fault_survives_its_bytes() {
        let fault = Fault::not_found("Network n1 could not be found.").with_code("NetworkNotFound");
        let back: Fault = serde_json::from_str(&serde_json::to_string(&fault).unwrap()).unwrap();
        assert_eq!((back.kind(), back.message(), back.code()), (fault.kind(), fault.message(), fault.code()));
    }
}
