//! Claims against a real store: what races, what is given back.

use proptest::prelude::*;

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
    let lines = cloud.used().await.into_iter().map(|(host, class, used, capacity, _)| format!("{host} {class} {used}/{capacity}"));
    assert_eq!(lines.collect::<Vec<_>>(), ["a DISK_GB 1/1000", "a MEMORY_MB 100/2000", "a VCPU 2/32"]);
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
