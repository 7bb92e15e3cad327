//! What agents ask of conductor, over the bus and a real store.

use std::time::Duration;

use bus::topics::compute_types::{TaskState, VmState};
use bus::topics::conductor::{
    BuildFailed, FinishJournal, GetInstance, InstanceChange, InstanceDeleted, JournalRecord, OperationFailed,
    PowerStateChanged, ReportEvent, ReportSpans, SaveJournal, UnfinishedJournals, UpdateInstance,
};
use kit::ids::ServerId;
use kit::{Fault, PowerState, RequestContext, Span, SpanKind};

use crate::db::{actions, faults, hosts, instances, spans, tags};
use crate::placement::fixtures::{Cloud, flavor, inventory, row, spec};

/// A cloud with the hosts `names`, each larger than the next, and a server that was claimed for the first.
async fn cloud(names: &[&str]) -> Cloud {
    let cloud = Cloud::new();
    for (index, name) in names.iter().enumerate() {
        cloud.host(name, inventory(4, 8000 - 1000 * index as u64, 100)).await;
    }
    cloud.servers(&["s1"]).await;
    let id = ServerId::new("s1");
    let context = RequestContext { request_id: "req-1".into(), ..RequestContext::service("test") };
    let at = kit::time::from_micros(1);
    cloud.store.write(move |conn| actions::insert(conn, &id, &context, "create", at)).await.unwrap();
    cloud.select(&["s1"], spec(flavor(1, 100, 1))).await.unwrap();
    cloud
}

fn update(expected: &[Option<TaskState>], change: InstanceChange) -> UpdateInstance {
    UpdateInstance { server_id: "s1".into(), expected: expected.to_vec(), change }
}

fn becomes(vm_state: VmState, task: Option<TaskState>) -> InstanceChange {
    InstanceChange { vm_state: Some(vm_state), task_state: Some(task), ..InstanceChange::default() }
}

async fn fault(cloud: &Cloud) -> Option<String> {
    let read = cloud.store.read(|conn| faults::get(conn, &"s1".into())).await.unwrap();
    read.map(|fault| format!("{} {}", fault.code, fault.message))
}

async fn failed_builds(cloud: &Cloud) -> Vec<u32> {
    cloud.store.read(hosts::list).await.unwrap().into_iter().map(|host| host.failed_builds).collect()
}

fn build_failed(host: &str, retry: bool) -> BuildFailed {
    BuildFailed {
        server_id: "s1".into(),
        host: host.into(),
        fault: Fault::unavailable("The image could not be fetched."),
        retry,
    }
}

#[tokio::test]
async fn a_change_is_made_only_in_the_expected_state() {
    let cloud = cloud(&["a"]).await;
    let spawning = InstanceChange { task_state: Some(Some(TaskState::Spawning)), ..InstanceChange::default() };
    assert!(!cloud.call(update(&[Some(TaskState::Networking), None], spawning.clone())).await.unwrap());
    assert!(cloud.call(update(&[Some(TaskState::Scheduling)], spawning)).await.unwrap());
    let active = InstanceChange {
        launched_at: Some(kit::time::from_micros(9)),
        power_state: Some(PowerState::Running),
        ..becomes(VmState::Active, None)
    };
    assert!(cloud.call(update(&[], active)).await.unwrap());
    let instance = cloud.call(GetInstance { server_id: "s1".into() }).await.unwrap();
    assert_eq!(
        (instance.vm_state, instance.task_state, instance.instance_name.as_str()),
        (VmState::Active, None, "instance-00000001")
    );
    let unknown = cloud.call(GetInstance { server_id: "s9".into() }).await.unwrap_err();
    assert_eq!(unknown.message(), "Instance s9 could not be found.");
}

