//! What dnsmasq is given to read.

use std::path::Path;

use bus::topics::network_spec::*;

use super::config::{Files, render};
use crate::drivers::samples::*;

fn rendered(network: &NetworkSpec, ports: &[PortSpec]) -> Files {
    let ports: Vec<&PortSpec> = ports.iter().collect();
    render(network, &ports, Path::new("/run/x"), &["9.9.9.9".parse().unwrap()])
}

#[test]
fn the_configuration_serves_known_hosts_only() {
    let files = rendered(&network("n1", NetworkGateway::Host), &[]);
    insta::assert_snapshot!(files.config);
}

#[test]
fn options_name_gateway_resolver_mtu_and_the_way_to_the_metadata_service() {
    let mut network = network("n1", NetworkGateway::Router);
    insta::assert_snapshot!(rendered(&network, &[]).options);
    let subnet = &mut network.subnets[0];
    subnet.gateway_ip = None;
    subnet.dns_nameservers = vec!["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
    subnet.host_routes =
        vec![Route { destination: "10.9.0.0/16".parse().unwrap(), nexthop: "10.0.0.9".parse().unwrap() }];
    insta::assert_snapshot!(rendered(&network, &[]).options);
    network.metadata = false;
    network.subnets[0].host_routes.clear();
    insta::assert_snapshot!(rendered(&network, &[]).options);
}

#[test]
fn each_port_has_its_address_name_and_options() {
    let mut named = port("p1", "n1", 10, &[]);
    named.hostname = "web".to_owned();
    named.extra_dhcp_opts = vec![
        DhcpOption { name: "bootfile-name".to_owned(), value: "pxelinux.0".to_owned(), ip_version: 4 },
        DhcpOption { name: "150".to_owned(), value: "192.0.2.9".to_owned(), ip_version: 4 },
        DhcpOption { name: "domain-search".to_owned(), value: "x.example".to_owned(), ip_version: 6 },
    ];
    let files = rendered(&network("n1", NetworkGateway::Router), &[named, port("p2", "n1", 11, &[])]);
    insta::assert_snapshot!(files.hosts);
    insta::assert_snapshot!(files.options);
    insta::assert_snapshot!(files.names);
}

#[test]
fn ipv6_addresses_are_given_where_the_mode_says_so() {
    let mut network = network("n1", NetworkGateway::Router);
    let mut six = subnet("s6", "fd00::/64");
    six.ipv6_address_mode = Some(Ipv6Mode::DhcpStateful);
    network.subnets.push(six);
    let mut port = port("p1", "n1", 10, &[]);
    port.fixed_ips.push(fixed("s6", "fd00::10"));
    let files = rendered(&network, &[port]);
    assert!(files.config.contains("dhcp-range=set:subnet1,fd00::,static,64,24h"), "{}", files.config);
    insta::assert_snapshot!(files.hosts);
    network.subnets[1].ipv6_address_mode = Some(Ipv6Mode::Slaac);
    assert!(!rendered(&network, &[]).config.contains("fd00"));
}
