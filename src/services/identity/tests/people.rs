//! Domains, projects and users.

use serde_json::{Value, json};

use super::{Cloud, id, message, names};

#[tokio::test]
async fn a_project_lives_and_dies() {
    let cloud = Cloud::start().await;
    let body = json!({"project": {"name": "web", "description": "d", "tags": ["a", "b"], "color": "red"}});
    let made = cloud.admin(201, "POST", "/projects", body).await;
    let id = id(&made["project"]);
    let mut expected = json!({
        "id": id, "name": "web", "domain_id": "default", "description": "d", "enabled": true, "parent_id": "default",
        "is_domain": false, "tags": ["a", "b"], "options": {}, "color": "red",
        "links": {"self": format!("http://cloud.test/identity/v3/projects/{id}")},
    });
    assert_eq!(made["project"], expected);
    let path = format!("/projects/{id}");
    assert_eq!(cloud.admin(200, "GET", &path, Value::Null).await["project"], expected);
    expected["enabled"] = json!(false);
    expected["name"] = json!("web2");
    let changed = cloud.admin(200, "PATCH", &path, json!({"project": {"enabled": false, "name": "web2"}})).await;
    assert_eq!(changed["project"], expected);
    let listed = cloud.admin(200, "GET", "/projects?name=web2&domain_id=default&enabled=False", Value::Null).await;
    assert_eq!(listed["projects"], json!([expected]));
    assert_eq!(
        listed["links"]["self"],
        "http://cloud.test/identity/v3/projects?name=web2&domain_id=default&enabled=False"
    );
    cloud.admin(204, "DELETE", &path, Value::Null).await;
    let gone = cloud.call(&cloud.admin, "GET", &path, Value::Null).await;
    assert_eq!((gone.status, message(&gone)), (404, format!("Could not find project: {id}.")));
}

#[tokio::test]
async fn what_keystone_refuses_is_refused_in_its_words() {
    let cloud = Cloud::start().await;
    let long = "x".repeat(65);
    for (status, path, body, expected) in [
        (
            409,
            "/projects",
            json!({"project": {"name": "admin", "domain_id": "default"}}),
            "Conflict occurred attempting to store project - it is not permitted to have two projects with either the same name or same id in the same domain: name is admin, project id ",
        ),
        (
            400,
            "/projects",
            json!({"project": {"name": ""}}),
            "Invalid input for field/attribute name. Value: . '' should be non-empty",
        ),
        (400, "/projects", json!({"project": {"name": long}}), "Invalid input for field/attribute name."),
        (400, "/projects", json!({"project": {"name": "p", "domain_id": "nope"}}), "Could not find domain: nope."),
        (400, "/projects", json!({"project": {"name": "p", "parent_id": "nope"}}), "Could not find project: nope."),
        (
            409,
            "/users",
            json!({"user": {"name": "admin"}}),
            "Conflict occurred attempting to store user - Duplicate entry found with name admin at domain ID default.",
        ),
        (404, "/users", json!({"user": {"name": "u", "domain_id": "nope"}}), "Could not find domain: nope."),
        (400, "/users", json!({"user": {"password": "x"}}), "Invalid input for field/attribute user."),
        (
            409,
            "/domains",
            json!({"domain": {"name": "Default"}}),
            "Conflict occurred attempting to store project - it is not permitted to have two projects acting as domains with the same name: Default.",
        ),
        (
            409,
            "/roles",
            json!({"role": {"name": "member"}}),
            "Conflict occurred attempting to store role - Duplicate entry found with name member.",
        ),
    ] {
        let answer = cloud.call(&cloud.admin, "POST", path, body.clone()).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
        assert!(message(&answer).starts_with(expected), "{path} {body}: {}", answer.text());
    }
}

