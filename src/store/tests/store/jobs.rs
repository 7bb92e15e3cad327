//! What a job on the store is promised: its own savepoint, an answer after the commit, a bounded wait.

use std::sync::mpsc;
use std::time::Duration;

use store::testing::{self, TestStore};
use store::{Connection, Error, Migrations, Options, Store, params, query};
use tokio::task::JoinHandle;

const MIGRATIONS: Migrations = Migrations {
    service: "test",
    steps: &["CREATE TABLE items (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;"],
};

fn insert(db: &Connection, id: i64) -> Result<(), Error> {
    query::execute(db, "INSERT INTO items (id, text) VALUES (?1, ?2)", params![id, format!("item {id}")]).map(drop)
}

async fn ids(store: &Store) -> Vec<i64> {
    store.read(|db| query::all(db, "SELECT id FROM items ORDER BY id", [], |row| row.get(0))).await.unwrap()
}

/// Keeps the writer busy until the sender that comes back is dropped; returns once it is.
async fn occupy(store: &Store) -> (mpsc::Sender<()>, JoinHandle<Result<(), Error>>) {
    let (release, released) = mpsc::channel::<()>();
    let (started, running) = tokio::sync::oneshot::channel();
    let store = store.clone();
    let job = tokio::spawn(async move {
        store
            .write_relaxed(move |_| {
                started.send(()).unwrap();
                let _ended = released.recv();
                Ok(())
            })
            .await
    });
    running.await.unwrap();
    (release, job)
}

/// A store in a directory of its own, with other options than [`testing::store`] has.
fn custom(options: Options) -> (Store, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("cloudbox.db"), &[MIGRATIONS], options).unwrap();
    (store, directory)
}

/// Queues one write, and returns once it is in the queue.
async fn enqueue(store: &Store, durable: bool, id: i64) -> JoinHandle<Result<(), Error>> {
    let before = store.metrics().writes.depth;
    let task = tokio::spawn({
        let store = store.clone();
        async move {
            if durable {
                store.write(move |db| insert(db, id)).await
            } else {
                store.write_relaxed(move |db| insert(db, id)).await
            }
        }
    });
    while store.metrics().writes.depth == before {
        tokio::task::yield_now().await;
    }
    task
}

#[tokio::test]
async fn a_failed_job_takes_back_only_its_own_work() {
    let store: TestStore = testing::store(&[MIGRATIONS]);
    let (release, blocker) = occupy(&store).await;
    let good = enqueue(&store, true, 1).await;
    let bad = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .write(|db| {
                    insert(db, 2)?;
                    insert(db, 1)
                })
                .await
        }
    });
    drop(release);
    blocker.await.unwrap().unwrap();
    good.await.unwrap().unwrap();
    assert!(bad.await.unwrap().unwrap_err().is_unique_on("items.id"));
    assert_eq!(ids(&store).await, [1]);
}

#[tokio::test]
async fn a_panic_is_the_callers_error_and_the_writer_lives() {
    let store = testing::store(&[MIGRATIONS]);
    let panicked: Result<(), Error> = store
        .write(|db| {
            insert(db, 1)?;
            panic!("a defect in a job")
        })
        .await;
    assert!(matches!(panicked, Err(Error::Panicked)));
    let panicked: Result<(), Error> = store.read(|_| panic!("a defect in a job")).await;
    assert!(matches!(panicked, Err(Error::Panicked)));
    store.write(|db| insert(db, 2)).await.unwrap();
    assert_eq!(ids(&store).await, [2]);
}

