//! Uploads do not starve the rest: how long small requests take while several run, against how long they take alone.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::client::Client;
use crate::cloud::Cloud;
use crate::figure::{Goal, Report};
use crate::image_data::{Link, write_noise};

const QUIET: &str = "GET 20 images, 99th percentile";
const LOADED: &str = "GET 20 images while 8 uploads run, 99th percentile";
const RATIO: &str = "GET 20 images while 8 uploads run against alone, 99th percentile";

const UPLOADS: usize = 8;
const BYTES: u64 = 256 << 20;
const READS: usize = 2_000;

pub async fn measure(report: &mut Report) {
    if !report.wants_any(&[QUIET, LOADED, RATIO]) {
        return;
    }
    let cloud = Cloud::start().await;
    let file = cloud.directory.path().join("image.raw");
    write_noise(&file, BYTES);
    let mut client = cloud.client().await;
    let mut links = Vec::new();
    for _ in 0..20 {
        let image = json!({ "name": "image", "disk_format": "raw", "container_format": "bare" });
        let made = client.must(201, "POST", "/image/v2/images", &image).await;
        links.push(Link::new(&cloud, format!("/image/v2/images/{}/file", made["id"].as_str().expect("an id"))));
    }
    let mut alone = Vec::new();
    for _ in 0..READS {
        alone.push(read(&mut client).await);
    }
    let mut uploads = JoinSet::new();
    for link in links.into_iter().take(UPLOADS) {
        let file = file.clone();
        uploads.spawn_blocking(move || link.upload(&file));
    }
    let mut beside = Vec::new();
    while !uploads.is_empty() {
        beside.push(read(&mut client).await);
        while let Some(uploaded) = uploads.try_join_next() {
            uploaded.expect("it is uploaded");
        }
    }
    let (alone, beside) = (worst_ms(alone), worst_ms(beside));
    report.add(QUIET, alone, "ms", Goal::None);
    report.add(LOADED, beside, "ms", Goal::None);
    report.add(RATIO, beside / alone, "×", Goal::None);
    cloud.appliance.stop().await;
}

async fn read(client: &mut Client) -> Duration {
    let begun = Instant::now();
    client.read("/image/v2/images?limit=20").await;
    begun.elapsed()
}

/// The 99th percentile, in milliseconds.
fn worst_ms(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() * 99 / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}