#[tokio::test]
async fn projects_form_a_tree() {
    let cloud = Cloud::start().await;
    let parent = cloud.project("parent").await;
    let make = json!({"project": {"name": "child", "parent_id": parent}});
    let child = id(&cloud.admin(201, "POST", "/projects", make).await["project"]);
    let refused = cloud.call(&cloud.admin, "DELETE", &format!("/projects/{parent}"), Value::Null).await;
    assert_eq!(refused.status, 403);
    assert!(message(&refused).contains("since it is not a leaf in the hierarchy"));
    let disable = json!({"project": {"enabled": false}});
    let refused = cloud.call(&cloud.admin, "PATCH", &format!("/projects/{parent}"), disable).await;
    assert_eq!(
        message(&refused),
        format!("Cannot disable project {parent} since its subtree contains enabled projects.")
    );
    let path = format!("/projects/{child}?parents_as_ids&subtree_as_list");
    let shown = cloud.admin(200, "GET", &path, Value::Null).await;
    assert_eq!(shown["project"]["parents"], json!({ &parent: {"default": null} }));
    assert_eq!(shown["project"]["subtree"], json!([]));
    let shown = cloud.admin(200, "GET", &format!("/projects/{parent}?subtree_as_ids"), Value::Null).await;
    assert_eq!(shown["project"]["subtree"], json!({ &child: null }));
    let listed = cloud.admin(200, "GET", &format!("/projects?parent_id={parent}"), Value::Null).await;
    assert_eq!(names(&listed["projects"]), ["child"]);
}

#[tokio::test]
async fn tags_are_kept_and_filtered_by() {
    let cloud = Cloud::start().await;
    let id = cloud.project("tagged").await;
    let path = format!("/projects/{id}/tags");
    let tags = cloud.admin(200, "PUT", &path, json!({"tags": ["a", "b"]})).await;
    assert_eq!(tags["tags"], json!(["a", "b"]));
    assert_eq!(cloud.call(&cloud.admin, "PUT", &format!("{path}/c"), Value::Null).await.status, 201);
    cloud.admin(204, "GET", &format!("{path}/c"), Value::Null).await;
    cloud.admin(204, "DELETE", &format!("{path}/a"), Value::Null).await;
    cloud.admin(404, "DELETE", &format!("{path}/a"), Value::Null).await;
    for (query, found) in [
        ("tags=b,c", true),
        ("tags=a,b", false),
        ("tags-any=a,b", true),
        ("not-tags=b,c", false),
        ("not-tags-any=a", true),
    ] {
        let listed = cloud.admin(200, "GET", &format!("/projects?{query}"), Value::Null).await;
        assert_eq!(names(&listed["projects"]).contains(&"tagged".to_owned()), found, "{query}");
    }
    cloud.admin(400, "PUT", &path, json!({"tags": ["a,b"]})).await;
    cloud.admin(204, "DELETE", &path, Value::Null).await;
    assert_eq!(cloud.admin(200, "GET", &path, Value::Null).await["tags"], json!([]));
}

#[tokio::test]
async fn a_domain_goes_with_all_that_is_in_it_once_it_is_disabled() {
    let cloud = Cloud::start().await;
    let domain = id(&cloud.admin(201, "POST", "/domains", json!({"domain": {"name": "d"}})).await["domain"]);
    let project = json!({"project": {"name": "p", "domain_id": domain}});
    let project = id(&cloud.admin(201, "POST", "/projects", project).await["project"]);
    let user = json!({"user": {"name": "u", "password": "u", "domain_id": domain}});
    let user = id(&cloud.admin(201, "POST", "/users", user).await["user"]);
    let role = cloud.role("member").await;
    for place in [format!("/projects/{project}"), format!("/domains/{domain}")] {
        cloud.admin(204, "PUT", &format!("{place}/users/{user}/roles/{role}"), Value::Null).await;
    }
    let auth = |scope: Value| {
        let user = json!({"name": "u", "domain": {"name": "d"}, "password": "u"});
        json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}})
    };
    let scoped = cloud.call("", "POST", "/auth/tokens", auth(json!({"domain": {"name": "d"}}))).await;
    assert_eq!((scoped.status, &scoped.json()["token"]["domain"]["id"]), (201, &json!(domain)));
    let token = scoped.header("x-subject-token").to_owned();
    let domains = cloud.call(&token, "GET", "/auth/domains", Value::Null).await.json();
    assert_eq!(names(&domains["domains"]), ["d"]);
    let path = format!("/domains/{domain}");
    let refused = cloud.call(&cloud.admin, "DELETE", &path, Value::Null).await;
    assert_eq!(
        (refused.status, message(&refused).as_str()),
        (403, "Cannot delete a domain that is enabled, please disable it first.")
    );
    cloud.advance(1);
    cloud.admin(200, "PATCH", &path, json!({"domain": {"enabled": false}})).await;
    assert!(cloud.validate(&token).await.is_err());
    let login = cloud.call("", "POST", "/auth/tokens", auth(json!({"project": {"id": project}}))).await;
    assert_eq!(login.status, 401);
    cloud.admin(204, "DELETE", &path, Value::Null).await;
    for gone in [path, format!("/projects/{project}"), format!("/users/{user}")] {
        cloud.admin(404, "GET", &gone, Value::Null).await;
    }
    let left = cloud.admin(200, "GET", &format!("/role_assignments?user.id={user}"), Value::Null).await;
    assert_eq!(left["role_assignments"], json!([]));
}

