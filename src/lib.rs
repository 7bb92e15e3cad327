//! cloudbox: a cloud in one binary.
//!
//! [`appliance`] puts the services, agents and drivers together, [`supervisor`] keeps them running, [`cli`] is the command
//! line. Each service and agent is a crate of its own below `src/`; this one only wires.

pub mod appliance;
pub mod cli;
pub mod clouds;
pub mod settings;
pub mod supervisor;
