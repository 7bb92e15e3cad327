//! Whether a spec makes sense by itself. Pure.
//!
//! The service has checked what users may ask for; this guards the host: whatever passes here can be
//! put into the text of rules and configuration files without quoting.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bus::topics::network_spec::{
    NetworkGateway, NetworkSpec, PortSpec, RouterSpec, SecurityGroupRuleSpec, SecurityGroupSpec, ServicePort,
};

use super::driver::{DriverError, DriverResult};

/// The smallest MTU of an IPv4 link.
const MIN_MTU: u32 = 68;
/// The largest MTU that a tap takes.
const MAX_MTU: u32 = 65_521;

/// Checks a network.
pub fn network(spec: &NetworkSpec) -> DriverResult<()> {
    let what = || format!("network {}", spec.id);
    identifier(&what(), spec.id.as_str())?;
    if !(MIN_MTU..=MAX_MTU).contains(&spec.mtu) {
        return Err(DriverError::invalid(what(), format!("MTU {} is out of range", spec.mtu)));
    }
    if !spec.dns_domain.is_empty() {
        hostname(&what(), spec.dns_domain.trim_end_matches('.'))?;
    }
    for subnet in &spec.subnets {
        identifier(&what(), subnet.id.as_str())?;
        if let Some(gateway) = subnet.gateway_ip
            && gateway.is_ipv4() != subnet.cidr.addr().is_ipv4()
        {
            return Err(DriverError::invalid(what(), format!("gateway {gateway} is not of {}'s kind", subnet.cidr)));
        }
        if spec.gateway == NetworkGateway::Host && subnet.gateway_ip.is_some_and(|ip| !subnet.cidr.contains(&ip)) {
            return Err(DriverError::invalid(what(), format!("its gateway is outside of {}", subnet.cidr)));
        }
    }
    match &spec.service_port {
        Some(port) => service_port(spec, port),
        None => Ok(()),
    }
}

fn service_port(spec: &NetworkSpec, port: &ServicePort) -> DriverResult<()> {
    let what = || format!("network {}", spec.id);
    identifier(&what(), port.port_id.as_str())?;
    mac(&what(), &port.mac)?;
    for ip in &port.fixed_ips {
        let Some(subnet) = spec.subnets.iter().find(|subnet| subnet.id == ip.subnet_id) else {
            return Err(missing(what(), "subnet", ip.subnet_id.as_str()));
        };
        inside(&what(), subnet.cidr.contains(&ip.ip_address), ip.ip_address)?;
    }
    Ok(())
}

/// Checks a port on its network.
pub fn port(spec: &PortSpec, network: &NetworkSpec) -> DriverResult<()> {
    let what = || format!("port {}", spec.id);
    identifier(&what(), spec.id.as_str())?;
    mac(&what(), &spec.mac)?;
    for ip in &spec.fixed_ips {
        let Some(subnet) = network.subnets.iter().find(|subnet| subnet.id == ip.subnet_id) else {
            return Err(missing(what(), "subnet", ip.subnet_id.as_str()));
        };
        inside(&what(), subnet.cidr.contains(&ip.ip_address), ip.ip_address)?;
    }
    for pair in &spec.allowed_address_pairs {
        mac(&what(), &pair.mac_address)?;
    }
    if !spec.hostname.is_empty() {
        hostname(&what(), &spec.hostname)?;
    }
    for option in &spec.extra_dhcp_opts {
        let plain = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !option.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') || option.name.is_empty() {
            return Err(DriverError::invalid(what(), "the name of a DHCP option is not a word"));
        }
        if !plain(&option.value) || !matches!(option.ip_version, 4 | 6) {
            return Err(DriverError::invalid(what(), format!("DHCP option {} has no plain value", option.name)));
        }
    }
    Ok(())
}

