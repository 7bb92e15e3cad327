//! The message bus: `call`, `cast` and `fanout` between services and agents.
//!
//! A [`Message`] names its topic, method and reply once; [`topics`] lists every one of the system. A service holds a
//! [`Client`] that bears its name, and answers through a [`Server`]. Queues are bounded: a full one makes the
//! sender fail as busy, there is never an unbounded backlog.
//!
//! The database is the record, the bus only a nudge: nothing that waits in a queue is the sole
//! witness of anything. In-process delivery moves the value; [`Transport::WireChecked`] takes each message, its context and
//! its reply through their bytes, so that what works in one process works between two hosts.

mod client;
pub mod double_option;
mod envelope;
mod fabric;
mod message;
mod metrics;
mod server;
pub mod topics;

pub use client::Client;
pub use fabric::{Bus, Options, Transport};
pub use message::{Message, Target};
pub use metrics::{Measure, MethodMetrics, QueueMetrics};
pub use server::{Server, ServerHandle};

#[cfg(test)]
mod tests;
