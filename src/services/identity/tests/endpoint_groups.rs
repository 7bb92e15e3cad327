//! Endpoints that are chosen for projects, one by one and by group, and what a catalog becomes of it.

use serde_json::{Value, json};

use super::{Cloud, id, message, names};

impl Cloud {
    /// The names of the services and the number of endpoints in the catalog of a token of `user`.
    async fn seen_by(&self, user: &str, scope: &Value) -> (Vec<String>, usize) {
        let catalog = self.login(user, Some(scope.clone())).await.json()["token"]["catalog"].clone();
        let count = |entry: &Value| entry["endpoints"].as_array().unwrap().len();
        (names(&catalog), catalog.as_array().unwrap().iter().map(count).sum())
    }

    async fn service(&self, name: &str) -> String {
        id(&self.admin(200, "GET", &format!("/services?name={name}"), Value::Null).await["services"][0])
    }
}

#[tokio::test]
async fn a_project_sees_what_was_chosen_for_it_or_everything() {
    let cloud = Cloud::start().await;
    let (alice, bob) = (cloud.member("alice", "member").await, cloud.member("bob", "member").await);
    assert_eq!(cloud.seen_by("alice", &alice.scope).await.1, 18);
    let nova = cloud.service("nova").await;
    let listed = cloud.admin(200, "GET", &format!("/endpoints?service_id={nova}&interface=public"), Value::Null).await;
    let endpoint = id(&listed["endpoints"][0]);
    let choice = format!("/OS-EP-FILTER/projects/{}/endpoints/{endpoint}", alice.project);
    cloud.admin(404, "GET", &choice, Value::Null).await;
    cloud.admin(204, "PUT", &choice, Value::Null).await;
    let again = cloud.call(&cloud.admin, "PUT", &choice, Value::Null).await;
    assert_eq!(
        (again.status, message(&again).as_str()),
        (409, "Conflict occurred attempting to store project_endpoint - Duplicate entry.")
    );
    cloud.admin(204, "HEAD", &choice, Value::Null).await;
    assert_eq!(cloud.seen_by("alice", &alice.scope).await, (vec!["nova".to_owned()], 1));
    assert_eq!(cloud.seen_by("bob", &bob.scope).await.1, 18);

    let group = json!({"endpoint_group": {"name": "glance", "filters": {"service_id": cloud.service("glance").await}}});
    let group = id(&cloud.admin(201, "POST", "/OS-EP-FILTER/endpoint_groups", group).await["endpoint_group"]);
    let group_choice = format!("/OS-EP-FILTER/endpoint_groups/{group}/projects/{}", alice.project);
    cloud.admin(204, "PUT", &group_choice, Value::Null).await;
    assert_eq!(cloud.seen_by("alice", &alice.scope).await, (vec!["glance".to_owned(), "nova".to_owned()], 4));
    let of_project = format!("/OS-EP-FILTER/projects/{}/endpoints", alice.project);
    let endpoints = cloud.admin(200, "GET", &of_project, Value::Null).await;
    assert_eq!(endpoints["endpoints"].as_array().unwrap().len(), 4);
    let projects = cloud.admin(200, "GET", &format!("/OS-EP-FILTER/endpoints/{endpoint}/projects"), Value::Null).await;
    assert_eq!(names(&projects["projects"]), ["alice"]);

    // A chosen endpoint that is disabled is no reason to show the others.
    cloud.admin(204, "DELETE", &group_choice, Value::Null).await;
    let disable = json!({"endpoint": {"enabled": false}});
    cloud.admin(200, "PATCH", &format!("/endpoints/{endpoint}"), disable).await;
    assert_eq!(cloud.seen_by("alice", &alice.scope).await, (vec![], 0));
    cloud.admin(204, "DELETE", &choice, Value::Null).await;
    let gone = cloud.call(&cloud.admin, "DELETE", &choice, Value::Null).await;
    let expected = format!("Endpoint {endpoint} not found in project {}", alice.project);
    assert_eq!((gone.status, message(&gone)), (404, expected));
    assert_eq!(cloud.seen_by("alice", &alice.scope).await.1, 17);
    // What was chosen goes with the endpoint and with the project.
    cloud.admin(204, "PUT", &choice, Value::Null).await;
    cloud.admin(204, "DELETE", &format!("/endpoints/{endpoint}"), Value::Null).await;
    assert_eq!(cloud.seen_by("alice", &alice.scope).await.1, 17);
    cloud.admin(204, "PUT", &group_choice, Value::Null).await;
    cloud.admin(204, "DELETE", &format!("/projects/{}", alice.project), Value::Null).await;
    let left = format!("/OS-EP-FILTER/endpoint_groups/{group}/projects");
    assert_eq!(cloud.admin(200, "GET", &left, Value::Null).await["projects"], json!([]));
}

