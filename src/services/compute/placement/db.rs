//! SQL over inventories and allocations.
//!
//! A claim is decided here and nowhere else: the row of the class is looked at and the allocation written in one
//! transaction, so that claims that race never promise more than there is.

use std::collections::HashMap;

use kit::Timestamp;
use kit::ids::{HostId, ServerId};
use kit::time::to_micros;
use rusqlite::{Connection, Row, params};
use store::query;

use super::group::Group;
use super::resource::{Amounts, Class, Resource, Terms};
use crate::db::hosts::{self, Host};

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The host is the server's.
    Claimed,
    /// The server does not look for a host any more.
    Gone,
    /// The host cannot take it after all.
    Refused,
}

/// What changes about a host between two of its heartbeats.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// The host.
    pub(crate) host: HostId,
    /// Whether an operator has disabled it.
    pub(crate) disabled: bool,
    /// Why.
    pub(crate) disabled_reason: Option<String>,
    /// Whether an operator has declared it down.
    pub(crate) forced_down: bool,
    /// Builds that failed there since one succeeded.
    pub(crate) failed_builds: u32,
    /// Its latest heartbeat.
    pub(crate) seen: Timestamp,
    /// Servers that are being built there.
    pub(crate) building: u32,
    /// What it offers and has promised.
    pub(crate) resources: [Resource; 3],
}

/// A consumer's allocation of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allocation {
    /// The server.
    pub(crate) consumer: String,
    /// The host's id as a provider.
    pub(crate) provider: String,
    /// The class.
    pub(crate) resource_class: String,
    /// How much.
    pub(crate) used: i64,
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

fn resource(row: &Row<'_>) -> rusqlite::Result<Resource> {
    Ok(Resource {
        total: unsigned(row, "total")?,
        reserved: unsigned(row, "reserved")?,
        ratio: row.get("allocation_ratio")?,
        used: unsigned(row, "used")?,
    })
}

/// Writes what `host` offers on `terms`; what it has promised stays.
pub(crate) fn set_inventories(db: &Connection, host: &Host, terms: &Terms) -> Result<(), store::Error> {
    query::execute(db, "INSERT OR IGNORE INTO compute_providers (uuid) VALUES (?1)", params![host.uuid])?;
    const SQL: &str = "INSERT INTO compute_inventories (provider, resource_class, total, reserved, allocation_ratio)
        VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET total = excluded.total, reserved = excluded.reserved,
            allocation_ratio = excluded.allocation_ratio
        WHERE total <> excluded.total OR reserved <> excluded.reserved OR allocation_ratio <> excluded.allocation_ratio";
    let mut changed = 0;
    for class in Class::ALL {
        let offer = terms.offer(&host.inventory, class);
        let values = params![host.uuid, class.as_str(), int(offer.total), int(offer.reserved), offer.ratio];
        changed += query::execute(db, SQL, values)?;
    }
    if changed > 0 {
        const SQL: &str = "UPDATE compute_providers SET generation = generation + 1 WHERE uuid = ?1";
        query::execute(db, SQL, params![host.uuid])?;
    }
    Ok(())
}

/// A provider's generation.
pub(crate) fn generation(db: &Connection, provider: &str) -> Result<Option<i64>, store::Error> {
    const SQL: &str = "SELECT generation FROM compute_providers WHERE uuid = ?1";
    query::opt(db, SQL, params![provider], |row| row.get(0))
}

/// What a provider offers, with what is promised of it.
pub(crate) fn inventories(db: &Connection, provider: &str) -> Result<Vec<(Class, Resource)>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_inventories WHERE provider = ?1";
    let rows =
        query::all(db, SQL, params![provider], |row| Ok((row.get::<_, String>("resource_class")?, resource(row)?)))?;
    Ok(rows.into_iter().filter_map(|(name, resource)| Some((Class::parse(&name)?, resource))).collect())
}

/// How all hosts, or one, stand.
pub(crate) fn standings(db: &Connection, only: Option<&HostId>) -> Result<Vec<Standing>, store::Error> {
    const SQL: &str = "SELECT h.*, (SELECT COUNT(*) FROM compute_instances i
            WHERE i.host = h.host AND i.deleted_at IS NULL
            AND i.task_state IN ('scheduling', 'block_device_mapping', 'networking', 'spawning')) AS building
        FROM compute_hosts h WHERE ?1 IS NULL OR h.host = ?1 ORDER BY h.number";
    let mut standings = query::all(db, SQL, params![only.map(HostId::as_str)], |row| {
        let standing = Standing {
            host: HostId::from(row.get::<_, String>("host")?),
            disabled: row.get("disabled")?,
            disabled_reason: row.get("disabled_reason")?,
            forced_down: row.get("forced_down")?,
            failed_builds: row.get("failed_builds")?,
            seen: kit::time::from_micros(row.get("updated_at")?),
            building: row.get("building")?,
            resources: [Resource::default(); 3],
        };
        Ok((row.get::<_, String>("uuid")?, standing))
    })?;
    const RESOURCES: &str = "SELECT i.* FROM compute_inventories i JOIN compute_hosts h ON h.uuid = i.provider
        WHERE ?1 IS NULL OR h.host = ?1";
    let rows = query::all(db, RESOURCES, params![only.map(HostId::as_str)], |row| {
        Ok((row.get::<_, String>("provider")?, row.get::<_, String>("resource_class")?, resource(row)?))
    })?;
    let mut by_uuid: HashMap<&str, &mut Standing> =
        standings.iter_mut().map(|(uuid, standing)| (uuid.as_str(), standing)).collect();
    for (provider, class, found) in &rows {
        let slot = by_uuid.get_mut(provider.as_str()).zip(Class::parse(class));
        if let Some(slot) = slot.and_then(|(standing, class)| standing.resources.get_mut(class as usize)) {
            *slot = *found;
        }
    }
    Ok(standings.into_iter().map(|(_, standing)| standing).collect())
}

