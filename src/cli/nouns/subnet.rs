//! `cloudbox subnet`: subnets: ranges of addresses of a network.

use super::resource::{Arg, DESCRIPTION, Kind, NAME, RENAME, Resource, columns, create, delete, list, opt, set, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, NETWORK, Noun, kind};

/// Subnets.
pub static SUBNET: Noun =
    kind(("subnet", "subnet"), Service::Network, ("/subnets", "/subnets"), ("subnets", Some("subnet")), ByName::Exact);

use serde_json::{Value, json};

const GATEWAY: Arg = opt("gateway", Kind::Text, "The gateway's address").field("gateway_ip");
const NO_GATEWAY: Arg = opt("no-gateway", Kind::Flag("null"), "Without a gateway").field("gateway_ip");
const DNS: Arg = opt("dns", Kind::Texts, "A name server; may be given more than once").field("dns_nameservers");
const POOL: Arg =
    opt("pool", Kind::ParsedMany("FIRST-LAST", pool), "Addresses to give out; may be given more than once")
        .field("allocation_pools");
const ROUTE: Arg =
    opt("route", Kind::ParsedMany("RANGE=VIA", route), "A route that guests are told; may be given more than once")
        .field("host_routes");
const DHCP: Arg = opt("dhcp", Kind::Flag("true"), "Tell guests their addresses").field("enable_dhcp");
const NO_DHCP: Arg = opt("no-dhcp", Kind::Flag("false"), "Do not").field("enable_dhcp");
const MODES: Kind = Kind::Choice(&["slaac", "dhcpv6-stateful", "dhcpv6-stateless"]);

fn version(text: &str) -> Result<Value, String> {
    match text {
        "4" | "6" => Ok(json!(u8::from(text == "6") * 2 + 4)),
        _ => Err("expected 4 or 6".to_owned()),
    }
}

fn pool(text: &str) -> Result<Value, String> {
    let (first, last) = text.split_once('-').ok_or("expected FIRST-LAST")?;
    Ok(json!({ "start": first, "end": last }))
}

fn route(text: &str) -> Result<Value, String> {
    let (range, via) = text.split_once('=').ok_or("expected RANGE=VIA")?;
    Ok(json!({ "destination": range, "nexthop": via }))
}

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &SUBNET,
    about: "Subnets: ranges of addresses of a network",
    list: columns! {
        "Name": "/name", "Range": "/cidr", "Gateway": "/gateway_ip", "DHCP": "/enable_dhcp", "DNS": "/dns_nameservers" wide,
        "Network": "/network_id", "Id": "/id",
    },
    show: columns! {
        "Name": "/name", "Id": "/id", "Network": "/network_id", "Range": "/cidr", "Gateway": "/gateway_ip", "DHCP": "/enable_dhcp",
        "DNS": "/dns_nameservers", "Pools": "/allocation_pools", "Routes": "/host_routes", "RA mode": "/ipv6_ra_mode",
        "Address mode": "/ipv6_address_mode", "Description": "/description", "Project": "/project_id", "Created": "/created_at",
    },
    verbs: &[
        list(&[opt("network", Kind::Ref(&NETWORK), "Only of this network").field("network_id")]),
        show(),
        create(&[
            NAME,
            opt("network", Kind::Ref(&NETWORK), "The network").field("network_id").needed(),
            opt("range", Kind::Text, "The range, such as 10.1.0.0/24").field("cidr").needed(),
            opt("ip-version", Kind::Parsed("4|6", version), "4 or 6").needed(),
            GATEWAY,
            NO_GATEWAY,
            DNS,
            POOL,
            ROUTE,
            DHCP,
            NO_DHCP,
            DESCRIPTION,
            opt("ra-mode", MODES, "Who announces IPv6 routers").field("ipv6_ra_mode"),
            opt("address-mode", MODES, "How guests get IPv6 addresses").field("ipv6_address_mode"),
        ]),
        set("PUT", &[RENAME, GATEWAY, NO_GATEWAY, DNS, POOL, ROUTE, DHCP, NO_DHCP, DESCRIPTION]),
        delete(),
    ],
};
