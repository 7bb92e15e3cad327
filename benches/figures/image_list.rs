//! A list of a thousand images, with what images have: properties, tags.

use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::figure::{Goal, Report};

const CLIENTS: usize = 8;
const COUNT: usize = 1000;

const LIST: &str = "GET images with 1,000 images, median";
const FILTERED: &str = "GET images with 1,000 images, a tag and a property that one in ten has, median";

pub async fn measure(report: &mut Report) {
    if !report.wants_any(&[LIST, FILTERED]) {
        return;
    }
    let cloud = Cloud::start().await;
    let mut tasks = tokio::task::JoinSet::new();
    for start in 0..CLIENTS {
        let mut client = cloud.client().await;
        tasks.spawn(async move {
            for number in (start..COUNT).step_by(CLIENTS) {
                client.must(201, "POST", "/image/v2/images", &image(number)).await;
            }
        });
    }
    tasks.join_all().await;
    let mut client = cloud.client().await;
    let list = client.must(200, "GET", "/image/v2/images?limit=1000", &Value::Null).await;
    assert_eq!(list["images"].as_array().map(Vec::len), Some(COUNT));
    report.add(LIST, cloud.read_ms("/image/v2/images?limit=1000", 30).await, "ms", Goal::AtMost(15.0));
    let filtered = "/image/v2/images?limit=1000&tag=tenth&os_version=0";
    report.add(FILTERED, cloud.read_ms(filtered, 30).await, "ms", Goal::AtMost(15.0));
    cloud.appliance.stop().await;
}

fn image(number: usize) -> Value {
    let tag = if number.is_multiple_of(10) { "tenth" } else { "other" };
    json!({
        "name": format!("image-{number}"),
        "disk_format": "qcow2",
        "container_format": "bare",
        "visibility": "private",
        "tags": [tag, "all"],
        "os_distro": "debian",
        "os_version": (number % 10).to_string(),
        "hw_disk_bus": "virtio",
        "os_admin_user": "debian",
    })
}
