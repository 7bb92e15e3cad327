//! The Linux driver on a real kernel: as root, with nft, dnsmasq, iproute2, busybox.
//!
//! Each test lives in a network and a mount namespace of its own: nothing of the host is touched, tests do not meet, and
//! whatever one leaves behind goes with it. A guest is a namespace whose veth takes its tap's place.
//! `CLOUDBOX_SKIP_NETWORK=1` skips them all.

#![allow(missing_docs)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod basics;
mod enforcement;
mod gateway;
mod isolation;
mod lan;
mod resilience;
mod routing;
mod world;
