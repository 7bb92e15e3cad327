//! Tokens, as every service sees them.

use serde_json::{Value, json};

use crate::client::Client;
use crate::world::{PASSWORD, World, admin_password, id_of};

/// Something that a reader of a project may see, per service.
const LISTS: &[&str] = &[
    "/compute/v2.1/servers",
    "/image/v2/images",
    "/network/v2.0/networks",
    "/volume/v3/volumes",
    "/identity/v3/auth/projects",
];

async fn statuses(client: &Client) -> Vec<u16> {
    let mut statuses = Vec::new();
    for path in LISTS {
        statuses.push(client.get(path).await.status);
    }
    statuses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_service_takes_a_token_until_it_is_revoked() {
    let world = World::start().await;
    let member = world.member("alice").await;
    assert_eq!(statuses(&member).await, [200; 5]);
    let revoke = member.with("X-Subject-Token", member.token.as_deref().unwrap());
    revoke.delete("/identity/v3/auth/tokens").await.expect(204);
    assert_eq!(statuses(&member).await, [401; 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_over_when_its_user_or_project_is() {
    let world = World::start().await;
    for (kind, key) in [("users", "user"), ("projects", "project")] {
        let member = world.member(&format!("of-{kind}")).await;
        let id = if key == "user" { member.user() } else { member.project() };
        assert_eq!(statuses(&member).await, [200; 5]);
        let path = format!("/identity/v3/{kind}/{id}");
        world.admin.patch(&path, json!({ key: { "enabled": false } })).await.expect(200);
        assert_eq!(statuses(&member).await, [401; 5], "{kind}");
        world.admin.delete(&path).await.expect(204);
        assert_eq!(statuses(&member).await, [401; 5], "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_is_taken_away_is_gone_everywhere() {
    let world = World::start().await;
    let member = world.member("alice").await;
    let name = json!({ "network": { "name": "mine" } });
    member.post("/network/v2.0/networks", name.clone()).await.expect(201);
    let grant =
        |role: String| format!("/identity/v3/projects/{}/users/{}/roles/{role}", member.project(), member.user());
    world.admin.put(&grant(world.role("reader").await), Value::Null).await.expect(204);
    world.admin.delete(&grant(world.role("member").await)).await.expect(204);
    assert_eq!(statuses(&member).await, [200; 5], "the token now says what its user may do now");
    let refused = member.post("/network/v2.0/networks", name.clone()).await.refusal(403);
    assert!(refused.contains("create_network"), "{refused}");
    let scope = json!({ "project": { "id": member.project() } });
    let reader = member.log_in(&json!({ "id": member.user(), "password": PASSWORD }), Some(scope)).await;
    reader.post("/network/v2.0/networks", name).await.expect(403);
    world.admin.delete(&grant(world.role("reader").await)).await.expect(204);
    assert_eq!(statuses(&reader).await, [401; 5], "nothing is left that it could say");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_service_has_its_own_401() {
    let world = World::start().await;
    let nobody = world.anonymous();
    let challenge = format!("Keystone uri=\"{}/identity/v3\"", world.appliance().public_url());
    let plain = json!({
        "error": { "code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication." }
    });
    for path in LISTS {
        for client in [nobody.clone(), nobody.with_token("nonsense"), nobody.with_token("")] {
            let answer = client.get(path).await;
            let body = answer.expect(401);
            assert_eq!(answer.header("WWW-Authenticate"), Some(challenge.as_str()), "{path}");
            if path.starts_with("/image") {
                assert_eq!((&body["code"], &body["title"]), (&json!("401 Unauthorized"), &json!("Unauthorized")));
            } else {
                assert_eq!(body, plain, "{path}");
            }
        }
    }
    let user = json!({ "name": "admin", "domain": { "id": "default" }, "password": "x" });
    let wrong = nobody.ask_for_token(&user, None).await;
    assert_eq!((wrong.expect(401), wrong.header("WWW-Authenticate")), (plain, Some(challenge.as_str())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_for_its_scope_only() {
    let world = World::start().await;
    let user = json!({
        "name": "admin", "domain": { "id": "default" }, "password": admin_password(&world.directory())
    });
    let unscoped = world.anonymous().log_in(&user, None).await;
    assert!(unscoped.says.get("project").is_none() && unscoped.says.get("catalog").is_none());
    assert_eq!(unscoped.get("/identity/v3/auth/projects").await.expect(200)["projects"][0]["name"], "admin");
    assert_eq!(unscoped.get("/compute/v2.1/servers").await.status, 403);
    let role = world.role("admin").await;
    let grant = format!("/identity/v3/domains/default/users/{}/roles/{role}", world.admin.user());
    world.admin.put(&grant, Value::Null).await.expect(204);
    let domain = world.anonymous().log_in(&user, Some(json!({ "domain": { "id": "default" } }))).await;
    assert_eq!(domain.says["domain"]["name"], "Default");
    assert_eq!(domain.says["catalog"].as_array().map(Vec::len), Some(6));
    domain.get("/identity/v3/projects").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalog_leads_to_every_service() {
    let world = World::start().await;
    let member = world.member("alice").await;
    let catalog = member.says["catalog"].as_array().unwrap().clone();
    let types: Vec<&str> = catalog.iter().map(|entry| entry["type"].as_str().unwrap()).collect();
    for wanted in ["identity", "compute", "image", "network"] {
        assert!(types.contains(&wanted), "{types:?}");
    }
    for entry in catalog.iter().filter(|entry| entry["type"] != "placement") {
        let endpoints = entry["endpoints"].as_array().unwrap();
        assert_eq!(endpoints.len(), 3, "public, internal, admin: {entry}");
        let url = endpoints[0]["url"].as_str().unwrap();
        assert!(url.starts_with(world.appliance().public_url()), "{url}");
        let answer = member.get(url).await;
        assert!(matches!(answer.status, 200 | 300), "{url}: {}", answer.status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_id_goes_with_one_request() {
    let world = World::start().await;
    let mut seen = std::collections::BTreeSet::new();
    for path in LISTS {
        let answer = world.admin.get(path).await;
        let id = answer.header("X-Openstack-Request-Id").unwrap_or_else(|| panic!("{path} has no request id"));
        assert!(id.starts_with("req-") && seen.insert(id.to_owned()), "{id}");
        let given = "req-11111111-2222-4333-8444-555555555555";
        let answer = world.admin.with("X-Openstack-Request-Id", given).get(path).await;
        assert_ne!(answer.header("X-Openstack-Request-Id"), Some(given), "a user's id does not take the place of ours");
    }
    let project = world.admin.post("/identity/v3/projects", json!({ "project": { "name": "p" } })).await.expect(201);
    assert!(!id_of(&project["project"]).is_empty());
}
