//! From what changed to what hosts are told.
//!
//! The database is the record and the messages are a nudge: [`orders`] looks up, after the commit, what the
//! affected things are by now, and says who must be told. Whatever could not be sent leaves its host marked as stale,
//! and the reconciler sends that host everything.

pub mod specs;

use std::collections::BTreeSet;

use bus::topics::network_agent::{
    EnsureNetwork, EnsurePort, EnsureRouter, EnsureSecurityGroup, RemoveNetwork, RemovePort, RemoveRouter,
    RemoveSecurityGroup, SetGroupMembers,
};
use bus::{Client, Target};
use kit::ids::{HostId, SecurityGroupId};
use kit::{Fault, RequestContext};
use store::{Connection, query};

use crate::db;
use crate::domain::affected::{Affected, Removal};
use crate::domain::model::Port;
use specs::Defaults;

/// One message to one host.
#[derive(Debug, Clone)]
pub enum Order {
    /// See [`EnsureNetwork`].
    Network(EnsureNetwork),
    /// See [`EnsurePort`].
    Port(EnsurePort),
    /// See [`EnsureRouter`].
    Router(EnsureRouter),
    /// See [`EnsureSecurityGroup`].
    Group(EnsureSecurityGroup),
    /// See [`SetGroupMembers`].
    Members(SetGroupMembers),
    /// Something is gone.
    Remove(Removal),
}

impl Order {
    /// Casts it to the agent on `host`.
    ///
    /// # Errors
    /// The bus's, where it could not be queued.
    pub fn cast(self, client: &Client, context: &RequestContext, host: &HostId) -> Result<(), Fault> {
        let target = Target::host(host);
        match self {
            Self::Network(message) => client.cast(context, target, message),
            Self::Port(message) => client.cast(context, target, message),
            Self::Router(message) => client.cast(context, target, message),
            Self::Group(message) => client.cast(context, target, message),
            Self::Members(message) => client.cast(context, target, message),
            Self::Remove(Removal::Port(port_id)) => client.cast(context, target, RemovePort { port_id }),
            Self::Remove(Removal::Network(network_id)) => client.cast(context, target, RemoveNetwork { network_id }),
            Self::Remove(Removal::Router(router_id)) => client.cast(context, target, RemoveRouter { router_id }),
            Self::Remove(Removal::Group(security_group_id)) => {
                client.cast(context, target, RemoveSecurityGroup { security_group_id })
            }
        }
    }
}

/// What must be sent for `affected`, in the order in which it is to be sent.
///
/// # Errors
/// The store's.
pub fn orders(db: &Connection, defaults: &Defaults, affected: &Affected) -> Result<Vec<(HostId, Order)>, Fault> {
    let mut orders: Vec<(HostId, Order)> = Vec::new();
    orders.extend(affected.removed.iter().map(|(host, removal)| (host.clone(), Order::Remove(removal.clone()))));
    for id in &affected.networks {
        for host in db::ports::hosts_of_network(db, id)? {
            if let Some(network) = specs::network(db, defaults, id, &host)? {
                orders.push((host, Order::Network(EnsureNetwork { network })));
            }
        }
    }
    for id in &affected.groups {
        for host in hosts_of_group(db, id)? {
            for group in db::security_groups::with_remotes(db, std::slice::from_ref(id))? {
                let security_group = specs::group(group);
                orders.push((host.clone(), Order::Group(EnsureSecurityGroup { security_group })));
            }
        }
    }
    for id in &affected.ports {
        let wired = db::ports::get(db, id)?.filter(Port::is_wired);
        if let Some((host, port)) = wired.and_then(|port| Some((port.binding_host.clone()?, port)))
            && let Some(message) = ensure_port(db, defaults, port, &host)?
        {
            orders.push((host, Order::Port(message)));
        }
    }
    for id in &affected.routers {
        let Some(router) = db::routers::get(db, id)? else { continue };
        let Some(host) = router.host.clone() else { continue };
        let (networks, router) = specs::router(db, defaults, router, &host)?;
        orders.push((host, Order::Router(EnsureRouter { networks, router })));
    }
    orders.extend(member_orders(db, &affected.members)?);
    Ok(orders)
}

/// The message that makes a guest's port on `host`; `None` where its network is gone.
///
/// # Errors
/// The store's.
pub fn ensure_port(
    db: &Connection,
    defaults: &Defaults,
    port: Port,
    host: &HostId,
) -> Result<Option<EnsurePort>, Fault> {
    let Some(network) = specs::network(db, defaults, &port.network_id, host)? else { return Ok(None) };
    let groups = db::security_groups::with_remotes(db, &port.security_groups)?;
    let security_groups = groups.into_iter().map(specs::group).collect();
    Ok(Some(EnsurePort { network, security_groups, port: specs::port(port) }))
}

/// The hosts that have ports of a group.
fn hosts_of_group(db: &Connection, group: &SecurityGroupId) -> Result<Vec<HostId>, Fault> {
    let sql = "SELECT DISTINCT p.binding_host FROM network_port_groups g JOIN network_ports p ON p.id = g.port_id
        WHERE g.security_group_id = ?1 AND p.binding_host <> ''";
    Ok(query::all(db, sql, [group.as_str()], |row| row.get::<_, String>(0).map(HostId::from))?)
}

/// Who a group's members are elsewhere, for the hosts whose ports have rules that refer to it. A cloud of one host has
/// no elsewhere.
fn member_orders(db: &Connection, groups: &BTreeSet<SecurityGroupId>) -> Result<Vec<(HostId, Order)>, Fault> {
    let mut orders = Vec::new();
    let hosts: i64 = query::one(db, "SELECT count(*) FROM network_agents", [], |row| row.get(0))?;
    if hosts < 2 {
        return Ok(orders);
    }
    for group in groups {
        let mut told = BTreeSet::new();
        for referring in db::security_groups::referring_to(db, group)? {
            told.extend(hosts_of_group(db, &referring)?);
        }
        for host in told {
            let members = specs::members(db, group, &host)?;
            orders.push((host, Order::Members(SetGroupMembers { members })));
        }
    }
    Ok(orders)
}
