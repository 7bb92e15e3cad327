//! What a job on an open store can fail with, and how it becomes a [`Fault`].

use std::sync::Arc;
use std::time::Duration;

use kit::Fault;
use rusqlite::ErrorCode;
use rusqlite::ffi;

/// When a caller who found the queue full should come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Which rule of the schema a statement broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConstraintKind {
    /// `UNIQUE` or `PRIMARY KEY`.
    Unique,
    /// `REFERENCES`.
    ForeignKey,
    /// `NOT NULL`.
    NotNull,
    /// `CHECK`.
    Check,
    /// Any other, such as the type of a column of a STRICT table.
    Other,
}

/// Why a read or a write did not happen. Cloneable, because one failed commit fails every job in it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A rule of the schema forbids it.
    #[error("the schema's {kind:?} rule on {on} forbids it")]
    Constraint {
        /// Which kind of rule.
        kind: ConstraintKind,
        /// What SQLite names: `table.column, table.column2` for unique rules, the name of a check, or nothing.
        on: String,
        /// SQLite's own error.
        source: Arc<rusqlite::Error>,
    },
    /// A query that must give a row gave none.
    #[error("no row where there must be one")]
    NoRow,
    /// The queue of jobs is full.
    #[error("the database's queue is full")]
    Busy,
    /// The answer did not come in time; what a write asked for may still be done.
    #[error("the database did not answer in time")]
    Timeout,
    /// The store has been closed.
    #[error("the database is closed")]
    Closed,
    /// The job panicked; nothing of it was kept.
    #[error("the job on the database panicked")]
    Panicked,
    /// The job ended the transaction that is not its own (a `COMMIT` or `ROLLBACK` in its SQL).
    #[error("the job ended the writer's transaction")]
    TransactionEnded,
    /// Another job of the same transaction made the database roll all of it back.
    #[error("the transaction was rolled back because of another job in it")]
    Aborted,
    /// The disk has no room for it.
    #[error("the disk is full")]
    Full(#[source] Arc<rusqlite::Error>),
    /// The file, or the connection, is read-only.
    #[error("the database cannot be written")]
    ReadOnly(#[source] Arc<rusqlite::Error>),
    /// The file is damaged.
    #[error("the database is damaged")]
    Corrupt(#[source] Arc<rusqlite::Error>),
    /// Anything else that SQLite reports: a defect in a statement, a failure of the disk.
    #[error("a statement failed")]
    Sql(#[source] Arc<rusqlite::Error>),
    /// A file operation beside SQLite failed.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// How it failed.
        source: Arc<std::io::Error>,
    },
}

impl Error {
    /// Whether a `UNIQUE` or `PRIMARY KEY` rule forbids it.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        matches!(self, Self::Constraint { kind: ConstraintKind::Unique, .. })
    }

    /// Whether the unique rule over `columns` forbids it: `"table.column"`, or several joined by `", "`.
    #[must_use]
    pub fn is_unique_on(&self, columns: &str) -> bool {
        matches!(self, Self::Constraint { kind: ConstraintKind::Unique, on, .. } if on == columns)
    }

    /// Whether a `REFERENCES` rule forbids it.
    #[must_use]
    pub fn is_foreign_key(&self) -> bool {
        matches!(self, Self::Constraint { kind: ConstraintKind::ForeignKey, .. })
    }

    pub(crate) fn io(doing: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { doing: doing.into(), source: Arc::new(source) }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if matches!(error, rusqlite::Error::QueryReturnedNoRows) {
            return Self::NoRow;
        }
        let code = error.sqlite_error().copied();
        let full = is_full(&error);
        let source = Arc::new(error);
        match code.map(|failure| failure.code) {
            Some(ErrorCode::ConstraintViolation) => constraint(code.map_or(0, |failure| failure.extended_code), source),
            _ if full => Self::Full(source),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(source),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(source),
            Some(ErrorCode::OperationInterrupted) => Self::Timeout,
            _ => Self::Sql(source),
        }
    }
}

/// Whether the disk has no room. SQLite has a code of its own for the index of its log, which is the first
/// thing to grow.
pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|failure| {
        failure.code == ErrorCode::DiskFull || failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE
    })
}

fn constraint(extended_code: i32, source: Arc<rusqlite::Error>) -> Error {
    let kind = match extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            ConstraintKind::Unique
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ConstraintKind::ForeignKey,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ConstraintKind::NotNull,
        ffi::SQLITE_CONSTRAINT_CHECK => ConstraintKind::Check,
        _ => ConstraintKind::Other,
    };
    // SQLite says "UNIQUE constraint failed: servers.id"; there is no other way to learn the columns.
    let on = match &*source {
        rusqlite::Error::SqliteFailure(_, Some(text)) => {
            text.split_once("failed: ").map_or_else(String::new, |(_, on)| on.to_owned())
        }
        _ => String::new(),
    };
    Error::Constraint { kind, on, source }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Busy | Error::Aborted => Self::busy("The database is busy, try again later.", RETRY_AFTER),
            Error::Timeout => Self::timeout("The database did not answer in time."),
            Error::Closed => Self::unavailable("The service is shutting down."),
            Error::Full(_) => {
                Self::unavailable("The disk is full; free some space on the cloud's host.").caused_by(error)
            }
            other => Self::internal("using the database", other),
        }
    }
}

#[cfg(test)]
mod tests {
    use kit::FaultKind;
    use rusqlite::Connection;

    use super::*;

    fn broken(sql: &str) -> Error {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT, b TEXT, n TEXT NOT NULL DEFAULT '',
                             UNIQUE (a, b), CONSTRAINT short CHECK (length(a) < 4)) STRICT;
             CREATE TABLE c (p INTEGER REFERENCES p) STRICT;
             INSERT INTO p (id, a, b) VALUES (1, 'x', 'y');",
        )
        .unwrap();
        db.execute(sql, []).unwrap_err().into()
    }

    #[test]
    fn constraints_are_told_apart() {
        assert!(broken("INSERT INTO p (a, b) VALUES ('x', 'y')").is_unique_on("p.a, p.b"));
        assert!(broken("INSERT INTO p (id) VALUES (1)").is_unique_on("p.id"));
        assert!(broken("INSERT INTO c VALUES (9)").is_foreign_key());
        let kind = |sql| match broken(sql) {
            Error::Constraint { kind, on, .. } => (kind, on),
            other => panic!("{other:?}"),
        };
        assert_eq!(kind("INSERT INTO p (n) VALUES (NULL)"), (ConstraintKind::NotNull, "p.n".to_owned()));
        assert_eq!(kind("INSERT INTO p (a) VALUES ('long')"), (ConstraintKind::Check, "short".to_owned()));
        assert_eq!(kind("INSERT INTO c VALUES ('text')").0, ConstraintKind::Other);
    }

    #[test]
    fn faults_say_what_a_client_may_know() {
        assert_eq!(Fault::from(Error::Busy).kind(), FaultKind::Busy);
        assert!(Fault::from(Error::Busy).retry_after().is_some());
        let full = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None);
        let fault = Fault::from(Error::from(full));
        assert_eq!(fault.kind(), FaultKind::Unavailable);
        assert!(fault.message().contains("disk is full"));
        let fault = Fault::from(broken("INSERT INTO nowhere VALUES (1)"));
        assert_eq!(fault.kind(), FaultKind::Internal);
        assert!(!fault.message().contains("nowhere") && fault.chain().contains("nowhere"));
    }
}
