//! The network service (Neutron).
pub mod change;
pub mod db;
pub mod domain;
