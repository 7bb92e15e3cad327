//! Numbered migrations per service, applied in one transaction.
//!
//! A service's version is the number of its steps that have been applied. A step that was released
//! is never edited; the next change is a new step.

use rusqlite::{Connection, params};

use crate::open::OpenError;

/// `PRAGMA application_id` of our files: "CLBX".
pub(crate) const APPLICATION_ID: i64 = 0x434C_4258;

/// The steps that lead a service's tables from nothing to what the binary expects.
#[derive(Debug, Clone, Copy)]
pub struct Migrations {
    /// The service's name, such as `compute`; its tables' names begin with it.
    pub service: &'static str,
    /// SQL, one text per step. No step begins or ends a transaction; every table is STRICT.
    pub steps: &'static [&'static str],
}

/// The schema's version of one service, as it is in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) service: String,
    pub(crate) version: usize,
    /// The cloudbox that brought it there.
    pub(crate) cloudbox: String,
}

/// What has been applied to the file so far.
pub(crate) fn applied(db: &Connection) -> rusqlite::Result<Vec<Applied>> {
    if !db.table_exists(None, "schema_version")? {
        return Ok(Vec::new());
    }
    let mut statement = db.prepare("SELECT service, version, cloudbox FROM schema_version ORDER BY service")?;
    let rows = statement.query_map([], |row| {
        let version: i64 = row.get("version")?;
        let version = usize::try_from(version).unwrap_or(usize::MAX);
        Ok(Applied { service: row.get("service")?, version, cloudbox: row.get("cloudbox")? })
    })?;
    rows.collect()
}

/// Refuses a file of a newer cloudbox; answers whether there is anything to apply.
pub(crate) fn is_behind(applied: &[Applied], migrations: &[Migrations], own: &str) -> Result<bool, OpenError> {
    for found in applied {
        let known = migrations.iter().find(|known| known.service == found.service).map_or(0, |known| known.steps.len());
        if found.version > known {
            return Err(OpenError::Newer {
                service: found.service.clone(),
                found: found.version,
                known,
                written_by: found.cloudbox.clone(),
                own: own.to_owned(),
            });
        }
    }
    Ok(migrations.iter().any(|wanted| version_of(applied, wanted.service) < wanted.steps.len()))
}

fn version_of(applied: &[Applied], service: &str) -> usize {
    applied.iter().find(|found| found.service == service).map_or(0, |found| found.version)
}

/// Applies what is missing, all of it or nothing.
pub(crate) fn migrate(
    db: &Connection,
    applied: &[Applied],
    migrations: &[Migrations],
    own: &str,
) -> Result<(), OpenError> {
    // A table is rebuilt by dropping the old one, which would take the rows that refer to it along.
    sql(db.pragma_update(None, "foreign_keys", false))?;
    sql(db.execute_batch("BEGIN IMMEDIATE"))?;
    let done = apply_all(db, applied, migrations, own).and_then(|()| sql(db.execute_batch("COMMIT")));
    if done.is_err() && !db.is_autocommit() {
        sql(db.execute_batch("ROLLBACK"))?;
    }
    sql(db.pragma_update(None, "foreign_keys", true))?;
    done
}

fn sql<T>(result: rusqlite::Result<T>) -> Result<T, OpenError> {
    result.map_err(|error| OpenError::from_sql("migrating the database", error))
}

fn apply_all(db: &Connection, applied: &[Applied], migrations: &[Migrations], own: &str) -> Result<(), OpenError> {
    sql(db.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_version (
            service TEXT PRIMARY KEY, version INTEGER NOT NULL, cloudbox TEXT NOT NULL
         ) STRICT",
    ))?;
    sql(db.pragma_update(None, "application_id", APPLICATION_ID))?;
    for wanted in migrations {
        let present = version_of(applied, wanted.service);
        if present == wanted.steps.len() {
            continue;
        }
        for (number, step) in wanted.steps.iter().enumerate().skip(present) {
            apply(db, wanted.service, number + 1, step)?;
        }
        let version = i64::try_from(wanted.steps.len()).unwrap_or(i64::MAX);
        sql(db.execute(
            "INSERT INTO schema_version (service, version, cloudbox) VALUES (?1, ?2, ?3)
             ON CONFLICT (service) DO UPDATE SET version = excluded.version, cloudbox = excluded.cloudbox",
            params![wanted.service, version, own],
        ))?;
        tracing::info!(service = wanted.service, from = present, to = version, "migrated");
    }
    let dangling = db.query_row("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1", [], |row| row.get(0));
    match dangling {
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()),
        Err(error) => sql(Err(error)),
        Ok(table) => Err(OpenError::DanglingReference { table }),
    }
}

fn apply(db: &Connection, service: &'static str, step: usize, text: &str) -> Result<(), OpenError> {
    let done = db.execute_batch(text);
    match done {
        Err(error) => match OpenError::from_sql("migrating the database", error) {
            OpenError::Sql { source, .. } => Err(OpenError::Migration { service, step, source }),
            // A full disk is not the step's fault.
            other => Err(other),
        },
        Ok(()) if db.is_autocommit() => Err(OpenError::MigrationEndedTransaction { service, step }),
        Ok(()) => Ok(()),
    }
}
