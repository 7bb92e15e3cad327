//! What goes with every request, through HTTP, the bus, workflows and logs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::identity::Identity;
use crate::ids::{ProjectId, UserId};
use crate::secret::Secret;
use crate::trace::Trace;

/// Who makes the request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// Nobody has been authenticated.
    Anonymous,
    /// The bearer of `token`, which was validated to `identity`.
    User {
        /// What the token was validated to.
        identity: Arc<Identity>,
        /// The token, so that the next service can validate it for itself.
        token: Secret,
    },
    /// A part of the cloud, of its own accord: a reconciler, a timer, a resumed workflow.
    Service(String),
}

/// A moment after which nobody waits for the answer any more.
///
/// On the wire it is the time that remains, in microseconds: two hosts' clocks need not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// `time` from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(time).unwrap_or(now + Duration::from_secs(86_400)))
    }

    /// How long there is left; zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The moment itself, in the monotonic clock of this process.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }
}

impl Serialize for Deadline {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(crate::trace::micros(self.remaining()))
    }
}

impl<'de> Deserialize<'de> for Deadline {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::after(Duration::from_micros(u64::deserialize(deserializer)?)))
    }
}

/// What goes with every request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestContext {
    /// `req-<uuid>`: the client got it in `x-openstack-request-id`.
    pub request_id: Arc<str>,
    /// Who asks.
    pub caller: Caller,
    /// When the answer is of no use any more. A call without one gets the bus's default.
    pub deadline: Option<Deadline>,
    /// Where spans go.
    pub trace: Trace,
}

impl RequestContext {
    /// A context with a new request id for nobody in particular.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { request_id: new_request_id(), caller: Caller::Anonymous, deadline: None, trace: Trace::off() }
    }

    /// A context with a new request id for the part of the cloud named `service`.
    #[must_use]
    pub fn service(service: &str) -> Self {
        Self { caller: Caller::Service(service.to_owned()), ..Self::anonymous() }
    }

    /// This context for the bearer of `token`.
    #[must_use]
    pub fn with_user(mut self, identity: Arc<Identity>, token: Secret) -> Self {
        self.caller = Caller::User { identity, token };
        self
    }

    /// This context with a deadline of `time` from now, or the present one where that is sooner.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        let new = Deadline::after(time);
        self.deadline = Some(self.deadline.map_or(new, |old| old.min(new)));
        self
    }

    /// This context without a deadline: for work that outlives the request.
    #[must_use]
    pub fn without_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// This context with a trace of its own that is on.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.trace = Trace::on();
        self
    }

    /// What the caller's token was validated to, where there is one.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        match &self.caller {
            Caller::User { identity, .. } => Some(identity),
            _ => None,
        }
    }

    /// The caller's token, where there is one.
    #[must_use]
    pub fn token(&self) -> Option<&Secret> {
        match &self.caller {
            Caller::User { token, .. } => Some(token),
            _ => None,
        }
    }

    /// The project that the caller's token is scoped to.
    #[must_use]
    pub fn project_id(&self) -> Option<&ProjectId> {
        self.identity().and_then(Identity::project).map(|project| &project.id)
    }

    /// The caller's project, or a 403: for operations that need one.
    ///
    /// # Errors
    /// [`FaultKind::Forbidden`](crate::FaultKind::Forbidden) where the token is not scoped to a project.
    pub fn require_project(&self) -> Result<&ProjectId, Fault> {
        self.project_id().ok_or_else(|| Fault::forbidden("This operation needs a token that is scoped to a project."))
    }

    /// The caller's user id.
    #[must_use]
    pub fn user_id(&self) -> Option<&UserId> {
        self.identity().map(|identity| &identity.user.id)
    }

    /// Whether a part of the cloud asks, rather than a user.
    #[must_use]
    pub fn is_service(&self) -> bool {
        matches!(self.caller, Caller::Service(_))
    }

    /// Whether the caller holds the role `name`; a part of the cloud holds every role.
    #[must_use]
    pub fn has_role(&self, name: &str) -> bool {
        self.is_service() || self.identity().is_some_and(|identity| identity.has_role(name))
    }

    /// Whether the caller is an administrator.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.has_role("admin")
    }
}

/// A new `req-<uuid>`.
#[must_use]
pub fn new_request_id() -> Arc<str> {
    Arc::from(format!("req-{}", uuid::Uuid::new_v4().hyphenated()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sooner_deadline_holds() {
        let context = RequestContext::anonymous().within(Duration::from_secs(1)).within(Duration::from_secs(60));
        assert!(context.deadline.unwrap().remaining() <= Duration::from_secs(1));
    }

    #[test]
    fn a_context_survives_its_bytes() {
        let context = RequestContext::service("compute").within(Duration::from_secs(5)).traced();
        let back: RequestContext = serde_json::from_str(&serde_json::to_string(&context).unwrap()).unwrap();
        assert_eq!(back.request_id, context.request_id);
        assert!(back.is_service() && back.trace.is_on());
        assert!(back.deadline.unwrap().remaining() > Duration::from_secs(4));
    }
}
