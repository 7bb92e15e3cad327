//! Groups, who is in them, and what their members hold through them.

use serde_json::{Value, json};

use super::{Cloud, id, message, names};

#[tokio::test]
async fn a_group_lives_and_dies() {
    let cloud = Cloud::start().await;
    let body = json!({"group": {"name": "dev", "description": "d", "color": "red"}});
    let made = cloud.admin(201, "POST", "/groups", body).await;
    let id = id(&made["group"]);
    let path = format!("/groups/{id}");
    let mut expected = json!({
        "id": id, "name": "dev", "domain_id": "default", "description": "d", "color": "red",
        "links": {"self": format!("http://cloud.test/identity/v3/groups/{id}")},
    });
    assert_eq!(made["group"], expected);
    assert_eq!(cloud.admin(200, "GET", &path, Value::Null).await["group"], expected);
    expected["name"] = json!("ops");
    let changed = cloud.admin(200, "PATCH", &path, json!({"group": {"name": " ops "}})).await;
    assert_eq!(changed["group"], expected);
    for (query, found) in [
        ("name=ops", true),
        ("name=dev", false),
        ("domain_id=default&name__icontains=OP", true),
        ("name__contains=OP", false),
        ("name__endswith=ps", true),
        ("domain_id=other", false),
    ] {
        let listed = cloud.admin(200, "GET", &format!("/groups?{query}"), Value::Null).await;
        assert_eq!(!names(&listed["groups"]).is_empty(), found, "{query}");
    }
    let twice = cloud.call(&cloud.admin, "POST", "/groups", json!({"group": {"name": "ops"}})).await;
    assert_eq!(
        (twice.status, message(&twice).as_str()),
        (
            409,
            "Conflict occurred attempting to store group - Duplicate entry found with name ops at domain ID default."
        )
    );
    for (status, body) in [
        (400, json!({"group": {"name": ""}})),
        (400, json!({"group": {"description": "x"}})),
        (404, json!({"group": {"name": "x", "domain_id": "nope"}})),
    ] {
        cloud.admin(status, "POST", "/groups", body).await;
    }
    cloud.admin(400, "PATCH", &path, json!({"group": {"domain_id": "other"}})).await;
    cloud.quietly("DELETE", &path).await;
    let gone = cloud.call(&cloud.admin, "GET", &path, Value::Null).await;
    assert_eq!((gone.status, message(&gone)), (404, format!("Could not find group: {id}.")));
}

#[tokio::test]
async fn users_come_and_go() {
    let cloud = Cloud::start().await;
    let (alice, bob) = (cloud.user("alice").await, cloud.user("bob").await);
    let group = cloud.group("dev", &[&alice, &bob]).await;
    let member = format!("/groups/{group}/users/{alice}");
    cloud.quietly("PUT", &member).await;
    cloud.quietly("HEAD", &member).await;
    let listed = cloud.admin(200, "GET", &format!("/groups/{group}/users?name=bob&enabled=true"), Value::Null).await;
    assert_eq!(names(&listed["users"]), ["bob"]);
    let listed = cloud.admin(200, "GET", &format!("/users/{alice}/groups?name=dev"), Value::Null).await;
    assert_eq!(
        listed["groups"],
        json!([{
            "id": group, "name": "dev", "domain_id": "default", "description": "", "membership_expires_at": null,
            "links": {"self": format!("http://cloud.test/identity/v3/groups/{group}")},
        }])
    );
    cloud.quietly("DELETE", &member).await;
    for method in ["GET", "DELETE"] {
        let gone = cloud.call(&cloud.admin, method, &member, Value::Null).await;
        assert_eq!((gone.status, message(&gone)), (404, format!("User '{alice}' not found in group '{group}'")));
    }
    for (path, expected) in [
        (format!("/groups/{group}/users/nope"), "Could not find user: nope."),
        (format!("/groups/nope/users/{alice}"), "Could not find group: nope."),
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = cloud.call(&cloud.admin, method, &path, Value::Null).await;
            assert_eq!((answer.status, message(&answer).as_str()), (404, expected), "{method}");
        }
    }
    cloud.quietly("DELETE", &format!("/users/{bob}")).await;
    let left = cloud.admin(200, "GET", &format!("/groups/{group}/users"), Value::Null).await;
    assert_eq!(left["users"], json!([]));
    cloud.admin(404, "GET", "/users/nope/groups", Value::Null).await;
}

