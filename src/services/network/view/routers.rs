//! Routers, and what their interface calls answer.

use bus::topics::network_spec::{FixedIp, Route};
use kit::ids::SubnetId;
use serde::Serialize;

use super::StandardView;
use crate::change::routers::Interface;
use crate::domain::model::Router;

/// A router in an answer.
#[derive(Debug, Serialize)]
pub struct RouterView<'m> {
    id: &'m str,
    name: &'m str,
    tenant_id: &'m str,
    project_id: &'m str,
    admin_state_up: bool,
    status: &'static str,
    external_gateway_info: Option<GatewayView<'m>>,
    routes: &'m [Route],
    availability_zone_hints: [&'static str; 0],
    availability_zones: &'static [&'static str],
    #[serde(flatten)]
    standard: StandardView<'m>,
}

#[derive(Debug, Serialize)]
struct GatewayView<'m> {
    network_id: &'m str,
    external_fixed_ips: &'m [FixedIp],
    enable_snat: bool,
}

impl<'m> RouterView<'m> {
    /// How `router` looks.
    #[must_use]
    pub fn of(router: &'m Router) -> Self {
        Self {
            id: router.id.as_str(),
            name: &router.name,
            tenant_id: router.project_id.as_str(),
            project_id: router.project_id.as_str(),
            admin_state_up: router.admin_state_up,
            status: "ACTIVE",
            external_gateway_info: router.gateway.as_ref().map(|gateway| GatewayView {
                network_id: gateway.network_id.as_str(),
                external_fixed_ips: &gateway.fixed_ips,
                enable_snat: router.enable_snat,
            }),
            routes: &router.routes,
            availability_zone_hints: [],
            availability_zones: if router.host.is_some() { &["nova"] } else { &[] },
            standard: StandardView::of(&router.standard),
        }
    }
}

/// What `add_router_interface` and `remove_router_interface` answer.
#[derive(Debug, Serialize)]
pub struct InterfaceView<'m> {
    id: &'m str,
    tenant_id: &'m str,
    project_id: &'m str,
    port_id: &'m str,
    network_id: &'m str,
    subnet_id: Option<&'m SubnetId>,
    subnet_ids: &'m [SubnetId],
    tags: &'m [String],
}

impl<'m> InterfaceView<'m> {
    /// How `interface` looks.
    #[must_use]
    pub fn of(interface: &'m Interface) -> Self {
        Self {
            id: interface.router.id.as_str(),
            tenant_id: interface.router.project_id.as_str(),
            project_id: interface.router.project_id.as_str(),
            port_id: interface.port.id.as_str(),
            network_id: interface.port.network_id.as_str(),
            subnet_id: interface.subnets.first(),
            subnet_ids: &interface.subnets,
            tags: &interface.router.standard.tags,
        }
    }
}
