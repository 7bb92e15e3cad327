//! The port that a host's DHCP, DNS and metadata service use on a network (`network:dhcp`): made when a host first
//! needs it, with an address of each subnet that has DHCP.

use kit::Fault;
use kit::ids::{HostId, NetworkId};

use super::Change;
use super::allocation::{Asker, Wanted, allocate};
use super::ports::{blank, insert};
use crate::db;
use crate::domain::model::{DHCP_OWNER, Network, PortStatus, Subnet};

/// Makes the network's DHCP port on `host` what the subnets ask for: there when one of them has DHCP, else not.
///
/// # Errors
/// `IpAddressGenerationFailure` where a subnet has no address left for it.
pub fn ensure(change: &mut Change<'_>, network: &Network, host: &HostId) -> Result<(), Fault> {
    let subnets = db::subnets::of_network(change.db, &network.id)?;
    let served: Vec<&Subnet> = subnets.iter().filter(|subnet| subnet.enable_dhcp).collect();
    let existing = db::ports::dhcp(change.db, &network.id, host)?;
    match existing {
        Some(port) if served.is_empty() => {
            db::addresses::give_back_all(change.db, &port.id)?;
            db::ports::delete(change.db, &port.id)?;
            change.affected.networks.insert(network.id.clone());
        }
        Some(mut port) => {
            for fixed in port.fixed_ips.iter().filter(|fixed| !served.iter().any(|subnet| subnet.id == fixed.subnet_id))
            {
                db::addresses::give_back(change.db, fixed)?;
                change.affected.networks.insert(network.id.clone());
            }
            let has = |subnet: &&&Subnet| port.fixed_ips.iter().any(|fixed| fixed.subnet_id == subnet.id);
            let missing: Vec<Wanted> = served.iter().filter(|subnet| !has(subnet)).map(|subnet| of(subnet)).collect();
            if !missing.is_empty() {
                let asker =
                    Asker { port: &port.id, network: &network.id, mac: &port.mac_address, device_owner: DHCP_OWNER };
                let first = i64::try_from(port.fixed_ips.len()).unwrap_or_default();
                allocate(change, asker, &subnets, Some(&missing), first)?;
                port.standard.touch(change.now);
                db::ports::put(change.db, &port)?;
                change.affected.networks.insert(network.id.clone());
            }
        }
        None if served.is_empty() => {}
        None => {
            let mut port = blank(network, &network.project_id, change.now);
            port.device_owner = DHCP_OWNER.to_owned();
            port.device_id = format!("dhcp-{host}-{}", network.id);
            port.binding_host = Some(host.clone());
            port.status = PortStatus::Active;
            port.port_security_enabled = false;
            let wanted: Vec<Wanted> = served.iter().map(|subnet| of(subnet)).collect();
            insert(change, port, &subnets, Some(&wanted))?;
            change.affected.networks.insert(network.id.clone());
        }
    }
    Ok(())
}

fn of(subnet: &Subnet) -> Wanted {
    Wanted { subnet_id: Some(subnet.id.clone()), ip_address: None }
}

/// The same on every host that has ports on the network, after its subnets changed.
///
/// # Errors
/// As [`ensure`].
pub fn ensure_everywhere(change: &mut Change<'_>, network: &NetworkId) -> Result<(), Fault> {
    let Some(network) = db::networks::get(change.db, network)? else { return Ok(()) };
    for host in db::ports::hosts_of_network(change.db, &network.id)? {
        ensure(change, &network, &host)?;
    }
    Ok(())
}