#[tokio::test]
async fn a_failed_build_goes_on_elsewhere_until_it_has_been_tried_enough() {
    let cloud = cloud(&["a", "b", "c", "d"]).await;
    cloud.call(build_failed("a", true)).await.unwrap();
    assert_eq!(cloud.state("s1").await, "building/scheduling@b");
    // Told twice, or by a host that has lost it already: nothing.
    cloud.call(build_failed("a", true)).await.unwrap();
    assert_eq!(cloud.state("s1").await, "building/scheduling@b");
    cloud.call(build_failed("b", true)).await.unwrap();
    assert_eq!(cloud.state("s1").await, "building/scheduling@c");
    cloud.call(build_failed("c", true)).await.unwrap();
    assert_eq!(cloud.state("s1").await, "error/-@-");
    insta::assert_snapshot!(fault(&cloud).await.unwrap(), @"500 Exceeded maximum number of retries. Exceeded max scheduling attempts 3 for instance s1. The last failure: The image could not be fetched.");
    assert_eq!(failed_builds(&cloud).await, [1, 1, 1, 0]);
    assert!(cloud.used().await.iter().all(|row| row.2 == 0));
    assert_eq!(cloud.told(3).await, ["a BuildInstance s1", "b BuildInstance s1", "c BuildInstance s1"]);
    let action = cloud.store.read(|conn| actions::by_request(conn, &"s1".into(), "req-1")).await.unwrap();
    assert_eq!(action.unwrap().message.as_deref(), Some("Error"));
}

#[tokio::test]
async fn a_failed_build_that_no_other_host_takes_says_both_reasons() {
    let cloud = cloud(&["a"]).await;
    cloud.call(build_failed("a", true)).await.unwrap();
    assert_eq!(cloud.state("s1").await, "error/-@-");
    insta::assert_snapshot!(fault(&cloud).await.unwrap(), @"500 Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance s1. The last failure: The image could not be fetched. Elsewhere: No valid host was found. not tried yet: 0 of 1 hosts left; the build has already failed on a.");
}

#[tokio::test]
async fn a_failed_build_that_is_not_to_be_retried_says_why() {
    let cloud = cloud(&["a", "b"]).await;
    cloud.call(build_failed("a", false)).await.unwrap();
    assert_eq!(cloud.state("s1").await, "error/-@-");
    assert_eq!(fault(&cloud).await.unwrap(), "500 The image could not be fetched.");
    assert!(cloud.used().await.iter().all(|row| row.2 == 0));
}

#[tokio::test]
async fn a_failed_build_of_a_server_that_is_being_deleted_is_left_to_the_deletion() {
    let cloud = cloud(&["a", "b"]).await;
    let deleting = InstanceChange { task_state: Some(Some(TaskState::Deleting)), ..InstanceChange::default() };
    cloud.call(update(&[], deleting)).await.unwrap();
    cloud.call(build_failed("a", true)).await.unwrap();
    assert_eq!(cloud.state("s1").await, "building/deleting@a");
    cloud.store.write(|conn| tags::insert(conn, &"s1".into(), "t")).await.unwrap();
    cloud.call(InstanceDeleted { server_id: "s1".into() }).await.unwrap();
    cloud.call(InstanceDeleted { server_id: "s1".into() }).await.unwrap();
    assert_eq!(cloud.state("s1").await, "gone");
    assert!(cloud.used().await.iter().all(|row| row.2 == 0));
    let (row, tags) = cloud
        .store
        .read(|conn| {
            Ok::<_, store::Error>((instances::get_any(conn, &"s1".into())?, tags::of_instance(conn, &"s1".into())?))
        })
        .await
        .unwrap();
    let row = row.unwrap();
    assert_eq!((row.vm_state, row.terminated_at.is_some(), row.deleted_at.is_some()), (VmState::Deleted, true, true));
    assert!(tags.is_empty());
}

#[tokio::test]
async fn a_build_that_succeeds_clears_the_hosts_failures() {
    let cloud = cloud(&["a", "b"]).await;
    cloud.call(build_failed("a", true)).await.unwrap();
    cloud.store.write(|conn| hosts::count_failed_build(conn, &"b".into(), true)).await.unwrap();
    assert_eq!(failed_builds(&cloud).await, [1, 1]);
    let active = InstanceChange { launched_at: Some(kit::time::from_micros(9)), ..becomes(VmState::Active, None) };
    cloud.call(update(&[Some(TaskState::Scheduling)], active)).await.unwrap();
    assert_eq!(failed_builds(&cloud).await, [1, 0]);
}

