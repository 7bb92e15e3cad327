//! The tree of projects, projects that act as domains, what is immutable, and the administrator who must stay.

use serde_json::{Value, json};

use super::{Cloud, id, message, names};

#[tokio::test]
async fn a_tree_has_a_depth() {
    let cloud = Cloud::start().await;
    let mut parent = "default".to_owned();
    for depth in 1..=5 {
        let body = json!({"project": {"name": format!("p{depth}"), "parent_id": parent}});
        parent = id(&cloud.admin(201, "POST", "/projects", body).await["project"]);
    }
    let deeper =
        cloud.call(&cloud.admin, "POST", "/projects", json!({"project": {"name": "x", "parent_id": parent}})).await;
    assert_eq!((deeper.status, message(&deeper)), (403, format!("Max hierarchy depth reached for {parent} branch.")));
    let listed = cloud.admin(200, "GET", "/projects?name=x", Value::Null).await;
    assert_eq!(listed["projects"], json!([]));
}

#[tokio::test]
async fn relatives_are_listed_where_the_caller_has_a_role() {
    let cloud = Cloud::start().await;
    let top = cloud.project("top").await;
    let body = json!({"project": {"name": "leaf", "parent_id": top}});
    let leaf = id(&cloud.admin(201, "POST", "/projects", body).await["project"]);
    let shown = async |path: String| cloud.admin(200, "GET", &path, Value::Null).await["project"].clone();
    assert_eq!(shown(format!("/projects/{leaf}?parents_as_list")).await["parents"], json!([]));
    assert_eq!(shown(format!("/projects/{leaf}?parents_as_ids")).await["parents"], json!({&top: {"default": null}}));
    let admin = cloud.user_id("admin").await;
    let grant = format!("/domains/default/users/{admin}/roles/{}", cloud.role("reader").await);
    cloud.quietly("PUT", &format!("/OS-INHERIT{grant}/inherited_to_projects")).await;
    let parents = shown(format!("/projects/{leaf}?parents_as_list")).await["parents"].clone();
    assert_eq!(parents.as_array().unwrap().len(), 1);
    assert_eq!(id(&parents[0]["project"]), top);
    let subtree = shown(format!("/projects/{top}?subtree_as_list")).await["subtree"].clone();
    assert_eq!(id(&subtree[0]["project"]), leaf);
    for name in ["parents", "subtree"] {
        let path = format!("/projects/{top}?{name}_as_list&{name}_as_ids");
        let both = cloud.call(&cloud.admin, "GET", &path, Value::Null).await;
        let expected = format!("Cannot use {name}_as_list and {name}_as_ids query params at the same time.");
        assert_eq!((both.status, message(&both)), (400, expected));
    }
}

#[tokio::test]
async fn a_parent_cannot_be_changed_or_be_disabled_above_children() {
    let cloud = Cloud::start().await;
    let (top, other) = (cloud.project("top").await, cloud.project("other").await);
    let body = json!({"project": {"name": "leaf", "parent_id": top}});
    let leaf = id(&cloud.admin(201, "POST", "/projects", body).await["project"]);
    // A circle would take a change of parent.
    for (project, parent) in [(&top, &leaf), (&leaf, &other), (&leaf, &leaf)] {
        let change = json!({"project": {"parent_id": parent}});
        let refused = cloud.call(&cloud.admin, "PATCH", &format!("/projects/{project}"), change).await;
        assert_eq!((refused.status, message(&refused).as_str()), (403, "Update of `parent_id` is not allowed."));
    }
    let enabled = |enabled: bool| json!({"project": {"enabled": enabled}});
    cloud.admin(403, "PATCH", &format!("/projects/{top}"), enabled(false)).await;
    cloud.admin(200, "PATCH", &format!("/projects/{leaf}"), enabled(false)).await;
    cloud.admin(200, "PATCH", &format!("/projects/{top}"), enabled(false)).await;
    let refused = cloud.call(&cloud.admin, "PATCH", &format!("/projects/{leaf}"), enabled(true)).await;
    assert_eq!(message(&refused), format!("Cannot enable project {leaf} since it has disabled parents"));
    let body = json!({"project": {"name": "late", "parent_id": top}});
    let refused = cloud.call(&cloud.admin, "POST", "/projects", body).await;
    let expected = format!("cannot create a project in a branch containing a disabled project: {top}");
    assert_eq!((refused.status, message(&refused)), (400, expected));
}