/// Promises `amounts` of `host` to the server and puts it there, if all of it is still possible.
pub(crate) fn claim(
    db: &Connection,
    server: &ServerId,
    host: &HostId,
    amounts: &Amounts,
    group: Option<&Group>,
    now: Timestamp,
) -> Result<Claim, store::Error> {
    const HOST: &str = "SELECT uuid FROM compute_hosts WHERE host = ?1 AND NOT disabled AND NOT forced_down";
    let provider: Option<String> = query::opt(db, HOST, params![host.as_str()], |row| row.get(0))?;
    let Some(provider) = provider else { return Ok(Claim::Refused) };
    if let Some(group) = group
        && !group.with_hosts(hosts_of_group(db, &group.id)?).allows(host)
    {
        return Ok(Claim::Refused);
    }
    let offers = inventories(db, &provider)?;
    let fits = |class: Class| offers.iter().any(|(name, offer)| *name == class && offer.fits(amounts.get(class)));
    if !Class::ALL.into_iter().all(fits) {
        return Ok(Claim::Refused);
    }
    const TAKE: &str = "UPDATE compute_instances SET host = ?2, updated_at = ?3
        WHERE id = ?1 AND host IS NULL AND task_state = 'scheduling' AND deleted_at IS NULL";
    if query::execute(db, TAKE, params![server.as_str(), host.as_str(), to_micros(now)])? == 0 {
        return Ok(Claim::Gone);
    }
    const ALLOCATE: &str =
        "INSERT INTO compute_allocations (consumer, provider, resource_class, used) VALUES (?1, ?2, ?3, ?4)";
    for class in Class::ALL.into_iter().filter(|class| amounts.get(*class) > 0) {
        query::execute(db, ALLOCATE, params![server.as_str(), provider, class.as_str(), int(amounts.get(class))])?;
    }
    Ok(Claim::Claimed)
}

/// Takes back what has been promised to a server; fine when there is nothing.
pub(crate) fn free(db: &Connection, server: &ServerId) -> Result<(), store::Error> {
    query::execute(db, "DELETE FROM compute_allocations WHERE consumer = ?1", params![server.as_str()])?;
    Ok(())
}

/// What has been promised to a consumer.
pub(crate) fn allocations_of(db: &Connection, consumer: &str) -> Result<Vec<Allocation>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_allocations WHERE consumer = ?1 ORDER BY provider, resource_class";
    query::all(db, SQL, params![consumer], allocation)
}

/// What a provider has promised.
pub(crate) fn allocations_on(db: &Connection, provider: &str) -> Result<Vec<Allocation>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_allocations WHERE provider = ?1 ORDER BY consumer, resource_class";
    query::all(db, SQL, params![provider], allocation)
}

fn allocation(row: &Row<'_>) -> rusqlite::Result<Allocation> {
    Ok(Allocation {
        consumer: row.get("consumer")?,
        provider: row.get("provider")?,
        resource_class: row.get("resource_class")?,
        used: row.get("used")?,
    })
}

/// The hosts of a group's members, and how many are on each.
pub(crate) fn hosts_of_group(db: &Connection, group: &str) -> Result<Vec<(HostId, u32)>, store::Error> {
    const SQL: &str = "SELECT i.host, COUNT(*) FROM compute_server_group_members m
        JOIN compute_instances i ON i.id = m.instance_id
        WHERE m.group_id = ?1 AND i.host IS NOT NULL AND i.deleted_at IS NULL GROUP BY i.host";
    query::all(db, SQL, params![group], |row| Ok((HostId::from(row.get::<_, String>(0)?), row.get(1)?)))
}

/// The hosts of `servers`, as far as they have one.
pub(crate) fn hosts_of_servers(db: &Connection, servers: &[String]) -> Result<Vec<HostId>, store::Error> {
    const SQL: &str =
        "SELECT DISTINCT host FROM compute_instances WHERE id = ?1 AND host IS NOT NULL AND deleted_at IS NULL";
    let mut found = Vec::new();
    for server in servers {
        found.extend(query::opt(db, SQL, params![server], |row| row.get::<_, String>(0))?.map(HostId::from));
    }
    Ok(found)
}

/// All hosts, each with how it stands.
pub(crate) fn hosts(db: &Connection, only: Option<&HostId>) -> Result<Vec<(Host, Standing)>, store::Error> {
    let rows = match only {
        Some(host) => hosts::get(db, host)?.into_iter().collect(),
        None => hosts::list(db)?,
    };
    // Both are in the order of the hosts' numbers, and of one snapshot.
    Ok(rows.into_iter().zip(standings(db, only)?).collect())
}
