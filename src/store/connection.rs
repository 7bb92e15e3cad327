//! How a connection is set up: the same for the writer, the readers, migrations and backups.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// Prepared statements that one connection keeps.
const STATEMENTS: usize = 256;

/// The most that one connection caches of the file, in KiB. It grows only as far as it is used.
const WRITER_CACHE_KIB: i64 = 4096;
const READER_CACHE_KIB: i64 = 8192;

/// The log is cut back to this after a checkpoint, in bytes.
const LOG_LIMIT: i64 = 16 << 20;

/// How long SQLite waits for another connection of this process: only a checkpoint makes it wait.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that may write, with the log on and foreign keys checked.
pub(crate) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path, WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// A connection on which every statement that writes fails.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn open(path: &Path, cache_kib: i64) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise a statement whose plan may depend on its values is compiled anew whenever it is given others.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A negative number is KiB; mapped pages would count as ours and turn a failing disk into SIGBUS.
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    crate::regexp::add(&connection)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_compiled_once_whatever_it_is_given() {
        let directory = tempfile::tempdir().unwrap();
        let db = open_writer(&directory.path().join("db")).unwrap();
        db.execute_batch("CREATE TABLE t (a TEXT, b INTEGER) STRICT; CREATE INDEX t_a ON t (a, b);").unwrap();
        let mut statement =
            db.prepare_cached("SELECT b FROM t WHERE ifnull(a, '') = ?1 AND a LIKE ?2 LIMIT ?3").unwrap();
        for limit in 0..10 {
            let _ = statement.query_row((limit.to_string(), format!("{limit}%"), limit), |row| row.get::<_, i64>(0));
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