#[tokio::test]
async fn waiting_jobs_share_one_commit() {
    let store = testing::store(&[MIGRATIONS]);
    let (release, blocker) = occupy(&store).await;
    let mut waiting = Vec::new();
    for id in 0..20 {
        waiting.push(enqueue(&store, id % 7 == 0, id).await);
    }
    assert_eq!(store.metrics().writes.depth, 20);
    drop(release);
    blocker.await.unwrap().unwrap();
    for job in waiting {
        job.await.unwrap().unwrap();
    }
    let metrics = store.metrics();
    assert_eq!((metrics.commits, metrics.durable_commits), (2, 1));
    assert_eq!(metrics.group_sizes, [1, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!((metrics.writes.jobs, metrics.writes.failed, metrics.writes.depth), (21, 0, 0));
    assert!(metrics.writes.wait_micros > 0 && metrics.writes.service_micros > 0);
    assert_eq!(ids(&store).await.len(), 20);
}

#[tokio::test]
async fn only_a_group_with_a_durable_job_waits_for_the_disk() {
    let (store, _directory) = custom(Options::default());
    let synchronous = |db: &Connection| query::one(db, "PRAGMA synchronous", [], |row| row.get::<_, i64>(0));
    assert_eq!(store.write(synchronous).await.unwrap(), 2, "FULL");
    assert_eq!(store.write_relaxed(synchronous).await.unwrap(), 1, "NORMAL");
    let (release, blocker) = occupy(&store).await;
    let relaxed = tokio::spawn({
        let store = store.clone();
        async move { store.write_relaxed(synchronous).await }
    });
    while store.metrics().writes.depth == 0 {
        tokio::task::yield_now().await;
    }
    let durable = enqueue(&store, true, 1).await;
    drop(release);
    blocker.await.unwrap().unwrap();
    durable.await.unwrap().unwrap();
    assert_eq!(relaxed.await.unwrap().unwrap(), 2, "it rides along");
    store.close().await;
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let (store, _directory) = custom(Options { write_queue: 1, sync: false, ..Options::default() });
    let (release, blocker) = occupy(&store).await;
    let queued = enqueue(&store, true, 1).await;
    assert!(matches!(store.write(|db| insert(db, 2)).await, Err(Error::Busy)));
    assert_eq!(store.metrics().writes.refused, 1);
    drop(release);
    blocker.await.unwrap().unwrap();
    queued.await.unwrap().unwrap();
    assert_eq!(ids(&store).await, [1]);
}

#[tokio::test]
async fn a_job_whose_caller_has_gone_is_not_run() {
    let store = testing::store(&[MIGRATIONS]);
    let (release, blocker) = occupy(&store).await;
    let gone = enqueue(&store, true, 1).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    let stays = enqueue(&store, true, 2).await;
    drop(release);
    blocker.await.unwrap().unwrap();
    stays.await.unwrap().unwrap();
    assert_eq!(ids(&store).await, [2]);
    assert_eq!(store.metrics().writes.abandoned, 1);
}

#[tokio::test]
async fn a_statement_without_end_is_interrupted() {
    let timeout = Duration::from_millis(100);
    let (store, _directory) = custom(Options { readers: 1, sync: false, timeout, ..Options::default() });
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)";
    let count = format!("{endless} SELECT count(*) FROM n");
    let read: Result<i64, Error> = store.read(move |db| query::one(db, &count, [], |row| row.get(0))).await;
    assert!(matches!(read, Err(Error::Timeout)), "{read:?}");
    let fill = format!("{endless} INSERT INTO items (id, text) SELECT x, 'text ' || x FROM n WHERE x < 0");
    let written = store.write(move |db| query::execute(db, &fill, [])).await;
    assert!(matches!(written, Err(Error::Timeout)), "{written:?}");
    // Both threads are free again: the caller's limit and the statement's end at nearly the same time.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while let Err(error) = store.write(|db| insert(db, 1)).await {
        assert!(
            matches!(error, Error::Timeout | Error::Aborted) && tokio::time::Instant::now() < deadline,
            "{error:?}"
        );
    }
    assert_eq!(ids(&store).await, [1]);
}

#[tokio::test]
async fn a_reader_cannot_write_and_sees_one_snapshot() {
    let store = testing::store(&[MIGRATIONS]);
    let refused = store.read(|db| insert(db, 1)).await;
    assert!(matches!(refused, Err(Error::ReadOnly(_))), "{refused:?}");
    let (go, wait) = mpsc::channel::<()>();
    let (started, running) = tokio::sync::oneshot::channel();
    let reader = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .read(move |db| {
                    let count = |db| query::one(db, "SELECT count(*) FROM items", [], |row| row.get::<_, i64>(0));
                    let before = count(db)?;
                    started.send(()).unwrap();
                    let _ended = wait.recv();
                    Ok::<_, Error>((before, count(db)?))
                })
                .await
        }
    });
    running.await.unwrap();
    store.write(|db| insert(db, 1)).await.unwrap();
    drop(go);
    assert_eq!(reader.await.unwrap().unwrap(), (0, 0));
    assert_eq!(ids(&store).await, [1]);
}

