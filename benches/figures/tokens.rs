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
            for _ in 0..EACH {
                let (status, _, _) = client.send("HEAD", "/identity/v3/auth/tokens", &Value::Null).await;
                assert_eq!(status, 200);
            }
        });
    }
    tasks.join_all().await;
    let rate = (CLIENTS * EACH) as f64 / begun.elapsed().as_secs_f64();
    report.add("token validation over HTTP, 16 clients", rate, "/s", Goal::AtLeast(15_000.0));
    cloud.appliance.stop().await;
}
