//! Forgetting what is over: servers that were deleted long ago, and what was asked of servers long ago.

use kit::Timestamp;
use kit::time::to_micros;
use rusqlite::{Connection, params};
use store::query;

fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Forgets at most `limit` servers that were deleted before `before`, with all that belongs to them; how many. One that a
/// workflow still works on waits.
///
/// # Errors
/// What the store reports.
pub fn delete_servers(db: &Connection, before: Timestamp, limit: usize) -> Result<usize, store::Error> {
    const SQL: &str = "DELETE FROM compute_instances WHERE number IN (
        SELECT number FROM compute_instances WHERE deleted_at IS NOT NULL AND deleted_at < ?1
        AND id NOT IN (SELECT subject FROM compute_journals) LIMIT ?2)";
    query::execute(db, SQL, params![to_micros(before), rows(limit)])
}

/// Forgets what was asked of servers and last changed before `before`, with its events and traces, among the `limit` oldest;
/// how many.
///
/// # Errors
/// What the store reports.
pub fn delete_actions(db: &Connection, before: Timestamp, limit: usize) -> Result<usize, store::Error> {
    // They are numbered as they came: the oldest are found without an index on their times.
    const SPANS: &str = "DELETE FROM compute_spans WHERE id IN (
        SELECT spans.id FROM (SELECT * FROM compute_actions ORDER BY id LIMIT ?2) AS actions
        JOIN compute_spans AS spans ON spans.instance_id = actions.instance_id AND spans.request_id = actions.request_id
        WHERE actions.updated_at < ?1)";
    const ACTIONS: &str = "DELETE FROM compute_actions WHERE id IN (
        SELECT id FROM (SELECT id, updated_at FROM compute_actions ORDER BY id LIMIT ?2) WHERE updated_at < ?1)";
    query::execute(db, SPANS, params![to_micros(before), rows(limit)])?;
    query::execute(db, ACTIONS, params![to_micros(before), rows(limit)])
}

/// The ids of the servers that are not deleted.
///
/// # Errors
/// What the store reports.
pub fn living(db: &Connection) -> Result<Vec<String>, store::Error> {
    query::all(db, "SELECT id FROM compute_instances WHERE deleted_at IS NULL ORDER BY id", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use kit::RequestContext;
    use kit::ids::ServerId;

    use super::*;
    use crate::db::instances::{self, tests::full};
    use crate::db::{actions, spans};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn add(db: &Connection, name: &str, deleted: Option<i64>) -> Result<(), store::Error> {
        let row = instances::InstanceRow { id: name.into(), ..full() };
        instances::insert(db, &row)?;
        if let Some(second) = deleted {
            instances::delete(db, &row.id, at(second))?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn servers_are_forgotten_a_while_after_they_were_deleted() {
        let store = store::testing::store(&[crate::MIGRATIONS]);
        let made = |db: &Connection| {
            add(db, "alive", None)?;
            (0..7).try_for_each(|number| add(db, &format!("old-{number}"), Some(10)))?;
            add(db, "recent", Some(100))
        };
        store.write(made).await.unwrap();
        let forgotten = store.write_batches(3, |db, limit| delete_servers(db, at(50), limit)).await.unwrap();
        assert_eq!(forgotten, 7);
        let left =
            store.read(|db| query::all(db, "SELECT id FROM compute_instances ORDER BY id", [], |row| row.get(0)));
        let left: Vec<String> = left.await.map_err(|error: store::Error| error).unwrap();
        assert_eq!(left, ["alive", "recent"]);
    }

    #[tokio::test]
    async fn what_was_asked_is_forgotten_with_its_trace() {
        let store = store::testing::store(&[crate::MIGRATIONS]);
        let ask = |db: &Connection| {
            add(db, "one", None)?;
            let id = ServerId::new("one");
            for (second, action) in [(10, "create"), (20, "stop"), (90, "start")] {
                let context = RequestContext::service("test");
                actions::insert(db, &id, &context, action, at(second))?;
                let trace = kit::Trace::on();
                trace.time("api", action).finish(None);
                spans::insert(db, &id, &context.request_id, &trace.take())?;
            }
            Ok::<_, store::Error>(())
        };
        store.write(ask).await.unwrap();
        assert_eq!(store.write_batches(1, |db, limit| delete_actions(db, at(50), limit)).await.unwrap(), 2);
        let count = |sql: &'static str| store.read(move |db| query::one(db, sql, [], |row| row.get::<_, i64>(0)));
        let actions: Result<_, store::Error> = count("SELECT count(*) FROM compute_actions").await;
        let spans: Result<_, store::Error> = count("SELECT count(*) FROM compute_spans").await;
        assert_eq!((actions.unwrap(), spans.unwrap()), (1, 1));
    }
}
