//! Devices and addresses, through iproute2: what is there as JSON, what is to change as one batch.
//!
//! iproute2 rather than netlink messages: taps cannot be made over netlink, an operator can read and repeat every
//! line of a batch, and a batch for another namespace needs no socket in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::command::Tool;
use crate::drivers::driver::{DriverError, DriverResult};

/// A device, as `ip -j address` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Link {
    /// Its name.
    #[serde(rename = "ifname")]
    pub name: String,
    /// Its MTU.
    pub mtu: u32,
    /// Its Ethernet address.
    #[serde(default)]
    pub address: String,
    /// The bridge that it is attached to.
    pub master: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    addr_info: Vec<Address>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Address {
    local: Option<IpAddr>,
    prefixlen: Option<u8>,
    scope: Option<String>,
}

impl Link {
    /// Whether it is set up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.flags.iter().any(|flag| flag == "UP")
    }

    /// Its addresses, without the link-local ones that the kernel gives.
    #[must_use]
    pub fn addresses(&self) -> BTreeSet<IpNet> {
        let given = self.addr_info.iter().filter(|address| address.scope.as_deref() != Some("link"));
        given.filter_map(|address| IpNet::new(address.local?, address.prefixlen?).ok()).collect()
    }
}

/// All devices of a namespace (the process's own when none is named), by name.
pub async fn all(namespace: Option<&str>) -> DriverResult<BTreeMap<String, Link>> {
    let doing = format!("listing the devices of {}", namespace.unwrap_or("the host"));
    let text = Tool::new(&doing, "ip", in_namespace(namespace, &["-j", "address", "show"])).run().await?;
    Ok(parse(&doing, &text)?.into_iter().map(|link| (link.name.clone(), link)).collect())
}

/// One device of the process's own namespace.
pub async fn get(name: &str) -> DriverResult<Option<Link>> {
    let doing = format!("looking for device {name}");
    let output = Tool::new(&doing, "ip", ["-j", "address", "show", "dev", name]).output().await?;
    if !output.status.success() {
        return Ok(None);
    }
    Ok(parse(&doing, &String::from_utf8_lossy(&output.stdout))?.into_iter().find(|link| link.name == name))
}

fn parse(doing: &str, text: &str) -> DriverResult<Vec<Link>> {
    let text = if text.trim().is_empty() { "[]" } else { text };
    // iproute2 shows a device that vanished meanwhile as an empty object.
    let entries: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|error| unreadable(doing, error))?;
    let whole = entries.into_iter().filter(|entry| entry.get("ifname").is_some());
    whole.map(|entry| serde_json::from_value(entry).map_err(|error| unreadable(doing, error))).collect()
}

fn unreadable(doing: &str, error: serde_json::Error) -> DriverError {
    DriverError::io(format!("{doing}: reading what ip answered"), error.into())
}

fn in_namespace(namespace: Option<&str>, arguments: &[&str]) -> Vec<String> {
    let namespace = namespace.into_iter().flat_map(|name| ["-n".to_owned(), name.to_owned()]);
    namespace.chain(arguments.iter().map(|argument| (*argument).to_owned())).collect()
}

/// Carries out `ip` commands, in order, in one process. Nothing happens when there are none.
pub async fn batch(doing: &str, namespace: Option<&str>, lines: Vec<String>) -> DriverResult<()> {
    if lines.is_empty() {
        return Ok(());
    }
    run_batch(doing, in_namespace(namespace, &["-batch", "-"]), &lines).await
}

async fn run_batch(doing: &str, arguments: Vec<String>, lines: &[String]) -> DriverResult<()> {
    Tool::new(doing, "ip", arguments).stdin(lines.join("\n") + "\n").run().await.map(drop)
}

/// Takes a device away; fine when there is none.
pub async fn remove(name: &str) -> DriverResult<()> {
    if get(name).await?.is_none() {
        return Ok(());
    }
    let removed = batch(&format!("removing device {name}"), None, vec![format!("link del dev {name}")]).await;
    match removed {
        // The kernel takes a namespace's devices away some time after the namespace, their peers with them.
        Err(_) if get(name).await?.is_none() => Ok(()),
        other => other,
    }
}

/// The commands that bring a device from what it is to its address, MTU, IP addresses, and up. Pure.
#[must_use]
pub fn configure(name: &str, now: Option<&Link>, mac: &str, mtu: u32, wanted: &BTreeSet<IpNet>) -> Vec<String> {
    let mut lines = Vec::new();
    if now.is_none_or(|link| link.address != mac) {
        lines.push(format!("link set dev {name} address {mac}"));
    }
    if now.is_none_or(|link| link.mtu != mtu) {
        lines.push(format!("link set dev {name} mtu {mtu}"));
    }
    let has = now.map(Link::addresses).unwrap_or_default();
    lines.extend(has.difference(wanted).map(|stray| format!("address del {stray} dev {name}")));
    // Before it goes up: the kernel then announces the addresses by gratuitous ARP (arp_notify).
    for address in wanted.difference(&has) {
        // The service has allocated it: nobody else can have it.
        let no_detection = if address.addr().is_ipv6() { " nodad" } else { "" };
        lines.push(format!("address replace {address} dev {name}{no_detection}"));
    }
    if now.is_none_or(|link| !link.is_up()) {
        lines.push(format!("link set dev {name} up"));
    }
    lines
}

