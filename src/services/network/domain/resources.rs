//! The resources' attributes, as request bodies may name them. Views and filters have tables of their own.

use super::attributes::{Attribute, Default, Resource};
use super::kinds::Kind;

/// The longest name.
const NAME: usize = 255;
/// The longest `device_owner`, as Neutron's column has it.
const OWNER: usize = 255;

const ID: Attribute = Attribute::read_only("id");
const STATUS: Attribute = Attribute::read_only("status");
const TENANT_ID: Attribute = Attribute::new("tenant_id", Kind::Text(NAME), Default::Unspecified).fixed();
const PROJECT_ID: Attribute = Attribute::new("project_id", Kind::Text(NAME), Default::Unspecified).fixed();
const NAMED: Attribute = Attribute::new("name", Kind::Text(NAME), Default::Text(""));
const DESCRIPTION: Attribute = Attribute::new("description", Kind::Text(NAME), Default::Text(""));
const ADMIN_STATE_UP: Attribute = Attribute::new("admin_state_up", Kind::Bool, Default::Bool(true));
const TAGS: Attribute = Attribute::read_only("tags");
const REVISION: Attribute = Attribute::read_only("revision_number");
const CREATED: Attribute = Attribute::read_only("created_at");
const UPDATED: Attribute = Attribute::read_only("updated_at");
const PORT_SECURITY: Attribute = Attribute::new("port_security_enabled", Kind::Bool, Default::Unspecified);

/// How IPv6 guests get their address.
const IPV6_MODES: &[&str] = &["dhcpv6-stateful", "dhcpv6-stateless", "slaac"];
/// What a network can be made of here.
const NETWORK_TYPES: Kind = Kind::Text(32);
/// How a port can be plugged.
const VNIC_TYPES: &[&str] = &["normal"];

/// Networks.
pub static NETWORK: Resource = Resource {
    name: "network",
    collection: "networks",
    attributes: &[
        ID,
        NAMED,
        TENANT_ID,
        PROJECT_ID,
        ADMIN_STATE_UP,
        STATUS,
        Attribute::read_only("subnets"),
        Attribute::new("shared", Kind::Bool, Default::Bool(false)).guarded(),
        Attribute::new("router:external", Kind::Bool, Default::Bool(false)).guarded(),
        Attribute::new("is_default", Kind::Bool, Default::Bool(false)).guarded(),
        Attribute::new("mtu", Kind::Integer(68), Default::Unspecified),
        PORT_SECURITY,
        Attribute::new("dns_domain", Kind::DnsDomain, Default::Text("")),
        Attribute::new("provider:network_type", NETWORK_TYPES, Default::Unspecified).guarded().fixed(),
        Attribute::new("provider:physical_network", Kind::TextOrNull(128), Default::Unspecified).guarded().fixed(),
        Attribute::new("provider:segmentation_id", Kind::IntegerOrNull(1), Default::Unspecified).guarded().fixed(),
        Attribute::new("availability_zone_hints", Kind::Texts, Default::EmptyList).fixed(),
        Attribute::read_only("availability_zones"),
        DESCRIPTION,
        TAGS,
        REVISION,
        CREATED,
        UPDATED,
    ],
};

/// Subnets.
pub static SUBNET: Resource = Resource {
    name: "subnet",
    collection: "subnets",
    attributes: &[
        ID,
        NAMED,
        TENANT_ID,
        PROJECT_ID,
        Attribute::new("ip_version", Kind::IpVersion, Default::Required).fixed(),
        Attribute::new("network_id", Kind::Uuid, Default::Required).fixed(),
        Attribute::new("subnetpool_id", Kind::UuidOrNull, Default::Null).fixed(),
        Attribute::new("cidr", Kind::Cidr, Default::Unspecified).fixed(),
        Attribute::new("gateway_ip", Kind::AddressOrNull, Default::Unspecified),
        Attribute::new("allocation_pools", Kind::Pools, Default::Unspecified),
        Attribute::new("dns_nameservers", Kind::Nameservers, Default::EmptyList),
        Attribute::new("host_routes", Kind::Routes, Default::EmptyList),
        Attribute::new("enable_dhcp", Kind::Bool, Default::Bool(true)),
        Attribute::new("ipv6_ra_mode", Kind::OneOfOrNull(IPV6_MODES), Default::Null).fixed(),
        Attribute::new("ipv6_address_mode", Kind::OneOfOrNull(IPV6_MODES), Default::Null).fixed(),
        Attribute::new("service_types", Kind::Texts, Default::EmptyList).guarded(),
        Attribute::new("segment_id", Kind::UuidOrNull, Default::Null).guarded(),
        Attribute::read_only("router:external"),
        DESCRIPTION,
        TAGS,
        REVISION,
        CREATED,
        UPDATED,
    ],
};

