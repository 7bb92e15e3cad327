//! The LAN that `init --external-interface` takes addresses from: found out from this host.

use std::net::{IpAddr, Ipv4Addr};

use if_addrs::IfAddr;
use ipnet::Ipv4Net;
use kit::config::{Lan, address_range};

use crate::cli::problem::{Problem, Result};

/// The LAN at `interface`, of which the cloud is to have `range`.
///
/// # Errors
/// Where the device is not there, has no IPv4 address, or knows of no router.
pub(super) fn find(interface: &str, range: &str) -> Result<Lan> {
    let (first, last) = address_range(range).ok_or_else(|| {
        Problem::usage(format!("{range} is no range of addresses")).hint("for example 192.168.1.200-220")
    })?;
    let all = if_addrs::get_if_addrs().map_err(|error| Problem::io("cannot list the network devices", &error))?;
    let mut names: Vec<&str> = all.iter().filter(|one| !one.is_loopback()).map(|one| one.name.as_str()).collect();
    names.dedup();
    let own = all.iter().filter(|one| one.name == interface);
    let mut nets = own.filter_map(|one| match &one.addr {
        IfAddr::V4(v4) => Ipv4Net::new(v4.ip, v4.prefixlen).ok(),
        IfAddr::V6(_) => None,
    });
    // Of several networks on the device the one that the range is of.
    let cidr = nets.clone().find(|net| net.contains(&first)).or_else(|| nets.next()).ok_or_else(|| {
        Problem::usage(format!("this host has no IPv4 address on {interface}"))
            .hint(format!("choose one of: {}", names.join(", ")))
    })?;
    let routes = std::fs::read_to_string("/proc/net/route");
    let routes = routes.map_err(|error| Problem::io("cannot read the host's routes", &error))?;
    let gateway = default_router(&routes, interface).filter(|gateway| cidr.contains(gateway)).ok_or_else(|| {
        Problem::usage(format!("this host's default route is not by a router on {interface}"))
            .hint("choose the device by which it reaches the Internet")
    })?;
    let lan = Lan { interface: interface.to_owned(), cidr: cidr.trunc(), gateway, first, last };
    if !lan.cidr.contains(&first) || !lan.cidr.contains(&last) || (first..=last).contains(&gateway) {
        let text = format!("{first} to {last} are not all addresses of {} beside its router, {gateway}", lan.cidr);
        return Err(Problem::usage(text).hint("choose another --external-range"));
    }
    Ok(lan)
}

/// That this host, which has `addresses`, can be between `lan` and its guests.
///
/// # Errors
/// Where it is not in the LAN, or one of its own addresses is in the range.
pub(super) fn check(lan: &Lan, addresses: &[(String, IpAddr)]) -> Result<()> {
    let own = addresses.iter().filter_map(|(device, ip)| match ip {
        IpAddr::V4(ip) => Some((device, *ip)),
        IpAddr::V6(_) => None,
    });
    if !own.clone().any(|(device, ip)| *device == lan.interface && lan.cidr.contains(&ip)) {
        let text = format!("this host has no address of {} on {}", lan.cidr, lan.interface);
        return Err(Problem::usage(text).hint("choose another --external-interface"));
    }
    match own.into_iter().find(|(_, ip)| (lan.first..=lan.last).contains(ip)) {
        Some((device, ip)) => Err(Problem::usage(format!("{ip} is this host's own address, on {device}"))
            .hint("leave it out of --external-range")),
        None => Ok(()),
    }
}

/// The router of the default route out of `interface`, as `/proc/net/route` has it: hexadecimal, the last octet first.
fn default_router(routes: &str, interface: &str) -> Option<Ipv4Addr> {
    let default = routes.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find_map(|row| match *row {
        [device, "00000000", gateway, _, _, _, _, "00000000", ..] if device == interface => Some(gateway.to_owned()),
        _ => None,
    });
    let gateway = u32::from_str_radix(&default?, 16).ok()?;
    Some(Ipv4Addr::from(gateway.swap_bytes())).filter(|gateway| !gateway.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_routes_router_is_found() {
        let routes = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
            eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n\
            wg0\t00000000\t00000000\t0001\t0\t0\t200\t00000000\t0\t0\t0\n";
        assert_eq!(default_router(routes, "eth0"), Some(Ipv4Addr::new(192, 168, 1, 1)));
        assert_eq!(default_router(routes, "wg0"), None, "no router at all");
        assert_eq!(default_router(routes, "eth1"), None);
    }

    #[test]
    fn the_host_is_in_the_lan_and_its_address_is_its_own() {
        let lan = |first: u8| Lan {
            interface: "eth0".to_owned(),
            cidr: "192.168.1.0/24".parse().unwrap(),
            gateway: Ipv4Addr::new(192, 168, 1, 1),
            first: Ipv4Addr::new(192, 168, 1, first),
            last: Ipv4Addr::new(192, 168, 1, 220),
        };
        let host = |device: &str| [(device.to_owned(), "192.168.1.205".parse().unwrap())];
        assert!(check(&lan(206), &host("eth0")).is_ok());
        assert!(check(&lan(200), &host("eth0")).unwrap_err().text.contains("own address"));
        assert!(check(&lan(206), &host("eth1")).is_err());
    }
}
