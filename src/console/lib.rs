//! Console access: the page with a guest's screen, and the WebSocket between a client and the guest's screen, serial console or a
//! TCP port of it.
//!
//! A console URL (`…/console/vnc_auto.html?path=console/websockify?token=…`) is made by compute, which also says what its
//! token opens ([`bus::topics::console`]). This crate keeps no state. It reaches the screen on its own host only: a
//! guest on another host is served by that host's console.

mod proxy;
mod reply;
mod screen;

pub use proxy::Console;

#[cfg(test)]
mod tests;
