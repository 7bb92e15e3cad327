//! Every RPC of the system: who can be asked what, and what comes back.
//!
//! One file per topic. A file opens with its table (`rpc!`): message → reply; the types follow. Messages hold plain data and
//! ids of `kit`, never a service's own rows: they are what two hosts would exchange.
//! Adding one is a row, its type, and a handler in the service that owns the topic.

pub mod compute_agent;
pub mod compute_types;
pub mod conductor;
pub mod console;
pub mod identity;
pub mod image;
pub mod metadata;
pub mod network;
pub mod network_agent;
pub mod network_spec;
pub mod scheduler;
pub mod volume;
pub mod volume_agent;