#[tokio::test]
async fn a_job_that_ends_the_transaction_fails_and_harms_nobody_later() {
    let store = testing::store(&[MIGRATIONS]);
    let ended = store.write(|db| Ok::<_, Error>(db.execute_batch("ROLLBACK")?)).await;
    assert!(matches!(ended, Err(Error::TransactionEnded)), "{ended:?}");
    store.write(|db| insert(db, 1)).await.unwrap();
    assert_eq!(ids(&store).await, [1]);
    assert_eq!(store.metrics().failed_commits, 1);
}

#[tokio::test]
async fn a_commit_that_fails_fails_every_job_in_it() {
    let migrations = Migrations {
        service: "test",
        steps: &["CREATE TABLE p (id INTEGER PRIMARY KEY) STRICT;
                  CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED) STRICT;"],
    };
    let store = testing::store(&[migrations]);
    let (release, blocker) = occupy(&store).await;
    let write = |sql: &'static str| {
        let store = store.clone();
        tokio::spawn(async move { store.write(move |db| query::execute(db, sql, [])).await })
    };
    let innocent = write("INSERT INTO p VALUES (1)");
    let guilty = write("INSERT INTO c VALUES (9)");
    while store.metrics().writes.depth < 2 {
        tokio::task::yield_now().await;
    }
    drop(release);
    blocker.await.unwrap().unwrap();
    assert!(guilty.await.unwrap().unwrap_err().is_foreign_key());
    assert!(innocent.await.unwrap().unwrap_err().is_foreign_key());
    let count = |db: &Connection| query::one(db, "SELECT count(*) FROM p", [], |row| row.get::<_, i64>(0));
    assert_eq!(store.read(count).await.unwrap(), 0);
    store.write(|db| query::execute(db, "INSERT INTO p VALUES (2)", [])).await.unwrap();
}

#[tokio::test]
async fn closing_does_what_is_queued_and_then_refuses() {
    let (store, directory) = custom(Options { sync: false, ..Options::default() });
    let (release, blocker) = occupy(&store).await;
    let queued = enqueue(&store, true, 1).await;
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    while store.metrics().writes.capacity > 0 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(store.write(|db| insert(db, 2)).await, Err(Error::Closed)));
    drop(release);
    blocker.await.unwrap().unwrap();
    queued.await.unwrap().unwrap();
    closing.await.unwrap();
    assert!(matches!(store.read(|_| Ok::<_, Error>(())).await, Err(Error::Closed)));
    assert!(!directory.path().join("cloudbox.db-wal").exists(), "the log is folded into the file");
    let again = Store::open(&directory.path().join("cloudbox.db"), &[MIGRATIONS], Options::default()).unwrap();
    assert_eq!(ids(&again).await, [1]);
}

#[tokio::test]
async fn a_durable_job_that_writes_nothing_vouches_for_what_it_read() {
    let (store, _directory) = custom(Options::default());
    let look = |db: &Connection| query::exists(db, "SELECT 1 FROM items WHERE id = 1", []);
    store.write(look).await.unwrap();
    assert_eq!(store.metrics().log_syncs, 0, "all of it is on the disk");
    store.write_relaxed(|db| insert(db, 1)).await.unwrap();
    assert!(store.write(look).await.unwrap());
    assert_eq!(store.metrics().log_syncs, 1);
    store.write_relaxed(|db| insert(db, 2)).await.unwrap();
    store.write(|db| insert(db, 3)).await.unwrap();
    assert_eq!(store.metrics().log_syncs, 1, "the commit brought both to the disk");
    store.close().await;
}

#[tokio::test]
async fn what_was_committed_without_the_disk_goes_there_when_it_is_quiet() {
    let (store, _directory) = custom(Options::default());
    store.write_relaxed(|db| insert(db, 1)).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while store.metrics().log_syncs == 0 {
        assert!(tokio::time::Instant::now() < deadline, "it never goes there");
        tokio::task::yield_now().await;
    }
    store.close().await;
}