#[tokio::test]
async fn without_a_choice_there_can_be_no_catalog() {
    let cloud = Cloud::start_with(|config| config.return_all_endpoints_if_no_filter = false).await;
    let alice = cloud.member("alice", "member").await;
    assert_eq!(cloud.seen_by("alice", &alice.scope).await.1, 0);
    let body = json!({"endpoint_group": {"name": "public", "filters": {"interface": "public"}}});
    let group = id(&cloud.admin(201, "POST", "/OS-EP-FILTER/endpoint_groups", body).await["endpoint_group"]);
    let choice = format!("/OS-EP-FILTER/endpoint_groups/{group}/projects/{}", alice.project);
    cloud.admin(204, "PUT", &choice, Value::Null).await;
    assert_eq!(cloud.seen_by("alice", &alice.scope).await.1, 6);
    assert_eq!(cloud.seen_by("admin", &json!({"system": {"all": true}})).await.1, 0);
}

#[tokio::test]
async fn a_group_lives_and_dies() {
    let cloud = Cloud::start().await;
    let body = json!({"endpoint_group": {"name": "admins", "description": "d", "filters": {"interface": "admin"}}});
    let made = cloud.admin(201, "POST", "/OS-EP-FILTER/endpoint_groups", body).await["endpoint_group"].clone();
    let path = format!("/OS-EP-FILTER/endpoint_groups/{}", id(&made));
    assert_eq!(
        made,
        json!({
            "id": id(&made), "name": "admins", "description": "d", "filters": {"interface": "admin"},
            "links": {"self": format!("http://cloud.test/identity/v3{path}")},
        })
    );
    assert_eq!(cloud.admin(200, "GET", &path, Value::Null).await["endpoint_group"], made);
    let endpoints = cloud.admin(200, "GET", &format!("{path}/endpoints"), Value::Null).await;
    assert_eq!(endpoints["endpoints"].as_array().unwrap().len(), 6);
    let change = json!({"endpoint_group": {"name": "all", "filters": {}, "description": null}});
    let changed = cloud.admin(200, "PATCH", &path, change).await["endpoint_group"].clone();
    assert_eq!((&changed["name"], &changed["description"]), (&json!("all"), &Value::Null));
    let endpoints = cloud.admin(200, "GET", &format!("{path}/endpoints"), Value::Null).await;
    assert_eq!(endpoints["endpoints"].as_array().unwrap().len(), 18);
    for (status, method, body) in [
        (400, "PATCH", json!({"endpoint_group": {"filters": {"enabled": true}}})),
        (400, "PATCH", json!({"endpoint_group": {"filters": {"interface": "nope"}}})),
        (400, "PATCH", json!({"endpoint_group": {}})),
        (400, "PATCH", json!({"endpoint_group": {"id": "x"}})),
    ] {
        cloud.admin(status, method, &path, body).await;
    }
    for body in [json!({"name": "a"}), json!({"name": "a", "filters": {}}), json!({"filters": {"interface": "admin"}})]
    {
        cloud.admin(400, "POST", "/OS-EP-FILTER/endpoint_groups", json!({ "endpoint_group": body })).await;
    }
    let listed = |query: &'static str| {
        let path = format!("/OS-EP-FILTER/endpoint_groups{query}");
        let cloud = &cloud;
        async move { cloud.admin(200, "GET", &path, Value::Null).await["endpoint_groups"].as_array().unwrap().len() }
    };
    assert_eq!((listed("").await, listed("?name=all").await, listed("?name=none").await), (1, 1, 0));
    cloud.admin(400, "GET", "/OS-EP-FILTER/endpoint_groups?other=x", Value::Null).await;
    cloud.admin(204, "DELETE", &path, Value::Null).await;
    let gone = cloud.call(&cloud.admin, "GET", &path, Value::Null).await;
    let expected = format!("Could not find Endpoint Group: {}.", id(&made));
    assert_eq!((gone.status, message(&gone)), (404, expected));
}

