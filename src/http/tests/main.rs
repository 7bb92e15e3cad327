//! The kit as a client meets it: a toy service in every dialect, in memory and over a real socket.

#![expect(clippy::unwrap_used, reason = "what cannot go wrong in a test may panic in it")]

mod audit;
mod common;
mod connections;
mod dialects;
mod discovery;
mod tables;
mod tls;
