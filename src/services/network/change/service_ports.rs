//! The port that a host's DHCP, DNS and metadata service use on a network (`network:dhcp`): made when a host first
//! needs it, with an address of each subnet that has DHCP.

use bus::topics::network_spec::FixedIp;
use kit::Fault;
use kit::ids::{HostId, NetworkId};

use super::Change;
use super::allocation::{Asker, Wanted, allocate};
use super::ports::{blank, insert};
use crate::db;
use crate::domain::model::{DHCP_OWNER, Network, Port, PortStatus, Subnet};

/// Makes the network's DHCP port on `host` what the subnets ask for: there when one of them has DHCP, else not.
///
/// # Errors
/// `IpAddressGenerationFailure` where a subnet has no address left for it.
pub fn ensure(change: &mut Change<'_>, network: &Network, host: &HostId) -> Result<(), Fault> {
    let subnets = db::subnets::of_network(change.db, &network.id)?;
    let served: Vec<&Subnet> = subnets.iter().filter(|subnet| subnet.enable_dhcp).collect();
    match db::ports::dhcp(change.db, &network.id, host)? {
        None if served.is_empty() => return Ok(()),
        None => make(change, network, host, &subnets, &served)?,
        Some(port) if served.is_empty() => {
            db::addresses::give_back_all(change.db, &port.id)?;
            db::ports::delete(change.db, &port.id)?;
        }
        Some(port) => {
            if !adjust(change, port, &subnets, &served)? {
                return Ok(());
            }
        }
    }
    change.affected.networks.insert(network.id.clone());
    Ok(())
}

fn make(
    change: &mut Change<'_>,
    network: &Network,
    host: &HostId,
    subnets: &[Subnet],
    served: &[&Subnet],
) -> Result<(), Fault> {
    let mut port = blank(network, &network.project_id, change.now);
    port.device_owner = DHCP_OWNER.to_owned();
    port.device_id = format!("dhcp-{host}-{}", network.id);
    port.binding_host = Some(host.clone());
    port.status = PortStatus::Active;
    port.port_security_enabled = false;
    let wanted: Vec<Wanted> = served.iter().map(|subnet| of(subnet)).collect();
    insert(change, port, subnets, Some(&wanted)).map(drop)
}

/// Gives the port an address of each subnet that is served and takes back the others; whether there was anything to do.
fn adjust(change: &Change<'_>, mut port: Port, subnets: &[Subnet], served: &[&Subnet]) -> Result<bool, Fault> {
    let unserved = |fixed: &&FixedIp| !served.iter().any(|subnet| subnet.id == fixed.subnet_id);
    let too_many: Vec<&FixedIp> = port.fixed_ips.iter().filter(unserved).collect();
    let has = |subnet: &Subnet| port.fixed_ips.iter().any(|fixed| fixed.subnet_id == subnet.id);
    let missing: Vec<Wanted> = served.iter().filter(|subnet| !has(subnet)).map(|subnet| of(subnet)).collect();
    if too_many.is_empty() && missing.is_empty() {
        return Ok(false);
    }
    for fixed in too_many {
        db::addresses::give_back(change.db, fixed)?;
    }
    let asker =
        Asker { port: &port.id, network: &port.network_id, mac: &port.mac_address, device_owner: &port.device_owner };
    let first = i64::try_from(port.fixed_ips.len()).unwrap_or_default();
    allocate(change, asker, subnets, Some(&missing), first)?;
    port.standard.touch(change.now);
    db::ports::put(change.db, &port)?;
    Ok(true)
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
