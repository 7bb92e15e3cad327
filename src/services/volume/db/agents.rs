//! The table `volume_agents`.

use kit::ids::HostId;
use store::{Connection, Error, params, query};

/// An agent and what it offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its host.
    pub host: HostId,
    /// Its backend.
    pub backend: String,
    /// Room in all, in GiB.
    pub total_gb: i64,
    /// Room left, in GiB.
    pub free_gb: i64,
    /// When it was last heard of, in microseconds.
    pub last_seen: i64,
}

/// Adds an agent, or writes what it says now.
pub fn upsert(db: &Connection, agent: &Agent) -> Result<(), Error> {
    query::execute(
        db,
        "INSERT INTO volume_agents (host, backend, total_gb, free_gb, last_seen) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (host) DO UPDATE SET backend = ?2, total_gb = ?3, free_gb = ?4, last_seen = ?5",
        params![agent.host.as_str(), agent.backend, agent.total_gb, agent.free_gb, agent.last_seen],
    )?;
    Ok(())
}

/// All agents, the one with the most room first.
pub fn list(db: &Connection) -> Result<Vec<Agent>, Error> {
    let sql = "SELECT host, backend, total_gb, free_gb, last_seen FROM volume_agents ORDER BY free_gb DESC, host";
    query::all(db, sql, [], |row| {
        Ok(Agent {
            host: HostId::new(row.get::<_, String>(0)?),
            backend: row.get(1)?,
            total_gb: row.get(2)?,
            free_gb: row.get(3)?,
            last_seen: row.get(4)?,
        })
    })
}
