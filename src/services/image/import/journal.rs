//! The workflows' journal in the service's own table.

use kit::Fault;
use kit::ids::WorkflowId;
use store::Store;
use workflow::{BoxFuture, Journal, Record};

use crate::db::journals;

/// A journal over the store. Saves do not wait for the disk.
pub(crate) struct SqlJournal {
    store: Store,
}

impl SqlJournal {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Journal for SqlJournal {
    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let id = record.id.clone();
            let body =
                serde_json::to_string(record).map_err(|error| Fault::internal("writing a journal record", error))?;
            self.store.write_relaxed(move |db| journals::save(db, id.as_str(), &body).map_err(Fault::from)).await
        })
    }

    fn finish<'a>(&'a self, id: &'a WorkflowId) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let id = id.clone();
            self.store.write_relaxed(move |db| journals::delete(db, id.as_str()).map_err(Fault::from)).await
        })
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Record>, Fault>> {
        Box::pin(async move {
            let bodies = self.store.read(|db| journals::list(db).map_err(Fault::from)).await?;
            let read = |body: &String| serde_json::from_str(body);
            let records: Result<_, serde_json::Error> = bodies.iter().map(read).collect();
            records.map_err(|error| Fault::internal("reading a journal record", error))
        })
    }
}
