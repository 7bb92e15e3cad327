//! Every endpoint of every service: without a token, with too little privilege, with what nobody has.
//!
//! The rows are data ([`http_kit::App::rows`]), so nothing can be forgotten: an endpoint that is added is swept.

use std::collections::BTreeSet;

use http_kit::BodyKind;
use http_kit::service::RowInfo;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::world::World;

/// No object has it.
const NOBODY: &str = "7b7f6a52-0000-4000-8000-00000000dead";

/// Asks for a row, with `NOBODY` for each id.
async fn ask(client: &Client, row: &RowInfo) -> Answer {
    let body = match row.action {
        Some(action) => json!({ action: Value::Null }),
        None => json!({}),
    };
    let service = if row.prefix.starts_with("/volume") { "volume" } else { "compute" };
    let version = row.since.map(|since| format!("{service} {since}"));
    let client = match version {
        Some(version) => client.speaking(&version),
        None => client.clone(),
    };
    let call = client.call(row.method.clone(), &row.example_path(NOBODY));
    let with_body = matches!(row.method.as_str(), "POST" | "PUT" | "PATCH");
    let call = match row.body {
        BodyKind::Stream => call.bytes("application/octet-stream", "x"),
        BodyKind::Buffered if row.method == "PATCH" && row.path.starts_with("/images") => {
            call.bytes("application/openstack-images-v2.1-json-patch", "[]")
        }
        BodyKind::Buffered if with_body => call.json(&body),
        BodyKind::Buffered => call,
    };
    call.send().await
}

fn rows(world: &World) -> Vec<RowInfo> {
    let rows: Vec<RowInfo> = world.appliance().api().rows().cloned().collect();
    assert!(rows.len() > 200, "only {} rows", rows.len());
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_every_endpoint_is_closed() {
    let world = World::start().await;
    let nobody = world.anonymous();
    let mut open = BTreeSet::new();
    for row in rows(&world) {
        let answer = ask(&nobody, &row).await;
        if row.unauthenticated {
            open.insert(row.name());
            continue;
        }
        assert_eq!(answer.status, 401, "{}: {}", row.name(), answer.text());
        assert!(answer.header("WWW-Authenticate").is_some(), "{}", row.name());
        let forged = ask(&nobody.with_token("gAAAAABforged"), &row).await;
        assert_eq!(forged.status, 401, "{}", row.name());
    }
    insta::assert_snapshot!(open.into_iter().collect::<Vec<_>>().join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_changes_is_open_to_readers_or_users_without_a_role_that_counts() {
    let world = World::start().await;
    world.admin.post("/identity/v3/roles", json!({ "role": { "name": "guest" } })).await.expect(201);
    for role in ["guest", "reader"] {
        let client = world.person(role, role).await;
        for row in rows(&world).into_iter().filter(|row| !row.unauthenticated) {
            let changes = matches!(row.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE");
            let answer = ask(&client, &row).await;
            assert!(answer.status < 500, "{role}: {}: {}", row.name(), answer.text());
            if changes {
                let refused = matches!(answer.status, 400 | 403 | 404);
                assert!(refused, "{role}: {}: {} {}", row.name(), answer.status, answer.text());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_the_administrators_is_refused_to_members() {
    let world = World::start().await;
    let member = world.member("alice").await;
    let mut refused = BTreeSet::new();
    for row in rows(&world).into_iter().filter(|row| !row.unauthenticated) {
        let answer = ask(&member, &row).await;
        assert!(answer.status < 500, "{}: {} {}", row.name(), answer.status, answer.text());
        if answer.status == 403 {
            refused.insert(row.name());
        }
    }
    insta::assert_snapshot!(refused.into_iter().collect::<Vec<_>>().join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_the_administrator_nothing_is_refused_and_nothing_breaks() {
    let world = World::start().await;
    for row in rows(&world).into_iter().filter(|row| !row.unauthenticated) {
        let answer = ask(&world.admin, &row).await;
        let rightly = matches!(answer.status, 200..=299 | 300 | 400 | 404 | 409 | 501);
        assert!(rightly, "{}: {} {}", row.name(), answer.status, answer.text());
        if row.method == "GET" && row.path.contains('{') && answer.status == 404 && row.service != "identity" {
            let body = answer.json();
            assert!(body.is_object(), "{}: {body}", row.name());
        }
    }
}
