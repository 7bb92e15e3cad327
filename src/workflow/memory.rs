//! A journal in memory: for tests, and for work that need not survive the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kit::Fault;
use kit::ids::WorkflowId;

use crate::journal::{BoxFuture, Journal};
use crate::record::Record;

/// Keeps records in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal {
    records: Arc<Mutex<BTreeMap<WorkflowId, Record>>>,
}

impl MemoryJournal {
    /// The records of all workflows that have not ended, by id.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<WorkflowId, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Fault>> {
        self.lock().insert(record.id.clone(), record.clone());
        Box::pin(std::future::ready(Ok(())))
    }

    fn finish<'a>(&'a self, id: &'a WorkflowId) -> BoxFuture<'a, Result<(), Fault>> {
        self.lock().remove(id);
        Box::pin(std::future::ready(Ok(())))
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Record>, Fault>> {
        Box::pin(std::future::ready(Ok(self.records())))
    }
}