#[tokio::test]
async fn a_user_never_shows_a_password() {
    let cloud = Cloud::start().await;
    let body = json!({"user": {"name": "alice", "password": "pw", "email": "a@b", "description": "d"}});
    let answer = cloud.call(&cloud.admin, "POST", "/users", body).await;
    let user = answer.json()["user"].clone();
    let id = id(&user);
    assert_eq!(
        user,
        json!({
            "id": id, "name": "alice", "domain_id": "default", "enabled": true, "password_expires_at": null, "options": {},
            "email": "a@b", "description": "d", "links": {"self": format!("http://cloud.test/identity/v3/users/{id}")},
        })
    );
    assert_eq!(cloud.admin(200, "GET", &format!("/users/{id}"), Value::Null).await["user"], user);
    let wrong = json!({"user": {"original_password": "no", "password": "new"}});
    assert_eq!(cloud.call("", "POST", &format!("/users/{id}/password"), wrong).await.status, 401);
    let missing = json!({"user": {"password": "new"}});
    assert_eq!(cloud.call("", "POST", &format!("/users/{id}/password"), missing).await.status, 400);
    cloud.admin(200, "PATCH", &format!("/users/{id}"), json!({"user": {"password": "reset"}})).await;
    assert_eq!(cloud.login_with("alice", "pw", None).await.status, 401);
    assert_eq!(cloud.login_with("alice", "reset", None).await.status, 201);
}

#[tokio::test]
async fn users_are_listed_in_pages() {
    let cloud = Cloud::start().await;
    for name in ["a", "b", "c"] {
        cloud.user(name).await;
    }
    let (mut seen, mut path) = (Vec::new(), "/users?limit=3".to_owned());
    loop {
        let page = cloud.admin(200, "GET", &path, Value::Null).await;
        seen.extend(names(&page["users"]));
        let Some(next) = page["links"]["next"].as_str() else { break };
        assert_eq!(page["truncated"], json!(true));
        path = next.strip_prefix("http://cloud.test/identity/v3").unwrap().to_owned();
    }
    seen.sort();
    assert_eq!(seen, ["a", "admin", "b", "c"]);
    cloud.admin(404, "GET", "/users?marker=nope", Value::Null).await;
    let all = cloud.admin(200, "GET", "/users", Value::Null).await;
    assert!(all.get("truncated").is_none() && all["links"]["next"].is_null());
}

#[tokio::test]
async fn users_are_filtered_as_keystone_filters_them() {
    let cloud = Cloud::start().await;
    for name in ["Alice", "alina", "bob", "Ärger", "a.b"] {
        cloud.user(name).await;
    }
    let bob = id(&cloud.admin(200, "GET", "/users?name=bob", Value::Null).await["users"][0]);
    cloud.admin(200, "PATCH", &format!("/users/{bob}"), json!({"user": {"enabled": false}})).await;
    for (query, expected) in [
        ("name=alice", vec![]),
        ("name__contains=ali", vec!["alina"]),
        ("name__icontains=ALI", vec!["Alice", "alina"]),
        ("name__startswith=A", vec!["Alice"]),
        ("name__istartswith=%C3%A4", vec!["Ärger"]),
        ("name__endswith=b", vec!["a.b", "bob"]),
        ("name__iendswith=E", vec!["Alice"]),
        ("name__contains=.", vec!["a.b"]),
        ("enabled=False", vec!["bob"]),
        ("enabled=0&name=alina", vec![]),
        ("domain_id=nope", vec![]),
        ("domain_id__startswith=def&name=bob", vec!["bob"]),
        ("name__startswith=al&name__endswith=na", vec!["alina"]),
        ("email=nobody", vec!["Alice", "a.b", "admin", "alina", "bob", "Ärger"]),
    ] {
        let found = cloud.admin(200, "GET", &format!("/users?{query}"), Value::Null).await;
        assert_eq!(names(&found["users"]), expected, "{query}");
    }
}

