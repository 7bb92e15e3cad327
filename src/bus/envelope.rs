//! What lies in a queue: a message with its context, as a value or as its bytes.

use std::any::Any;
use std::time::Instant;

use kit::{Fault, RequestContext, Span};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::fabric::Transport;

/// A message or a reply on its way.
pub(crate) enum Payload {
    /// The value itself.
    Value(Box<dyn Any + Send>),
    /// Its JSON.
    Bytes(Vec<u8>),
}

impl Payload {
    /// Packs `value` as `transport` carries it.
    pub(crate) fn pack<T: Serialize + Send + 'static>(transport: Transport, value: T) -> Result<Self, Fault> {
        match transport {
            Transport::Local => Ok(Self::Value(Box::new(value))),
            Transport::WireChecked => serde_json::to_vec(&value)
                .map(Self::Bytes)
                .map_err(|error| Fault::internal("writing a message's bytes", error)),
        }
    }

    /// The value that was packed.
    pub(crate) fn unpack<T: DeserializeOwned + Send + 'static>(self) -> Result<T, Fault> {
        match self {
            Self::Value(value) => value.downcast::<T>().map(|value| *value).map_err(|_| {
                Fault::internal("unpacking a message", format!("it is no {}", std::any::type_name::<T>()))
            }),
            Self::Bytes(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| Fault::internal("reading a message's bytes", error))
            }
        }
    }
}

/// A message in a queue.
pub(crate) struct Delivery {
    /// The message's [`crate::Message::METHOD`].
    pub method: &'static str,
    /// The caller's context, with a trace of the message's own.
    pub context: Payload,
    /// The message.
    pub message: Payload,
    /// When it was queued.
    pub queued_at: Instant,
    /// Where the reply goes; nowhere for a cast.
    pub reply: Option<oneshot::Sender<Returned>>,
}

/// What comes back for a call.
pub(crate) struct Returned {
    /// The reply, or the fault.
    pub result: Result<Payload, Fault>,
    /// How it went on the way.
    pub tally: Tally,
}

/// What a callee tells of its work, beside the reply.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// The spans that it gathered.
    pub spans: Vec<Span>,
    /// How long the message waited.
    pub queued_micros: u64,
    /// How long it was worked on.
    pub served_micros: u64,
}

/// The context as the callee gets it: with a trace of its own, which comes back with the reply.
pub(crate) fn outgoing(context: &RequestContext, deadline: kit::Deadline) -> RequestContext {
    RequestContext {
        trace: if context.trace.is_on() { kit::Trace::on() } else { kit::Trace::off() },
        deadline: Some(deadline),
        ..context.clone()
    }
}
