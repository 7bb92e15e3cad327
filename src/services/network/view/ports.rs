//! Ports.

use std::borrow::Cow;
use std::net::IpAddr;

use bus::topics::network_spec::FixedIp;
use kit::ids::SecurityGroupId;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Audience, StandardView};
use crate::domain::model::{AddressPair, DhcpOpt, Port};

/// Neutron's `dns_domain` where nobody configured another.
const DNS_DOMAIN: &str = "openstacklocal";

/// A port in an answer.
#[derive(Debug, Serialize)]
pub struct PortView<'m> {
    id: &'m str,
    name: &'m str,
    network_id: &'m str,
    tenant_id: &'m str,
    project_id: &'m str,
    mac_address: &'m str,
    admin_state_up: bool,
    status: &'static str,
    device_id: &'m str,
    device_owner: &'m str,
    fixed_ips: &'m [FixedIp],
    allowed_address_pairs: Vec<AddressPair>,
    extra_dhcp_opts: &'m [DhcpOpt],
    security_groups: &'m [SecurityGroupId],
    #[serde(rename = "binding:vnic_type")]
    vnic_type: &'m str,
    #[serde(flatten)]
    binding: Option<Binding<'m>>,
    port_security_enabled: bool,
    dns_name: &'static str,
    dns_assignment: Vec<DnsAssignment<'m>>,
    data_plane_status: Option<&'m str>,
    propagate_uplink_status: bool,
    ip_allocation: &'static str,
    qos_policy_id: Option<&'m str>,
    qos_network_policy_id: Option<&'m str>,
    #[serde(flatten)]
    standard: StandardView<'m>,
}

/// The name that an address has in the network's DNS.
#[derive(Debug, Serialize)]
struct DnsAssignment<'m> {
    ip_address: IpAddr,
    hostname: Cow<'m, str>,
    fqdn: String,
}

impl<'m> DnsAssignment<'m> {
    fn of(port: &'m Port, ip_address: IpAddr) -> Self {
        let hostname = match port.hostname.as_str() {
            "" => Cow::Owned(format!("host-{}", ip_address.to_string().replace(['.', ':'], "-"))),
            name => Cow::Borrowed(name),
        };
        Self { ip_address, fqdn: format!("{hostname}.{DNS_DOMAIN}."), hostname }
    }
}

#[derive(Debug, Serialize)]
struct Binding<'m> {
    #[serde(rename = "binding:host_id")]
    host_id: &'m str,
    #[serde(rename = "binding:profile")]
    profile: Value,
    #[serde(rename = "binding:vif_type")]
    vif_type: &'static str,
    #[serde(rename = "binding:vif_details")]
    vif_details: Value,
    resource_request: Option<&'m str>,
}

impl<'m> PortView<'m> {
    /// How `port` looks to `audience`.
    #[must_use]
    pub fn of(port: &'m Port, audience: Audience) -> Self {
        let pair = |pair: &AddressPair| AddressPair {
            ip_address: pair.ip_address.clone(),
            mac_address: Some(pair.mac_address.clone().unwrap_or_else(|| port.mac_address.clone())),
        };
        Self {
            id: port.id.as_str(),
            name: &port.name,
            network_id: port.network_id.as_str(),
            tenant_id: port.project_id.as_str(),
            project_id: port.project_id.as_str(),
            mac_address: &port.mac_address,
            admin_state_up: port.admin_state_up,
            status: port.status.as_str(),
            device_id: &port.device_id,
            device_owner: &port.device_owner,
            fixed_ips: &port.fixed_ips,
            allowed_address_pairs: port.allowed_address_pairs.iter().map(pair).collect(),
            extra_dhcp_opts: &port.extra_dhcp_opts,
            security_groups: &port.security_groups,
            vnic_type: &port.binding_vnic_type,
            binding: audience.is_admin.then(|| binding(port)),
            port_security_enabled: port.port_security_enabled,
            dns_name: "",
            dns_assignment: port.fixed_ips.iter().map(|fixed| DnsAssignment::of(port, fixed.ip_address)).collect(),
            data_plane_status: None,
            propagate_uplink_status: true,
            ip_allocation: if port.fixed_ips.is_empty() { "none" } else { "immediate" },
            qos_policy_id: None,
            qos_network_policy_id: None,
            standard: StandardView::of(&port.standard),
        }
    }
}

fn binding(port: &Port) -> Binding<'_> {
    let bound = port.binding_host.is_some();
    Binding {
        host_id: port.binding_host.as_ref().map_or("", |host| host.as_str()),
        profile: if port.binding_profile.is_null() { json!({}) } else { port.binding_profile.clone() },
        vif_type: if bound { "bridge" } else { "unbound" },
        vif_details: if bound { json!({"port_filter": true, "connectivity": "l2"}) } else { json!({}) },
        resource_request: None,
    }
}
