//! Which addresses are taken, which are free.
//!
//! `network_addresses` says who has an address; its primary key is what keeps two ports from having the same.
//! `network_free` holds the rest of the pools as ranges, so that the next free address is found by one index
//! look-up however full the subnet is. Invariant: free = pools − taken, as disjoint ranges that do not touch.
//! Every function that takes or gives back keeps it.

use std::net::IpAddr;

use bus::topics::network_spec::FixedIp;
use kit::Fault;
use kit::ids::{PortId, SubnetId};
use store::{Connection, Row, params, query, rusqlite};

use crate::domain::address::{Range, address, number};
use crate::domain::model::Subnet;

/// A number as the database keeps it.
#[must_use]
pub fn octets(number: u128) -> [u8; 16] {
    number.to_be_bytes()
}

/// The range in the columns `first` and `last`.
///
/// # Errors
/// SQLite's.
pub fn range(row: &Row<'_>) -> rusqlite::Result<Range> {
    let first: [u8; 16] = row.get("first")?;
    let last: [u8; 16] = row.get("last")?;
    Ok(Range { first: u128::from_be_bytes(first), last: u128::from_be_bytes(last) })
}

/// Gives `port` an address of `subnet` that is free, or answers `None` when there is none.
///
/// # Errors
/// The store's.
pub fn take_next(db: &Connection, subnet: &Subnet, port: &PortId, position: i64) -> Result<Option<IpAddr>, Fault> {
    let id = subnet.id.as_str();
    let from: [u8; 16] =
        query::one(db, "SELECT next_address FROM network_subnets WHERE id = ?1", [id], |row| row.get(0))?;
    // The first free address from there on, else the first of all.
    let sql = "SELECT first, last FROM network_free WHERE subnet_id = ?1 AND last >= ?2 ORDER BY last LIMIT 1";
    let found = match query::opt(db, sql, params![id, from], range)? {
        Some(found) => Some(found),
        None => query::opt(db, sql, params![id, octets(0)], range)?,
    };
    let Some(found) = found else { return Ok(None) };
    let from = u128::from_be_bytes(from);
    let taken = if found.contains(from) { from } else { found.first };
    split(db, &subnet.id, found, taken)?;
    let sql = "UPDATE network_subnets SET next_address = ?2 WHERE id = ?1";
    query::execute(db, sql, params![id, octets(taken.saturating_add(1))])?;
    let ip = address(taken, subnet.is_v6());
    insert(db, &subnet.id, ip, port, position)?;
    Ok(Some(ip))
}

/// Gives `port` the address `ip` of `subnet`; whether it was not taken.
///
/// # Errors
/// The store's.
pub fn take(db: &Connection, subnet: &SubnetId, ip: IpAddr, port: &PortId, position: i64) -> Result<bool, Fault> {
    let wanted = number(ip);
    let taken = "SELECT 1 FROM network_addresses WHERE subnet_id = ?1 AND address = ?2";
    if query::exists(db, taken, params![subnet.as_str(), octets(wanted)])? {
        return Ok(false);
    }
    if let Some(found) = free_range_at(db, subnet, wanted)? {
        split(db, subnet, found, wanted)?;
    }
    insert(db, subnet, ip, port, position)?;
    Ok(true)
}

/// Takes the address `fixed` back from the port that has it.
///
/// # Errors
/// The store's.
pub fn give_back(db: &Connection, fixed: &FixedIp) -> Result<(), Fault> {
    let (subnet, freed) = (&fixed.subnet_id, number(fixed.ip_address));
    let sql = "DELETE FROM network_addresses WHERE subnet_id = ?1 AND address = ?2";
    query::execute(db, sql, params![subnet.as_str(), octets(freed)])?;
    let in_pool = "SELECT 1 FROM network_pools WHERE subnet_id = ?1 AND first <= ?2 AND last >= ?2";
    if query::exists(db, in_pool, params![subnet.as_str(), octets(freed)])? {
        join(db, subnet, freed)?;
    }
    Ok(())
}

/// Takes all addresses back that `port` has.
///
/// # Errors
/// The store's.
pub fn give_back_all(db: &Connection, port: &PortId) -> Result<(), Fault> {
    let sql = "SELECT subnet_id, ip_address FROM network_addresses WHERE port_id = ?1";
    for fixed in query::all(db, sql, [port.as_str()], fixed_ip)? {
        give_back(db, &fixed)?;
    }
    Ok(())
}

