//! Ports, with their addresses and security groups.

use kit::Fault;
use kit::ids::{HostId, NetworkId, PortId, SecurityGroupId, ServerId};
use kit::time::{from_micros, to_micros};
use store::rusqlite::types::{FromSql, Type};
use store::{Connection, Row, named_params, params, query, rusqlite};

use super::{Selection, gather, json_ids, to_json};
use crate::db::addresses::fixed_ip;
use crate::domain::model::{DHCP_OWNER, Port, PortStatus, Standard};

/// The columns, in the order in which [`map`] reads them: by number, because a page of a thousand ports is
/// read in a few milliseconds.
const SELECT: &str = "SELECT t.id, t.network_id, t.project_id, t.name, t.mac_address, t.admin_state_up, t.status,
    t.device_id, t.device_owner, t.port_security_enabled, t.binding_host, t.binding_vnic_type, t.binding_profile, t.device,
    t.bridge, t.hostname, t.server_id, t.made_for_server, t.device_index, t.device_tag, t.allowed_address_pairs, t.extra_dhcp_opts,
    t.description, t.tags, t.revision_number, t.created_at, t.updated_at FROM network_ports t";

/// Reads a row's columns one after the other.
struct Columns<'r, 's> {
    row: &'r Row<'s>,
    next: usize,
}

impl Columns<'_, '_> {
    fn take<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let value = self.row.get(self.next);
        self.next += 1;
        value
    }

    fn id<T: From<String>>(&mut self) -> rusqlite::Result<T> {
        self.take::<String>().map(T::from)
    }

    fn json<T: serde::de::DeserializeOwned + Default>(&mut self) -> rusqlite::Result<T> {
        let text: String = self.take()?;
        if text == "[]" || text == "{}" {
            return Ok(T::default());
        }
        serde_json::from_str(&text)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(self.next, Type::Text, error.into()))
    }
}

fn map(row: &Row<'_>) -> rusqlite::Result<Port> {
    let mut columns = Columns { row, next: 0 };
    let c = &mut columns;
    Ok(Port {
        id: c.id()?,
        network_id: c.id()?,
        project_id: c.id()?,
        name: c.take()?,
        mac_address: c.take()?,
        admin_state_up: c.take()?,
        status: PortStatus::parse(&c.take::<String>()?),
        device_id: c.take()?,
        device_owner: c.take()?,
        port_security_enabled: c.take()?,
        binding_host: Some(c.take::<String>()?).filter(|host| !host.is_empty()).map(HostId::from),
        binding_vnic_type: c.take()?,
        binding_profile: c.json()?,
        device: c.take()?,
        bridge: c.take()?,
        hostname: c.take()?,
        server_id: c.take::<Option<String>>()?.map(ServerId::from),
        made_for_server: c.take()?,
        device_index: c.take()?,
        device_tag: c.take()?,
        allowed_address_pairs: c.json()?,
        extra_dhcp_opts: c.json()?,
        fixed_ips: Vec::new(),
        security_groups: Vec::new(),
        standard: Standard {
            description: c.take()?,
            tags: c.json()?,
            revision_number: c.take()?,
            created_at: from_micros(c.take()?),
            updated_at: from_micros(c.take()?),
        },
    })
}

/// The ports of `selection`.
///
/// # Errors
/// The store's.
pub fn list(db: &Connection, selection: &Selection) -> Result<Vec<Port>, Fault> {
    let ports = super::list(db, SELECT, selection, map)?;
    complete(db, ports)
}

/// Adds the addresses and groups: two look-ups for all ports together.
fn complete(db: &Connection, mut ports: Vec<Port>) -> Result<Vec<Port>, Fault> {
    let ids = json_ids(ports.iter().map(|port| port.id.as_str()));
    let mut addresses = gather(
        db,
        "SELECT a.port_id, a.subnet_id, a.ip_address FROM json_each(?1) o JOIN network_addresses a ON a.port_id = o.value
         ORDER BY a.port_id, a.position",
        &ids,
        fixed_ip,
    )?;
    let mut groups = gather(
        db,
        "SELECT g.port_id, g.security_group_id FROM json_each(?1) o JOIN network_port_groups g ON g.port_id = o.value
         ORDER BY g.port_id, g.security_group_id",
        &ids,
        |row| row.get::<_, String>(1).map(SecurityGroupId::from),
    )?;
    for port in &mut ports {
        port.fixed_ips = addresses.remove(port.id.as_str()).unwrap_or_default();
        port.security_groups = groups.remove(port.id.as_str()).unwrap_or_default();
    }
    Ok(ports)
}

