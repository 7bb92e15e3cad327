//! Floating IPs.

use std::net::IpAddr;

use serde::Serialize;

use super::StandardView;
use crate::domain::model::FloatingIp;

/// A floating IP in an answer.
#[derive(Debug, Serialize)]
pub struct FloatingIpView<'m> {
    id: &'m str,
    tenant_id: &'m str,
    project_id: &'m str,
    floating_ip_address: IpAddr,
    floating_network_id: &'m str,
    router_id: Option<&'m str>,
    port_id: Option<&'m str>,
    fixed_ip_address: Option<IpAddr>,
    status: &'static str,
    dns_domain: &'static str,
    dns_name: &'static str,
    qos_policy_id: Option<&'m str>,
    qos_network_policy_id: Option<&'m str>,
    #[serde(flatten)]
    standard: StandardView<'m>,
}

impl<'m> FloatingIpView<'m> {
    /// How `floating` looks.
    #[must_use]
    pub fn of(floating: &'m FloatingIp) -> Self {
        let to = floating.association.as_ref();
        Self {
            id: &floating.id,
            tenant_id: floating.project_id.as_str(),
            project_id: floating.project_id.as_str(),
            floating_ip_address: floating.floating_ip_address,
            floating_network_id: floating.floating_network_id.as_str(),
            router_id: to.map(|to| to.router_id.as_str()),
            port_id: to.map(|to| to.port_id.as_str()),
            fixed_ip_address: to.map(|to| to.fixed_ip_address),
            status: if to.is_some() { "ACTIVE" } else { "DOWN" },
            dns_domain: "",
            dns_name: "",
            qos_policy_id: None,
            qos_network_policy_id: None,
            standard: StandardView::of(&floating.standard),
        }
    }
}
