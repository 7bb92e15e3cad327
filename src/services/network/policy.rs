//! Who may do what: Neutron's rules and their defaults.
//!
//! What a caller may *see* is decided in SQL (`api::resource::Resource::scope`): what he does not see is not found.

use http_kit::{Rule, Scopes};

/// A project's member, on what is the project's.
const MEMBER: &str = "rule:project_member_or_admin";
/// A project's reader, on what is the project's.
const READER: &str = "rule:project_reader_or_admin";
/// A project's manager, on what is the project's.
const MANAGER: &str = "rule:context_is_admin or rule:project_manager";
/// Anybody who sees it.
const SEEN: &str = "role:reader or rule:context_is_admin or rule:service_api";
/// An administrator.
const ADMIN: &str = "rule:context_is_admin";
/// A member of the project whose network it is on.
const NETWORK_OWNER: &str = "rule:context_is_admin or rule:service_api or (role:member and rule:network_owner)";
/// A member of the project whose subnet it is, or whose network that is on.
const SUBNET_OWNER: &str = "rule:project_member_or_admin or (role:member and rule:network_owner)";

/// All rules.
pub static RULES: &[Rule] = &[
    Rule::new("network_owner", "project_id:%(network:project_id)s", "The project whose network it is on."),
    Rule::new("shared", "field:networks:shared=True", "A network that every project may use."),
    Rule::new("create_network", MEMBER, "Make a network."),
    Rule::new("create_network:shared", ADMIN, "Make a network that every project may use."),
    Rule::new("create_network:router:external", ADMIN, "Make an external network."),
    Rule::new("create_network:is_default", ADMIN, "Make a network the default external one."),
    Rule::new("create_network:provider:network_type", ADMIN, "Choose what a new network is made of."),
    Rule::new("create_network:provider:physical_network", ADMIN, "Choose where a new network is."),
    Rule::new("create_network:provider:segmentation_id", ADMIN, "Choose a new network's segment."),
    Rule::new("get_network", SEEN, "See networks."),
    Rule::new("update_network", MEMBER, "Change a network."),
    Rule::new("update_network:shared", ADMIN, "Let every project use a network."),
    Rule::new("update_network:router:external", ADMIN, "Make a network external."),
    Rule::new("update_network:is_default", ADMIN, "Make a network the default external one."),
    Rule::new("delete_network", MEMBER, "Delete a network."),
    Rule::new("create_subnet", "rule:context_is_admin or (role:member and rule:network_owner)", "Make a subnet."),
    Rule::new("create_subnet:segment_id", ADMIN, "Put a new subnet on a segment."),
    Rule::new("create_subnet:service_types", ADMIN, "Say what a new subnet is for."),
    Rule::new("get_subnet", SEEN, "See subnets."),
    Rule::new("update_subnet", SUBNET_OWNER, "Change a subnet."),
    Rule::new("update_subnet:segment_id", ADMIN, "Put a subnet on a segment."),
    Rule::new("update_subnet:service_types", ADMIN, "Say what a subnet is for."),
    Rule::new("delete_subnet", SUBNET_OWNER, "Delete a subnet."),
    Rule::new("create_port", "rule:project_member_or_admin or rule:service_api", "Make a port."),
    Rule::new("create_port:device_owner", NETWORK_OWNER, "Say that a new port is a part of the network itself."),
    Rule::new("create_port:mac_address", NETWORK_OWNER, "Choose a new port's MAC address."),
    Rule::new("create_port:fixed_ips:ip_address", NETWORK_OWNER, "Choose a new port's address."),
    Rule::new("create_port:port_security_enabled", NETWORK_OWNER, "Switch a new port's security."),
    Rule::new("create_port:allowed_address_pairs", NETWORK_OWNER, "Let a new port send from other addresses."),
    Rule::new("create_port:binding:host_id", "rule:context_is_admin or rule:service_api", "Bind a new port to a host."),
    Rule::new("create_port:binding:profile", "rule:service_api", "Tell the driver about a new port."),
    Rule::new(
        "create_port:binding:vnic_type",
        "rule:project_member_or_admin or rule:service_api",
        "Choose how a new port is plugged.",
    ),
    Rule::new("get_port", SEEN, "See ports."),
    Rule::new("update_port", "rule:project_member_or_admin or rule:service_api", "Change a port."),
    Rule::new("update_port:device_owner", NETWORK_OWNER, "Say that a port is a part of the network itself."),
    Rule::new(
        "update_port:mac_address",
        "rule:context_is_admin or rule:service_api or (role:manager and rule:network_owner)",
        "Change a port's MAC address.",
    ),
    Rule::new("update_port:fixed_ips:ip_address", NETWORK_OWNER, "Choose a port's address."),
    Rule::new("update_port:port_security_enabled", NETWORK_OWNER, "Switch a port's security."),
    Rule::new("update_port:allowed_address_pairs", NETWORK_OWNER, "Let a port send from other addresses."),
    Rule::new("update_port:binding:host_id", "rule:context_is_admin or rule:service_api", "Bind a port to a host."),
    Rule::new("update_port:binding:profile", "rule:service_api", "Tell the driver about a port."),
    Rule::new(
        "update_port:binding:vnic_type",
        "rule:project_member_or_admin or rule:service_api",
        "Choose how a port is plugged.",
    ),
    Rule::new(
        "delete_port",
        "rule:project_member_or_admin or rule:service_api or (role:member and rule:network_owner)",
        "Delete a port.",
    ),
    Rule::new("create_router", MEMBER, "Make a router."),
    Rule::new("create_router:external_gateway_info:enable_snat", ADMIN, "Switch a new router's SNAT."),
    Rule::new("create_router:external_gateway_info:external_fixed_ips", ADMIN, "Choose a new router's outer address."),
    Rule::new("get_router", READER, "See routers."),
    Rule::new("update_router", MEMBER, "Change a router."),
    Rule::new("update_router:external_gateway_info:enable_snat", ADMIN, "Switch a router's SNAT."),
    Rule::new("update_router:external_gateway_info:external_fixed_ips", ADMIN, "Choose a router's outer address."),
    Rule::new("delete_router", MEMBER, "Delete a router."),
    Rule::new("add_router_interface", MEMBER, "Put a router on a subnet."),
    Rule::new("remove_router_interface", MEMBER, "Take a router off a subnet."),
    Rule::new("create_floatingip", MEMBER, "Take a floating IP."),
    Rule::new("create_floatingip:floating_ip_address", MANAGER, "Choose which floating IP."),
    Rule::new("get_floatingip", READER, "See floating IPs."),
    Rule::new("update_floatingip", MEMBER, "Say where a floating IP leads."),
    Rule::new("delete_floatingip", MEMBER, "Give a floating IP back."),
    Rule::new("create_security_group", MEMBER, "Make a security group."),
    Rule::new("get_security_group", READER, "See security groups."),
    Rule::new("update_security_group", MEMBER, "Change a security group."),
    Rule::new("delete_security_group", MEMBER, "Delete a security group."),
    Rule::new("create_security_group_rule", MEMBER, "Make a security group rule."),
    Rule::new("get_security_group_rule", READER, "See security group rules."),
    Rule::new("delete_security_group_rule", MEMBER, "Delete a security group rule."),
    Rule::new("get_quota", READER, "See a project's quotas."),
    Rule::new("get_quotas", ADMIN, "See all projects' own quotas."),
    Rule::new("update_quota", ADMIN, "Change a project's quotas."),
    Rule::new("delete_quota", ADMIN, "Take a project's own quotas away."),
    Rule::new("get_agent", ADMIN, "See agents."),
    Rule::new("delete_agent", ADMIN, "Forget an agent."),
    Rule::new("get_availability_zone", "role:reader", "See availability zones."),
    Rule::new("get_extension", "@", "See extensions. Not one of Neutron's rules: it asks for none.")
        .scopes(Scopes::ANY),
];
