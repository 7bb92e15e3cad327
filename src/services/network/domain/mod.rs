//! What the service knows and decides, without I/O: the model, addresses, bodies and their validation, faults.

pub mod address;
pub mod affected;
pub mod attributes;
pub mod faults;
pub mod kinds;
pub mod mac;
pub mod model;
pub mod protocol;
pub mod python;
pub mod resources;