#[tokio::test]
async fn an_operation_that_failed_leaves_its_fault() {
    let cloud = cloud(&["a"]).await;
    cloud.call(update(&[], becomes(VmState::Active, Some(TaskState::RebootingHard)))).await.unwrap();
    let failed = OperationFailed {
        server_id: "s1".into(),
        fault: Fault::conflict("It is stuck."),
        vm_state: Some(VmState::Error),
    };
    cloud.call(failed).await.unwrap();
    assert_eq!(cloud.state("s1").await, "error/-@a");
    assert_eq!(fault(&cloud).await.unwrap(), "409 It is stuck.");
}

async fn power(cloud: &Cloud, power_state: PowerState, late: bool) {
    cloud.clock.advance(Duration::from_secs(1));
    let now = kit::Clock::now(&*cloud.clock);
    let at = if late { now - Duration::from_secs(3600) } else { now };
    cloud.call(PowerStateChanged { server_id: "s1".into(), power_state, at }).await.unwrap();
}

#[tokio::test]
async fn a_guest_that_shuts_down_stops_its_server() {
    let cloud = cloud(&["a"]).await;
    cloud.call(update(&[], becomes(VmState::Active, None))).await.unwrap();
    power(&cloud, PowerState::Shutdown, true).await;
    assert_eq!(cloud.state("s1").await, "active/-@a", "a late event counts for nothing");
    power(&cloud, PowerState::Shutdown, false).await;
    assert_eq!(cloud.state("s1").await, "stopped/-@a");
    assert_eq!(cloud.row("s1").await.unwrap().power_state, PowerState::Shutdown);
    let names: Vec<_> = cloud.store.read(|conn| actions::of_instance(conn, &"s1".into())).await.unwrap();
    assert_eq!(names.iter().map(|action| action.action.as_str()).collect::<Vec<_>>(), ["stop", "create"]);
    assert_eq!(cloud.told(1).await, ["a BuildInstance s1"]);
}

#[tokio::test]
async fn a_guest_that_runs_though_its_server_is_stopped_is_stopped() {
    let cloud = cloud(&["a"]).await;
    cloud.call(update(&[], becomes(VmState::Stopped, None))).await.unwrap();
    power(&cloud, PowerState::Running, false).await;
    assert_eq!(cloud.state("s1").await, "stopped/powering-off@a");
    assert_eq!(cloud.told(2).await, ["a BuildInstance s1", "a StopInstance s1"]);
}

#[tokio::test]
async fn a_guest_is_left_alone_while_something_is_done_to_it() {
    let cloud = cloud(&["a"]).await;
    cloud.call(update(&[], becomes(VmState::Active, Some(TaskState::PoweringOff)))).await.unwrap();
    power(&cloud, PowerState::Shutdown, false).await;
    assert_eq!(cloud.state("s1").await, "active/powering-off@a");
}