/// Checks a router.
pub fn router(spec: &RouterSpec) -> DriverResult<()> {
    let what = || format!("router {}", spec.id);
    identifier(&what(), spec.id.as_str())?;
    let legs = spec.interfaces.iter().map(|leg| (&leg.port_id, &leg.mac));
    let gateway = spec.gateway.iter().map(|leg| (&leg.port_id, &leg.mac));
    for (port, address) in legs.chain(gateway) {
        identifier(&what(), port.as_str())?;
        mac(&what(), address)?;
    }
    let mut seen = BTreeSet::new();
    for floating in &spec.floating_ips {
        if floating.floating_ip_address.is_ipv4() != floating.fixed_ip_address.is_ipv4() {
            return Err(DriverError::invalid(what(), "a floating IP and its fixed IP are of different kinds"));
        }
        if !seen.insert(floating.floating_ip_address) {
            let why = format!("floating IP {} is there twice", floating.floating_ip_address);
            return Err(DriverError::invalid(what(), why));
        }
    }
    if !spec.floating_ips.is_empty() && spec.gateway.is_none() {
        return Err(DriverError::invalid(what(), "floating IPs need an external gateway"));
    }
    Ok(())
}

/// Checks a security group.
pub fn security_group(spec: &SecurityGroupSpec) -> DriverResult<()> {
    let what = || format!("security group {}", spec.id);
    identifier(&what(), spec.id.as_str())?;
    spec.rules.iter().try_for_each(|rule| security_group_rule(&what(), rule))
}

fn security_group_rule(what: &str, rule: &SecurityGroupRuleSpec) -> DriverResult<()> {
    let invalid = |why: &str| Err(DriverError::invalid(what, format!("rule {}: {why}", rule.id)));
    if let Some(group) = &rule.remote_group_id {
        identifier(what, group.as_str())?;
    }
    let icmp = matches!(rule.protocol, Some(1 | 58));
    match (rule.port_range_min, rule.port_range_max) {
        (None, Some(_)) => invalid("a last port without a first"),
        (Some(_), _) if rule.protocol.is_none() => invalid("ports without a protocol"),
        (Some(kind), code) if icmp && (kind > 255 || code.is_some_and(|code| code > 255)) => {
            invalid("an ICMP type or code above 255")
        }
        (Some(first), Some(last)) if !icmp && first > last => invalid("a first port above the last"),
        _ => Ok(()),
    }
}

/// Whether `text` is a MAC address as Neutron writes it.
fn mac(what: &str, text: &str) -> DriverResult<()> {
    let octets = text.split(':').filter(|part| {
        part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    });
    if octets.count() == 6 && text.len() == 17 {
        return Ok(());
    }
    Err(DriverError::invalid(what, format!("{text:?} is not an Ethernet address")))
}

fn hostname(what: &str, text: &str) -> DriverResult<()> {
    let label = |part: &str| {
        (1..=63).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if text.len() <= 253 && text.split('.').all(label) {
        return Ok(());
    }
    Err(DriverError::invalid(what, format!("{text:?} is not a host name")))
}

/// Ids become parts of device, chain and file names.
fn identifier(what: &str, text: &str) -> DriverResult<()> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if plain && (1..=64).contains(&text.len()) {
        return Ok(());
    }
    Err(DriverError::invalid(what, format!("{text:?} is not an id")))
}

fn inside(what: &str, yes: bool, ip: IpAddr) -> DriverResult<()> {
    if yes { Ok(()) } else { Err(DriverError::invalid(what, format!("{ip} is outside of its subnet"))) }
}

fn missing(what: String, kind: &'static str, id: &str) -> DriverError {
    DriverError::Missing { what, kind, id: id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn macs_are_lower_case_hexadecimal_with_colons() {
        assert!(mac("p", "fa:16:3e:00:00:0a").is_ok());
        for bad in [
            "",
            "FA:16:3E:00:00:0A",
            "fa:16:3e:00:00",
            "fa:16:3e:00:00:0a:bb",
            "fa:16:3e:00:00:g0",
            "fa-16-3e-00-00-0a",
        ] {
            assert!(mac("p", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_checked_label_by_label() {
        assert!(hostname("p", "web-1.cloudbox.local").is_ok());
        for bad in ["", "a..b", "a b", "a\nb", &"a".repeat(64)] {
            assert!(hostname("p", bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_passes_holds_no_syntax(text in ".{0,70}") {
            let passed = identifier("x", &text).is_ok() || hostname("x", &text).is_ok() || mac("x", &text).is_ok();
            if passed {
                let syntax = "{};,\"'$`\\#/";
                let clean = !text.contains(|c: char| c.is_whitespace() || syntax.contains(c));
                prop_assert!(clean);
            }
        }
    }
}
