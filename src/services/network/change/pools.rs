//! A subnet's pools and gateway, held against its range.

use std::net::IpAddr;

use ipnet::IpNet;
use kit::Fault;
use serde::Deserialize;

use crate::domain::address::{Range, default_pools, is_v6, number, usable};
use crate::domain::faults;

/// A pool as bodies have it.
#[derive(Debug, Clone, Deserialize)]
pub struct Pool {
    start: IpAddr,
    end: IpAddr,
}

/// The pools that were asked for, or those that `cidr` gets by itself.
///
/// # Errors
/// Neutron's errors for pools that are not in the range, overlap, or hold the gateway.
pub fn checked(asked: Option<Vec<Pool>>, cidr: IpNet, gateway: Option<IpAddr>) -> Result<Vec<Range>, Fault> {
    let Some(asked) = asked else { return Ok(default_pools(cidr, gateway)) };
    let limits = usable(cidr);
    let mut pools: Vec<(Range, String)> = Vec::new();
    for Pool { start, end } in asked {
        let text = format!("{start}-{end}");
        if is_v6(start) != is_v6(cidr.addr()) || is_v6(end) != is_v6(start) || number(start) > number(end) {
            return Err(faults::invalid_allocation_pool(text));
        }
        let pool = Range { first: number(start), last: number(end) };
        if pool.first < limits.first || pool.last > limits.last {
            return Err(faults::out_of_bounds_allocation_pool(text, cidr));
        }
        if let Some((_, other)) = pools.iter().find(|(other, _)| other.overlaps(&pool)) {
            return Err(faults::overlapping_pools(other, text, cidr));
        }
        pools.push((pool, text));
    }
    gateway_outside(gateway, pools.iter().map(|(pool, text)| (*pool, text.clone())))?;
    let mut pools: Vec<Range> = pools.into_iter().map(|(pool, _)| pool).collect();
    pools.sort();
    Ok(pools)
}

/// Refuses a gateway that lies in one of the pools.
///
/// # Errors
/// `GatewayConflictWithAllocationPools`.
pub fn gateway_outside(gateway: Option<IpAddr>, pools: impl Iterator<Item = (Range, String)>) -> Result<(), Fault> {
    let Some(gateway) = gateway else { return Ok(()) };
    for (pool, text) in pools {
        if pool.contains(number(gateway)) {
            return Err(faults::gateway_conflict(gateway, text));
        }
    }
    Ok(())
}

/// Refuses a gateway that no host of the range can have. One outside of it is allowed, as in Neutron.
///
/// # Errors
/// `InvalidInput`.
pub fn gateway_valid(gateway: IpAddr, cidr: IpNet) -> Result<(), Fault> {
    if is_v6(gateway) != is_v6(cidr.addr()) {
        let text =
            format!("gateway_ip '{gateway}' does not match the ip_version '{}'", if is_v6(gateway) { 4 } else { 6 });
        return Err(faults::invalid_input(text));
    }
    // In IPv6 the network's own address is the routers' anycast address, which a gateway can have.
    let inside_and_unusable = cidr.contains(&gateway) && !is_v6(gateway) && !usable(cidr).contains(number(gateway));
    if inside_and_unusable { Err(faults::invalid_input("Gateway is not valid on subnet")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pools: &[(&str, &str)], gateway: Option<&str>) -> Result<Vec<Range>, String> {
        let pools = pools
            .iter()
            .map(|(start, end)| Pool { start: start.parse().unwrap(), end: end.parse().unwrap() })
            .collect();
        checked(Some(pools), "10.0.0.0/24".parse().unwrap(), gateway.map(|ip| ip.parse().unwrap()))
            .map_err(|fault| fault.code().unwrap().to_owned())
    }

    #[test]
    fn pools_lie_in_the_range_apart_from_each_other_and_from_the_gateway() {
        assert!(check(&[("10.0.0.20", "10.0.0.30"), ("10.0.0.2", "10.0.0.10")], Some("10.0.0.1")).is_ok());
        assert_eq!(check(&[("10.0.0.20", "10.0.0.10")], None).unwrap_err(), "InvalidAllocationPool");
        assert_eq!(check(&[("10.0.0.20", "10.0.1.10")], None).unwrap_err(), "OutOfBoundsAllocationPool");
        assert_eq!(check(&[("10.0.0.0", "10.0.0.10")], None).unwrap_err(), "OutOfBoundsAllocationPool");
        let overlapping = check(&[("10.0.0.2", "10.0.0.9"), ("10.0.0.9", "10.0.0.12")], None);
        assert_eq!(overlapping.unwrap_err(), "OverlappingAllocationPools");
        let gateway = check(&[("10.0.0.2", "10.0.0.9")], Some("10.0.0.5"));
        assert_eq!(gateway.unwrap_err(), "GatewayConflictWithAllocationPools");
    }
}
