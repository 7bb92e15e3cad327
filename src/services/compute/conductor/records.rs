//! What agents record: events and spans of instance actions, journals of their workflows.

use bus::topics::conductor::{FinishJournal, JournalRecord, ReportEvent, ReportSpans, SaveJournal, UnfinishedJournals};
use kit::Fault;

use super::{Conductor, db};
use crate::db::actions::{self, Event};
use crate::db::spans;

impl Conductor {
    pub(super) async fn report_event(&self, message: ReportEvent) -> Result<(), Fault> {
        let ReportEvent { server_id, request_id, event, host, started_at, finished_at, error } = message;
        let result = if error.is_some() { "Error" } else { "Success" };
        let event = Event {
            event,
            host: Some(host),
            started_at,
            finished_at: Some(finished_at),
            result: Some(result.to_owned()),
            details: error,
        };
        let write = move |conn: &store::Connection| actions::insert_event(conn, &server_id, &request_id, &event);
        if !self.store.write_relaxed(write).await.map_err(Fault::from)? {
            tracing::debug!("an event belongs to no action");
        }
        Ok(())
    }

    pub(super) async fn report_spans(&self, message: ReportSpans) -> Result<(), Fault> {
        let ReportSpans { server_id, request_id, spans: list } = message;
        let write = move |conn: &store::Connection| spans::insert(conn, &server_id, &request_id, &list);
        self.store.write_relaxed(write).await.map_err(Fault::from)
    }

    pub(super) async fn save_journal(&self, message: SaveJournal) -> Result<(), Fault> {
        self.store.write_relaxed(move |conn| db::save_journal(conn, &message.record)).await.map_err(Fault::from)
    }

    pub(super) async fn finish_journal(&self, message: FinishJournal) -> Result<(), Fault> {
        self.store.write_relaxed(move |conn| db::delete_journal(conn, &message.id)).await.map_err(Fault::from)
    }

    pub(super) async fn unfinished_journals(&self, message: UnfinishedJournals) -> Result<Vec<JournalRecord>, Fault> {
        self.store.read(move |conn| db::journals(conn, &message.host)).await.map_err(Fault::from)
    }
}
