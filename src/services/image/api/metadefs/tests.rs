//! Metadata definitions by their API.

use std::sync::Arc;

use bus::{Bus, Options};
use http_kit::testing::{self, Answer, KnownTokens};
use http_kit::{App, Limits};
use kit::SystemClock;
use kit::config::ImageConfig;
use serde_json::{Value, json};
use store::testing::TestStore;

use crate::Images;

struct World {
    app: App,
    service: Arc<Images>,
    _store: TestStore,
}

async fn world() -> World {
    let store = store::testing::store(&[crate::MIGRATIONS]);
    let (bus, clock) = (Bus::new(Options::default()), Arc::new(SystemClock));
    let config = ImageConfig::default();
    let service = Images::new(store.clone(), &bus, clock.clone(), config, store.directory(), "http://cloud.test");
    service.bootstrap().await.unwrap();
    let tokens =
        KnownTokens::usual().with("stranger", testing::identity("elsewhere", "stranger", &["member", "reader"]));
    let rest = service.rest().authenticator(Arc::new(tokens));
    let app = App::new(Limits::default(), clock).public_url("http://cloud.test").mount(rest).build().unwrap();
    World { app, service, _store: store }
}

impl World {
    async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        self.call_with(token, method, path, &[], body).await
    }

    async fn call_with(&self, token: &str, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        testing::call(&self.app, token, method, &format!("/image/v2/metadefs{path}"), headers, &body).await.unwrap()
    }

    /// As the administrator, who must be answered with `status`.
    async fn done(&self, method: &str, path: &str, body: Value, status: u16) -> Value {
        let answer = self.call("admin", method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        answer.json()
    }

    async fn get(&self, path: &str) -> Value {
        self.done("GET", path, Value::Null, 200).await
    }

    async fn names(&self, token: &str, query: &str) -> Vec<String> {
        let answer = self.call(token, "GET", &format!("/namespaces{query}"), Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let name = |namespace: &Value| namespace["namespace"].as_str().unwrap().to_owned();
        answer.json()["namespaces"].as_array().unwrap().iter().map(name).collect()
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn full() -> Value {
    json!({
        "namespace": "My::Space", "display_name": "Mine", "visibility": "public", "owner": "project",
        "resource_type_associations": [{ "name": "OS::Nova::Flavor", "prefix": "my:" }, { "name": "My::Type" }],
        "properties": { "size": { "title": "Size", "type": "integer", "minimum": 1, "default": 3 } },
        "objects": [{ "name": "box", "required": ["lid"], "properties": { "lid": { "title": "Lid", "type": "boolean" } } }],
        "tags": [{ "name": "round" }, { "name": "square" }],
    })
}

#[tokio::test]
async fn a_namespace_is_made_with_all_that_is_in_it_and_shown_by_resource_type() {
    let world = world().await;
    let made = world.call("admin", "POST", "/namespaces", full()).await;
    assert_eq!((made.status, made.header("location")), (201, "/v2/metadefs/namespaces/My::Space"), "{}", made.text());
    let mut expected = full();
    expected["properties"]["size"]["default"] = json!("3");
    let made = made.json();
    for part in ["resource_type_associations", "properties", "objects", "tags"] {
        assert_eq!(made[part], expected[part], "what was given comes back");
    }
    let shown = world.get("/namespaces/My::Space").await;
    assert_eq!(
        keys(&shown),
        [
            "created_at",
            "display_name",
            "namespace",
            "objects",
            "owner",
            "properties",
            "protected",
            "resource_type_associations",
            "schema",
            "self",
            "tags",
            "updated_at",
            "visibility"
        ]
    );
    assert_eq!(
        keys(&shown["objects"][0]),
        ["created_at", "name", "properties", "required", "schema", "self", "updated_at"]
    );
    assert_eq!(shown["objects"][0]["self"], "/v2/metadefs/namespaces/My::Space/objects/box");
    assert_eq!(keys(&shown["resource_type_associations"][0]), ["created_at", "name", "updated_at"]);
    assert_eq!(shown["protected"], false);
    let prefixed = world.get("/namespaces/My::Space?resource_type=OS::Nova::Flavor").await;
    assert_eq!(keys(&prefixed["properties"]), ["my:size"]);
    assert_eq!(keys(&prefixed["objects"][0]["properties"]), ["my:lid"]);
    assert_eq!(prefixed["objects"][0]["required"], json!(["my:lid"]));
    let types = world.get("/resource_types").await;
    let known: Vec<_> = types["resource_types"].as_array().unwrap().iter().map(|kind| kind["name"].clone()).collect();
    assert!(known.contains(&json!("My::Type")) && known.contains(&json!("OS::Glance::Image")), "{known:?}");
    let again = world.done("POST", "/namespaces", full(), 409).await;
    assert_eq!(again["code"], "409 Conflict");
}

#[tokio::test]
async fn a_namespace_whose_content_is_wrong_is_not_made_at_all() {
    let world = world().await;
    let mut twice = full();
    twice["tags"] = json!([{ "name": "a" }, { "name": "a" }]);
    world.done("POST", "/namespaces", twice, 409).await;
    world.done("GET", "/namespaces/My::Space", Value::Null, 404).await;
    for (wrong, status) in [
        (json!({ "namespace": "x", "self": "y" }), 403),
        (json!({ "namespace": "x".repeat(81) }), 400),
        (json!({ "namespace": "x", "tags": [{ "name": "x".repeat(81) }] }), 400),
        (json!({ "namespace": "x", "color": "red" }), 400),
        (json!({ "namespace": "x", "properties": { "p": { "title": "P", "type": "string", "color": 1 } } }), 400),
        (Value::Null, 400),
    ] {
        world.done("POST", "/namespaces", wrong, status).await;
    }
}

#[tokio::test]
async fn who_may_see_and_change_what() {
    let world = world().await;
    let mut hidden = full();
    hidden["visibility"] = json!("private");
    world.done("POST", "/namespaces", hidden, 201).await;
    let status =
        async |token: &str, method: &str, path: &str, body: Value| world.call(token, method, path, body).await.status;
    for path in
        ["", "/objects", "/objects/box", "/properties", "/properties/size", "/tags", "/tags/round", "/resource_types"]
    {
        let path = format!("/namespaces/My::Space{path}");
        assert_eq!(status("reader", "GET", &path, Value::Null).await, 200, "{path}");
        assert_eq!(status("stranger", "GET", &path, Value::Null).await, 404, "{path}");
    }
    let tag = json!({ "name": "x" });
    for (method, path, body) in [
        ("PUT", "", json!({ "namespace": "My::Space" })),
        ("DELETE", "", Value::Null),
        ("DELETE", "/objects", Value::Null),
        ("DELETE", "/properties/size", Value::Null),
        ("POST", "/tags/x", Value::Null),
        ("PUT", "/tags/round", tag),
        ("DELETE", "/resource_types/My::Type", Value::Null),
    ] {
        let path = format!("/namespaces/My::Space{path}");
        assert_eq!(status("member", method, &path, body.clone()).await, 403, "{method} {path}");
        assert_eq!(status("stranger", method, &path, body).await, 404, "{method} {path}");
    }
    assert_eq!(status("member", "POST", "/namespaces", json!({ "namespace": "y" })).await, 403);
    assert!(world.names("reader", "?limit=100").await.contains(&"My::Space".to_owned()));
    assert!(!world.names("stranger", "?limit=100").await.contains(&"My::Space".to_owned()));
}

#[tokio::test]
async fn a_protected_namespace_keeps_what_it_has() {
    let world = world().await;
    let mut kept = full();
    kept["protected"] = json!(true);
    world.done("POST", "/namespaces", kept, 201).await;
    for path in [
        "",
        "/objects",
        "/objects/box",
        "/properties",
        "/properties/size",
        "/tags",
        "/tags/round",
        "/resource_types/My::Type",
    ] {
        world.done("DELETE", &format!("/namespaces/My::Space{path}"), Value::Null, 403).await;
    }
    let opened =
        world.done("PUT", "/namespaces/My::Space", json!({ "namespace": "Mine", "owner": "project" }), 200).await;
    assert_eq!((&opened["protected"], &opened["visibility"]), (&json!(false), &json!("private")));
    assert!(opened.get("display_name").is_none(), "what is not given is unset");
    for path in ["/objects", "/properties", "/tags", "/resource_types/My::Type", ""] {
        world.done("DELETE", &format!("/namespaces/Mine{path}"), Value::Null, 204).await;
    }
    world.done("DELETE", "/namespaces/Mine", Value::Null, 404).await;
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let world = world().await;
    for (name, kind) in [("c", "K1"), ("a", "K2"), ("b", "K1")] {
        let body =
            json!({ "namespace": name, "visibility": "private", "resource_type_associations": [{ "name": kind }] });
        world.done("POST", "/namespaces", body, 201).await;
    }
    assert_eq!(world.names("admin", "?visibility=private").await, ["b", "a", "c"], "the newest first");
    assert_eq!(world.names("admin", "?visibility=private&sort_dir=asc").await, ["c", "a", "b"]);
    assert_eq!(world.names("admin", "?visibility=private&sort_key=namespace&sort_dir=asc").await, ["a", "b", "c"]);
    assert_eq!(world.names("admin", "?resource_types=K1").await, ["b", "c"]);
    assert_eq!(world.names("admin", "?resource_types=K2,K3").await, ["a"]);
    assert!(world.names("admin", "?resource_types=K3").await.is_empty());
    let page = world.get("/namespaces?visibility=private&limit=2").await;
    assert_eq!(page["namespaces"].as_array().unwrap().len(), 2);
    assert_eq!(page["first"], "/v2/metadefs/namespaces?visibility=private&limit=2");
    let next = page["next"].as_str().unwrap().strip_prefix("/v2/metadefs/namespaces").unwrap();
    assert_eq!(world.names("admin", next).await, ["c"]);
    world.done("GET", "/namespaces?marker=none", Value::Null, 404).await;
    for wrong in ["visibility=shared", "limit=-1", "limit=x", "sort_dir=up", "sort_key=color"] {
        world.done("GET", &format!("/namespaces?{wrong}"), Value::Null, 400).await;
    }
}

#[tokio::test]
async fn objects_come_change_and_go() {
    let world = world().await;
    world.done("POST", "/namespaces", json!({ "namespace": "n" }), 201).await;
    let path = "/namespaces/n/objects";
    let made = world.done("POST", path, json!({ "name": "o" }), 201).await;
    assert_eq!(keys(&made), ["created_at", "name", "schema", "self", "updated_at"]);
    world.done("POST", path, json!({ "name": "o" }), 409).await;
    world
        .done(
            "POST",
            path,
            json!({ "name": "q", "properties": { "p": { "type": "string", "title": "P", "x": 1 } } }),
            400,
        )
        .await;
    let shown = world.get("/namespaces/n/objects/o").await;
    assert_eq!((&shown["required"], &shown["properties"]), (&json!([]), &json!({})));
    let change = json!({ "name": "o2", "description": "d", "properties": { "p": { "type": "string", "title": "P" } } });
    let changed = world.done("PUT", "/namespaces/n/objects/o", change.clone(), 200).await;
    assert_eq!((&changed["properties"], changed.get("required")), (&change["properties"], None));
    world.done("GET", "/namespaces/n/objects/o", Value::Null, 404).await;
    let list = world.get(path).await;
    assert_eq!(
        (list["objects"][0]["description"].as_str(), list["schema"].as_str()),
        (Some("d"), Some("v2/schemas/metadefs/objects"))
    );
    world.done("GET", "/namespaces/n/objects?limit=0", Value::Null, 400).await;
    world.done("DELETE", "/namespaces/n/objects/o2", Value::Null, 204).await;
    world.done("DELETE", "/namespaces/n/objects/o2", Value::Null, 404).await;
}

#[tokio::test]
async fn properties_come_change_and_go_and_are_found_by_their_prefixed_name() {
    let world = world().await;
    let body =
        json!({ "namespace": "n", "resource_type_associations": [{ "name": "K", "prefix": "k_" }, { "name": "L" }] });
    world.done("POST", "/namespaces", body, 201).await;
    let path = "/namespaces/n/properties";
    let property =
        json!({ "name": "p", "title": "P", "type": "array", "items": { "type": "string" }, "operators": ["<or>"] });
    assert_eq!(world.done("POST", path, property.clone(), 201).await, property);
    world.done("POST", path, property.clone(), 409).await;
    world.done("POST", path, json!({ "title": "P", "type": "string" }), 400).await;
    assert_eq!(world.get("/namespaces/n/properties/p").await, property);
    assert_eq!(world.get("/namespaces/n/properties/k_p?resource_type=K").await, property);
    for query in ["p?resource_type=K", "p?resource_type=L", "k_p?resource_type=M", "q"] {
        world.done("GET", &format!("{path}/{query}"), Value::Null, 404).await;
    }
    let changed = json!({ "name": "p2", "title": "P", "type": "string" });
    assert_eq!(world.done("PUT", "/namespaces/n/properties/p", changed.clone(), 200).await, changed);
    assert_eq!(world.get(path).await, json!({ "properties": { "p2": changed } }));
    world.done("DELETE", "/namespaces/n/properties/p2", Value::Null, 204).await;
    world.done("DELETE", "/namespaces/n/properties/p2", Value::Null, 404).await;
}

#[tokio::test]
async fn tags_are_replaced_or_appended_renamed_and_paged() {
    let world = world().await;
    world.done("POST", "/namespaces", json!({ "namespace": "n" }), 201).await;
    let path = "/namespaces/n/tags";
    let tags = |names: &[&str]| json!({ "tags": names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>() });
    assert_eq!(world.done("POST", path, tags(&["a", "b"]), 201).await, tags(&["a", "b"]));
    assert_eq!(world.done("POST", path, tags(&["c", "d"]), 201).await, tags(&["c", "d"]));
    assert_eq!(world.get(path).await, tags(&["d", "c"]), "in the place of the others");
    let appended = world.call_with("admin", "POST", path, &[("x-openstack-append", "True")], tags(&["e"])).await;
    assert_eq!(appended.status, 201);
    let twice = world.call_with("admin", "POST", path, &[("x-openstack-append", "True")], tags(&["f", "e"])).await;
    assert_eq!(twice.status, 409);
    assert_eq!(world.get(path).await, tags(&["e", "d", "c"]), "one that fails leaves all as it was");
    assert_eq!(world.get("/namespaces/n/tags?sort_key=name&sort_dir=asc&limit=1&marker=c").await, tags(&["d"]));
    assert_eq!(
        keys(&world.done("POST", "/namespaces/n/tags/x", Value::Null, 201).await),
        ["created_at", "name", "updated_at"]
    );
    world.done("POST", "/namespaces/n/tags/x", Value::Null, 409).await;
    world.done("PUT", "/namespaces/n/tags/x", json!({ "name": "c" }), 409).await;
    assert_eq!(world.done("PUT", "/namespaces/n/tags/x", json!({ "name": "y" }), 200).await["name"], "y");
    world.done("GET", "/namespaces/n/tags/x", Value::Null, 404).await;
    world.done("POST", path, tags(&[&"x".repeat(81)]), 400).await;
    world.done("DELETE", "/namespaces/n/tags/y", Value::Null, 204).await;
    world.done("DELETE", path, Value::Null, 204).await;
    assert_eq!(world.get(path).await, tags(&[]));
}

#[tokio::test]
async fn resource_types_are_associated_once() {
    let world = world().await;
    world.done("POST", "/namespaces", json!({ "namespace": "n" }), 201).await;
    let path = "/namespaces/n/resource_types";
    let made = world.done("POST", path, json!({ "name": "K", "prefix": "k:" }), 201).await;
    assert_eq!(keys(&made), ["created_at", "name", "prefix", "updated_at"]);
    world.done("POST", path, json!({ "name": "K" }), 409).await;
    assert_eq!(world.get(path).await["resource_type_associations"], json!([made]));
    world.done("DELETE", "/namespaces/n/resource_types/K", Value::Null, 204).await;
    world.done("DELETE", "/namespaces/n/resource_types/K", Value::Null, 404).await;
}

#[tokio::test]
async fn the_usual_definitions_are_there_once_and_an_administrator_has_the_last_word() {
    let world = world().await;
    let names = world.names("reader", "?limit=100").await;
    assert!(names.contains(&"OS::Compute::LibvirtImage".to_owned()), "{names:?}");
    let flavors = world.names("reader", "?limit=100&resource_types=OS::Nova::Flavor").await;
    assert!(flavors.contains(&"OS::Compute::Quota".to_owned()) && flavors.len() < names.len(), "{flavors:?}");
    let open = json!({ "namespace": "OS::Compute::Quota", "display_name": "Changed", "visibility": "public" });
    world.done("PUT", "/namespaces/OS::Compute::Quota", open, 200).await;
    world.done("DELETE", "/namespaces/OS::Compute::AggregateNumInstancesFilter", Value::Null, 204).await;
    world.service.bootstrap().await.unwrap();
    assert_eq!(world.get("/namespaces/OS::Compute::Quota").await["display_name"], "Changed");
    assert_eq!(world.names("reader", "?limit=100").await.len(), names.len() - 1);
}

#[tokio::test]
async fn everybody_may_see_the_schemas() {
    let world = world().await;
    for (path, name) in [
        ("namespace", "namespace"),
        ("namespaces", "namespaces"),
        ("object", "object"),
        ("objects", "objects"),
        ("property", "property"),
        ("properties", "properties"),
        ("resource_type", "resource_type_association"),
        ("resource_types", "resource_type_associations"),
        ("tag", "tag"),
        ("tags", "tags"),
    ] {
        let path = format!("/image/v2/schemas/metadefs/{path}");
        let answer = testing::call(&world.app, "reader", "GET", &path, &[], &Value::Null).await.unwrap();
        assert_eq!((answer.status, &answer.json()["name"]), (200, &json!(name)), "{path}");
    }
}
