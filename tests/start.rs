//! `cloudbox serve` as systemd and an operator start it: TLS, what it says where it cannot start, what it tells the service manager.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "start/cloud.rs"]
mod cloud;
#[path = "start/config.rs"]
mod config;
#[path = "start/init.rs"]
mod init;
#[path = "start/refusals.rs"]
mod refusals;
#[path = "start/secrets.rs"]
mod secrets;
#[path = "start/service_manager.rs"]
mod service_manager;
#[path = "start/stop.rs"]
mod stop;
#[path = "start/tls.rs"]
mod tls;