#[tokio::test]
async fn what_a_group_holds_its_members_hold() {
    let cloud = Cloud::start().await;
    let (alice, project) = (cloud.user("alice").await, cloud.project("web").await);
    let (group, role) = (cloud.group("dev", &[&alice]).await, cloud.role("member").await);
    for (place, scope) in [
        (format!("/projects/{project}"), json!({"project": {"id": project}})),
        ("/domains/default".to_owned(), json!({"domain": {"id": "default"}})),
        ("/system".to_owned(), json!({"system": {"all": true}})),
    ] {
        let grants = format!("{place}/groups/{group}/roles");
        let grant = format!("{grants}/{role}");
        assert_eq!(cloud.login("alice", Some(scope.clone())).await.status, 401);
        cloud.admin(404, "GET", &grant, Value::Null).await;
        cloud.quietly("PUT", &grant).await;
        cloud.quietly("HEAD", &grant).await;
        assert_eq!(names(&cloud.admin(200, "GET", &grants, Value::Null).await["roles"]), ["member"]);
        let token = cloud.token("alice", Some(scope.clone())).await;
        let identity = cloud.validate(&token).await.unwrap();
        let mut held: Vec<_> = identity.roles.iter().map(|role| role.name.as_str()).collect();
        held.sort_unstable();
        assert_eq!(held, ["member", "reader"]);
        let listed = cloud.call(&token, "GET", "/auth/projects", Value::Null).await.json();
        assert_eq!(names(&listed["projects"]), ["web"]);
        // Out of the group, then in it again, then the group loses the role.
        cloud.quietly("DELETE", &format!("/groups/{group}/users/{alice}")).await;
        assert!(cloud.validate(&token).await.is_err());
        cloud.quietly("PUT", &format!("/groups/{group}/users/{alice}")).await;
        assert!(cloud.validate(&token).await.is_ok());
        if place.starts_with("/projects") {
            continue;
        }
        cloud.quietly("DELETE", &grant).await;
        assert!(cloud.validate(&token).await.is_err());
        cloud.admin(404, "DELETE", &grant, Value::Null).await;
    }
    let of_user = cloud.admin(200, "GET", &format!("/users/{alice}/projects"), Value::Null).await;
    assert_eq!(names(&of_user["projects"]), ["web"]);
    let token = cloud.token("alice", Some(json!({"project": {"id": project}}))).await;
    cloud.quietly("DELETE", &format!("/groups/{group}")).await;
    assert!(cloud.validate(&token).await.is_err());
    let left = cloud.admin(200, "GET", "/role_assignments", Value::Null).await;
    assert!(!left.to_string().contains(&group));
}

#[tokio::test]
async fn a_domains_manager_keeps_its_groups() {
    let cloud = Cloud::start().await;
    let domain = id(&cloud.admin(201, "POST", "/domains", json!({"domain": {"name": "d"}})).await["domain"]);
    let (boss, manager) = (cloud.user("boss").await, cloud.role("manager").await);
    cloud.quietly("PUT", &format!("/domains/{domain}/users/{boss}/roles/{manager}")).await;
    let theirs = cloud.group("theirs", &[]).await;
    let token = cloud.token("boss", Some(json!({"domain": {"id": domain}}))).await;
    let made = cloud.call(&token, "POST", "/groups", json!({"group": {"name": "own", "domain_id": domain}})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let own = id(&made.json()["group"]);
    for (status, method, path) in [
        (200, "GET", format!("/groups/{own}")),
        (200, "GET", format!("/groups/{own}/users")),
        (403, "GET", format!("/groups/{theirs}")),
        (403, "GET", "/groups/nope".to_owned()),
        (403, "PUT", format!("/groups/{own}/users/{boss}")),
        (403, "DELETE", format!("/groups/{theirs}")),
        (204, "PUT", format!("/domains/{domain}/groups/{own}/roles/{manager}")),
        (403, "PUT", format!("/domains/{domain}/groups/{theirs}/roles/{manager}")),
        (403, "PUT", format!("/system/groups/{own}/roles/{manager}")),
    ] {
        let answer = cloud.call(&token, method, &path, Value::Null).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    let listed = cloud.call(&token, "GET", "/groups", Value::Null).await.json();
    assert_eq!(names(&listed["groups"]), ["own"]);
    let elsewhere = json!({"group": {"name": "x", "domain_id": "default"}});
    assert_eq!(cloud.call(&token, "POST", "/groups", elsewhere).await.status, 403);
}
