//! Subnets.

use std::net::IpAddr;

use bus::topics::network_spec::Route;
use serde::Serialize;

use super::StandardView;
use crate::domain::address::address;
use crate::domain::model::Subnet;

/// A subnet in an answer.
#[derive(Debug, Serialize)]
pub struct SubnetView<'m> {
    id: &'m str,
    name: &'m str,
    tenant_id: &'m str,
    project_id: &'m str,
    network_id: &'m str,
    ip_version: u8,
    subnetpool_id: Option<&'m str>,
    enable_dhcp: bool,
    ipv6_ra_mode: Option<&'m str>,
    ipv6_address_mode: Option<&'m str>,
    gateway_ip: Option<IpAddr>,
    cidr: String,
    allocation_pools: Vec<Pool>,
    host_routes: &'m [Route],
    dns_nameservers: &'m [IpAddr],
    #[serde(rename = "router:external")]
    external: bool,
    service_types: &'m [String],
    segment_id: Option<&'m str>,
    #[serde(flatten)]
    standard: StandardView<'m>,
}

#[derive(Debug, Serialize)]
struct Pool {
    start: IpAddr,
    end: IpAddr,
}

impl<'m> SubnetView<'m> {
    /// How `subnet` looks.
    #[must_use]
    pub fn of(subnet: &'m Subnet) -> Self {
        let v6 = subnet.is_v6();
        let pools = subnet.pools.iter();
        Self {
            id: subnet.id.as_str(),
            name: &subnet.name,
            tenant_id: subnet.project_id.as_str(),
            project_id: subnet.project_id.as_str(),
            network_id: subnet.network_id.as_str(),
            ip_version: subnet.ip_version(),
            subnetpool_id: None,
            enable_dhcp: subnet.enable_dhcp,
            ipv6_ra_mode: subnet.ipv6_ra_mode.as_deref(),
            ipv6_address_mode: subnet.ipv6_address_mode.as_deref(),
            gateway_ip: subnet.gateway_ip,
            cidr: subnet.cidr.to_string(),
            allocation_pools: pools.map(|p| Pool { start: address(p.first, v6), end: address(p.last, v6) }).collect(),
            host_routes: &subnet.host_routes,
            dns_nameservers: &subnet.dns_nameservers,
            external: subnet.external,
            service_types: &subnet.service_types,
            segment_id: None,
            standard: StandardView::of(&subnet.standard),
        }
    }
}
