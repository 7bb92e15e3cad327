//! Tokens.

use std::time::Instant;

use serde_json::Value;

use crate::cloud::Cloud;
use crate::figure::{Goal, Report};

const CLIENTS: usize = 16;
const EACH: usize = 2_000;

pub async fn measure(report: &mut Report) {
    if !report.wants("token validation") {
        return;
    }
    let cloud = Cloud::start().await;
    let mut tasks = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for _ in 0..CLIENTS {
        let mut client = cloud.client().await;
        tasks.spawn(async move {
            let mut times = Vec::with_capacity(EACH);
            for _ in 0..EACH {
                let sent = Instant::now();
                let (status, _, _) = client.send("HEAD", "/identity/v3/auth/tokens", &Value::Null).await;
                assert_eq!(status, 200);
                times.push(sent.elapsed());
            }
            times
        });
    }
    let mut times = tasks.join_all().await.concat();
    let rate = (CLIENTS * EACH) as f64 / begun.elapsed().as_secs_f64();
    report.add("token validation over HTTP, 16 clients", rate, "/s", Goal::AtLeast(15_000.0));
    times.sort_unstable();
    let p99 = times.get(times.len() * 99 / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    report.add("token validation over HTTP, 16 clients, 99th percentile", p99, "ms", Goal::AtMost(1.0));
    cloud.appliance.stop().await;
}
