//! The workflows' journal: conductor keeps it.

use bus::topics::conductor::{FinishJournal, JournalRecord, SaveJournal, UnfinishedJournals};
use bus::{Client, Target};
use kit::ids::{HostId, WorkflowId};
use kit::{Fault, RequestContext};
use workflow::{BoxFuture, Journal, Record};

use crate::agent::{ComputeAgent, NAME};

/// The journal of one host.
pub(crate) struct BusJournal {
    client: Client,
    host: HostId,
    context: RequestContext,
}

impl BusJournal {
    /// The journal of the agent's host.
    pub fn of(agent: &ComputeAgent) -> Self {
        let context = RequestContext::service(NAME);
        Self { client: agent.client.clone(), host: agent.host.clone(), context }
    }
}

impl Journal for BusJournal {
    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let body =
                serde_json::to_string(record).map_err(|error| Fault::internal("writing a journal record", error))?;
            let record = JournalRecord {
                id: record.id.clone(),
                host: self.host.clone(),
                kind: record.kind.clone(),
                subject: record.subject.clone(),
                body,
            };
            self.client.call(&self.context, Target::Any, SaveJournal { record }).await
        })
    }

    fn finish<'a>(&'a self, id: &'a WorkflowId) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(self.client.call(&self.context, Target::Any, FinishJournal { id: id.clone() }))
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Record>, Fault>> {
        Box::pin(async move {
            let asked = UnfinishedJournals { host: self.host.clone() };
            let kept = self.client.call(&self.context, Target::Any, asked).await?;
            let mut records = Vec::with_capacity(kept.len());
            for journal in kept {
                match serde_json::from_str(&journal.body) {
                    Ok(record) => records.push(record),
                    Err(error) => {
                        tracing::error!(workflow_id = %journal.id, %error, "a journal record cannot be read");
                    }
                }
            }
            Ok(records)
        })
    }
}
