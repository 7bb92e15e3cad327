//! Network agents and whether their hosts may have missed something.

use kit::ids::HostId;
use kit::time::to_micros;
use kit::{Fault, Timestamp};
use store::{Connection, Row, params, query, rusqlite};

use super::{Selection, id, time_at};
use crate::domain::model::Agent;

const SELECT: &str = "SELECT t.* FROM network_agents t";

fn map(row: &Row<'_>) -> rusqlite::Result<Agent> {
    Ok(Agent {
        id: row.get("id")?,
        host: id(row, "host")?,
        admin_state_up: row.get("admin_state_up")?,
        description: row.get("description")?,
        created_at: time_at(row, "created_at")?,
        started_at: time_at(row, "started_at")?,
        heartbeat_at: time_at(row, "heartbeat_at")?,
    })
}

/// The agents of `selection`.
///
/// # Errors
/// The store's.
pub fn list(db: &Connection, selection: &Selection) -> Result<Vec<Agent>, Fault> {
    Ok(super::list(db, SELECT, selection, map)?)
}

/// The agent with the id `id`.
///
/// # Errors
/// The store's.
pub fn get(db: &Connection, id: &str) -> Result<Option<Agent>, Fault> {
    Ok(query::opt(db, "SELECT * FROM network_agents WHERE id = ?1", [id], map)?)
}

/// Notes that the agent on `host` was heard of; a new one gets the id `id`. One that starts makes its host as the
/// answer says, so that it is not stale any more; a heartbeat changes nothing there.
///
/// # Errors
/// The store's.
pub fn heard_of(db: &Connection, host: &HostId, id: &str, starting: bool, now: Timestamp) -> Result<(), Fault> {
    let sql = "INSERT INTO network_agents
        (host, id, admin_state_up, description, created_at, started_at, heartbeat_at, stale)
        VALUES (?1, ?2, 1, '', ?3, ?3, ?3, 0)
        ON CONFLICT (host) DO UPDATE SET heartbeat_at = excluded.heartbeat_at,
         stale = CASE WHEN ?4 THEN 0 ELSE stale END,
         started_at = CASE WHEN ?4 THEN excluded.started_at ELSE started_at END";
    query::execute(db, sql, params![host.as_str(), id, to_micros(now), starting])?;
    Ok(())
}

/// Whether there is an agent on `host`.
///
/// # Errors
/// The store's.
pub fn exists(db: &Connection, host: &HostId) -> Result<bool, Fault> {
    Ok(query::exists(db, "SELECT 1 FROM network_agents WHERE host = ?1", [host.as_str()])?)
}

/// The host that carries the fewest routers.
///
/// # Errors
/// The store's.
pub fn least_loaded(db: &Connection) -> Result<Option<HostId>, Fault> {
    let sql = "SELECT host FROM network_agents a WHERE admin_state_up = 1
        ORDER BY (SELECT count(*) FROM network_routers r WHERE r.host = a.host), host LIMIT 1";
    Ok(query::opt(db, sql, [], |row| row.get::<_, String>(0))?.map(HostId::from))
}

/// Notes that `host` may have missed something.
///
/// # Errors
/// The store's.
pub fn mark_stale(db: &Connection, host: &HostId) -> Result<(), Fault> {
    query::execute(db, "UPDATE network_agents SET stale = 1 WHERE host = ?1", [host.as_str()])?;
    Ok(())
}

/// Notes that all hosts may have missed something.
///
/// # Errors
/// The store's.
pub fn mark_all_stale(db: &Connection) -> Result<(), Fault> {
    query::execute(db, "UPDATE network_agents SET stale = 1", [])?;
    Ok(())
}

/// Notes that `host` has been sent everything.
///
/// # Errors
/// The store's.
pub fn mark_synced(db: &Connection, host: &HostId) -> Result<(), Fault> {
    query::execute(db, "UPDATE network_agents SET stale = 0 WHERE host = ?1", [host.as_str()])?;
    Ok(())
}

/// The hosts that may have missed something.
///
/// # Errors
/// The store's.
pub fn stale(db: &Connection) -> Result<Vec<HostId>, Fault> {
    let sql = "SELECT host FROM network_agents WHERE stale = 1 ORDER BY host";
    Ok(query::all(db, sql, [], |row| row.get::<_, String>(0).map(HostId::from))?)
}

/// Takes an agent away.
///
/// # Errors
/// The store's.
pub fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    query::execute(db, "DELETE FROM network_agents WHERE id = ?1", [id])?;
    Ok(())
}