/// The ports for which the condition `sql` (of static text) holds, by place on their server and age.
fn by(db: &Connection, sql: &str, params: impl store::rusqlite::Params) -> Result<Vec<Port>, Fault> {
    let sql = format!("{SELECT} WHERE {sql} ORDER BY t.device_index, t.created_at, t.id");
    let ports = query::all(db, &sql, params, map)?;
    complete(db, ports)
}

/// The port `id`.
///
/// # Errors
/// The store's.
pub fn get(db: &Connection, id: &PortId) -> Result<Option<Port>, Fault> {
    Ok(by(db, "t.id = ?1", [id.as_str()])?.pop())
}

/// A server's interfaces in their order.
///
/// # Errors
/// The store's.
pub fn of_server(db: &Connection, server: &ServerId) -> Result<Vec<Port>, Fault> {
    by(db, "t.server_id = ?1", [server.as_str()])
}

/// All ports that name a device, such as a router's legs.
///
/// # Errors
/// The store's.
pub fn of_device(db: &Connection, device: &str) -> Result<Vec<Port>, Fault> {
    if device.is_empty() {
        return Ok(Vec::new());
    }
    by(db, "t.device_id = ?1", [device])
}

/// All ports of a network.
///
/// # Errors
/// The store's.
pub fn of_network(db: &Connection, network: &NetworkId) -> Result<Vec<Port>, Fault> {
    by(db, "t.network_id = ?1", [network.as_str()])
}

/// All ports bound to a host.
///
/// # Errors
/// The store's.
pub fn of_host(db: &Connection, host: &HostId) -> Result<Vec<Port>, Fault> {
    by(db, "t.binding_host = ?1 AND t.binding_host <> ''", [host.as_str()])
}

/// All ports of a security group.
///
/// # Errors
/// The store's.
pub fn of_group(db: &Connection, group: &SecurityGroupId) -> Result<Vec<Port>, Fault> {
    by(db, "t.id IN (SELECT port_id FROM network_port_groups WHERE security_group_id = ?1)", [group.as_str()])
}

/// The DHCP port of a network on a host.
///
/// # Errors
/// The store's.
pub fn dhcp(db: &Connection, network: &NetworkId, host: &HostId) -> Result<Option<Port>, Fault> {
    let condition = "t.network_id = ?1 AND t.binding_host = ?2 AND t.device_owner = ?3";
    Ok(by(db, condition, params![network.as_str(), host.as_str(), DHCP_OWNER])?.pop())
}

/// Whether `mac` is taken in a network.
///
/// # Errors
/// The store's.
pub fn mac_exists(db: &Connection, network: &NetworkId, mac: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM network_ports WHERE network_id = ?1 AND mac_address = ?2";
    Ok(query::exists(db, sql, params![network.as_str(), mac])?)
}

/// The hosts that have ports on a network.
///
/// # Errors
/// The store's.
pub fn hosts_of_network(db: &Connection, network: &NetworkId) -> Result<Vec<HostId>, Fault> {
    let sql = "SELECT DISTINCT binding_host FROM network_ports WHERE network_id = ?1 AND binding_host <> ''";
    Ok(query::all(db, sql, [network.as_str()], |row| row.get::<_, String>(0).map(HostId::from))?)
}

