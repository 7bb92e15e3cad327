//! One operation on one server: for whom it is done, and what it says to conductor.

use std::sync::Arc;
use std::time::Duration;

use bus::topics::compute_types::{Instance, TaskState, VmState};
use bus::topics::conductor::{GetInstance, InstanceChange, OperationFailed, ReportEvent, ReportSpans, UpdateInstance};
use bus::{Message, Target};
use kit::ids::ServerId;
use kit::{Clock as _, Fault, FaultKind, RequestContext, SystemClock, Timestamp};

use crate::agent::{ComputeAgent, NAME};

/// How often something is tried that fails for the moment.
const ATTEMPTS: u32 = 5;
/// The pause after the first failure; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// An operation on a server.
pub(crate) struct Work {
    /// The agent.
    pub agent: Arc<ComputeAgent>,
    /// The server.
    pub server_id: ServerId,
    /// For whom it is done, with the user's token.
    pub context: RequestContext,
    /// For giving back and for telling: in the agent's own name, because a token may have run out by then.
    pub own: RequestContext,
    started_at: Timestamp,
}

impl Work {
    /// An operation that begins now.
    pub fn new(agent: Arc<ComputeAgent>, server_id: ServerId, context: RequestContext) -> Self {
        let own = RequestContext {
            request_id: Arc::clone(&context.request_id),
            trace: context.trace.clone(),
            ..RequestContext::service(NAME)
        };
        Self { agent, server_id, context, own, started_at: SystemClock.now() }
    }

    /// Asks on behalf of the user.
    ///
    /// # Errors
    /// What comes back.
    pub async fn ask<M: Message>(&self, message: M) -> Result<M::Reply, Fault> {
        self.agent.client.call(&self.context, Target::Any, message).await
    }

    /// Asks in the agent's own name.
    ///
    /// # Errors
    /// What comes back.
    pub async fn ask_own<M: Message>(&self, message: M) -> Result<M::Reply, Fault> {
        self.agent.client.call(&self.own, Target::Any, message).await
    }

    /// Asks in the agent's own name, again and again while the answer is that it is not possible for the moment.
    ///
    /// # Errors
    /// What comes back in the end.
    pub async fn insist<M: Message + Clone>(&self, message: M) -> Result<M::Reply, Fault> {
        patiently(|| self.ask_own(message.clone())).await
    }

    /// All about the server.
    ///
    /// # Errors
    /// 404 where there is none.
    pub async fn instance(&self) -> Result<Instance, Fault> {
        self.ask(GetInstance { server_id: self.server_id.clone() }).await
    }

    /// Changes the server's row if its task is one of `expected`; says whether it did.
    ///
    /// # Errors
    /// What conductor says.
    pub async fn update(&self, expected: &[Option<TaskState>], change: InstanceChange) -> Result<bool, Fault> {
        let update = UpdateInstance { server_id: self.server_id.clone(), expected: expected.to_vec(), change };
        match self.insist(update).await {
            Err(fault) if fault.kind() == FaultKind::NotFound => Ok(false),
            answer => answer,
        }
    }

    /// Says what was done, with the spans so far. Best effort: the log has it too.
    pub fn report(&self, event: &str, fault: Option<&Fault>) {
        if let Some(fault) = fault {
            tracing::warn!(event, error = %fault.chain(), "an operation on a server failed");
        } else {
            tracing::info!(event, "an operation on a server is done");
        }
        let server_id = self.server_id.clone();
        let request_id = self.context.request_id.to_string();
        let spans = self.context.trace.take();
        self.tell(ReportEvent {
            server_id: server_id.clone(),
            request_id: request_id.clone(),
            event: event.to_owned(),
            host: self.agent.host.clone(),
            started_at: self.started_at,
            finished_at: SystemClock.now(),
            error: fault.map(ToString::to_string),
        });
        if !spans.is_empty() {
            self.tell(ReportSpans { server_id, request_id, spans });
        }
    }

    /// Tells conductor that the operation failed and, where that is so, what the server is now.
    pub async fn failed(&self, fault: &Fault, vm_state: Option<VmState>) {
        let failed = OperationFailed { server_id: self.server_id.clone(), fault: fault.clone(), vm_state };
        if let Err(error) = self.insist(failed).await {
            tracing::error!(error = %error.chain(), "conductor could not be told of a failed operation");
        }
    }

    /// Tells without waiting. Where that fails there is nobody to tell.
    pub fn tell<M: Message>(&self, message: M) {
        if let Err(fault) = self.agent.client.cast(&self.own, Target::Any, message) {
            tracing::warn!(method = M::METHOD, error = %fault.chain(), "conductor could not be told");
        }
    }

    /// What a journal keeps beside the state: no secrets.
    pub fn journaled(&self) -> serde_json::Value {
        serde_json::json!({ "request_id": &*self.context.request_id })
    }
}

/// The context of a workflow that goes on after a restart: its user's token was not kept.
pub(crate) fn resumed_context(record: &workflow::Record) -> RequestContext {
    let context = RequestContext::service(NAME).traced();
    match record.context.get("request_id").and_then(|id| id.as_str()) {
        Some(id) => RequestContext { request_id: Arc::from(id), ..context },
        None => context,
    }
}

/// Repeats what fails for the moment, a few times.
///
/// # Errors
/// The last failure.
pub(crate) async fn patiently<T, Answer>(mut attempt: impl FnMut() -> Answer) -> Result<T, Fault>
where
    Answer: Future<Output = Result<T, Fault>>,
{
    let mut pause = PAUSE;
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(fault) if fault.is_transient() => {
                tracing::debug!(error = %fault.chain(), "trying again");
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2);
            }
            answer => return answer,
        }
    }
    attempt().await
}

/// Success where the guest is not there: what is to be gone is gone.
///
/// # Errors
/// Whatever else the driver says.
pub(crate) fn gone_is_fine(answer: Result<(), hypervisor::DriverError>) -> Result<(), Fault> {
    match answer {
        Err(hypervisor::DriverError::NotFound { .. }) => Ok(()),
        answer => Ok(answer?),
    }
}
