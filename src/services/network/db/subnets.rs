//! Subnets and their pools.

use kit::Fault;
use kit::ids::{NetworkId, SubnetId};
use kit::time::to_micros;
use store::{Connection, Row, named_params, params, query, rusqlite};

use super::{Selection, gather, id, json, json_ids, parsed, parsed_or_null, standard, to_json};
use crate::db::addresses::{octets, range};
use crate::domain::address::{Range, number};
use crate::domain::model::Subnet;

const SELECT: &str =
    "SELECT t.*, n.external AS network_external FROM network_subnets t JOIN network_networks n ON n.id = t.network_id";

fn map(row: &Row<'_>) -> rusqlite::Result<Subnet> {
    Ok(Subnet {
        id: id(row, "id")?,
        network_id: id(row, "network_id")?,
        project_id: id(row, "project_id")?,
        name: row.get("name")?,
        cidr: parsed(row, "cidr")?,
        gateway_ip: parsed_or_null(row, "gateway_ip")?,
        enable_dhcp: row.get("enable_dhcp")?,
        ipv6_ra_mode: row.get("ipv6_ra_mode")?,
        ipv6_address_mode: row.get("ipv6_address_mode")?,
        dns_nameservers: json(row, "dns_nameservers")?,
        host_routes: json(row, "host_routes")?,
        service_types: json(row, "service_types")?,
        pools: Vec::new(),
        external: row.get("network_external")?,
        standard: standard(row)?,
    })
}

/// The subnets of `selection`.
///
/// # Errors
/// The store's.
pub fn list(db: &Connection, selection: &Selection) -> Result<Vec<Subnet>, Fault> {
    let mut subnets = super::list(db, SELECT, selection, map)?;
    let mut pools = gather(
        db,
        "SELECT p.subnet_id, p.first, p.last FROM json_each(?1) o JOIN network_pools p ON p.subnet_id = o.value
         ORDER BY p.subnet_id, p.first",
        &json_ids(subnets.iter().map(|subnet| subnet.id.as_str())),
        range,
    )?;
    for subnet in &mut subnets {
        subnet.pools = pools.remove(subnet.id.as_str()).unwrap_or_default();
    }
    Ok(subnets)
}

/// The subnets of a network, oldest first.
///
/// # Errors
/// The store's.
pub fn of_network(db: &Connection, network: &NetworkId) -> Result<Vec<Subnet>, Fault> {
    let mut subnets = query::all(
        db,
        "SELECT t.*, n.external AS network_external FROM network_subnets t JOIN network_networks n ON n.id = t.network_id
         WHERE t.network_id = ?1 ORDER BY t.created_at, t.id",
        [network.as_str()],
        map,
    )?;
    for subnet in &mut subnets {
        subnet.pools = pools(db, &subnet.id)?;
    }
    Ok(subnets)
}

/// The subnet `id`.
///
/// # Errors
/// The store's.
pub fn get(db: &Connection, id: &SubnetId) -> Result<Option<Subnet>, Fault> {
    let sql = "SELECT t.*, n.external AS network_external FROM network_subnets t
        JOIN network_networks n ON n.id = t.network_id WHERE t.id = ?1";
    let Some(mut subnet) = query::opt(db, sql, [id.as_str()], map)? else { return Ok(None) };
    subnet.pools = pools(db, id)?;
    Ok(Some(subnet))
}

fn pools(db: &Connection, id: &SubnetId) -> Result<Vec<Range>, Fault> {
    let sql = "SELECT subnet_id, first, last FROM network_pools WHERE subnet_id = ?1 ORDER BY first";
    Ok(query::all(db, sql, [id.as_str()], range)?)
}

/// Stores a new subnet, or all of a changed one; its pools too, but not what of them is free.
///
/// # Errors
/// The store's.
pub fn put(db: &Connection, subnet: &Subnet) -> Result<(), Fault> {
    let sql = "INSERT INTO network_subnets
        (id, network_id, project_id, name, description, ip_version, cidr, gateway_ip, enable_dhcp, ipv6_ra_mode,
         ipv6_address_mode, dns_nameservers, host_routes, service_types, next_address, tags, revision_number, created_at,
         updated_at)
        VALUES (:id, :network_id, :project_id, :name, :description, :ip_version, :cidr, :gateway_ip, :enable_dhcp,
         :ipv6_ra_mode, :ipv6_address_mode, :dns_nameservers, :host_routes, :service_types, :next_address, :tags,
         :revision_number, :created_at, :updated_at)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
         gateway_ip = excluded.gateway_ip, enable_dhcp = excluded.enable_dhcp,
         dns_nameservers = excluded.dns_nameservers, host_routes = excluded.host_routes,
         service_types = excluded.service_types, tags = excluded.tags, revision_number = excluded.revision_number,
         updated_at = excluded.updated_at";
    let standard = &subnet.standard;
    query::execute(
        db,
        sql,
        named_params! {
            ":id": subnet.id.as_str(), ":network_id": subnet.network_id.as_str(),
            ":project_id": subnet.project_id.as_str(), ":name": subnet.name, ":description": standard.description,
            ":ip_version": subnet.ip_version(), ":cidr": subnet.cidr.to_string(),
            ":gateway_ip": subnet.gateway_ip.map(|ip| ip.to_string()), ":enable_dhcp": subnet.enable_dhcp,
            ":ipv6_ra_mode": subnet.ipv6_ra_mode, ":ipv6_address_mode": subnet.ipv6_address_mode,
            ":dns_nameservers": to_json(&subnet.dns_nameservers)?, ":host_routes": to_json(&subnet.host_routes)?,
            ":service_types": to_json(&subnet.service_types)?, ":next_address": octets(number(subnet.cidr.network())),
            ":tags": to_json(&standard.tags)?, ":revision_number": standard.revision_number,
            ":created_at": to_micros(standard.created_at), ":updated_at": to_micros(standard.updated_at),
        },
    )?;
    query::execute(db, "DELETE FROM network_pools WHERE subnet_id = ?1", [subnet.id.as_str()])?;
    for pool in &subnet.pools {
        let sql = "INSERT INTO network_pools (subnet_id, first, last) VALUES (?1, ?2, ?3)";
        query::execute(db, sql, params![subnet.id.as_str(), octets(pool.first), octets(pool.last)])?;
    }
    Ok(())
}

/// Takes the subnet `id` away, with its pools.
///
/// # Errors
/// The store's; a foreign key where an address of it is still allocated.
pub fn delete(db: &Connection, id: &SubnetId) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM network_subnets WHERE id = ?1", [id.as_str()])?;
    Ok(())
}
