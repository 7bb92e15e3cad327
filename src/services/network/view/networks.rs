//! Networks.

use kit::ids::SubnetId;
use serde::Serialize;

use super::{Audience, StandardView};
use crate::domain::model::Network;

/// A network in an answer.
#[derive(Debug, Serialize)]
pub struct NetworkView<'m> {
    id: &'m str,
    name: &'m str,
    tenant_id: &'m str,
    project_id: &'m str,
    admin_state_up: bool,
    mtu: u32,
    status: &'static str,
    subnets: &'m [SubnetId],
    shared: bool,
    availability_zone_hints: [&'static str; 0],
    availability_zones: &'static [&'static str],
    ipv4_address_scope: Option<&'m str>,
    ipv6_address_scope: Option<&'m str>,
    #[serde(rename = "router:external")]
    external: bool,
    qinq: bool,
    vlan_transparent: bool,
    port_security_enabled: bool,
    dns_domain: &'m str,
    qos_policy_id: Option<&'m str>,
    l2_adjacency: bool,
    is_default: bool,
    #[serde(flatten)]
    standard: StandardView<'m>,
    #[serde(flatten)]
    provider: Option<Provider<'m>>,
}

#[derive(Debug, Serialize)]
struct Provider<'m> {
    #[serde(rename = "provider:network_type")]
    network_type: &'m str,
    #[serde(rename = "provider:physical_network")]
    physical_network: Option<&'m str>,
    #[serde(rename = "provider:segmentation_id")]
    segmentation_id: Option<i64>,
}

impl<'m> NetworkView<'m> {
    /// How `network` looks to `audience`.
    #[must_use]
    pub fn of(network: &'m Network, audience: Audience) -> Self {
        Self {
            id: network.id.as_str(),
            name: &network.name,
            tenant_id: network.project_id.as_str(),
            project_id: network.project_id.as_str(),
            admin_state_up: network.admin_state_up,
            mtu: network.mtu,
            status: if network.admin_state_up { "ACTIVE" } else { "DOWN" },
            subnets: &network.subnets,
            shared: network.shared,
            availability_zone_hints: [],
            availability_zones: &[],
            ipv4_address_scope: None,
            ipv6_address_scope: None,
            external: network.external,
            qinq: false,
            vlan_transparent: false,
            port_security_enabled: network.port_security_enabled,
            dns_domain: &network.dns_domain,
            qos_policy_id: None,
            l2_adjacency: true,
            is_default: network.is_default,
            standard: StandardView::of(&network.standard),
            provider: audience.is_admin.then(|| Provider {
                network_type: &network.network_type,
                physical_network: network.physical_network.as_deref(),
                segmentation_id: network.segmentation_id,
            }),
        }
    }
}
