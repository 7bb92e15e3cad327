//! What of the kernel's tables is about addresses of the LAN, and what leads from there to what is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde_json::Value;

use super::Addresses;
use crate::drivers::driver::{DriverError, DriverResult};
use crate::drivers::linux::command::Tool;
use crate::drivers::linux::names::Names;

/// What is ours in the kernel's tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Routes to single addresses out of our devices.
    routes: BTreeMap<Ipv4Addr, String>,
    /// Proxy entries: device and address.
    proxies: BTreeSet<(String, Ipv4Addr)>,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// As `ip` takes it.
    pub lines: Vec<String>,
    /// What is answered for from now on.
    pub new: Vec<Ipv4Addr>,
    /// Whether something that is wanted was not there.
    pub missing: bool,
}

/// A row of `ip -j route` or `ip -j neigh show proxy`.
#[derive(Debug, Deserialize)]
struct Row {
    dst: String,
    dev: Option<String>,
    protocol: Option<Value>,
}

impl Table {
    /// Reads what is there.
    pub async fn read(names: &Names) -> DriverResult<Self> {
        let routes = rows("listing the host's routes", &["-j", "-4", "route", "show", "proto", "static"]).await?;
        // Numbers, whatever names somebody has for them.
        let proxies = rows("listing what ARP is answered for", &["-N", "-j", "-4", "neigh", "show", "proxy"]).await?;
        Ok(Self::of(names, routes, proxies))
    }

    fn of(names: &Names, routes: Vec<Row>, proxies: Vec<Row>) -> Self {
        let single = |row: Row| Some((row.dst.parse().ok()?, row.dev?));
        let marked = |row: &Row| match &row.protocol {
            Some(Value::String(text)) => text.parse() == Ok(names.mark()),
            Some(number) => number.as_u64() == Some(names.mark()),
            None => false,
        };
        let routes = routes.into_iter().filter_map(single).filter(|(_, device)| names.owns_device(device));
        let proxies = proxies.into_iter().filter(marked).filter_map(single).map(|(address, device)| (device, address));
        Self { routes: routes.collect(), proxies: proxies.collect() }
    }

    /// What makes it `wanted`, announced at `interface` with `mark`. What goes goes first.
    pub fn changes(&self, wanted: &Addresses, interface: Option<&str>, mark: u64) -> Changes {
        let mut changes = Changes::default();
        for (device, address) in &self.proxies {
            if Some(device.as_str()) != interface || !wanted.contains_key(address) {
                changes.lines.push(format!("neigh del proxy {address} dev {device}"));
            }
        }
        for (address, device) in &self.routes {
            if wanted.get(address) != Some(device) {
                changes.lines.push(format!("route del {address}/32 dev {device} proto static"));
            }
        }
        for (address, device) in wanted {
            if self.routes.get(address) != Some(device) {
                changes.lines.push(format!("route replace {address}/32 dev {device} proto static"));
                // It may have been another router's.
                changes.lines.push(format!("neigh flush to {address} dev {device}"));
                changes.missing = true;
            }
            if let Some(interface) = interface
                && !self.proxies.contains(&(interface.to_owned(), *address))
            {
                changes.lines.push(format!("neigh replace proxy {address} dev {interface} protocol {mark}"));
                changes.new.push(*address);
                changes.missing = true;
            }
        }
        changes
    }
}

async fn rows(doing: &str, arguments: &[&str]) -> DriverResult<Vec<Row>> {
    let text = Tool::new(doing, "ip", arguments).run().await?;
    let text = if text.trim().is_empty() { "[]" } else { text.as_str() };
    let unreadable =
        |error: serde_json::Error| DriverError::io(format!("{doing}: reading what ip answered"), error.into());
    serde_json::from_str(text).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(routes: &str, proxies: &str) -> Table {
        Table::of(&Names::fallback(), serde_json::from_str(routes).unwrap(), serde_json::from_str(proxies).unwrap())
    }

    fn there() -> Table {
        let mark = Names::fallback().mark();
        table(
            r#"[{"dst":"192.168.1.5","dev":"cbgw0123abcdef"},{"dst":"192.168.1.9","dev":"cbgw0123abcdef"},
                {"dst":"192.168.1.7","dev":"wg0"},{"dst":"10.0.0.0/8","dev":"cbgw0123abcdef"},{"dst":"default","dev":"eth0"}]"#,
            &format!(
                r#"[{{"dst":"192.168.1.5","dev":"eth0","proxy":null,"protocol":"{mark}"}},
                    {{"dst":"192.168.1.9","dev":"eth1","proxy":null,"protocol":{mark}}},
                    {{"dst":"192.168.1.6","dev":"eth0","proxy":null}},{{"dst":"192.168.1.8","dev":"eth0","proxy":null,"protocol":"static"}}]"#
            ),
        )
    }

    #[test]
    fn what_is_others_is_not_seen_and_the_rest_is_made_right() {
        let leg = "cbgw0123abcdef".to_owned();
        let wanted: Addresses = [5, 9, 10].map(|last| (Ipv4Addr::new(192, 168, 1, last), leg.clone())).into();
        let changes = there().changes(&wanted, Some("eth0"), 203);
        insta::assert_snapshot!(changes.lines.join("\n"), @r"
        neigh del proxy 192.168.1.9 dev eth1
        neigh replace proxy 192.168.1.9 dev eth0 protocol 203
        route replace 192.168.1.10/32 dev cbgw0123abcdef proto static
        neigh flush to 192.168.1.10 dev cbgw0123abcdef
        neigh replace proxy 192.168.1.10 dev eth0 protocol 203
        ");
        assert_eq!(changes.new, [9, 10].map(|last| Ipv4Addr::new(192, 168, 1, last)));
        assert!(changes.missing);
    }

    #[test]
    fn nothing_wanted_leaves_nothing() {
        let changes = there().changes(&Addresses::new(), Some("eth0"), 203);
        assert_eq!(changes.lines.len(), 4);
        assert!(changes.lines.iter().all(|line| line.contains(" del ")) && !changes.missing);
        assert_eq!(table("[]", "[]").changes(&Addresses::new(), None, 203), Changes::default());
    }
}