#[tokio::test]
async fn what_a_user_leaves_behind_goes_with_it() {
    let cloud = Cloud::start().await;
    let member = cloud.member("alice", "member").await;
    let project = format!("/projects/{}", member.project);
    let change = json!({"user": {"default_project_id": member.project}});
    let path = format!("/users/{}", member.user);
    cloud.admin(200, "PATCH", &path, change).await;
    let domain = json!({"user": {"default_project_id": "default"}});
    let refused = cloud.call(&cloud.admin, "PATCH", &path, domain).await;
    assert_eq!(
        (refused.status, message(&refused).as_str()),
        (400, "User's default project ID cannot be a domain ID: default")
    );
    cloud.admin(204, "DELETE", &project, Value::Null).await;
    let shown = cloud.admin(200, "GET", &path, Value::Null).await;
    assert!(shown["user"].get("default_project_id").is_none(), "{shown}");
    let other = cloud.member("bob", "member").await;
    cloud.admin(204, "DELETE", &format!("/users/{}", other.user), Value::Null).await;
    let left =
        cloud.admin(200, "GET", &format!("/role_assignments?scope.project.id={}", other.project), Value::Null).await;
    assert_eq!(left["role_assignments"], json!([]));
    cloud.admin(404, "DELETE", &format!("/users/{}", other.user), Value::Null).await;
}

#[tokio::test]
async fn a_user_can_be_somebody_at_identity_providers() {
    let cloud = Cloud::start().await;
    let federation = |path: &str| format!("/OS-FEDERATION/{path}");
    let rules = json!({"mapping": {"rules": super::federation::rules()}});
    cloud.admin(201, "PUT", &federation("mappings/m"), rules).await;
    cloud.admin(201, "PUT", &federation("identity_providers/acme"), json!({"identity_provider": {}})).await;
    let protocol = federation("identity_providers/acme/protocols/openid");
    cloud.admin(201, "PUT", &protocol, json!({"protocol": {"mapping_id": "m"}})).await;
    let at = |idp: &str, protocol: &str, unique: &str| json!([{"idp_id": idp, "protocols": [{"protocol_id": protocol, "unique_id": unique}]}]);
    let make = |name: &str, federated: Value| json!({"user": {"name": name, "federated": federated}});
    let made = cloud.admin(201, "POST", "/users", make("alice", at("acme", "openid", "a1"))).await;
    assert_eq!(made["user"]["federated"], at("acme", "openid", "a1"));
    let path = format!("/users/{}", id(&made["user"]));
    let taken = cloud.call(&cloud.admin, "POST", "/users", make("eve", at("acme", "openid", "a1"))).await;
    assert_eq!(taken.status, 409, "{}", taken.text());
    for (federated, expected) in [
        (at("nope", "openid", "x"), "Could not find Identity Provider: nope"),
        (at("acme", "saml2", "x"), "Could not find federated protocol saml2 for Identity Provider: acme."),
    ] {
        let refused = cloud.call(&cloud.admin, "POST", "/users", make("eve", federated)).await;
        assert_eq!((refused.status, message(&refused).as_str()), (400, expected));
    }
    let changed = cloud.admin(200, "PATCH", &path, json!({"user": {"federated": at("acme", "openid", "a2")}})).await;
    assert_eq!(changed["user"]["federated"], at("acme", "openid", "a2"));
    cloud.admin(200, "PATCH", &path, json!({"user": {"federated": []}})).await;
    let shown = cloud.admin(200, "GET", &path, Value::Null).await;
    assert_eq!(shown["user"]["federated"], at("acme", "openid", "a2"), "none asked for is none changed");
    for (query, expected) in [
        ("idp_id=acme", vec!["alice"]),
        ("idp_id=acme&protocol_id=openid&unique_id=a2", vec!["alice"]),
        ("idp_id=acme&unique_id=a1", vec![]),
        ("idp_id=acme&enabled=false", vec![]),
    ] {
        let found = cloud.admin(200, "GET", &format!("/users?{query}"), Value::Null).await;
        assert_eq!(names(&found["users"]), expected, "{query}");
    }
    cloud.admin(204, "DELETE", &protocol, Value::Null).await;
    let left = cloud.admin(200, "GET", &path, Value::Null).await;
    assert!(left["user"].get("federated").is_none(), "a user of our own stays when the provider goes");
}
