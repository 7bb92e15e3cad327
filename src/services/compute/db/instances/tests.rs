//! What the table of servers promises.

use std::collections::BTreeMap;

use super::*;

/// A row in which no two fields of a type are alike.
pub(crate) fn full() -> InstanceRow {
    let at = |second| Timestamp::from_second(second).unwrap();
    let flavor = FlavorSpec {
        id: "f".into(),
        name: "m1".into(),
        vcpus: 2,
        ram_mb: 64,
        disk_gb: 1,
        ephemeral_gb: 0,
        swap_mb: 0,
        extra_specs: BTreeMap::new(),
    };
    let map = |key: &str| BTreeMap::from([(key.to_owned(), key.to_owned())]);
    InstanceRow {
        number: 1,
        id: "id".into(),
        project_id: "project".into(),
        user_id: "user".into(),
        name: "name".into(),
        description: Some("description".into()),
        hostname: "hostname".into(),
        request_id: "req".into(),
        reservation_id: "r-1".into(),
        launch_index: 7,
        vm_state: VmState::Active,
        task_state: Some(TaskState::Rebooting),
        power_state: PowerState::Running,
        host: Some("host".into()),
        availability_zone: Some("nova".into()),
        forced_host: Some("forced".into()),
        flavor,
        image_id: Some("image".into()),
        image_properties: map("image"),
        key: Some(KeyRef { name: "k".into(), key_type: "ssh".into(), public_key: "p".into() }),
        user_data: Some(Secret::new("data")),
        config_drive: true,
        metadata: map("metadata"),
        networks: vec![RequestedNetwork { network_id: Some("net".into()), ..RequestedNetwork::default() }],
        security_groups: vec![SecurityGroupRef { id: "g".into(), name: "default".into() }],
        network_info: Vec::new(),
        root_device_name: Some("/dev/vda".into()),
        disk_config: "AUTO".into(),
        access_ip_v4: Some("1.2.3.4".into()),
        access_ip_v6: Some("::1".into()),
        locked_by: Some("owner".into()),
        locked_reason: Some("why".into()),
        admin_password: Some(Secret::new("password")),
        group_id: Some("group".into()),
        hints: BTreeMap::from([("group".to_owned(), vec!["group".to_owned()])]),
        created_at: at(1),
        updated_at: at(2),
        launched_at: Some(at(3)),
        terminated_at: None,
        deleted_at: None,
        origin: Origin { min_ram_mb: 3, boot_roles: "member".into(), ..Origin::default() },
        snapshot_image: None,
    }
}

async fn with_row<T: Send + 'static>(job: impl FnOnce(&Connection) -> Result<T, store::Error> + Send + 'static) -> T {
    let store = store::testing::store(&[crate::MIGRATIONS]);
    store.write(|db| insert(db, &full())).await.unwrap();
    store.write(job).await.unwrap()
}

#[tokio::test]
async fn a_row_comes_back_as_it_was_put_in() {
    assert_eq!(with_row(|db| get(db, &"id".into())).await.unwrap(), full());
}

#[tokio::test]
async fn an_update_is_made_only_in_an_expected_task() {
    let (lost, won, row) = with_row(|db| {
        let id = ServerId::new("id");
        let change =
            InstanceChange { task_state: Some(None), launched_at: Some(Timestamp::MAX), ..InstanceChange::default() };
        let now = full().updated_at;
        let lost = update(db, &id, &[None, Some(TaskState::Spawning)], &change, now)?;
        let won = update(db, &id, &[Some(TaskState::Rebooting)], &change, now)?;
        Ok((lost, won, get(db, &id)?.unwrap()))
    })
    .await;
    assert!(!lost && won);
    assert_eq!((row.task_state, row.vm_state), (None, VmState::Active));
    assert_eq!(row.launched_at, full().launched_at, "the first launch counts");
    assert!(row.admin_password.is_none(), "once it runs, the password is forgotten");
}

#[tokio::test]
async fn only_a_server_that_waits_can_be_claimed_or_fail_for_want_of_a_host() {
    let (claimed, failed, claimed_waiting, failed_then) = with_row(|db| {
        let (id, now) = (ServerId::new("id"), full().updated_at);
        let fault = kit::Fault::no_valid_host("none");
        let claimed = claim(db, &id, &"h".into(), now)?;
        let failed = fail_unscheduled(db, &id, "req", &fault, now)?;
        release(db, &id, now)?;
        let scheduling = InstanceChange { task_state: Some(Some(TaskState::Scheduling)), ..InstanceChange::default() };
        update(db, &id, &[], &scheduling, now)?;
        let waiting = claim(db, &id, &"h".into(), now)?;
        Ok((claimed, failed, waiting, fail_unscheduled(db, &id, "req", &fault, now)?))
    })
    .await;
    assert_eq!((claimed, failed, claimed_waiting, failed_then), (false, false, true, false));
}

#[tokio::test]
async fn a_deleted_row_stays_but_only_for_those_who_ask() {
    let (first, second, hidden, kept) = with_row(|db| {
        let (id, now) = (ServerId::new("id"), full().updated_at);
        Ok((delete(db, &id, now)?, delete(db, &id, now)?, get(db, &id)?, get_any(db, &id)?.unwrap()))
    })
    .await;
    assert!(first && !second && hidden.is_none());
    assert_eq!((kept.vm_state, kept.task_state, kept.user_data), (VmState::Deleted, None, None));
}

#[tokio::test]
async fn a_page_in_the_middle_is_found_in_the_index() {
    let query = http_kit::Query::parse("limit=20&marker=id");
    let order = &crate::api::server_list::ORDER;
    let paging = http_kit::Paging::of(&http_kit::dialect::NOVA, &query, order).unwrap();
    let after = paging.after(&[5.into(), 7.into()]);
    let sql = format!(
        "EXPLAIN QUERY PLAN SELECT * FROM compute_instances
        WHERE (project_id = 'p') AND (deleted_at IS NULL) AND ({}) ORDER BY {} LIMIT 21",
        after.sql,
        paging.order_by()
    );
    let read = move |db: &Connection| {
        let values = query::bind(after.values);
        query::query_all(db, &sql, &values, |row| row.get::<_, String>("detail"))
    };
    let plan = with_row(read).await;
    let index = "compute_instances_by_project (project_id=? AND deleted_at=? AND created_at<?)";
    assert_eq!(plan, [format!("SEARCH compute_instances USING INDEX {index}")]);
}
