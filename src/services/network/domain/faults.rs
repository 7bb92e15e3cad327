//! Neutron's errors: the `type` that clients switch on and the text that people read.
//!
//! One function per error, named as Neutron names its exception; nothing else in this crate words a fault.

use std::fmt::Display;

use kit::{Fault, FaultKind};

macro_rules! faults {
    ($($kind:ident $code:literal $name:ident($($argument:ident),*) = $text:literal;)+) => {$(
        #[doc = concat!("`", $code, "`.")]
        #[must_use]
        pub fn $name($($argument: impl Display),*) -> Fault {
            Fault::new(FaultKind::$kind, format!($text)).with_code($code)
        }
    )+};
}

faults! {
    NotFound "NetworkNotFound" network_not_found(id) = "Network {id} could not be found.";
    NotFound "SubnetNotFound" subnet_not_found(id) = "Subnet {id} could not be found.";
    NotFound "PortNotFound" port_not_found(id) = "Port {id} could not be found.";
    NotFound "RouterNotFound" router_not_found(id) = "Router {id} could not be found";
    NotFound "SecurityGroupNotFound" security_group_not_found(id) = "Security group {id} does not exist";
    NotFound "SecurityGroupRuleNotFound" rule_not_found(id) = "Security group rule {id} does not exist";
    NotFound "AgentNotFound" agent_not_found(id) = "Agent {id} could not be found.";
    NotFound "TagNotFound" tag_not_found(tag) = "Tag {tag} could not be found.";
    NotFound "TenantQuotaNotFound" quota_not_found(project) = "Quota for tenant {project} could not be found.";
    NotFound "FloatingIPNotFound" floating_ip_not_found(id) = "Floating IP {id} could not be found";
    NotFound "ExternalGatewayForFloatingIPNotFound" not_reachable(network, subnet, port) =
        "External network {network} is not reachable from subnet {subnet}.  Therefore, cannot associate Port {port} with a Floating IP.";
    NotFound "RouterInterfaceNotFound" router_interface_not_found(router, port) =
        "Router {router} does not have an interface with id {port}";
    NotFound "RouterInterfaceNotFoundForSubnet" router_interface_not_found_for_subnet(router, subnet) =
        "Router {router} has no interface on subnet {subnet}";
    NotFound "HTTPNotFound" extension_not_found(alias) = "Extension with alias {alias} does not exist";

    BadRequest "HTTPBadRequest" bad_request(text) = "{text}";
    BadRequest "BadRequest" bad(resource, text) = "Bad {resource} request: {text}.";
    BadRequest "InvalidInput" invalid_input(text) = "Invalid input for operation: {text}.";
    BadRequest "InvalidIpForNetwork" invalid_ip_for_network(ip) =
        "IP address {ip} is not a valid IP for any of the subnets on the specified network.";
    BadRequest "InvalidIpForSubnet" invalid_ip_for_subnet(ip) =
        "IP address {ip} is not a valid IP for the specified subnet.";
    BadRequest "InvalidAllocationPool" invalid_allocation_pool(pool) = "The allocation pool {pool} is not valid.";
    BadRequest "OutOfBoundsAllocationPool" out_of_bounds_allocation_pool(pool, cidr) =
        "The allocation pool {pool} spans beyond the subnet cidr {cidr}.";
    BadRequest "DNSNameServersExhausted" dns_exhausted(subnet, limit) =
        "Unable to complete operation for {subnet}. The number of DNS nameservers exceeds the limit {limit}.";
    BadRequest "HostRoutesExhausted" host_routes_exhausted(subnet, limit) =
        "Unable to complete operation for {subnet}. The number of host routes exceeds the limit {limit}.";
    BadRequest "RoutesExhausted" routes_exhausted(router, limit) =
        "Unable to complete operation for {router}. The number of routes exceeds the maximum {limit}.";
    BadRequest "InvalidRoutes" invalid_routes(routes, reason) = "Invalid format for routes: {routes}, {reason}";
    BadRequest "PortSecurityAndIPRequiredForSecurityGroups" port_security_required() =
        "Port security must be enabled and port must have an IP address in order to use security groups.";
    BadRequest "SecurityGroupInvalidPortRange" invalid_port_range() =
        "For TCP/UDP protocols, port_range_min must be <= port_range_max";
    BadRequest "SecurityGroupInvalidPortValue" invalid_port_value(port) = "Invalid value for port {port}";
    BadRequest "SecurityGroupInvalidIcmpValue" invalid_icmp_value(field, attribute, value) =
        "Invalid value for ICMP {field} ({attribute}) {value}. It must be 0 to 255.";
    BadRequest "SecurityGroupMissingIcmpType" missing_icmp_type(value) =
        "ICMP code (port-range-max) {value} is provided but ICMP type (port-range-min) is missing.";
    BadRequest "SecurityGroupProtocolRequiredWithPorts" protocol_required() =
        "Must also specify protocol if port range is given.";
    BadRequest "SecurityGroupInvalidProtocolForPort" invalid_protocol_for_port(protocol, valid) =
        "Port range cannot be specified for protocol {protocol}. Port range is only supported for {valid}.";
    BadRequest "SecurityGroupInvalidProtocol" invalid_protocol(protocol, values) =
        "Security group rule protocol {protocol} not supported. Only protocol values {values} and integer representations [0 to 255] are supported.";
    BadRequest "SecurityGroupEthertypeConflictWithProtocol" ethertype_conflict(ethertype, protocol) =
        "Invalid ethertype {ethertype} for protocol {protocol}.";
    BadRequest "SecurityGroupRemoteGroupAndRemoteIpPrefix" remote_group_and_prefix() =
        "Only remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.";
    BadRequest "SecurityGroupRuleParameterConflict" rule_parameter_conflict(ethertype, cidr) =
        "Conflicting value ethertype {ethertype} for CIDR {cidr}";

    Conflict "NetworkInUse" network_in_use(id, ports) =
        "Unable to complete operation on network {id}. There are one or more ports still in use on the network, id for these ports is: {ports}.";
    Conflict "SubnetInUse" subnet_in_use(id, reason) = "Unable to complete operation on subnet {id}: {reason}.";
    Conflict "PortInUse" port_in_use(id, network, device) =
        "Unable to complete operation on port {id} for network {network}. Port already has an attached device {device}.";
    Conflict "ServicePortInUse" service_port_in_use(id, owner) =
        "Port {id} cannot be deleted directly via the port API: has device owner {owner}.";
    Conflict "DeviceIDNotOwnedByTenant" device_not_owned(device) =
        "The following device_id {device} is not owned by your tenant or matches another tenants router.";
    Conflict "MacAddressInUse" mac_in_use(network, mac) =
        "Unable to complete operation for network {network}. The mac address {mac} is in use.";
    Conflict "IpAddressAlreadyAllocated" ip_allocated(ip, subnet) = "IP address {ip} already allocated in subnet {subnet}";
    Conflict "IpAddressGenerationFailure" no_more_addresses(network) = "No more IP addresses available on network {network}.";
    Conflict "IpAddressGenerationFailure" no_more_addresses_in_subnet(subnet) = "No more IP addresses available for subnet {subnet}.";
    Conflict "GatewayConflictWithAllocationPools" gateway_conflict(ip, pool) =
        "Gateway ip {ip} conflicts with allocation pool {pool}.";
    Conflict "GatewayIpInUse" gateway_in_use(ip, port) =
        "Current gateway ip {ip} already in use by port {port}. Unable to update.";
    Conflict "OverlappingAllocationPools" overlapping_pools(one, other, cidr) =
        "Found overlapping allocation pools: {one} {other} for subnet {cidr}.";
    Conflict "ExternalNetworkInUse" external_network_in_use(id) =
        "External network {id} cannot be updated to be made non-external, since it has existing gateway ports.";
    Conflict "InvalidSharedSetting" invalid_shared_setting(network) =
        "Unable to reconfigure sharing settings for network {network}. Multiple tenants are using it.";
    Conflict "VlanIdInUse" segment_in_use(kind, id) = "Unable to create the network. The {kind} segment {id} is in use.";
    Conflict "RouterInUse" router_in_use(id) = "Router {id} still has ports";
    Conflict "RouterInterfaceInUseByRoute" interface_in_use_by_route(router, subnet) =
        "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is required by one or more routes.";
    Conflict "FloatingIPPortAlreadyAssociated" floating_port_taken(ip, id, port, fixed, network) =
        "Cannot associate floating IP {ip} ({id}) with port {port} using fixed IP {fixed}, as that fixed IP already has a floating IP on external network {network}.";
    Conflict "RouterInterfaceInUseByFloatingIP" interface_in_use_by_floating_ip(router, subnet) =
        "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is required by one or more floating IPs.";
    Conflict "RouterExternalGatewayInUseByFloatingIp" gateway_in_use_by_floating_ip(router, network) =
        "Gateway cannot be updated for router {router}, since a gateway to external network {network} is required by one or more floating IPs.";
    Conflict "SecurityGroupInUse" security_group_in_use(id) = "Security Group {id} in use.";
    Conflict "SecurityGroupCannotRemoveDefault" cannot_remove_default() =
        "Insufficient rights for removing default security group.";
    Conflict "SecurityGroupCannotUpdateDefault" cannot_update_default() = "Updating default security group not allowed.";
    Conflict "SecurityGroupDefaultAlreadyExists" default_already_exists() = "Default security group already exists.";
    Conflict "SecurityGroupRuleExists" rule_exists(id) = "Security group rule already exists. Rule id is {id}.";
    Conflict "PortSecurityPortHasSecurityGroup" port_has_security_group() =
        "Port has security group associated. Cannot disable port security or IP address until security group is removed.";
    Conflict "AddressPairAndPortSecurityRequired" address_pair_needs_port_security() =
        "Port Security must be enabled in order to have allowed address pairs on a port.";

    OverQuota "OverQuota" over_quota(resource) = "Quota exceeded for resources: ['{resource}'].";
}

/// `Invalid input for <attribute>. Reason: <reason>.`: what the body's validation says.
#[must_use]
pub fn invalid_attribute(attribute: &str, reason: impl Display) -> Fault {
    bad_request(format!("Invalid input for {attribute}. Reason: {reason}."))
}

/// `PolicyNotAuthorized`: a body that sets what only some may set; `rules` as in `create_network:shared`.
#[must_use]
pub fn not_authorized(action: &str, rules: &[String]) -> Fault {
    let text = if rules.is_empty() {
        format!("rule:{action} is disallowed by policy")
    } else {
        let attributes: Vec<String> = rules.iter().map(|rule| format!("rule:{rule}")).collect();
        format!("(rule:{action} and {}) is disallowed by policy", attributes.join(" and "))
    };
    Fault::forbidden(text).with_code("PolicyNotAuthorized")
}
