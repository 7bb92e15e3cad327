//! How many servers a second find their host among a thousand: `cargo test --release -p compute -- --ignored --nocapture`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::placement::fixtures::{Cloud, flavor, inventory, spec};

const HOSTS: usize = 1000;
const SERVERS: usize = 4000;
const AT_ONCE: usize = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn schedules_a_second() {
    let cloud = Arc::new(Cloud::new());
    for host in 0..HOSTS {
        cloud.host(&format!("host{host:04}"), inventory(32, 64_000, 2000)).await;
    }
    let names: Arc<Vec<String>> = Arc::new((0..SERVERS).map(|number| format!("server-{number:05}")).collect());
    for name in names.iter() {
        cloud.servers(&[name]).await;
    }
    let (next, start) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let clients: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (cloud, names, next) = (Arc::clone(&cloud), Arc::clone(&names), Arc::clone(&next));
            tokio::spawn(async move {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    cloud.select(&[name], spec(flavor(1, 512, 10))).await.unwrap();
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let rate = SERVERS as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.0} servers a second found their host among {HOSTS}");
    assert_eq!(cloud.used().await.iter().filter(|row| row.1 == "VCPU").map(|row| row.2).sum::<i64>(), SERVERS as i64);
}
