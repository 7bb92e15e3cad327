//! The driver for a real Linux host: bridges, taps, namespaces, nftables, dnsmasq. No Open vSwitch.
//!
//! Everything happens in the network namespace of the process; every name begins with the configured prefix, and
//! nothing that does not is touched. One task ([`host::Host`]'s owner) carries out the verbs one after the other.
//!
//! | object | on the host |
//! |---|---|
//! | network | bridge `cbbr…`, without an address, in nobody's way into the host |
//! | its DHCP, DNS, metadata | namespace `cbdhcp-<id>` on a veth `cbsv…`, dnsmasq and a listener in it |
//! | its gateway, if the host is it | veth `cbgw…` (host, with the gateway's addresses) – `cbgp…` (bridge) |
//! | its way to the LAN, if the LAN's router is it | the same veth without an address, proxy ARP at both ends ([`lan`]) |
//! | port | tap `cbtp…` on the bridge; an existing device of that name is taken as it is |
//! | router | namespace `cbrouter-<id>`, a veth `cbrt…` – `cbrl…` for each leg |
//! | security groups, anti-spoofing, NAT | tables `bridge cb` and `inet cb` ([`firewall`]) |
//!
//! Host-wide settings: `net.ipv4.ip_forward=1` (and IPv6's) once the host is some network's gateway;
//! `br_netfilter` is loaded where it is not, with its global switches off, for only our bridges ask for it.
//!
//! The network made at first start is one whose gateway is the host: guests reach out by masquerading, the host reaches guests
//! by their addresses, as any other source subject to their security groups; of the host itself
//! guests can ping the gateway, no more. External networks are of the same kind, with routers on them instead of guests.

pub mod check;
mod clear;
mod command;
pub mod dhcp;
mod driver;
pub mod firewall;
pub mod foreign;
pub mod host;
pub mod lan;
pub mod link;
pub mod metadata;
pub mod names;
pub mod netns;
mod network;
pub mod router;
pub mod settings;
pub mod veth;

pub use clear::clear;
pub use driver::{LinuxConfig, LinuxDriver};
