//! What an operator looks at: health, metrics, status.

use serde_json::json;

use crate::scenery::Tenant;
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cloud_says_that_it_is_alive_and_whether_it_is_well() {
    let world = World::start().await;
    assert_eq!(world.anonymous().get("/healthz").await.expect(200), json!({ "status": "ok" }));
    assert_eq!(world.anonymous().get("/readyz").await.expect(200)["status"], "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metrics_count_requests_messages_workflows_and_guests() {
    let world = World::start().await;
    let id = Tenant::new(&world, "alice").await.boot("one", json!({})).await;
    let text = String::from_utf8(world.anonymous().get("/metrics").await.expect_bytes(200).to_vec()).unwrap();
    for wanted in [
        "cloudbox_http_requests_total{service=\"nova\",method=\"POST\",route=\"/compute/v2.1/servers\",action=\"\",code=\"202\"} 1.0",
        "cloudbox_bus_messages_total{topic=\"scheduler\",host=\"\",method=\"SelectDestinations\"} 1.0",
        "cloudbox_workflows_total{kind=\"server.build\",outcome=\"done\"} 1.0",
        "cloudbox_host_used{host=\"host-1\",resource=\"vcpus\"} 1.0",
        "cloudbox_guests_running 1.0",
        "cloudbox_hypervisor_up 1.0",
        "cloudbox_part_up{part=\"compute\"} 1.0",
    ] {
        assert!(text.contains(wanted), "no {wanted} in\n{text}");
    }
    assert!(text.contains(&format!("cloudbox_guest_vcpus{{server_id=\"{id}\"}} 1.0")), "{text}");
    assert!(text.contains("cloudbox_store_commits_total ") && text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_an_administrator_opens_the_metrics_where_one_is_needed() {
    let world = World::start_with(|config| config.metrics.access = kit::config::MetricsAccess::Token).await;
    assert_eq!(world.anonymous().get("/metrics").await.status, 401);
    let member = world.member("alice").await;
    assert_eq!(member.get("/metrics").await.status, 403);
    assert!(world.admin.get("/metrics").await.text().contains("cloudbox_uptime_seconds"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_tells_of_parts_queues_workflows_and_hosts() {
    let world = World::start().await;
    Tenant::new(&world, "alice").await.boot("one", json!({})).await;
    let status = world.admin.get("/cloudbox/v1/status").await.expect(200);
    let part =
        |name: &str| status["parts"].as_array().unwrap().iter().find(|part| part["name"] == name).cloned().unwrap();
    assert_eq!(part("api")["state"], "running");
    assert_eq!(part("retention")["reasons"], json!([]));
    let queue = status["queues"].as_array().unwrap().iter().find(|queue| queue["topic"] == "scheduler").unwrap();
    assert!(queue["workers"].as_u64() > Some(0) && queue["served"].as_u64() > Some(0), "{queue}");
    assert_eq!(status["hosts"][0]["servers"], 1);
    assert_eq!(status["hosts"][0]["vcpus"]["used"], 1);
    assert!(status["database"]["size_bytes"].as_u64() > Some(0), "{status}");
    let member = world.member("bob").await;
    assert_eq!(member.get("/cloudbox/v1/status").await.status, 403);
}
