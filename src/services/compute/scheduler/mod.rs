//! Topic `scheduler`: which host takes a server. Filters, weighers, retries.
//!
//! It reads hosts through [`crate::db::hosts`] and claims through [`crate::placement`].