#[tokio::test]
async fn a_host_that_starts_gets_its_servers_and_what_was_lost() {
    let cloud = cloud(&["a"]).await;
    for (name, task) in [
        ("s2", Some(TaskState::PoweringOn)),
        ("s3", Some(TaskState::PoweringOff)),
        ("s4", Some(TaskState::RebootingHard)),
        ("s5", Some(TaskState::Deleting)),
        ("s6", None),
        ("s7", Some(TaskState::Spawning)),
        ("s8", Some(TaskState::Spawning)),
    ] {
        let mut server = row(name);
        server.host = Some("a".into());
        server.task_state = task;
        cloud.insert(server).await;
    }
    let record = journal("w1", "s8");
    cloud.call(SaveJournal { record: record.clone() }).await.unwrap();
    cloud.told.lock().unwrap().clear();
    let registered = cloud.register("a", inventory(4, 8000, 100), true).await;
    assert_eq!(registered.instances.len(), 8);
    insta::assert_snapshot!(cloud.told(6).await.join("\n"), @r"
    a BuildInstance s1
    a BuildInstance s7
    a RebootInstance s4
    a StartInstance s2
    a StopInstance s3
    a TerminateInstance s5
    ");
    // A heartbeat is answered, and nothing is told again.
    assert_eq!(cloud.register("a", inventory(4, 8000, 100), false).await.instances.len(), 8);
    assert_eq!(cloud.told(6).await.len(), 6);
}

#[tokio::test]
async fn a_host_that_has_not_begun_is_told_again() {
    let cloud = cloud(&["a"]).await;
    cloud.told(1).await;
    cloud.compute.conductor.tell_again().await.unwrap();
    assert_eq!(cloud.told(1).await.len(), 1);
    cloud.clock.advance(Duration::from_secs(61));
    cloud.compute.conductor.tell_again().await.unwrap();
    assert_eq!(cloud.told(2).await, ["a BuildInstance s1", "a BuildInstance s1"]);
    // Not every round.
    cloud.compute.conductor.tell_again().await.unwrap();
    assert_eq!(cloud.told(2).await.len(), 2);
    // One that has a journal has begun.
    cloud.clock.advance(Duration::from_secs(3600));
    cloud.call(SaveJournal { record: journal("w1", "s1") }).await.unwrap();
    cloud.compute.conductor.tell_again().await.unwrap();
    assert_eq!(cloud.told(2).await.len(), 2);
}

fn journal(id: &str, subject: &str) -> JournalRecord {
    JournalRecord {
        id: id.into(),
        host: "a".into(),
        kind: "server.build".into(),
        subject: subject.into(),
        body: "{}".into(),
    }
}

#[tokio::test]
async fn journals_are_kept_until_they_are_finished() {
    let cloud = Cloud::new();
    let (first, second) = (journal("w1", "s1"), journal("w2", "s2"));
    cloud.call(SaveJournal { record: first.clone() }).await.unwrap();
    cloud.call(SaveJournal { record: second.clone() }).await.unwrap();
    let changed = JournalRecord { body: "{\"step\":1}".into(), ..second };
    cloud.call(SaveJournal { record: changed.clone() }).await.unwrap();
    let unfinished = || cloud.call(UnfinishedJournals { host: "a".into() });
    assert_eq!(unfinished().await.unwrap(), [first, changed.clone()]);
    cloud.call(FinishJournal { id: "w1".into() }).await.unwrap();
    cloud.call(FinishJournal { id: "w1".into() }).await.unwrap();
    assert_eq!(unfinished().await.unwrap(), [changed]);
    assert!(cloud.call(UnfinishedJournals { host: "b".into() }).await.unwrap().is_empty());
}

#[tokio::test]
async fn events_and_spans_are_kept_with_their_action() {
    let cloud = cloud(&["a"]).await;
    let at = kit::time::from_micros(5);
    let event = ReportEvent {
        server_id: "s1".into(),
        request_id: "req-1".into(),
        event: "compute__do_build_and_run_instance".into(),
        host: "a".into(),
        started_at: at,
        finished_at: at,
        error: None,
    };
    cloud.call(event.clone()).await.unwrap();
    cloud.call(ReportEvent { error: Some("no".into()), ..event.clone() }).await.unwrap();
    cloud.call(ReportEvent { request_id: "req-9".into(), ..event }).await.unwrap();
    let span = Span {
        from: "compute".into(),
        to: "image".into(),
        name: "GetImage".into(),
        kind: SpanKind::Call,
        started_at: at,
        micros: 7,
        queued_micros: 1,
        served_micros: 5,
        error: None,
    };
    cloud
        .call(ReportSpans { server_id: "s1".into(), request_id: "req-1".into(), spans: vec![span.clone()] })
        .await
        .unwrap();
    let (events, kept) = cloud
        .store
        .read(|conn| {
            let action = actions::by_request(conn, &"s1".into(), "req-1")?.unwrap();
            assert_eq!(action.message.as_deref(), Some("Error"));
            Ok::<_, store::Error>((actions::events(conn, action.id)?, spans::of_request(conn, &"s1".into(), "req-1")?))
        })
        .await
        .unwrap();
    let results: Vec<_> = events.iter().map(|event| event.result.as_deref().unwrap()).collect();
    assert_eq!(results, ["Success", "Error"]);
    assert_eq!(kept, [span]);
}
