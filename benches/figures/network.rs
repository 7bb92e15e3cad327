//! Ports: made and listed.

use std::time::Instant;

use serde_json::json;

use crate::cloud::Cloud;
use crate::figure::{Goal, Report};

const CLIENTS: usize = 8;
const EACH: usize = 125;

const MADE: &str = "POST port";
const LISTED: &str = "GET 1,000 ports, median";

pub async fn measure(report: &mut Report) {
    if !report.wants_any(&[MADE, LISTED]) {
        return;
    }
    let cloud = Cloud::start().await;
    let network = cloud.network().await;
    let port = json!({ "port": { "network_id": network } });
    let mut tasks = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for _ in 0..CLIENTS {
        let (mut client, port) = (cloud.client().await, port.clone());
        tasks.spawn(async move {
            for _ in 0..EACH {
                client.must(201, "POST", "/network/v2.0/ports", &port).await;
            }
        });
    }
    tasks.join_all().await;
    report.add(MADE, (CLIENTS * EACH) as f64 / begun.elapsed().as_secs_f64(), "/s", Goal::AtLeast(500.0));
    let listed = cloud.read_ms("/network/v2.0/ports", 30).await;
    report.add(LISTED, listed, "ms", Goal::AtMost(15.0));
    cloud.appliance.stop().await;
}
