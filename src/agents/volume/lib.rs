//! The volume agent: what runs on each host, without a database handle.
