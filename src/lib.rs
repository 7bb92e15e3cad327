//! cloudbox: a cloud in one binary.
//!
//! [`appliance`] puts the services, agents and drivers together, [`supervisor`] keeps them running, [`cli`] is the command
//! line, [`backup`] keeps a whole cloud in a file, [`doctor`] looks at the host. Each service and agent is a crate of its own below `src/`; this one only wires.

pub mod appliance;
pub mod backup;
pub mod cli;
pub mod clouds;
pub mod doctor;
pub mod settings;
pub mod supervisor;
