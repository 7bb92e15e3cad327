//! Lists of servers: filters, order, pages, all tenants.

use std::time::Duration;

use bus::topics::compute_types::VmState;
use serde_json::{Value, json};

use super::fixture::{Fixture, IMAGE, message, server};
use crate::db::instances;

/// Boots servers a second apart.
async fn cloud_of(names: &[&str]) -> (Fixture, Vec<String>) {
    let cloud = Fixture::new().await;
    let mut ids = Vec::new();
    for name in names {
        ids.push(cloud.boot(name).await);
        cloud.clock.advance(Duration::from_secs(1));
    }
    (cloud, ids)
}

async fn names(cloud: &Fixture, token: &str, minor: u16, query: &str) -> String {
    let listed = cloud.get(token, minor, &format!("/servers{query}")).await;
    listed["servers"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn newest_first_and_page_by_page() {
    let (cloud, ids) = cloud_of(&["a", "b", "c", "d"]).await;
    assert_eq!(names(&cloud, "member", 1, "").await, "d c b a");
    let page = cloud.get("member", 1, "/servers/detail?limit=2").await;
    let next = page["servers_links"][0]["href"].as_str().unwrap();
    assert_eq!(next, format!("http://c/compute/v2.1/servers/detail?limit=2&marker={}", ids[2]));
    assert_eq!(names(&cloud, "member", 1, &format!("?limit=2&marker={}", ids[2])).await, "b a");
    assert_eq!(names(&cloud, "member", 1, "?sort_key=display_name&sort_dir=asc").await, "a b c d");
    assert_eq!(names(&cloud, "member", 1, "?limit=0").await, "");
    let bad = cloud.member("GET", "/servers?marker=nope", Value::Null).await;
    assert_eq!(message(&bad), (400, "marker [nope] not found".into()));
    let bad = cloud.member("GET", "/servers?limit=-1", Value::Null).await;
    let text = "Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'";
    assert_eq!(message(&bad), (400, text.into()));
}

#[tokio::test]
async fn filters_narrow_as_novas_do() {
    let (cloud, ids) = cloud_of(&["web1", "web2", "db"]).await;
    cloud.set(&ids[0], VmState::Stopped, None).await;
    for (query, expected) in [
        ("?name=web", "web2 web1"),
        ("?name=2$", "web2"),
        ("?status=shutoff", "web1"),
        ("?status=ACTIVE&status=SHUTOFF", "db web2 web1"),
        ("?status=BOGUS", ""),
        (&format!("?image={IMAGE}"), "db web2 web1"),
        ("?flavor=2", ""),
        ("?ip=10.9", "db web2 web1"),
        ("?ip=11.", ""),
        ("?ip=^10\\.9\\.0\\.9[0-9]$", "db web2 web1"),
        ("?host=nowhere", "db web2 web1"),
    ] {
        assert_eq!(names(&cloud, "member", 1, query).await, expected, "{query}");
    }
    let bad = cloud.member("GET", "/servers?name=%5B", Value::Null).await;
    let text = "Invalid input for query parameters name. Value: [. '[' is not a 'regex'";
    assert_eq!(message(&bad), (400, text.into()));
    let bad = cloud.member("GET", "/servers?changes-since=x", Value::Null).await;
    let text = "Invalid input for query parameters changes-since. Value: x. 'x' is not a 'date-time'";
    assert_eq!(message(&bad), (400, text.into()));
    assert_eq!(cloud.send("member", 38, "GET", "/servers?status=BOGUS", Value::Null).await.status, 400);
    assert_eq!(cloud.send("member", 75, "GET", "/servers?bogus=1", Value::Null).await.status, 400);
    assert_eq!(cloud.send("member", 74, "GET", "/servers?bogus=1", Value::Null).await.status, 200);
}

#[tokio::test]
async fn changes_include_the_deleted() {
    let cloud = Fixture::new().await;
    cloud.world.lock().unwrap().full = true;
    let id = cloud.boot("gone").await;
    cloud.clock.advance(Duration::from_secs(60));
    assert_eq!(cloud.member("DELETE", &format!("/servers/{id}"), Value::Null).await.status, 204);
    assert_eq!(names(&cloud, "member", 1, "").await, "");
    assert_eq!(names(&cloud, "member", 1, "?changes-since=2026-11-22T13:00:30Z").await, "gone");
    assert_eq!(names(&cloud, "member", 1, "?changes-since=2026-11-22T13:01:30Z").await, "");
    let all = cloud.get("admin", 1, "/servers/detail?all_tenants=1&deleted=true").await;
    assert_eq!(all["servers"][0]["status"], "DELETED");
}

#[tokio::test]
async fn only_administrators_see_all_tenants() {
    let (cloud, _) = cloud_of(&["a"]).await;
    assert_eq!(cloud.send("other", 1, "POST", "/servers", server("b")).await.status, 202);
    let refused = cloud.member("GET", "/servers?all_tenants=1", Value::Null).await;
    let text = "Policy doesn't allow os_compute_api:servers:index:get_all_tenants to be performed.";
    assert_eq!(message(&refused), (403, text.into()));
    assert_eq!(names(&cloud, "admin", 1, "").await, "");
    assert_eq!(names(&cloud, "admin", 1, "?all_tenants=1").await, "b a");
    assert_eq!(names(&cloud, "admin", 1, "?all_tenants=1&project_id=project").await, "a");
}

#[tokio::test]
async fn tags_narrow_a_list() {
    let (cloud, ids) = cloud_of(&["a", "b", "c"]).await;
    for (id, tags) in [(&ids[0], json!(["x", "y"])), (&ids[1], json!(["x"]))] {
        let path = format!("/servers/{id}/tags");
        assert_eq!(cloud.send("member", 26, "PUT", &path, json!({ "tags": tags })).await.status, 200);
    }
    for (query, expected) in
        [("?tags=x,y", "a"), ("?tags-any=x,y", "b a"), ("?not-tags=x,y", "c b"), ("?not-tags-any=x,y", "c")]
    {
        assert_eq!(names(&cloud, "member", 26, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_detailed_list_has_what_a_show_has() {
    let (cloud, ids) = cloud_of(&["a"]).await;
    for minor in [1, 3, 26, 47, 73, 90, 104] {
        let mut shown = cloud.get("admin", minor, &format!("/servers/{}", ids[0])).await["server"].take();
        let listed = cloud.get("admin", minor, "/servers/detail?all_tenants=1").await["servers"][0].take();
        shown.as_object_mut().unwrap().remove("server_groups");
        assert_eq!(shown, listed, "2.{minor}");
    }
}

/// A cloud with many servers, put into the table as they would be after their boot.
async fn many(count: i64) -> Fixture {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    cloud
        .compute
        .store
        .write(move |db| {
            let mut row = instances::get(db, &id.as_str().into())?.unwrap();
            let info = bus::topics::conductor::InstanceChange {
                network_info: Some(row.network_info.clone()),
                ..Default::default()
            };
            for number in 1..count {
                row.id = kit::ids::ServerId::random();
                row.name = format!("srv-{number}");
                row.created_at += Duration::from_millis(1);
                instances::insert(db, &row)?;
                instances::update(db, &row.id, &[], &info, row.created_at)?;
            }
            Ok::<_, store::Error>(())
        })
        .await
        .unwrap();
    cloud
}

#[tokio::test]
async fn a_thousand_servers_are_one_page_of_a_few_statements() {
    let cloud = many(1001).await;
    let begun = std::time::Instant::now();
    let page = cloud.get("member", 104, "/servers/detail").await;
    println!("1,000 servers in {:?}", begun.elapsed());
    assert_eq!(page["servers"].as_array().unwrap().len(), 1000);
    assert!(page["servers_links"].is_array());
}

#[tokio::test]
async fn the_usual_lists_are_read_in_the_order_of_an_index() {
    let cloud = Fixture::new().await;
    let plan = |condition: &'static str| {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT * FROM compute_instances WHERE {condition} ORDER BY created_at DESC, number DESC LIMIT 10"
        );
        cloud.compute.store.read(move |db| {
            let plan = store::query::all(db, &sql, [], |row| row.get::<_, String>("detail"))?;
            Ok::<_, store::Error>(plan.join("; "))
        })
    };
    let own = plan("(project_id IS 'p') AND (deleted_at IS NULL)").await.unwrap();
    assert_eq!(
        own,
        "SEARCH compute_instances USING INDEX compute_instances_by_project (project_id=? AND deleted_at=?)"
    );
    let all = plan("deleted_at IS NULL").await.unwrap();
    assert_eq!(all, "SEARCH compute_instances USING INDEX compute_instances_by_age (deleted_at=?)");
}
