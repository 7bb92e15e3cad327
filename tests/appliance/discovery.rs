//! What a client reads before it knows anything: version documents, and the answers to paths that are none.

use serde_json::Value;

use crate::world::World;

const MOUNTS: &[&str] = &["/identity", "/compute", "/image", "/network", "/volume"];

/// Each `href` of a link called `self` below `value`.
fn selves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if map.get("rel").is_some_and(|rel| rel == "self") {
                found.push(map["href"].as_str().unwrap().to_owned());
            }
            map.values().for_each(|value| selves(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| selves(value, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_link_of_a_version_document_can_be_followed() {
    let world = World::start().await;
    let url = world.appliance().public_url();
    for mount in MOUNTS {
        for root in [format!("{mount}/"), (*mount).to_owned()] {
            let answer = world.anonymous().get(&root).await;
            let status = if matches!(*mount, "/compute" | "/network") { 200 } else { 300 };
            let mut links = Vec::new();
            selves(&answer.expect(status), &mut links);
            assert!(!links.is_empty(), "{root}: {}", answer.text());
            for link in links {
                assert!(link.starts_with(&format!("{url}{mount}")), "{link}");
                let followed = world.admin.get(&link).await;
                if *mount == "/image" {
                    // Glance's own leads to nothing, with a token.
                    assert_eq!((followed.status, link), (404, format!("{url}/image/v2/")));
                    continue;
                }
                assert!(matches!(followed.status, 200 | 300), "{link}: {} {}", followed.status, followed.text());
                let mut again = Vec::new();
                if matches!(*mount, "/compute" | "/identity") {
                    selves(&followed.json(), &mut again);
                    assert!(again.contains(&link), "{link} does not agree with itself: {again:?}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn microversions_are_negotiated() {
    let world = World::start().await;
    let versions = |client: &crate::client::Client, path: &'static str| {
        let client = client.clone();
        async move {
            let answer = client.get(path).await;
            let header = answer.header("OpenStack-API-Version").map(str::to_owned);
            (answer.status, header)
        }
    };
    let flavors = "/compute/v2.1/flavors";
    let of = |status: u16, version: &str| (status, Some(version.to_owned()));
    let admin = &world.admin;
    assert_eq!(versions(admin, flavors).await, of(200, "compute 2.1"));
    assert_eq!(versions(&admin.speaking("compute 2.60"), flavors).await, of(200, "compute 2.60"));
    assert_eq!(versions(&admin.speaking("compute latest"), flavors).await, of(200, "compute 2.104"));
    assert_eq!(versions(&admin.with("X-OpenStack-Nova-API-Version", "2.30"), flavors).await, of(200, "compute 2.30"));
    assert_eq!(versions(&admin.speaking("volume 3.60"), flavors).await, of(200, "compute 2.1"));
    assert_eq!(admin.speaking("compute 2.999").get(flavors).await.status, 406);
    assert_eq!(admin.speaking("compute bogus").get(flavors).await.status, 400);
    assert_eq!(versions(admin, "/volume/v3/volumes").await, of(200, "volume 3.0"));
    assert_eq!(versions(&admin.speaking("volume 3.27"), "/volume/v3/volumes").await, of(200, "volume 3.27"));
    assert_eq!(admin.speaking("volume 3.999").get("/volume/v3/volumes").await.status, 406);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_none_answers_as_its_service_does() {
    let world = World::start().await;
    let admin = &world.admin;
    assert!(admin.get("/identity/v3/nope").await.text().starts_with("<!doctype html>"));
    let nova = admin.get("/compute/v2.1/nope").await;
    assert_eq!(nova.expect(404)["title"], "Not Found");
    assert_eq!(admin.get("/network/v2.0/nope").await.expect(404)["NeutronError"]["type"], "HTTPNotFound");
    assert_eq!(admin.get("/image/v2/nope").await.expect(404)["code"], "404 Not Found");
    assert_eq!(admin.get("/volume/v3/nope").await.expect(404)["title"], "Not Found");
    assert_eq!(admin.get("/compute/nope").await.status, 300);
    let wrong = admin.delete("/identity/v3/projects").await;
    assert_eq!((wrong.status, wrong.header("Allow").is_some()), (405, true));
    for path in ["/", "/nowhere", "/compute/../etc/passwd", "/compute%2f"] {
        let answer = admin.get(path).await;
        assert!(matches!(answer.status, 200..=499), "{path}: {} {}", answer.status, answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_project_in_the_path_must_be_the_tokens() {
    let world = World::start().await;
    let (member, other) = (world.member("alice").await, world.member("bob").await);
    for (prefix, path) in [("/compute/v2.1", "servers"), ("/volume/v3", "volumes")] {
        let own = member.get(&format!("{prefix}/{}/{path}", member.project())).await;
        assert_eq!(own.status, 200, "{}", own.text());
        let foreign = member.get(&format!("{prefix}/{}/{path}", other.project())).await;
        assert_eq!(foreign.status, 400, "{}", foreign.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_names_every_part() {
    let world = World::start().await;
    let health = world.anonymous().get("/readyz").await.expect(200);
    assert_eq!(health["status"], "ok");
    let parts: Vec<&str> =
        health["parts"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    for part in ["identity", "image", "network", "volume", "compute", "network-agent", "volume-agent", "api"] {
        assert!(parts.contains(&part), "{parts:?}");
    }
}
