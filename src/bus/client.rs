//! The sending end.

use std::sync::Arc;
use std::time::Instant;

use kit::trace::micros;
use kit::{Deadline, Fault, RequestContext, Span, SpanKind, Timestamp};
use tokio::sync::oneshot;

use crate::envelope::{Delivery, Payload, Returned, Tally, outgoing};
use crate::fabric::{Bus, Queue};
use crate::message::{Message, Target};

/// How long a client is told to stay away from a full queue.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// The end of the bus that one service sends from. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    bus: Bus,
    service: Arc<str>,
}

/// A call or cast that has been made, for its span.
struct Sent {
    started_at: Timestamp,
    start: Instant,
}

impl Client {
    pub(crate) fn new(bus: Bus, service: &str) -> Self {
        Self { bus, service: Arc::from(service) }
    }

    /// The name of the service that sends.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Asks and waits for the reply (`rpc.call`).
    ///
    /// It waits until the context's deadline; where there is none, as long as the bus's time-out says.
    ///
    /// # Errors
    /// What the callee failed with; busy when its queue is full; unavailable when nobody serves the
    /// target or the callee went away; timeout when the deadline passed. After a timeout the callee may still do the work.
    pub async fn call<M: Message>(
        &self,
        context: &RequestContext,
        target: Target,
        message: M,
    ) -> Result<M::Reply, Fault> {
        let sent = Sent::now();
        let (result, tally) = self.exchange::<M>(context, &target, message).await;
        sent.record::<M>(self, context, &target, SpanKind::Call, tally, result.as_ref().err());
        result
    }

    /// Tells, and goes on once it is queued (`rpc.cast`). What comes of it is not told.
    ///
    /// # Errors
    /// Busy when the queue is full; unavailable when nobody serves the target.
    pub fn cast<M: Message>(&self, context: &RequestContext, target: Target, message: M) -> Result<(), Fault> {
        let sent = Sent::now();
        let result = self.bus.queue(M::TOPIC, &target).and_then(|queue| self.enqueue(context, &queue, message));
        sent.record::<M>(self, context, &target, SpanKind::Cast, Tally::default(), result.as_ref().err());
        result
    }

    /// Casts to the topic on every host, and answers how many got it. A full queue is passed over with a warning.
    pub fn fanout<M: Message + Clone>(&self, context: &RequestContext, message: &M) -> usize {
        let queues = self.bus.queues_on_hosts(M::TOPIC);
        let mut reached = 0;
        for (host, queue) in queues {
            match self.enqueue(context, &queue, message.clone()) {
                Ok(()) => reached += 1,
                Err(fault) => {
                    tracing::warn!(topic = M::TOPIC, method = M::METHOD, %host, error = %fault.chain(), "fanout left a host out");
                }
            }
        }
        reached
    }

    fn enqueue<M: Message>(&self, context: &RequestContext, queue: &Queue, message: M) -> Result<(), Fault> {
        // A cast outlives the request: its deadline does not go with it.
        let context = RequestContext { deadline: None, trace: trace_like(context), ..context.clone() };
        self.send::<M>(queue, context, message, None)
    }

    async fn exchange<M: Message>(
        &self,
        context: &RequestContext,
        target: &Target,
        message: M,
    ) -> (Result<M::Reply, Fault>, Tally) {
        let deadline = context.deadline.unwrap_or_else(|| Deadline::after(self.bus.options().call_timeout));
        let (reply, returned) = oneshot::channel();
        let sent = self
            .bus
            .queue(M::TOPIC, target)
            .and_then(|queue| self.send::<M>(&queue, outgoing(context, deadline), message, Some(reply)));
        if let Err(fault) = sent {
            return (Err(fault), Tally::default());
        }
        match tokio::time::timeout_at(deadline.instant().into(), returned).await {
            Ok(Ok(Returned { result, tally })) => (result.and_then(Payload::unpack), tally),
            Ok(Err(_)) => (Err(gone(M::TOPIC)), Tally::default()),
            Err(_) => (Err(late(M::TOPIC, M::METHOD)), Tally::default()),
        }
    }

    fn send<M: Message>(
        &self,
        queue: &Queue,
        context: RequestContext,
        message: M,
        reply: Option<oneshot::Sender<Returned>>,
    ) -> Result<(), Fault> {
        let transport = self.bus.options().transport;
        let delivery = Delivery {
            method: M::METHOD,
            context: Payload::pack(transport, context)?,
            message: Payload::pack(transport, message)?,
            queued_at: Instant::now(),
            reply,
        };
        queue.sender.try_send(delivery).map_err(|error| match error {
            flume::TrySendError::Full(_) => {
                queue.meter.refused();
                Fault::busy(format!("The {} service is busy. Try again in a moment.", M::TOPIC), RETRY_AFTER)
            }
            flume::TrySendError::Disconnected(_) => gone(M::TOPIC),
        })
    }
}

impl Sent {
    fn now() -> Self {
        Self { started_at: Timestamp::now(), start: Instant::now() }
    }

    fn record<M: Message>(
        self,
        client: &Client,
        context: &RequestContext,
        target: &Target,
        kind: SpanKind,
        tally: Tally,
        fault: Option<&Fault>,
    ) {
        if !context.trace.is_on() {
            return;
        }
        let to = match target {
            Target::Any => M::TOPIC.to_owned(),
            Target::Host(host) => format!("{}.{host}", M::TOPIC),
        };
        context.trace.add(Span {
            from: client.service.to_string(),
            to,
            name: M::METHOD.to_owned(),
            kind,
            started_at: self.started_at,
            micros: micros(self.start.elapsed()),
            queued_micros: tally.queued_micros,
            served_micros: tally.served_micros,
            error: fault.map(ToString::to_string),
        });
        context.trace.extend(tally.spans);
    }
}

fn trace_like(context: &RequestContext) -> kit::Trace {
    if context.trace.is_on() { kit::Trace::on() } else { kit::Trace::off() }
}

fn gone(topic: &str) -> Fault {
    Fault::unavailable(format!("The {topic} service went away. Try again later."))
}

fn late(topic: &str, method: &str) -> Fault {
    Fault::timeout(format!("The {topic} service did not answer {method} in time."))
}
