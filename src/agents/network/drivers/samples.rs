//! Specs for unit tests.

use std::net::IpAddr;

use bus::topics::network_spec::*;
use kit::ids::{NetworkId, PortId, RouterId, SecurityGroupId};

/// A subnet with its gateway at the range's first address.
pub fn subnet(id: &str, cidr: &str) -> SubnetSpec {
    let cidr: ipnet::IpNet = cidr.parse().unwrap();
    SubnetSpec {
        id: id.into(),
        cidr,
        gateway_ip: cidr.hosts().next(),
        enable_dhcp: true,
        dns_nameservers: vec![],
        host_routes: vec![],
        ipv6_address_mode: None,
        ipv6_ra_mode: None,
    }
}

pub fn fixed(subnet: &str, ip: &str) -> FixedIp {
    FixedIp { subnet_id: subnet.into(), ip_address: ip.parse().unwrap() }
}

/// A network on `10.0.0.0/24`, subnet `s1`, with a service port.
pub fn network(id: &str, gateway: NetworkGateway) -> NetworkSpec {
    NetworkSpec {
        id: NetworkId::new(id),
        mtu: 1500,
        segment: Segment::Local,
        dns_domain: "cloudbox.local".to_owned(),
        subnets: vec![subnet("s1", "10.0.0.0/24")],
        service_port: Some(ServicePort {
            port_id: PortId::new("service"),
            mac: "fa:16:3e:ff:00:01".to_owned(),
            fixed_ips: vec![fixed("s1", "10.0.0.2")],
        }),
        metadata: true,
        gateway,
    }
}

pub fn port(id: &str, network: &str, last: u8, groups: &[&str]) -> PortSpec {
    PortSpec {
        id: PortId::new(id),
        network_id: NetworkId::new(network),
        mac: format!("fa:16:3e:00:00:{last:02x}"),
        fixed_ips: vec![FixedIp { subnet_id: "s1".into(), ip_address: IpAddr::from([10, 0, 0, last]) }],
        allowed_address_pairs: vec![],
        port_security_enabled: true,
        security_groups: groups.iter().map(SecurityGroupId::new).collect(),
        device_owner: "compute:nova".to_owned(),
        device_id: "server".to_owned(),
        hostname: String::new(),
        admin_state_up: true,
        extra_dhcp_opts: vec![],
    }
}

pub fn group(id: &str, rules: Vec<SecurityGroupRuleSpec>) -> SecurityGroupSpec {
    SecurityGroupSpec { id: SecurityGroupId::new(id), stateful: true, rules }
}

pub fn rule(direction: Direction, protocol: Option<u8>, ports: Option<(u16, u16)>) -> SecurityGroupRuleSpec {
    SecurityGroupRuleSpec {
        id: "rule".into(),
        direction,
        ethertype: Ethertype::Ipv4,
        protocol,
        port_range_min: ports.map(|ports| ports.0),
        port_range_max: ports.map(|ports| ports.1),
        remote_ip_prefix: None,
        remote_group_id: None,
    }
}

/// A router between network `n1` and the external network `ext`.
pub fn router() -> RouterSpec {
    let address = |ip: &str| InterfaceAddress { subnet_id: "s1".into(), address: ip.parse().unwrap() };
    RouterSpec {
        id: RouterId::new("r1"),
        admin_state_up: true,
        interfaces: vec![RouterInterface {
            port_id: PortId::new("leg"),
            network_id: NetworkId::new("n1"),
            mac: "fa:16:3e:aa:00:01".to_owned(),
            addresses: vec![address("10.0.0.1/24")],
        }],
        gateway: Some(RouterGateway {
            port_id: PortId::new("out"),
            network_id: NetworkId::new("ext"),
            mac: "fa:16:3e:aa:00:02".to_owned(),
            addresses: vec![address("172.24.4.5/24")],
            nexthops: vec!["172.24.4.1".parse().unwrap()],
            enable_snat: true,
        }),
        routes: vec![],
        floating_ips: vec![FloatingIpSpec {
            floating_ip_address: "172.24.4.50".parse().unwrap(),
            fixed_ip_address: "10.0.0.10".parse().unwrap(),
            port_id: PortId::new("p1"),
        }],
    }
}
