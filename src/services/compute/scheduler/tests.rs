//! Choices over a whole service: every filter, the weighers, all or none.

use std::collections::BTreeMap;

use bus::topics::scheduler::RequestSpec;
use kit::ids::HostId;

use super::filters::FILTERS;
use super::weighers::WEIGHERS;
use crate::db::hosts;
use crate::placement::fixtures::{Cloud, flavor, inventory, row, spec};

fn small() -> RequestSpec {
    spec(flavor(1, 100, 1))
}

async fn cloud(hosts: &[(&str, u64)]) -> Cloud {
    let cloud = Cloud::new();
    for (host, memory) in hosts {
        cloud.host(host, inventory(4, *memory, 100)).await;
    }
    cloud
}

/// What is said when the servers find no host.
async fn refused(cloud: &Cloud, spec: RequestSpec) -> String {
    let fault = cloud.select(&["s1"], spec).await.unwrap_err();
    assert_eq!(fault.kind(), kit::FaultKind::NoValidHost);
    assert_eq!(cloud.state("s1").await, "building/scheduling@-");
    fault.message().to_owned()
}

#[test]
fn the_tables() {
    let filters: Vec<_> = FILTERS.iter().map(|filter| filter.name).collect();
    insta::assert_snapshot!(filters.join(", "), @"requested host, not tried yet, compute, availability zone, image properties, same host, different host, server group, vcpu, ram, disk");
    let weighers: Vec<_> = WEIGHERS.iter().map(|weigher| format!("{} {}", weigher.name, weigher.factor)).collect();
    insta::assert_snapshot!(weighers.join(", "), @"ram 1, cpu 1, disk 1, io_ops -1, build_failure -1000000, soft_affinity 1, soft_anti_affinity -1");
}

#[tokio::test]
async fn the_host_with_the_most_room_is_chosen_claimed_and_told() {
    let cloud = cloud(&[("a", 1000), ("b", 2000)]).await;
    cloud.servers(&["s1", "s2"]).await;
    assert_eq!(cloud.select(&["s1"], small()).await.unwrap(), ["s1@b"]);
    assert_eq!(cloud.state("s1").await, "building/scheduling@b");
    assert_eq!(cloud.told(1).await, ["b BuildInstance s1"]);
    // Asked twice, a server stays where it is.
    assert!(cloud.select(&["s1"], small()).await.unwrap().is_empty());
    assert_eq!(cloud.select(&["s2"], RequestSpec { excluded: vec!["b".into()], ..small() }).await.unwrap(), ["s2@a"]);
}

#[tokio::test]
async fn servers_of_one_request_are_spread_and_all_of_them_fit_or_none() {
    let cloud = cloud(&[("a", 250), ("b", 250)]).await;
    cloud.servers(&["s1", "s2", "s3", "s4", "s5"]).await;
    let fault = cloud.select(&["s1", "s2", "s3", "s4", "s5"], small()).await.unwrap_err();
    insta::assert_snapshot!(fault.message(), @"No valid host was found. compute: 2 of 2 hosts left; vcpu: 2 of 2 hosts left; ram: 0 of 2 hosts left; wanted 100 MB, most free 50 MB on host b.");
    assert!(cloud.used().await.iter().all(|row| row.2 == 0));
    assert_eq!(cloud.select(&["s1", "s2", "s3", "s4"], small()).await.unwrap(), ["s1@a", "s2@b", "s3@a", "s4@b"]);
}

