//! Where records of running workflows are kept, as the engine sees it.

use std::future::Future;
use std::pin::Pin;

use kit::Fault;
use kit::ids::WorkflowId;

use crate::record::Record;

/// A future on the heap: what makes [`Journal`] usable behind `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps one [`Record`] for each workflow that has not ended.
pub trait Journal: Send + Sync {
    /// Keeps `record` in place of an earlier one with the same id.
    ///
    /// It need not wait for the disk: a workflow resumed from the record before repeats a step, which every
    /// step allows. It must not lose a record that it answered `Ok` for when only the process dies.
    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Fault>>;

    /// Forgets the workflow `id`: it is done, or undone. Forgetting an unknown one is no error.
    fn finish<'a>(&'a self, id: &'a WorkflowId) -> BoxFuture<'a, Result<(), Fault>>;

    /// All records: the workflows to resume when the process starts. Stuck ones are among them.
    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Record>, Fault>>;
}
