//! Servers on fake drivers: one, two hundred, two thousand at a time, and lists of them.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Client;
use crate::cloud::{Cloud, server, wait_active};
use crate::figure::{Goal, Report, median_ms};

const CLIENTS: usize = 8;

const ONE: &str = "server create → ACTIVE with a port, median";
const DETAIL: &str = "GET servers/detail with 1,000 servers, median";

pub async fn measure(report: &mut Report) {
    if !report.wants_any(&[ONE, "server burst", DETAIL]) {
        return;
    }
    let cloud = Cloud::start().await;
    let (image, network) = (cloud.image().await, cloud.network().await);
    let mut client = cloud.client().await;
    client.must(202, "POST", "/compute/v2.1/servers", &server(&image, &network, 1)).await;
    wait_active(&mut client, 1).await;
    let mut times = Vec::new();
    for _ in 0..50 {
        times.push(create_one(&mut client, &image, &network).await);
    }
    report.add(ONE, median_ms(times), "ms", Goal::AtMost(10.0));
    let mut have = 51;
    for (count, goal) in [(200, Goal::AtMost(1.0)), (2000, Goal::None)] {
        let begun = Instant::now();
        burst(&cloud, &image, &network, count).await;
        have += count;
        wait_active(&mut client, have).await;
        let name = format!("server burst of {count}, all ACTIVE");
        report.add(&name, begun.elapsed().as_secs_f64(), "s", goal);
    }
    let thousand = cloud.read_ms("/compute/v2.1/servers/detail?limit=1000", 30).await;
    report.add(DETAIL, thousand, "ms", Goal::AtMost(15.0));
    cloud.appliance.stop().await;
}

async fn burst(cloud: &Cloud, image: &str, network: &str, count: usize) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (mut client, body) = (cloud.client().await, server(image, network, 1));
        tasks.spawn(async move {
            for _ in 0..count / CLIENTS {
                client.must(202, "POST", "/compute/v2.1/servers", &body).await;
            }
        });
    }
    tasks.join_all().await;
}

async fn create_one(client: &mut Client, image: &str, network: &str) -> Duration {
    let begun = Instant::now();
    let made = client.must(202, "POST", "/compute/v2.1/servers", &server(image, network, 1)).await;
    let path = format!("/compute/v2.1/servers/{}", made["server"]["id"].as_str().expect("an id"));
    loop {
        let shown = client.must(200, "GET", &path, &Value::Null).await;
        match shown["server"]["status"].as_str() {
            Some("ACTIVE") => return begun.elapsed(),
            Some("ERROR") => panic!("{shown:#}"),
            _ => tokio::time::sleep(Duration::from_micros(200)).await,
        }
    }
}
