//! Domain XML: written by [`domain`], read back by [`read`].
//!
//! Nothing here talks to libvirt, and nothing elsewhere knows an element's name.

pub mod domain;
pub mod read;
mod writer;

pub use domain::{OUR_NAMESPACE, disk, interface, render};

/// How XML could not be read.
#[derive(Debug, thiserror::Error)]
#[error("reading libvirt's {what} XML")]
pub struct Unreadable {
    what: &'static str,
    source: quick_xml::DeError,
}
