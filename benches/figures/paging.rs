//! A page costs what is on it, not what there is.

use serde_json::Value;

use crate::clones;
use crate::cloud::{Cloud, server, wait_active};
use crate::figure::{Goal, Report};

const PAGE: &str = "/compute/v2.1/servers/detail?limit=20";

pub async fn measure(report: &mut Report) {
    if !report.wants("servers: a page of 20 of 1,000 and of 100,000, median") {
        return;
    }
    let few = a_page_of(1_000).await;
    let many = a_page_of(100_000).await;
    report.add("servers: a page of 20 of 1,000, median", few, "ms", Goal::None);
    report.add("servers: a page of 20 of 100,000, median", many, "ms", Goal::None);
    report.add("servers: a page of 20 of 100,000 against of 1,000", many / few, "×", Goal::AtMost(1.2));
}

/// The milliseconds of a page in the middle of `count` servers.
async fn a_page_of(count: i64) -> f64 {
    let cloud = Cloud::start().await;
    let (image, network) = (cloud.image().await, cloud.network().await);
    let mut client = cloud.client().await;
    client.must(202, "POST", "/compute/v2.1/servers", &server(&image, &network, 1)).await;
    wait_active(&mut client, 1).await;
    clones::make(&cloud.directory.path().join("data"), count, &[("host", "'elsewhere'")]);
    let first = client.must(200, "GET", PAGE, &Value::Null).await;
    assert_eq!(first["servers"].as_array().map(Vec::len), Some(20));
    let marker = format!("{:08x}-0000-4000-8000-000000000000", count / 2);
    let taken = cloud.read_ms(&format!("{PAGE}&marker={marker}"), 200).await;
    cloud.appliance.stop().await;
    taken
}