#[tokio::test]
async fn a_project_can_act_as_a_domain() {
    let cloud = Cloud::start().await;
    let made = cloud.admin(201, "POST", "/projects", json!({"project": {"name": "d", "is_domain": true}})).await;
    let project = made["project"].clone();
    assert_eq!(
        (&project["is_domain"], &project["domain_id"], &project["parent_id"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    let domain = id(&project);
    assert_eq!(cloud.admin(200, "GET", &format!("/domains/{domain}"), Value::Null).await["domain"]["name"], "d");
    let listed = cloud.admin(200, "GET", "/projects?is_domain=true", Value::Null).await;
    assert_eq!(names(&listed["projects"]), ["Default", "d"]);
    cloud.admin(409, "POST", "/domains", json!({"domain": {"name": "d"}})).await;
    cloud
        .admin(400, "POST", "/projects", json!({"project": {"name": "e", "is_domain": true, "parent_id": domain}}))
        .await;
    let path = format!("/projects/{domain}");
    cloud.admin(400, "PATCH", &path, json!({"project": {"is_domain": false}})).await;
    let inside = json!({"project": {"name": "p", "domain_id": domain, "options": {"immutable": true}}});
    let inside = id(&cloud.admin(201, "POST", "/projects", inside).await["project"]);
    cloud.admin(403, "DELETE", &path, Value::Null).await;
    cloud.admin(200, "PATCH", &path, json!({"project": {"enabled": false}})).await;
    let refused = cloud.call(&cloud.admin, "DELETE", &path, Value::Null).await;
    assert!(message(&refused).contains(&format!("immutable project resource: `{inside}")), "{}", refused.text());
    let mutable = json!({"project": {"options": {"immutable": null}}});
    cloud.admin(200, "PATCH", &format!("/projects/{inside}"), mutable).await;
    cloud.quietly("DELETE", &path).await;
    cloud.admin(404, "GET", &format!("/projects/{inside}"), Value::Null).await;
}

#[tokio::test]
async fn what_is_immutable_stays() {
    let cloud = Cloud::start().await;
    let immutable = json!({"immutable": true});
    for (kind, body) in [
        ("project", json!({"name": "x", "options": immutable})),
        ("domain", json!({"name": "x", "enabled": false, "options": immutable})),
        ("role", json!({"name": "x", "options": immutable})),
    ] {
        let made = cloud.admin(201, "POST", &format!("/{kind}s"), json!({ kind: body })).await;
        let path = format!("/{kind}s/{}", id(&made[kind]));
        for (method, body) in [("PATCH", json!({ kind: {"name": "y"} })), ("DELETE", Value::Null)] {
            let refused = cloud.call(&cloud.admin, method, &path, body).await;
            assert_eq!(refused.status, 403, "{method} {path}");
            assert!(message(&refused).contains(&format!("immutable {kind} resource")), "{}", refused.text());
        }
        cloud.admin(200, "PATCH", &path, json!({ kind: {"options": {"immutable": false}} })).await;
        cloud.quietly("DELETE", &path).await;
    }
}

#[tokio::test]
async fn somebody_always_administers_the_cloud() {
    let cloud = Cloud::start().await;
    let (admin, role) = (cloud.user_id("admin").await, cloud.role("admin").await);
    let user = format!("/users/{admin}");
    let on_system = format!("/system/users/{admin}/roles/{role}");
    let project = id(&cloud.admin(200, "GET", "/projects?name=admin", Value::Null).await["projects"][0]);
    // On the project is enough; the last one stays.
    cloud.quietly("DELETE", &on_system).await;
    let on_project = format!("/projects/{project}/users/{admin}/roles/{role}");
    for (method, path, body) in [
        ("DELETE", user.clone(), Value::Null),
        ("PATCH", user.clone(), json!({"user": {"enabled": false}})),
        ("DELETE", on_project.clone(), Value::Null),
        ("PATCH", format!("/projects/{project}"), json!({"project": {"enabled": false}})),
        ("DELETE", format!("/projects/{project}"), Value::Null),
        ("PATCH", "/domains/default".to_owned(), json!({"domain": {"enabled": false}})),
    ] {
        let refused = cloud.call(&cloud.admin, method, &path, body).await;
        assert_eq!(refused.status, 403, "{method} {path}");
        assert!(message(&refused).contains("without an administrator"), "{}", refused.text());
    }
    assert_eq!(cloud.admin(200, "GET", &user, Value::Null).await["user"]["enabled"], json!(true));
    // Another one through a group will do, as long as it is in it and not disabled.
    let heir = cloud.user("heir").await;
    let group = cloud.group("heirs", &[]).await;
    cloud.quietly("PUT", &format!("/system/groups/{group}/roles/{role}")).await;
    cloud.admin(403, "DELETE", &user, Value::Null).await;
    cloud.quietly("PUT", &format!("/groups/{group}/users/{heir}")).await;
    let token = cloud.token("heir", Some(json!({"system": {"all": true}}))).await;
    assert_eq!(cloud.call(&token, "DELETE", &user, Value::Null).await.status, 204);
    for (method, path) in [
        ("DELETE", format!("/groups/{group}/users/{heir}")),
        ("DELETE", format!("/groups/{group}")),
        ("DELETE", format!("/system/groups/{group}/roles/{role}")),
        ("DELETE", format!("/users/{heir}")),
    ] {
        assert_eq!(cloud.call(&token, method, &path, Value::Null).await.status, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn names_are_what_was_sent() {
    let cloud = Cloud::start().await;
    // "é" in one code point and in two.
    for (first, second) in [("Web", "web"), ("caf\u{e9}", "cafe\u{301}")] {
        for (kind, path) in [
            ("project", "/projects"),
            ("user", "/users"),
            ("group", "/groups"),
            ("role", "/roles"),
            ("domain", "/domains"),
        ] {
            let mut ids = Vec::new();
            for name in [first, second] {
                let made = cloud.admin(201, "POST", path, json!({ kind: {"name": name} })).await;
                assert_eq!(made[kind]["name"], name);
                ids.push(id(&made[kind]));
                cloud.admin(409, "POST", path, json!({ kind: {"name": name} })).await;
            }
            for (name, id) in [first, second].into_iter().zip(&ids) {
                let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
                let found = cloud.admin(200, "GET", &format!("{path}?name={encoded}"), Value::Null).await;
                let found = found[&path[1..]].as_array().unwrap().clone();
                assert_eq!((found.len(), super::id(&found[0])), (1, id.clone()), "{path} {name}");
            }
        }
    }
}
