//! Documents, what is withdrawn, and `HEAD`.

use http_kit::testing::{Answer, call};
use serde_json::{Value, json};

use super::{Cloud, message};

async fn get(cloud: &Cloud, path: &str, accept: &str) -> Answer {
    call(&cloud.app, "", "GET", path, &[("accept", accept)], &Value::Null).await.unwrap()
}

#[tokio::test]
async fn the_version_document_is_a_list_of_resources_for_who_asks() {
    let cloud = Cloud::start().await;
    let users = "https://docs.openstack.org/api/openstack-identity/3/rel/users";
    for (path, href) in [
        ("/identity/v3", "/users"),
        ("/identity/v3/", "/users"),
        ("/identity", "/v3/users"),
        ("/identity/", "/v3/users"),
    ] {
        let home = get(&cloud, path, "application/json-home").await;
        assert_eq!((home.status, home.header("content-type")), (200, "application/json-home"), "{path}");
        assert_eq!(home.json()["resources"][users], json!({ "href": href }));
    }
    let plain = get(&cloud, "/identity/v3", "application/json").await;
    assert_eq!((plain.status, plain.header("content-type")), (200, "application/json"));
    assert_eq!(plain.json()["version"]["id"], json!("v3.14"));
    assert_eq!(get(&cloud, "/identity", "*/*").await.status, 300);
    assert_eq!(get(&cloud, "/identity/v3/users", "application/json-home").await.status, 401);
}

#[tokio::test]
async fn what_is_withdrawn_says_so() {
    let cloud = Cloud::start().await;
    for (path, status, text) in [
        ("/OS-SIMPLE-CERT/ca", 410, "This API is no longer available due to the removal of support for PKI tokens."),
        (
            "/OS-SIMPLE-CERT/certificates",
            410,
            "This API is no longer available due to the removal of support for PKI tokens.",
        ),
        ("/auth/tokens/OS-PKI/revoked", 403, "You are not authorized to perform the requested action."),
    ] {
        let answer = cloud.call("", "GET", path, Value::Null).await;
        assert_eq!((answer.status, message(&answer).as_str()), (status, text));
    }
    let gone = cloud.call(&cloud.admin, "GET", "/OS-SIMPLE-CERT/ca", Value::Null).await.json();
    assert_eq!((&gone["error"]["code"], &gone["error"]["title"]), (&json!(410), &json!("Gone")));
}

/// Every `GET` answers `HEAD` with the same status and headers and no body.
#[tokio::test]
async fn head_is_get_without_a_body() {
    let cloud = Cloud::start().await;
    let subject = [("X-Subject-Token", cloud.admin.as_str())];
    let mut paths: Vec<String> =
        cloud.app.rows().filter(|row| row.method == "GET").map(|row| row.example_path("default")).collect();
    paths.extend(["/identity".to_owned(), "/identity/v3".to_owned()]);
    for path in paths {
        let [get, head] = [
            call(&cloud.app, &cloud.admin, "GET", &path, &subject, &Value::Null).await.unwrap(),
            call(&cloud.app, &cloud.admin, "HEAD", &path, &subject, &Value::Null).await.unwrap(),
        ];
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        assert!(get.status < 500, "{path}: {}", get.text());
    }
}

#[tokio::test]
async fn revocations_are_told_to_services() {
    let cloud = Cloud::start().await;
    // What there is since the first start is old by now.
    cloud.advance(3_590);
    let (alice, bob) = (cloud.member("alice", "member").await, cloud.member("bob", "member").await);
    let token = cloud.token("alice", Some(alice.scope.clone())).await;
    cloud.advance(20);
    let admin = cloud.token("admin", Some(json!({"project": {"name": "admin", "domain": {"id": "default"}}}))).await;
    let audit_id = cloud.validate(&token).await.unwrap().audit_ids[0].clone();
    let headers = [("X-Subject-Token", token.as_str())];
    let revoked = call(&cloud.app, &admin, "DELETE", "/identity/v3/auth/tokens", &headers, &Value::Null).await.unwrap();
    assert_eq!(revoked.status, 204);
    cloud.advance(1);
    let disable = json!({"project": {"enabled": false}});
    let path = format!("/projects/{}", alice.project);
    assert_eq!(cloud.call(&admin, "PATCH", &path, disable).await.status, 200);
    let events = |query: &'static str| {
        let (cloud, admin, path) = (&cloud, &admin, format!("/OS-REVOKE/events{query}"));
        async move { cloud.call(admin, "GET", &path, Value::Null).await }
    };
    let listed = events("?since=2026-11-22T14:30:40Z").await.json();
    let (first, second) = ("2026-11-22T14:30:44.500000Z", "2026-11-22T14:30:45.500000Z");
    assert_eq!(
        listed,
        json!({
            "events": [
                {"audit_id": audit_id, "issued_before": first, "revoked_at": first},
                {"project_id": alice.project, "issued_before": second, "revoked_at": second},
            ],
            "links": {"next": null, "self": "http://cloud.test/identity/v3/OS-REVOKE/events", "previous": null},
        })
    );
    let all = events("").await.json()["events"].as_array().unwrap().len();
    assert_eq!(all, 3, "those and the new project; what was before a token's lifetime is not told");
    let wrong = events("?since=yesterday").await;
    assert_eq!((wrong.status, message(&wrong).as_str()), (400, "invalidate date format yesterday"));
    let bob = cloud.token("bob", Some(bob.scope)).await;
    assert_eq!(cloud.call(&bob, "GET", "/OS-REVOKE/events", Value::Null).await.status, 403);
}