#[tokio::test]
async fn without_a_host_each_filter_says_what_it_left_and_what_was_missing() {
    let cloud = cloud(&[]).await;
    cloud.servers(&["s1"]).await;
    insta::assert_snapshot!(refused(&cloud, small()).await, @"No valid host was found. No compute host has registered yet.");
    cloud.host("a", inventory(4, 2048, 100)).await;
    cloud.host("b", inventory(2, 1024, 100)).await;
    insta::assert_snapshot!(refused(&cloud, spec(flavor(1, 4096, 1))).await, @"No valid host was found. compute: 2 of 2 hosts left; vcpu: 2 of 2 hosts left; ram: 0 of 2 hosts left; wanted 4096 MB, most free 2048 MB on host a.");
    insta::assert_snapshot!(refused(&cloud, spec(flavor(5, 100, 1))).await, @"No valid host was found. compute: 2 of 2 hosts left; vcpu: 0 of 2 hosts left; wanted 5 VCPUs for one server, host a has 4 VCPUs.");
    insta::assert_snapshot!(refused(&cloud, spec(flavor(1, 100, 101))).await, @"No valid host was found. compute: 2 of 2 hosts left; vcpu: 2 of 2 hosts left; ram: 2 of 2 hosts left; disk: 0 of 2 hosts left; wanted 101 GB, most free 100 GB on host b.");
    let elsewhere = RequestSpec { availability_zone: Some("mars".into()), ..small() };
    insta::assert_snapshot!(refused(&cloud, elsewhere).await, @"No valid host was found. compute: 2 of 2 hosts left; availability zone: 0 of 2 hosts left; wanted zone mars, all hosts are in nova.");
    let nowhere = RequestSpec { host: Some("c".into()), ..small() };
    insta::assert_snapshot!(refused(&cloud, nowhere).await, @"No valid host was found. requested host: 0 of 2 hosts left; there is no host c.");
    let tried = RequestSpec { excluded: vec!["a".into(), "b".into()], ..small() };
    insta::assert_snapshot!(refused(&cloud, tried).await, @"No valid host was found. not tried yet: 0 of 2 hosts left; the build has already failed on a, b.");
    let properties = BTreeMap::from([("hw_architecture".to_owned(), "aarch64".to_owned())]);
    let arm = RequestSpec { image_properties: properties, ..small() };
    insta::assert_snapshot!(refused(&cloud, arm).await, @"No valid host was found. compute: 2 of 2 hosts left; image properties: 0 of 2 hosts left; wanted architecture aarch64; a is x86_64, QEMU, b is x86_64, QEMU.");
}

#[tokio::test]
async fn a_volume_as_root_takes_no_local_disk() {
    let cloud = cloud(&[("a", 1000)]).await;
    cloud.servers(&["s1"]).await;
    let spec = RequestSpec { root_is_local: false, ..spec(flavor(1, 100, 5000)) };
    assert_eq!(cloud.select(&["s1"], spec).await.unwrap(), ["s1@a"]);
}

#[tokio::test]
async fn a_host_is_there_while_it_is_heard_of_and_enabled() {
    let cloud = cloud(&[("a", 1000)]).await;
    cloud.servers(&["s1", "s2", "s3"]).await;
    let disable = |disabled: bool| {
        let reason = disabled.then_some("maintenance");
        cloud.store.write(move |conn| hosts::set_disabled(conn, &HostId::new("a"), disabled, reason))
    };
    // What an operator does behind the scheduler's back is seen, both ways.
    cloud.select(&["s1"], small()).await.unwrap();
    disable(true).await.unwrap();
    let fault = cloud.select(&["s2"], small()).await.unwrap_err();
    insta::assert_snapshot!(fault.message(), @"No valid host was found. compute: 0 of 1 hosts left; a is disabled: maintenance.");
    disable(false).await.unwrap();
    cloud.select(&["s2"], small()).await.unwrap();
    cloud.clock.advance(std::time::Duration::from_secs(61));
    let fault = cloud.select(&["s3"], small()).await.unwrap_err();
    insta::assert_snapshot!(fault.message(), @"No valid host was found. compute: 0 of 1 hosts left; a has not been heard of for 61 s.");
    cloud.register("a", inventory(4, 1000, 100), false).await;
    cloud.select(&["s3"], small()).await.unwrap();
}