/// A route that we made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostRoute {
    /// Where to.
    pub destination: IpNet,
    /// By which router; none: straight out of the device.
    pub via: Option<IpAddr>,
    /// Out of which device; none: the kernel finds it by the router's address.
    pub device: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ShownRoute {
    dst: String,
    gateway: Option<IpAddr>,
    dev: Option<String>,
}

/// Makes the static routes of a namespace exactly `wanted`.
pub async fn set_routes(namespace: &str, wanted: &BTreeSet<HostRoute>) -> DriverResult<()> {
    for ipv6 in [false, true] {
        let family = if ipv6 { "-6" } else { "-4" };
        let doing = format!("setting the routes of {namespace}");
        let show = in_namespace(Some(namespace), &["-j", family, "route", "show", "proto", "static"]);
        let text = Tool::new(&doing, "ip", show).run().await?;
        let text = if text.trim().is_empty() { "[]" } else { text.as_str() };
        let shown: Vec<ShownRoute> = serde_json::from_str(text).map_err(|error| unreadable(&doing, error))?;
        let wanted: Vec<&HostRoute> =
            wanted.iter().filter(|route| route.destination.addr().is_ipv6() == ipv6).collect();
        let changes = route_changes(&shown, &wanted);
        if !changes.is_empty() {
            run_batch(&doing, in_namespace(Some(namespace), &[family, "-batch", "-"]), &changes).await?;
        }
    }
    Ok(())
}

fn route_changes(shown: &[ShownRoute], wanted: &[&HostRoute]) -> Vec<String> {
    let spelled = |route: &HostRoute| match (route.destination.prefix_len(), route.destination.addr()) {
        (0, _) => "default".to_owned(),
        (32, ip @ IpAddr::V4(_)) | (128, ip @ IpAddr::V6(_)) => ip.to_string(),
        _ => route.destination.trunc().to_string(),
    };
    let same = |has: &ShownRoute, route: &HostRoute| {
        has.dst == spelled(route) && has.gateway == route.via && (route.device.is_none() || has.dev == route.device)
    };
    let strays = shown.iter().filter(|has| !wanted.iter().any(|route| same(has, route)));
    let mut lines: Vec<String> = strays
        .map(|has| {
            let via = has.gateway.map(|ip| format!(" via {ip}")).unwrap_or_default();
            format!("route del {}{via} proto static", has.dst)
        })
        .collect();
    for route in wanted.iter().filter(|route| !shown.iter().any(|has| same(has, route))) {
        let via = route.via.map(|ip| format!(" via {ip}")).unwrap_or_default();
        let device = route.device.as_ref().map(|name| format!(" dev {name}")).unwrap_or_default();
        lines.push(format!("route replace {}{via}{device} proto static", spelled(route)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = r#"[{"ifindex":2,"ifname":"eth0","flags":["BROADCAST","UP"],"mtu":1500,"master":"br0",
        "address":"02:00:00:00:00:01","addr_info":[
        {"family":"inet","local":"10.0.0.1","prefixlen":24,"scope":"global"},
        {"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}]},{}]"#;

    #[test]
    fn a_device_is_brought_to_what_is_wanted_and_no_further() {
        let link = parse("x", SHOWN).unwrap().remove(0);
        assert_eq!(link.addresses(), ["10.0.0.1/24".parse().unwrap()].into());
        assert!(configure("eth0", Some(&link), "02:00:00:00:00:01", 1500, &link.addresses()).is_empty());
        let wanted = ["10.0.0.2/24".parse().unwrap(), "fd00::2/64".parse().unwrap()].into();
        insta::assert_snapshot!(configure("eth0", Some(&link), "02:00:00:00:00:02", 1400, &wanted).join("\n"), @r"
        link set dev eth0 address 02:00:00:00:00:02
        link set dev eth0 mtu 1400
        address del 10.0.0.1/24 dev eth0
        address replace 10.0.0.2/24 dev eth0
        address replace fd00::2/64 dev eth0 nodad
        ");
    }

    #[test]
    fn routes_are_changed_one_by_one() {
        let shown: Vec<ShownRoute> = serde_json::from_str(
            r#"[{"dst":"default","gateway":"10.0.0.1","dev":"a"},{"dst":"10.9.0.0/16","gateway":"10.0.0.7","dev":"a"}]"#,
        )
        .unwrap();
        let route = |destination: &str, via: &str| HostRoute {
            destination: destination.parse().unwrap(),
            via: Some(via.parse().unwrap()),
            device: None,
        };
        let (kept, new) = (route("0.0.0.0/0", "10.0.0.1"), route("10.8.0.0/16", "10.0.0.7"));
        insta::assert_snapshot!(route_changes(&shown, &[&kept, &new]).join("\n"), @r"
        route del 10.9.0.0/16 via 10.0.0.7 proto static
        route replace 10.8.0.0/16 via 10.0.0.7 proto static
        ");
    }
}
