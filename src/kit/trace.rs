//! Spans of one request, gathered across services.
//!
//! A [`Trace`] travels in the [`RequestContext`](crate::RequestContext). The bus adds a span for each call and cast and brings
//! back with a reply what the callee added; services add spans for what they do themselves.
//! `cloudbox vm trace` is made of them. A trace that is off costs a null check.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The most spans that one trace keeps; later ones are dropped.
const MOST_SPANS: usize = 512;

/// How one service reached the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Over HTTP.
    Rest,
    /// `rpc.call`: the caller waited for the reply.
    Call,
    /// `rpc.cast`: the caller went on once it was queued.
    Cast,
    /// Inside one service.
    Local,
}

/// One hop, or one piece of work, of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The service that did it or asked for it, such as `compute-api`.
    pub from: String,
    /// The topic it was asked of, such as `scheduler`; the service itself for local work.
    pub to: String,
    /// The message's method, or what was done, such as `SelectDestinations`.
    pub name: String,
    /// How it was reached.
    pub kind: SpanKind,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, as its caller saw it, in microseconds.
    pub micros: u64,
    /// Of these, how long the message waited in the queue. Zero where there was none.
    pub queued_micros: u64,
    /// Of these, how long the callee worked on it. Zero where it is not known.
    pub served_micros: u64,
    /// `None` when it succeeded, otherwise the fault's public message.
    pub error: Option<String>,
}

/// The spans of one request so far, shared by all clones of its context; or nothing, when it is off.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Mutex<Vec<Span>>>>);

impl Trace {
    /// A trace that keeps spans.
    #[must_use]
    pub fn on() -> Self {
        Self(Some(Arc::default()))
    }

    /// A trace that keeps nothing.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// Whether spans are kept.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Adds a span, and tells `tracing` of it under the same name.
    pub fn add(&self, span: Span) {
        if self.is_on() {
            let Span { from, to, name, kind, micros, queued_micros, error, .. } = &span;
            tracing::debug!(from, to, span = name, ?kind, micros, queued_micros, error, "hop");
        }
        self.extend([span]);
    }

    /// Adds spans that came back from elsewhere.
    pub fn extend(&self, spans: impl IntoIterator<Item = Span>) {
        if let Some(kept) = &self.0 {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MOST_SPANS.saturating_sub(kept.len());
            kept.extend(spans.into_iter().take(room));
        }
    }

    /// Takes all spans out, in the order in which they were added.
    #[must_use]
    pub fn take(&self) -> Vec<Span> {
        match &self.0 {
            Some(kept) => std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner)),
            None => Vec::new(),
        }
    }

    /// Starts to time a piece of `service`'s own work; the span is added when [`Timer::finish`] is called.
    #[must_use]
    pub fn time(&self, service: &str, name: &str) -> Timer {
        Timer {
            trace: self.clone(),
            service: service.to_owned(),
            name: name.to_owned(),
            started_at: Timestamp::now(),
            start: Instant::now(),
        }
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_on() { "Trace(on)" } else { "Trace(off)" })
    }
}

impl Serialize for Trace {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(self.is_on())
    }
}

impl<'de> Deserialize<'de> for Trace {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(if bool::deserialize(deserializer)? { Self::on() } else { Self::off() })
    }
}

/// A running measurement of local work.
#[derive(Debug)]
pub struct Timer {
    trace: Trace,
    service: String,
    name: String,
    started_at: Timestamp,
    start: Instant,
}

impl Timer {
    /// How long it has run so far.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Ends the measurement and adds the span; `error` is the public message of a failure.
    pub fn finish(self, error: Option<String>) {
        let micros = micros(self.start.elapsed());
        self.trace.add(Span {
            to: self.service.clone(),
            from: self.service,
            name: self.name,
            kind: SpanKind::Local,
            started_at: self.started_at,
            micros,
            queued_micros: 0,
            served_micros: micros,
            error,
        });
    }
}

/// Whole microseconds of `duration`, saturating.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_their_spans_and_keep_a_bounded_number() {
        let trace = Trace::on();
        let other = trace.clone();
        for _ in 0..MOST_SPANS + 10 {
            other.time("compute", "work").finish(None);
        }
        assert_eq!(trace.take().len(), MOST_SPANS);
        assert!(other.take().is_empty());
    }

    #[test]
    fn an_off_trace_keeps_nothing() {
        let trace = Trace::off();
        trace.time("compute", "work").finish(None);
        assert!(trace.take().is_empty());
    }
}