#[tokio::test]
async fn image_properties_choose_the_host() {
    let cloud = Cloud::new();
    cloud.host("intel", inventory(4, 2000, 100)).await;
    let arm =
        bus::topics::conductor::HostInventory { cpu_info: r#"{"arch":"aarch64"}"#.into(), ..inventory(4, 1000, 100) };
    cloud.host("arm", arm).await;
    cloud.servers(&["s1", "s2", "s3"]).await;
    for (server, (name, value), expected) in [
        ("s1", ("architecture", "arm64"), Some("s1@arm")),
        ("s2", ("hypervisor_type", "qemu"), Some("s2@intel")),
        ("s3", ("img_hv_type", "xen"), None),
    ] {
        let properties = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let chosen = cloud.select(&[server], RequestSpec { image_properties: properties, ..small() }).await;
        assert_eq!(chosen.ok().and_then(|chosen| chosen.first().cloned()).as_deref(), expected);
    }
}

#[tokio::test]
async fn groups_keep_their_servers_together_or_apart() {
    for (policy, expected) in [
        ("affinity", Some(["s1@a", "s2@a"])),
        ("anti-affinity", Some(["s1@a", "s2@b"])),
        ("soft-affinity", Some(["s1@a", "s2@b"])),
        ("soft-anti-affinity", Some(["s1@a", "s2@b"])),
    ] {
        let cloud = cloud(&[("a", 1000), ("b", 1000)]).await;
        cloud.servers(&["s1", "s2", "s3"]).await;
        cloud.group(policy, &["s1", "s2", "s3"]).await;
        let spec = RequestSpec { group_id: Some("g".into()), ..small() };
        let chosen = cloud.select(&["s1", "s2"], spec.clone()).await.unwrap();
        assert_eq!(Some(chosen), expected.map(|pairs| pairs.map(str::to_owned).to_vec()), "{policy}");
        // A later request finds the members where they are.
        let third = cloud.select(&["s3"], spec).await;
        match policy {
            "affinity" => assert_eq!(third.unwrap(), ["s3@a"]),
            "anti-affinity" => {
                insta::assert_snapshot!(third.unwrap_err().message(), @"No valid host was found. compute: 2 of 2 hosts left; server group: 0 of 2 hosts left; anti-affinity: at most 1 on one host.")
            }
            _ => assert!(third.is_ok()),
        }
    }
}

#[tokio::test]
async fn hints_name_servers_to_be_near_or_far_from() {
    let cloud = cloud(&[("a", 1000), ("b", 1000)]).await;
    cloud.servers(&["s1", "s2", "s3", "s4"]).await;
    cloud.select(&["s1"], RequestSpec { host: Some("b".into()), ..small() }).await.unwrap();
    let hint = |name: &str, server: &str| RequestSpec {
        hints: BTreeMap::from([(name.to_owned(), vec![server.to_owned()])]),
        ..small()
    };
    assert_eq!(cloud.select(&["s2"], hint("same_host", "s1")).await.unwrap(), ["s2@b"]);
    assert_eq!(cloud.select(&["s3"], hint("different_host", "s1")).await.unwrap(), ["s3@a"]);
    let fault = cloud.select(&["s4"], hint("same_host", "unknown")).await.unwrap_err();
    assert!(fault.message().contains("same host: 0 of 2 hosts left"), "{fault}");
}

#[tokio::test]
async fn builds_that_failed_weigh_more_than_any_room() {
    let cloud = cloud(&[("a", 1000), ("b", 8000)]).await;
    cloud.servers(&["s1"]).await;
    cloud.store.write(|conn| hosts::count_failed_build(conn, &"b".into(), true)).await.unwrap();
    cloud.register("b", inventory(4, 8000, 100), false).await;
    assert_eq!(cloud.select(&["s1"], small()).await.unwrap(), ["s1@a"]);
}

#[tokio::test]
async fn a_server_that_is_being_deleted_is_passed_over() {
    let cloud = cloud(&[("a", 1000)]).await;
    let mut deleting = row("s1");
    deleting.task_state = Some(bus::topics::compute_types::TaskState::Deleting);
    cloud.insert(deleting).await;
    cloud.servers(&["s2"]).await;
    assert_eq!(cloud.select(&["s1", "s2"], small()).await.unwrap(), ["s2@a"]);
    assert_eq!(cloud.used().await.iter().map(|row| row.2).collect::<Vec<_>>(), [1, 100, 1]);
}

#[tokio::test]
async fn a_host_that_cannot_be_told_keeps_the_server_for_later() {
    let cloud = Cloud::new();
    cloud.register("a", inventory(4, 1000, 100), true).await;
    cloud.servers(&["s1"]).await;
    assert_eq!(cloud.select(&["s1"], small()).await.unwrap(), ["s1@a"]);
    cloud.agent("a");
    cloud.register("a", inventory(4, 1000, 100), true).await;
    assert_eq!(cloud.told(1).await, ["a BuildInstance s1"]);
}
