//! What a request sets in motion beyond its row: scheduling, removal, operations on a host, images of servers, consoles, and what is
//! taken up again after a crash.

pub(crate) mod console;
pub(crate) mod operate;
pub(crate) mod remove;
pub(crate) mod resume;
pub(crate) mod schedule;
pub(crate) mod snapshot;