/// Ports.
pub static PORT: Resource = Resource {
    name: "port",
    collection: "ports",
    attributes: &[
        ID,
        NAMED,
        TENANT_ID,
        PROJECT_ID,
        Attribute::new("network_id", Kind::Uuid, Default::Required).fixed(),
        ADMIN_STATE_UP,
        STATUS,
        Attribute::new("mac_address", Kind::Mac, Default::Unspecified).guarded(),
        Attribute::new("fixed_ips", Kind::FixedIps, Default::Unspecified),
        Attribute::new("device_id", Kind::Text(OWNER), Default::Text("")),
        Attribute::new("device_owner", Kind::Text(OWNER), Default::Text("")).guarded(),
        Attribute::new("security_groups", Kind::Uuids, Default::Unspecified),
        PORT_SECURITY.guarded(),
        Attribute::new("allowed_address_pairs", Kind::AddressPairs, Default::EmptyList).guarded(),
        Attribute::new("extra_dhcp_opts", Kind::DhcpOptions, Default::EmptyList),
        Attribute::new("binding:host_id", Kind::TextOrNull(NAME), Default::Text("")).guarded(),
        Attribute::new("binding:profile", Kind::Object, Default::Unspecified).guarded(),
        Attribute::new("binding:vnic_type", Kind::OneOf(VNIC_TYPES), Default::Text("normal")).guarded(),
        Attribute::read_only("binding:vif_type"),
        Attribute::read_only("binding:vif_details"),
        DESCRIPTION,
        TAGS,
        REVISION,
        CREATED,
        UPDATED,
    ],
};

/// Routers.
pub static ROUTER: Resource = Resource {
    name: "router",
    collection: "routers",
    attributes: &[
        ID,
        NAMED,
        TENANT_ID,
        PROJECT_ID,
        ADMIN_STATE_UP,
        STATUS,
        Attribute::new("external_gateway_info", Kind::Gateway, Default::Null),
        Attribute { name: "routes", kind: Kind::Routes, create: None, update: true, guarded: false },
        Attribute::new("availability_zone_hints", Kind::Texts, Default::EmptyList).fixed(),
        Attribute::read_only("availability_zones"),
        DESCRIPTION,
        TAGS,
        REVISION,
        CREATED,
        UPDATED,
    ],
};

/// Security groups.
pub static SECURITY_GROUP: Resource = Resource {
    name: "security_group",
    collection: "security_groups",
    attributes: &[
        ID,
        Attribute::new("name", Kind::Text(NAME), Default::Text("")),
        TENANT_ID,
        PROJECT_ID,
        Attribute::new("stateful", Kind::Bool, Default::Bool(true)),
        Attribute::read_only("security_group_rules"),
        Attribute::read_only("shared"),
        DESCRIPTION,
        TAGS,
        REVISION,
        CREATED,
        UPDATED,
    ],
};

/// Security group rules.
pub static SECURITY_GROUP_RULE: Resource = Resource {
    name: "security_group_rule",
    collection: "security_group_rules",
    attributes: &[
        ID,
        TENANT_ID,
        PROJECT_ID,
        Attribute::new("security_group_id", Kind::Text(255), Default::Required).fixed(),
        Attribute::new("direction", Kind::OneOf(&["ingress", "egress"]), Default::Required).fixed(),
        Attribute::new("ethertype", Kind::OneOf(&["IPv4", "IPv6"]), Default::Text("IPv4")).fixed(),
        Attribute::new("protocol", Kind::Protocol, Default::Null).fixed(),
        Attribute::new("port_range_min", Kind::PortNumber, Default::Null).fixed(),
        Attribute::new("port_range_max", Kind::PortNumber, Default::Null).fixed(),
        Attribute::new("remote_ip_prefix", Kind::PrefixOrNull, Default::Null).fixed(),
        Attribute::new("remote_group_id", Kind::TextOrNull(255), Default::Null).fixed(),
        DESCRIPTION,
        REVISION,
        CREATED,
        UPDATED,
    ],
};

/// Floating IPs.
pub static FLOATING_IP: Resource = Resource {
    name: "floatingip",
    collection: "floatingips",
    attributes: &[
        ID,
        TENANT_ID,
        PROJECT_ID,
        Attribute::new("floating_network_id", Kind::Uuid, Default::Required).fixed(),
        Attribute::new("floating_ip_address", Kind::AddressOrNull, Default::Unspecified).guarded().fixed(),
        Attribute::new("subnet_id", Kind::UuidOrNull, Default::Unspecified).fixed(),
        Attribute::new("port_id", Kind::UuidOrNull, Default::Null),
        Attribute::new("fixed_ip_address", Kind::AddressOrNull, Default::Null),
        Attribute::read_only("router_id"),
        STATUS,
        DESCRIPTION,
        TAGS,
        REVISION,
        CREATED,
        UPDATED,
    ],
};
