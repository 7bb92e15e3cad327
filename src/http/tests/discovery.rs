//! The version documents, as the reference gives them.

use std::sync::Arc;

use http_kit::Limits;
use http_kit::testing::{Answer, call};
use serde_json::{Value, json};

use crate::common::{ALL, Toy, app_with};

async fn get(path: &str) -> Answer {
    let app = app_with(&ALL, Limits::default(), &Arc::new(Toy::default()));
    call(&app, "", "GET", path, &[], &Value::Null).await.unwrap()
}

#[tokio::test]
async fn each_service_has_its_documents() {
    let mut documents = serde_json::Map::new();
    for path in [
        "/",
        "/identity",
        "/identity/",
        "/identity/v3",
        "/identity/v3/",
        "/identity/nope",
        "/compute",
        "/compute/v2.1/",
        "/compute/v2",
        "/compute/nope",
        "/volume/",
        "/volume/nope",
        "/network/",
        "/network/nope",
        "/placement",
        "/nope",
        "/image/v2",
        "/network/v2.0",
        "/volume/v3/",
    ] {
        let answer = get(path).await;
        let body = if answer.json().is_null() { json!(answer.text()) } else { answer.json() };
        let headers = ["location", "openstack-api-version", "x-openstack-nova-api-version"]
            .iter()
            .filter(|name| answer.headers.contains_key(**name))
            .map(|name| format!("{name}: {}", answer.header(name)))
            .collect::<Vec<_>>();
        let ids = (
            answer.headers.contains_key("x-openstack-request-id"),
            answer.headers.contains_key("x-compute-request-id"),
        );
        documents
            .insert(path.to_owned(), json!({ "status": answer.status, "headers": headers, "ids": ids, "body": body }));
    }
    insta::assert_json_snapshot!(documents);
}

#[tokio::test]
async fn glance_lists_its_versions_at_any_unknown_path() {
    let root = get("/image").await;
    assert_eq!(root.status, 300);
    assert_eq!(root.json()["versions"].as_array().unwrap().len(), 19);
    assert_eq!(
        root.json()["versions"][0],
        json!({ "id": "v2.18", "status": "CURRENT", "links": [{ "rel": "self", "href": "http://cloud.test/image/v2/" }] })
    );
    assert!(!root.headers.contains_key("x-openstack-request-id"));
    assert_eq!((get("/image/nope").await.status, get("/image/versions").await.status), (300, 200));
    assert_eq!(get("/image/nope").await.json(), root.json());
}
