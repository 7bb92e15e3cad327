//! The compute agent: what runs on each host, without a database handle.