/// Works out anew what is free, after the pools were changed.
///
/// # Errors
/// The store's.
pub fn rebuild_free(db: &Connection, subnet: &Subnet) -> Result<(), Fault> {
    let id = subnet.id.as_str();
    query::execute(db, "DELETE FROM network_free WHERE subnet_id = ?1", [id])?;
    let sql =
        "SELECT address FROM network_addresses WHERE subnet_id = ?1 AND address BETWEEN ?2 AND ?3 ORDER BY address";
    let mut free: Vec<Range> = Vec::new();
    let mut pools = subnet.pools.clone();
    pools.sort();
    for pool in pools {
        let mut rest = Some(pool);
        let taken =
            query::all(db, sql, params![id, octets(pool.first), octets(pool.last)], |row| row.get::<_, [u8; 16]>(0))?;
        for taken in taken.into_iter().map(u128::from_be_bytes) {
            let Some(range) = rest else { break };
            if taken > range.first {
                append(&mut free, Range { first: range.first, last: taken - 1 });
            }
            rest = (taken < range.last).then(|| Range { first: taken + 1, last: range.last });
        }
        if let Some(range) = rest {
            append(&mut free, range);
        }
    }
    free.into_iter().try_for_each(|range| insert_free(db, &subnet.id, range))
}

/// Adds a range that lies behind all others; one that touches the last makes it longer.
fn append(ranges: &mut Vec<Range>, range: Range) {
    match ranges.last_mut().filter(|last| last.last.checked_add(1) == Some(range.first)) {
        Some(last) => last.last = range.last,
        None => ranges.push(range),
    }
}

/// Whoever has an address of `subnet` but a port of one of `ignored` owners: its port's id.
///
/// # Errors
/// The store's.
pub fn user_of(db: &Connection, subnet: &SubnetId, ignored: &[&str]) -> Result<Option<PortId>, Fault> {
    let sql = "SELECT p.id, p.device_owner FROM network_addresses a JOIN network_ports p ON p.id = a.port_id
        WHERE a.subnet_id = ?1";
    let users = query::all(db, sql, [subnet.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    Ok(users.into_iter().find(|(_, owner)| !ignored.contains(&owner.as_str())).map(|(id, _)| PortId::from(id)))
}

/// The port that has `ip` in `subnet`.
///
/// # Errors
/// The store's.
pub fn holder(db: &Connection, subnet: &SubnetId, ip: IpAddr) -> Result<Option<PortId>, Fault> {
    let sql = "SELECT port_id FROM network_addresses WHERE subnet_id = ?1 AND address = ?2";
    let found = query::opt(db, sql, params![subnet.as_str(), octets(number(ip))], |row| row.get::<_, String>(0))?;
    Ok(found.map(PortId::from))
}

/// The address in the columns `subnet_id` and `ip_address`.
///
/// # Errors
/// SQLite's.
pub fn fixed_ip(row: &Row<'_>) -> rusqlite::Result<FixedIp> {
    Ok(FixedIp { subnet_id: super::id(row, "subnet_id")?, ip_address: super::parsed(row, "ip_address")? })
}

fn insert(db: &Connection, subnet: &SubnetId, ip: IpAddr, port: &PortId, position: i64) -> Result<(), Fault> {
    let sql =
        "INSERT INTO network_addresses (subnet_id, address, ip_address, port_id, position) VALUES (?1, ?2, ?3, ?4, ?5)";
    query::execute(db, sql, params![subnet.as_str(), octets(number(ip)), ip.to_string(), port.as_str(), position])?;
    Ok(())
}

fn free_range_at(db: &Connection, subnet: &SubnetId, number: u128) -> Result<Option<Range>, Fault> {
    let sql = "SELECT first, last FROM network_free WHERE subnet_id = ?1 AND last >= ?2 ORDER BY last LIMIT 1";
    let found = query::opt(db, sql, params![subnet.as_str(), octets(number)], range)?;
    Ok(found.filter(|range| range.contains(number)))
}

fn split(db: &Connection, subnet: &SubnetId, free: Range, taken: u128) -> Result<(), Fault> {
    delete_free(db, subnet, free)?;
    free.without(taken).try_for_each(|rest| insert_free(db, subnet, rest))
}

/// Adds `freed` to what is free, and makes one range of those that it joins.
fn join(db: &Connection, subnet: &SubnetId, freed: u128) -> Result<(), Fault> {
    let mut joined = Range { first: freed, last: freed };
    let neighbours = [freed.checked_sub(1), Some(freed), freed.checked_add(1)];
    for neighbour in neighbours.into_iter().flatten() {
        if let Some(found) = free_range_at(db, subnet, neighbour)? {
            delete_free(db, subnet, found)?;
            joined = Range { first: joined.first.min(found.first), last: joined.last.max(found.last) };
        }
    }
    insert_free(db, subnet, joined)
}

fn delete_free(db: &Connection, subnet: &SubnetId, range: Range) -> Result<(), Fault> {
    let sql = "DELETE FROM network_free WHERE subnet_id = ?1 AND last = ?2";
    query::execute(db, sql, params![subnet.as_str(), octets(range.last)])?;
    Ok(())
}

fn insert_free(db: &Connection, subnet: &SubnetId, range: Range) -> Result<(), Fault> {
    let sql = "INSERT INTO network_free (subnet_id, first, last) VALUES (?1, ?2, ?3)";
    query::execute(db, sql, params![subnet.as_str(), octets(range.first), octets(range.last)])?;
    Ok(())
}