#[tokio::test]
async fn a_choice_names_what_there_is() {
    let cloud = Cloud::start().await;
    let alice = cloud.member("alice", "member").await;
    let body = json!({"endpoint_group": {"name": "g", "filters": {"interface": "public"}}});
    let group = id(&cloud.admin(201, "POST", "/OS-EP-FILTER/endpoint_groups", body).await["endpoint_group"]);
    let choice = format!("/OS-EP-FILTER/endpoint_groups/{group}/projects/{}", alice.project);
    let missing = cloud.call(&cloud.admin, "GET", &choice, Value::Null).await;
    assert_eq!((missing.status, message(&missing).as_str()), (404, "Endpoint Group Project Association not found"));
    cloud.admin(204, "PUT", &choice, Value::Null).await;
    cloud.admin(409, "PUT", &choice, Value::Null).await;
    let shown = cloud.admin(200, "GET", &choice, Value::Null).await;
    assert_eq!(
        shown,
        json!({"project_endpoint_group": {
            "endpoint_group_id": group, "project_id": alice.project, "links": {"self": choice}}})
    );
    let of_project = format!("/OS-EP-FILTER/projects/{}/endpoint_groups", alice.project);
    assert_eq!(names(&cloud.admin(200, "GET", &of_project, Value::Null).await["endpoint_groups"]), ["g"]);
    let endpoint = id(&cloud.admin(200, "GET", "/endpoints?interface=admin", Value::Null).await["endpoints"][0]);
    for (method, path, expected) in [
        (
            "PUT",
            format!("/OS-EP-FILTER/endpoint_groups/nope/projects/{}", alice.project),
            "Could not find Endpoint Group: nope.",
        ),
        ("PUT", format!("/OS-EP-FILTER/endpoint_groups/{group}/projects/nope"), "Could not find project: nope."),
        ("PUT", format!("/OS-EP-FILTER/projects/{}/endpoints/nope", alice.project), "Could not find endpoint: nope."),
        ("PUT", format!("/OS-EP-FILTER/projects/nope/endpoints/{endpoint}"), "Could not find project: nope."),
        ("GET", "/OS-EP-FILTER/projects/nope/endpoints".to_owned(), "Could not find project: nope."),
        ("GET", "/OS-EP-FILTER/projects/nope/endpoint_groups".to_owned(), "Could not find project: nope."),
        ("GET", "/OS-EP-FILTER/endpoints/nope/projects".to_owned(), "Could not find endpoint: nope."),
    ] {
        let answer = cloud.call(&cloud.admin, method, &path, Value::Null).await;
        assert_eq!((answer.status, message(&answer).as_str()), (404, expected), "{path}");
    }
    let token = cloud.token("alice", Some(alice.scope)).await;
    for path in [&choice, &of_project] {
        assert_eq!(cloud.call(&token, "GET", path, Value::Null).await.status, 403);
    }
}
