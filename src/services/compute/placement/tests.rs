//! Claims against a real store: what races, what is given back.

use http_kit::testing::{Answer, KnownTokens, call};
use http_kit::{App, Limits};
use proptest::prelude::*;
use serde_json::Value;

use super::fixtures::{Cloud, flavor, inventory, spec};
use crate::db::instances;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_racing_claims_never_promise_more_than_there_is() {
    let cloud = Cloud::new();
    for host in ["a", "b", "c"] {
        cloud.host(host, inventory(4, 1000, 1000)).await;
    }
    let names: Vec<String> = (0..100).map(|number| format!("s{number:03}")).collect();
    cloud.servers(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let races = names.iter().map(|name| {
        let servers = [name.as_str()];
        let cloud = &cloud;
        async move { cloud.select(&servers, spec(flavor(1, 100, 1))).await }
    });
    let results = futures_join(races).await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(won, 30, "ten of 100 MB fit on each host");
    let lost = results.into_iter().find_map(Result::err).unwrap();
    assert_eq!(lost.kind(), kit::FaultKind::NoValidHost);
    for (host, class, used, capacity, sum) in cloud.used().await {
        assert!(used <= capacity && used == sum, "{host} {class}: {used} of {capacity}, allocations {sum}");
    }
    assert_eq!(cloud.told(30).await.len(), 30);
}

/// Waits for all of `futures` at once.
async fn futures_join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, output) in &mut futures {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(ready) => *output = Some(ready),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn a_deleted_server_holds_nothing_whoever_deletes_it() {
    let cloud = Cloud::new();
    cloud.host("a", inventory(4, 1000, 1000)).await;
    cloud.servers(&["s1"]).await;
    cloud.select(&["s1"], spec(flavor(1, 100, 1))).await.unwrap();
    assert!(cloud.used().await.iter().all(|row| row.2 > 0));
    cloud.store.write(|conn| instances::delete(conn, &"s1".into(), kit::time::from_micros(1))).await.unwrap();
    assert!(cloud.used().await.iter().all(|row| row.2 == 0 && row.4 == 0));
}

#[tokio::test]
async fn a_host_keeps_its_id_and_its_promises_when_it_registers_again() {
    let cloud = Cloud::new();
    cloud.host("a", inventory(4, 1000, 1000)).await;
    cloud.servers(&["s1"]).await;
    cloud.select(&["s1"], spec(flavor(2, 100, 1))).await.unwrap();
    let uuid = || cloud.store.read(|conn| crate::db::hosts::get(conn, &"a".into()));
    let before = uuid().await.unwrap().unwrap().uuid;
    cloud.register("a", inventory(8, 2000, 1000), true).await;
    assert_eq!(uuid().await.unwrap().unwrap().uuid, before);
    let lines = cloud
        .used()
        .await
        .into_iter()
        .map(|(host, class, used, capacity, _)| format!("{host} {class} {used}/{capacity}"));
    assert_eq!(lines.collect::<Vec<_>>(), ["a DISK_GB 1/1000", "a MEMORY_MB 100/2000", "a VCPU 2/32"]);
}

async fn get(app: &App, version: &str, path: &str) -> Answer {
    let version = format!("placement {version}");
    call(app, "admin", "GET", &format!("/placement{path}"), &[("openstack-api-version", &version)], &Value::Null)
        .await
        .unwrap()
}

/// The body with a provider's random id replaced.
fn body(answer: &Answer, uuid: &str) -> String {
    answer.text().replace(uuid, "UUID")
}

#[tokio::test]
async fn placements_own_api_shows_it() {
    let cloud = Cloud::new();
    cloud.host("a", inventory(4, 1000, 100)).await;
    cloud.servers(&["s1"]).await;
    cloud.select(&["s1"], spec(flavor(2, 100, 1))).await.unwrap();
    let service = cloud.compute.placement().authenticator(std::sync::Arc::new(KnownTokens::usual()));
    let app = App::new(Limits::default(), cloud.clock.clone()).mount(service).build().unwrap();
    let list = get(&app, "1.0", "/resource_providers?name=a").await;
    assert_eq!(list.status, 200, "{}", list.text());
    let uuid = list.json()["resource_providers"][0]["uuid"].as_str().unwrap().to_owned();
    let mut pages = vec![body(&list, &uuid)];
    for (version, path) in [
        ("1.39", "/resource_providers?name=b".to_owned()),
        ("1.39", format!("/resource_providers/{uuid}")),
        ("1.0", format!("/resource_providers/{uuid}/inventories")),
        ("1.0", format!("/resource_providers/{uuid}/inventories/VCPU")),
        ("1.0", format!("/resource_providers/{uuid}/inventories/FPGA")),
        ("1.0", format!("/resource_providers/{uuid}/usages")),
        ("1.39", format!("/resource_providers/{uuid}/aggregates")),
        ("1.39", format!("/resource_providers/{uuid}/traits")),
        ("1.28", format!("/resource_providers/{uuid}/allocations")),
        ("1.0", "/allocations/s1".to_owned()),
        ("1.39", "/allocations/s1".to_owned()),
        ("1.39", "/allocations/s9".to_owned()),
    ] {
        let answer = get(&app, version, &path).await;
        let text = if answer.status == 200 { body(&answer, &uuid) } else { answer.status.to_string() };
        pages.push(format!("{version} {}\n    {text}", path.replace(&uuid, "UUID")));
    }
    insta::assert_snapshot!(pages.join("\n"), @r#"
    {"resource_providers":[{"generation":4,"links":[{"href":"/placement/resource_providers/UUID","rel":"self"},{"href":"/placement/resource_providers/UUID/inventories","rel":"inventories"},{"href":"/placement/resource_providers/UUID/usages","rel":"usages"}],"name":"a","uuid":"UUID"}]}
    1.39 /resource_providers?name=b
        {"resource_providers":[]}
    1.39 /resource_providers/UUID
        {"generation":4,"links":[{"href":"/placement/resource_providers/UUID","rel":"self"},{"href":"/placement/resource_providers/UUID/inventories","rel":"inventories"},{"href":"/placement/resource_providers/UUID/usages","rel":"usages"},{"href":"/placement/resource_providers/UUID/aggregates","rel":"aggregates"},{"href":"/placement/resource_providers/UUID/traits","rel":"traits"},{"href":"/placement/resource_providers/UUID/allocations","rel":"allocations"}],"name":"a","parent_provider_uuid":null,"root_provider_uuid":"UUID","uuid":"UUID"}
    1.0 /resource_providers/UUID/inventories
        {"inventories":{"DISK_GB":{"allocation_ratio":1.0,"max_unit":100,"min_unit":1,"reserved":0,"step_size":1,"total":100},"MEMORY_MB":{"allocation_ratio":1.0,"max_unit":1000,"min_unit":1,"reserved":0,"step_size":1,"total":1000},"VCPU":{"allocation_ratio":4.0,"max_unit":4,"min_unit":1,"reserved":0,"step_size":1,"total":4}},"resource_provider_generation":4}
    1.0 /resource_providers/UUID/inventories/VCPU
        {"allocation_ratio":4.0,"max_unit":4,"min_unit":1,"reserved":0,"resource_provider_generation":4,"step_size":1,"total":4}
    1.0 /resource_providers/UUID/inventories/FPGA
        404
    1.0 /resource_providers/UUID/usages
        {"resource_provider_generation":4,"usages":{"DISK_GB":1,"MEMORY_MB":100,"VCPU":2}}
    1.39 /resource_providers/UUID/aggregates
        {"aggregates":[],"resource_provider_generation":4}
    1.39 /resource_providers/UUID/traits
        {"resource_provider_generation":4,"traits":[]}
    1.28 /resource_providers/UUID/allocations
        {"allocations":{"s1":{"consumer_generation":1,"resources":{"DISK_GB":1,"MEMORY_MB":100,"VCPU":2}}},"resource_provider_generation":4}
    1.0 /allocations/s1
        {"allocations":{"UUID":{"generation":4,"resources":{"DISK_GB":1,"MEMORY_MB":100,"VCPU":2}}}}
    1.39 /allocations/s1
        {"allocations":{"UUID":{"generation":4,"resources":{"DISK_GB":1,"MEMORY_MB":100,"VCPU":2}}},"consumer_generation":1,"consumer_type":"INSTANCE","project_id":"p","user_id":"u"}
    1.39 /allocations/s9
        {"allocations":{}}
    "#);
    let missing = get(&app, "1.0", "/resource_providers/x").await;
    assert!(missing.text().contains("No resource provider with uuid x found"), "{}", missing.text());
    let aged = get(&app, "1.15", "/resource_providers").await;
    assert_eq!(
        (aged.header("cache-control"), aged.header("last-modified")),
        ("no-cache", "Sun, 22 Nov 2026 13:30:34 GMT")
    );
    let member = call(&app, "member", "GET", "/placement/resource_providers", &[], &Value::Null).await.unwrap();
    assert_eq!(member.status, 403);
    assert!(http_kit::testing::open_without_token(&app).await.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever is asked for and given back in whatever order, inventories add up and are never overshot.
    #[test]
    fn promises_always_add_up(steps in prop::collection::vec((0_u8..3, 1_u32..6, 1_u64..600, 0_u64..30), 1..25)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let cloud = Cloud::new();
            for host in ["a", "b"] {
                cloud.host(host, inventory(2, 1000, 50)).await;
            }
            let mut alive: Vec<String> = Vec::new();
            for (index, (kind, vcpus, ram, disk)) in steps.into_iter().enumerate() {
                if kind == 0 && !alive.is_empty() {
                    let server_id = alive.remove(index % alive.len()).as_str().into();
                    cloud.call(bus::topics::conductor::InstanceDeleted { server_id }).await.unwrap();
                } else {
                    let name = format!("s{index}");
                    cloud.servers(&[&name]).await;
                    if cloud.select(&[&name], spec(flavor(vcpus, ram, disk))).await.is_ok() {
                        alive.push(name);
                    }
                }
                for (host, class, used, capacity, sum) in cloud.used().await {
                    assert!(used <= capacity && used == sum, "{host} {class}: {used} of {capacity}, allocations {sum}");
                }
            }
            for name in alive {
                cloud.call(bus::topics::conductor::InstanceDeleted { server_id: name.as_str().into() }).await.unwrap();
            }
            assert!(cloud.used().await.iter().all(|row| row.2 == 0));
        });
    }
}
