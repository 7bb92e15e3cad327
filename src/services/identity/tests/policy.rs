//! Who may do what.

use http_kit::testing::open_without_token;
use serde_json::{Value, json};

use super::{Cloud, message, names};

#[tokio::test]
async fn nothing_is_open_that_should_not_be() {
    let cloud = Cloud::start().await;
    assert_eq!(open_without_token(&cloud.app).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_member_sees_himself_and_nothing_else() {
    let cloud = Cloud::start().await;
    let (alice, bob) = (cloud.member("alice", "member").await, cloud.member("bob", "manager").await);
    let token = cloud.token("alice", Some(alice.scope)).await;
    for (status, method, path) in [
        (200, "GET", format!("/users/{}", alice.user)),
        (200, "GET", format!("/users/{}/projects", alice.user)),
        (200, "GET", format!("/projects/{}", alice.project)),
        (200, "GET", "/domains/default".to_owned()),
        (200, "GET", "/regions".to_owned()),
        (403, "GET", format!("/users/{}", bob.user)),
        (403, "GET", "/users/nope".to_owned()),
        (403, "GET", format!("/projects/{}", bob.project)),
        (403, "GET", "/projects".to_owned()),
        (403, "GET", "/users".to_owned()),
        (403, "GET", "/domains".to_owned()),
        (403, "GET", "/roles".to_owned()),
        (403, "GET", "/services".to_owned()),
        (403, "GET", "/role_assignments".to_owned()),
        (403, "PUT", bob.grant.clone()),
        (403, "PUT", alice.grant.clone()),
        (403, "DELETE", format!("/users/{}", alice.user)),
    ] {
        let answer = cloud.call(&token, method, &path, Value::Null).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    let answer = cloud.call(&token, "GET", "/projects", Value::Null).await;
    assert_eq!(message(&answer), "You are not authorized to perform the requested action: identity:list_projects.");
    let create = json!({"user": {"name": "x", "domain_id": "default"}});
    assert_eq!(cloud.call(&token, "POST", "/users", create).await.status, 403);
}

#[tokio::test]
async fn a_domains_manager_rules_that_domain_only() {
    let cloud = Cloud::start().await;
    let domain = super::id(&cloud.admin(201, "POST", "/domains", json!({"domain": {"name": "d"}})).await["domain"]);
    let user = cloud.user("boss").await;
    let (manager, admin) = (cloud.role("manager").await, cloud.role("admin").await);
    cloud.admin(204, "PUT", &format!("/domains/{domain}/users/{user}/roles/{manager}"), Value::Null).await;
    let token = cloud.token("boss", Some(json!({"domain": {"id": domain}}))).await;
    let made = cloud.call(&token, "POST", "/projects", json!({"project": {"name": "p", "domain_id": domain}})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let project = super::id(&made.json()["project"]);
    let made = cloud.call(&token, "POST", "/users", json!({"user": {"name": "u", "domain_id": domain}})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let theirs = super::id(&made.json()["user"]);
    let elsewhere = json!({"project": {"name": "p", "domain_id": "default"}});
    assert_eq!(cloud.call(&token, "POST", "/projects", elsewhere).await.status, 403);
    let projects = cloud.call(&token, "GET", "/projects", Value::Null).await.json();
    assert_eq!(names(&projects["projects"]), ["p"]);
    let users = cloud.call(&token, "GET", "/users", Value::Null).await.json();
    assert_eq!(names(&users["users"]), ["u"]);
    let domains = cloud.call(&token, "GET", "/domains", Value::Null).await.json();
    assert_eq!(names(&domains["domains"]), ["d"]);
    let grant = |role: &str| format!("/projects/{project}/users/{theirs}/roles/{role}");
    assert_eq!(cloud.call(&token, "PUT", &grant(&manager), Value::Null).await.status, 204);
    assert_eq!(cloud.call(&token, "PUT", &grant(&admin), Value::Null).await.status, 403);
    let assignments = cloud.call(&token, "GET", "/role_assignments", Value::Null).await.json();
    assert_eq!(assignments["role_assignments"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_systems_reader_reads_everything_and_changes_nothing() {
    let cloud = Cloud::start().await;
    let (user, role) = (cloud.user("auditor").await, cloud.role("reader").await);
    cloud.admin(204, "PUT", &format!("/system/users/{user}/roles/{role}"), Value::Null).await;
    let token = cloud.token("auditor", Some(json!({"system": {"all": true}}))).await;
    for path in [
        "/projects",
        "/users",
        "/domains",
        "/roles",
        "/services",
        "/endpoints",
        "/role_assignments",
        "/role_inferences",
    ] {
        assert_eq!(cloud.call(&token, "GET", path, Value::Null).await.status, 200, "{path}");
    }
    let create = json!({"project": {"name": "x", "domain_id": "default"}});
    assert_eq!(cloud.call(&token, "POST", "/projects", create).await.status, 403);
}
