//! Requests to the outside.
//!
//! * [`tls`]: whom a connection trusts, and a client for short requests; what it is sent to is the operator's choice.
//! * [`download`]: fetching what a stranger named. Where it may go is decided by a [`Guard`], for each address that is
//!   connected to, and again for each redirect.

pub mod address;
pub mod download;
pub mod guard;
pub mod tls;

pub use download::{Download, DownloadError, Downloads, Limits, Mark, Piece};
pub use guard::{Guard, Refusal, Resolve, SystemResolver};

#[cfg(test)]
mod tests;
