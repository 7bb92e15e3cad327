//! Domain XML: written by [`domain`], read back by [`read`]; that of copies of disks by [`backup`].
//!
//! Nothing here talks to libvirt, and nothing elsewhere knows an element's name.

mod backup;
pub mod domain;
pub mod read;
mod writer;

pub use backup::backup;
pub use domain::{OUR_NAMESPACE, disk, interface, render};

/// How XML could not be read.
#[derive(Debug, thiserror::Error)]
#[error("reading libvirt's {what} XML")]
pub struct Unreadable {
    what: &'static str,
    source: quick_xml::DeError,
}
