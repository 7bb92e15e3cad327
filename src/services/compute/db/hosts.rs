//! Compute hosts: who has registered, with what, and whether an operator has disabled it.
//!
//! `updated_at` is the latest heartbeat. What is used of a host is counted from the servers on it.

use bus::topics::conductor::HostInventory;
use kit::Timestamp;
use kit::ids::HostId;
use kit::time::to_micros;
use rusqlite::{Connection, Row, params};
use store::query;

use super::{id, json, time, to_json};

/// How long a host counts as up after its latest heartbeat, in seconds (Nova's `service_down_time`).
pub const DOWN_AFTER_SECONDS: i64 = 60;

/// A compute host.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub host: HostId,
    /// Its id as a hypervisor and as a resource provider.
    pub uuid: String,
    /// The id of its `nova-compute` service.
    pub service_uuid: String,
    /// What it offers, as it last said.
    pub inventory: HostInventory,
    /// Whether an operator has disabled it.
    pub disabled: bool,
    /// Why.
    pub disabled_reason: Option<String>,
    /// Whether an operator has declared it down.
    pub forced_down: bool,
    /// Builds that failed there since one succeeded.
    pub failed_builds: u32,
    /// When it first registered.
    pub created_at: Timestamp,
    /// Its latest heartbeat.
    pub updated_at: Timestamp,
}

impl Host {
    /// Whether it has been heard of lately.
    #[must_use]
    pub fn is_up(&self, now: Timestamp) -> bool {
        !self.forced_down && now.duration_since(self.updated_at).as_secs() <= DOWN_AFTER_SECONDS
    }
}

/// What the servers on a host take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Servers.
    pub instances: i64,
    /// Virtual CPUs.
    pub vcpus: i64,
    /// Memory in MiB.
    pub memory_mb: i64,
    /// Disk in GiB.
    pub disk_gb: i64,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Host> {
    Ok(Host {
        number: row.get("number")?,
        host: id(row, "host")?,
        uuid: row.get("uuid")?,
        service_uuid: row.get("service_uuid")?,
        inventory: json(row, "inventory")?,
        disabled: row.get("disabled")?,
        disabled_reason: row.get("disabled_reason")?,
        forced_down: row.get("forced_down")?,
        failed_builds: row.get("failed_builds")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

/// Records that `host` is there with `inventory`; a new one gets `uuid` and `service_uuid`.
///
/// # Errors
/// What the store reports.
pub fn upsert(
    db: &Connection,
    host: &HostId,
    (uuid, service_uuid): (&str, &str),
    inventory: &HostInventory,
    now: Timestamp,
) -> Result<(), store::Error> {
    const SQL: &str = "INSERT INTO compute_hosts (host, uuid, service_uuid, inventory, created_at, updated_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?5)
        ON CONFLICT (host) DO UPDATE SET inventory = excluded.inventory, updated_at = excluded.updated_at";
    query::execute(db, SQL, params![host.as_str(), uuid, service_uuid, to_json(inventory)?, to_micros(now)])?;
    Ok(())
}

/// All hosts, in the order in which they registered.
///
/// # Errors
/// What the store reports.
pub fn list(db: &Connection) -> Result<Vec<Host>, store::Error> {
    query::all(db, "SELECT * FROM compute_hosts ORDER BY number", [], from_row)
}

/// One host by name.
///
/// # Errors
/// What the store reports.
pub fn get(db: &Connection, host: &HostId) -> Result<Option<Host>, store::Error> {
    query::opt(db, "SELECT * FROM compute_hosts WHERE host = ?1", params![host.as_str()], from_row)
}

/// Enables or disables a host; says whether there is one.
///
/// # Errors
/// What the store reports.
pub fn set_disabled(
    db: &Connection,
    host: &HostId,
    disabled: bool,
    reason: Option<&str>,
) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_hosts SET disabled = ?2, disabled_reason = ?3 WHERE host = ?1";
    Ok(query::execute(db, SQL, params![host.as_str(), disabled, reason])? == 1)
}

/// Declares a host down, or takes that back; says whether there is one.
///
/// # Errors
/// What the store reports.
pub fn set_forced_down(db: &Connection, host: &HostId, down: bool) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_hosts SET forced_down = ?2 WHERE host = ?1";
    Ok(query::execute(db, SQL, params![host.as_str(), down])? == 1)
}

/// Counts a failed build, or (with `false`) forgets them after one that succeeded.
///
/// # Errors
/// What the store reports.
pub fn count_failed_build(db: &Connection, host: &HostId, failed: bool) -> Result<(), store::Error> {
    const SQL: &str =
        "UPDATE compute_hosts SET failed_builds = CASE WHEN ?2 THEN failed_builds + 1 ELSE 0 END WHERE host = ?1";
    query::execute(db, SQL, params![host.as_str(), failed])?;
    Ok(())
}

/// What the servers on each host take.
///
/// # Errors
/// What the store reports.
pub fn usage(db: &Connection) -> Result<Vec<(HostId, Usage)>, store::Error> {
    const SQL: &str = "SELECT host, COUNT(*) AS instances, SUM(vcpus) AS vcpus, SUM(ram_mb) AS memory_mb,
        SUM(disk_gb) AS disk_gb FROM compute_instances WHERE deleted_at IS NULL AND host IS NOT NULL GROUP BY host";
    query::all(db, SQL, [], |row| {
        let usage = Usage {
            instances: row.get("instances")?,
            vcpus: row.get("vcpus")?,
            memory_mb: row.get("memory_mb")?,
            disk_gb: row.get("disk_gb")?,
        };
        Ok((id(row, "host")?, usage))
    })
}
