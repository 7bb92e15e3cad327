//! The kit as a client meets it: a toy service in every dialect, in memory and over a real socket.

mod common;
mod connections;
mod dialects;
mod discovery;
mod tables;
