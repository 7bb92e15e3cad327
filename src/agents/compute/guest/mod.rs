//! What a server is on this host: where its files are, how its disks are laid out, and the domain made of them.
//!
//! [`layout`] and [`spec`] are pure: the same server gives the same domain. Nothing here does I/O but [`record`] and
//! [`files`].

pub(crate) mod files;
pub(crate) mod layout;
pub(crate) mod paths;
pub(crate) mod record;
pub(crate) mod spec;
