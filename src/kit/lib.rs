//! What every part of cloudbox shares: ids, the request context, faults, the clock, configuration.
//!
//! This crate owns vocabulary, not behaviour: nothing here does I/O, knows a service or holds state
//! beyond one request. Every other crate of the workspace may depend on it; it depends on none of them.

pub mod access_rule;
pub mod basis;
pub mod clock;
pub mod condition;
pub mod config;
pub mod context;
pub mod crash;
pub mod disk_image;
pub mod fault;
mod hex;
pub mod identity;
pub mod ids;
pub mod power;
pub mod secret;
pub mod sql;
pub mod time;
pub mod trace;

pub use access_rule::AccessRule;
pub use basis::Basis;
pub use clock::{Clock, ManualClock, SharedClock, SystemClock};
pub use condition::{Condition, Conditions, Repair};
pub use context::{Caller, Deadline, RequestContext};
pub use fault::{Fault, FaultKind};
pub use hex::hex;
pub use identity::{DomainRef, Identity, ProjectRef, RoleRef, Scope, UserRef};
pub use power::PowerState;
pub use secret::Secret;
pub use time::Timestamp;
pub use trace::{Span, SpanKind, Trace};
