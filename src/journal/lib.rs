//! The workflows' journal of a service that has a database: one row a workflow, in a table of the service's own.
//!
//! It owns the statements and the form of the rows; the table is the service's, made by its migrations with the columns
//! `id TEXT PRIMARY KEY` and `body TEXT`. Agents have no database: theirs goes over the bus.

use kit::Fault;
use kit::ids::WorkflowId;
use store::{Connection, Error, Store, params, query};
use workflow::{BoxFuture, Journal, Record};

/// A journal in a table. Saves do not wait for the disk.
#[derive(Clone)]
pub struct SqlJournal {
    store: Store,
    table: &'static str,
}

impl SqlJournal {
    /// The journal in `table` of `store`.
    #[must_use]
    pub fn new(store: Store, table: &'static str) -> Self {
        Self { store, table }
    }
}

impl Journal for SqlJournal {
    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let (id, table) = (record.id.clone(), self.table);
            let body =
                serde_json::to_string(record).map_err(|error| Fault::internal("writing a journal record", error))?;
            self.store.write_relaxed(move |db| save(db, table, &id, &body).map_err(Fault::from)).await
        })
    }

    fn finish<'a>(&'a self, id: &'a WorkflowId) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let (id, table) = (id.clone(), self.table);
            self.store.write_relaxed(move |db| delete(db, table, &id).map_err(Fault::from)).await
        })
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Record>, Fault>> {
        Box::pin(async move {
            let table = self.table;
            let bodies = self.store.read(move |db| bodies(db, table).map_err(Fault::from)).await?;
            let read = |body: &String| serde_json::from_str(body);
            let records: Result<_, serde_json::Error> = bodies.iter().map(read).collect();
            records.map_err(|error| Fault::internal("reading a journal record", error))
        })
    }
}

fn save(db: &Connection, table: &str, id: &WorkflowId, body: &str) -> Result<(), Error> {
    let sql = format!("INSERT INTO {table} (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = ?2");
    query::execute(db, &sql, params![id.as_str(), body])?;
    Ok(())
}

fn delete(db: &Connection, table: &str, id: &WorkflowId) -> Result<(), Error> {
    query::execute(db, &format!("DELETE FROM {table} WHERE id = ?1"), [id.as_str()])?;
    Ok(())
}

fn bodies(db: &Connection, table: &str) -> Result<Vec<String>, Error> {
    query::all(db, &format!("SELECT body FROM {table} ORDER BY id"), [], |row| row.get(0))
}

#[cfg(test)]
mod tests;
