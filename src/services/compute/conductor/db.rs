//! SQL that only conductor needs: journals, failed attempts, and the end of a build on a host.

use bus::topics::compute_types::TaskState;
use bus::topics::conductor::JournalRecord;
use kit::Timestamp;
use kit::ids::{HostId, ServerId, WorkflowId};
use kit::time::{from_micros, to_micros};
use rusqlite::{Connection, Row, params};
use store::query;

fn journal(row: &Row<'_>) -> rusqlite::Result<JournalRecord> {
    Ok(JournalRecord {
        id: WorkflowId::from(row.get::<_, String>("id")?),
        host: HostId::from(row.get::<_, String>("host")?),
        kind: row.get("kind")?,
        subject: row.get("subject")?,
        body: row.get("body")?,
    })
}

/// Keeps a journal in place of an earlier one with the same id.
pub(crate) fn save_journal(db: &Connection, record: &JournalRecord) -> Result<(), store::Error> {
    const SQL: &str =
        "INSERT OR REPLACE INTO compute_journals (id, host, kind, subject, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![record.id.as_str(), record.host.as_str(), record.kind, record.subject, record.body];
    query::execute(db, SQL, values)?;
    Ok(())
}

/// Forgets a journal; fine when there is none.
pub(crate) fn delete_journal(db: &Connection, id: &WorkflowId) -> Result<(), store::Error> {
    query::execute(db, "DELETE FROM compute_journals WHERE id = ?1", params![id.as_str()])?;
    Ok(())
}

/// The journals of a host, oldest first.
pub(crate) fn journals(db: &Connection, host: &HostId) -> Result<Vec<JournalRecord>, store::Error> {
    query::all(db, "SELECT * FROM compute_journals WHERE host = ?1 ORDER BY rowid", params![host.as_str()], journal)
}

/// Records that a server's build failed on `host`; answers all hosts where it has failed.
pub(crate) fn add_failed_attempt(
    db: &Connection,
    server: &ServerId,
    host: &HostId,
) -> Result<Vec<HostId>, store::Error> {
    const INSERT: &str = "INSERT OR IGNORE INTO compute_failed_attempts (instance_id, host) VALUES (?1, ?2)";
    query::execute(db, INSERT, params![server.as_str(), host.as_str()])?;
    failed_attempts(db, server)
}

/// The hosts where a server's build has failed.
pub(crate) fn failed_attempts(db: &Connection, server: &ServerId) -> Result<Vec<HostId>, store::Error> {
    const SQL: &str = "SELECT host FROM compute_failed_attempts WHERE instance_id = ?1 ORDER BY rowid";
    query::all(db, SQL, params![server.as_str()], |row| Ok(HostId::from(row.get::<_, String>(0)?)))
}

/// Forgets where a server's build has failed: it runs.
pub(crate) fn forget_failed_attempts(db: &Connection, server: &ServerId) -> Result<(), store::Error> {
    query::execute(db, "DELETE FROM compute_failed_attempts WHERE instance_id = ?1", params![server.as_str()])?;
    Ok(())
}

/// Takes a server that is being built off `host`; says whether it was there and is not being deleted.
pub(crate) fn leave_host(
    db: &Connection,
    server: &ServerId,
    host: &HostId,
    now: Timestamp,
) -> Result<bool, store::Error> {
    const SQL: &str =
        "UPDATE compute_instances SET host = NULL, task_state = 'scheduling', network_info = '[]', updated_at = ?3
        WHERE id = ?1 AND host = ?2 AND vm_state = 'building' AND task_state IS NOT 'deleting' AND deleted_at IS NULL";
    Ok(query::execute(db, SQL, params![server.as_str(), host.as_str(), to_micros(now)])? == 1)
}

/// A server on a host with something to be done to it, of which the host has no journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The server.
    pub(crate) server_id: ServerId,
    /// Its host.
    pub(crate) host: HostId,
    /// What is to be done.
    pub(crate) task: TaskState,
    /// When it last changed.
    pub(crate) since: Timestamp,
}

/// The servers for which their hosts may have to be told again.
pub(crate) fn waiting(db: &Connection) -> Result<Vec<Waiting>, store::Error> {
    const SQL: &str = "SELECT id, host, task_state, updated_at FROM compute_instances i
        WHERE task_state IS NOT NULL AND deleted_at IS NULL AND host IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM compute_journals j WHERE j.host = i.host AND j.subject = i.id) ORDER BY number";
    let rows = query::all(db, SQL, [], |row| {
        let (id, host, task): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((ServerId::from(id), HostId::from(host), task, from_micros(row.get(3)?)))
    })?;
    let waiting = |(server_id, host, task, since): (ServerId, HostId, String, Timestamp)| {
        Some(Waiting { server_id, host, task: TaskState::parse(&task)?, since })
    };
    Ok(rows.into_iter().filter_map(waiting).collect())
}