/// Stores a new port, or all of a changed one: its groups too, but not its addresses.
///
/// # Errors
/// The store's; a unique rule on the MAC.
pub fn put(db: &Connection, port: &Port) -> Result<(), Fault> {
    let sql = "INSERT INTO network_ports
        (id, network_id, project_id, name, description, mac_address, admin_state_up, status, device_id, device_owner,
         port_security_enabled, binding_host, binding_vnic_type, binding_profile, device, bridge, hostname, server_id, made_for_server,
         device_index, device_tag, allowed_address_pairs, extra_dhcp_opts, tags, revision_number, created_at, updated_at)
        VALUES (:id, :network_id, :project_id, :name, :description, :mac_address, :admin_state_up, :status, :device_id,
         :device_owner, :port_security_enabled, :binding_host, :binding_vnic_type, :binding_profile, :device, :bridge,
         :hostname, :server_id, :made_for_server, :device_index, :device_tag, :allowed_address_pairs, :extra_dhcp_opts, :tags,
         :revision_number, :created_at, :updated_at)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
         project_id = excluded.project_id, mac_address = excluded.mac_address, admin_state_up = excluded.admin_state_up,
         status = excluded.status, device_id = excluded.device_id, device_owner = excluded.device_owner,
         port_security_enabled = excluded.port_security_enabled, binding_host = excluded.binding_host,
         binding_vnic_type = excluded.binding_vnic_type, binding_profile = excluded.binding_profile,
         device = excluded.device, bridge = excluded.bridge, hostname = excluded.hostname, server_id = excluded.server_id,
         made_for_server = excluded.made_for_server, device_index = excluded.device_index,
         device_tag = excluded.device_tag, allowed_address_pairs = excluded.allowed_address_pairs,
         extra_dhcp_opts = excluded.extra_dhcp_opts, tags = excluded.tags, revision_number = excluded.revision_number,
         updated_at = excluded.updated_at";
    let standard = &port.standard;
    query::execute(
        db,
        sql,
        named_params! {
            ":id": port.id.as_str(), ":network_id": port.network_id.as_str(), ":project_id": port.project_id.as_str(),
            ":name": port.name, ":description": standard.description, ":mac_address": port.mac_address,
            ":admin_state_up": port.admin_state_up, ":status": port.status.as_str(), ":device_id": port.device_id,
            ":device_owner": port.device_owner, ":port_security_enabled": port.port_security_enabled,
            ":binding_host": port.binding_host.as_ref().map_or("", |host| host.as_str()),
            ":binding_vnic_type": port.binding_vnic_type, ":binding_profile": profile(port)?,
            ":device": port.device, ":bridge": port.bridge, ":hostname": port.hostname,
            ":server_id": port.server_id.as_ref().map(|server| server.as_str()),
            ":made_for_server": port.made_for_server, ":device_index": port.device_index, ":device_tag": port.device_tag,
            ":allowed_address_pairs": to_json(&port.allowed_address_pairs)?,
            ":extra_dhcp_opts": to_json(&port.extra_dhcp_opts)?, ":tags": to_json(&standard.tags)?,
            ":revision_number": standard.revision_number, ":created_at": to_micros(standard.created_at),
            ":updated_at": to_micros(standard.updated_at),
        },
    )?;
    set_groups(db, port)
}

fn profile(port: &Port) -> Result<String, Fault> {
    if port.binding_profile.is_null() { Ok("{}".to_owned()) } else { to_json(&port.binding_profile) }
}

fn set_groups(db: &Connection, port: &Port) -> Result<(), Fault> {
    let wanted = json_ids(port.security_groups.iter().map(|group| group.as_str()));
    let sql = "DELETE FROM network_port_groups WHERE port_id = ?1
        AND security_group_id NOT IN (SELECT value FROM json_each(?2))";
    query::execute(db, sql, params![port.id.as_str(), wanted])?;
    for group in &port.security_groups {
        let sql = "INSERT OR IGNORE INTO network_port_groups (port_id, security_group_id) VALUES (?1, ?2)";
        query::execute(db, sql, params![port.id.as_str(), group.as_str()])?;
    }
    Ok(())
}

/// Takes the port `id` away. Its addresses must have been given back.
///
/// # Errors
/// The store's; a foreign key where it still has addresses.
pub fn delete(db: &Connection, id: &PortId) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM network_ports WHERE id = ?1", [id.as_str()])?;
    Ok(())
}
