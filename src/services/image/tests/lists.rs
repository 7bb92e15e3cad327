//! Lists: who sees what, filters, order, pages.

use serde_json::{Value, json};

use super::{World, raw, world};

impl World {
    /// The names in a list, as it is answered to `token`.
    async fn names_as(&self, token: &str, query: &str) -> Vec<String> {
        let body = self.must_as(token, 200, "GET", &format!("/images{query}"), Value::Null).await;
        body["images"].as_array().unwrap().iter().map(|image| image["name"].as_str().unwrap().to_owned()).collect()
    }

    async fn names(&self, query: &str) -> Vec<String> {
        self.names_as("member", query).await
    }
}

#[tokio::test]
async fn filters_compare_as_glance_compares() {
    let world = world().await;
    for (name, extra) in [
        ("one", json!({ "tags": ["a", "b"], "colour": "red", "min_ram": 64 })),
        ("t,w,o", json!({ "tags": ["a"], "colour": "blue", "protected": true })),
        ("th:ree", json!({ "disk_format": "qcow2", "os_hidden": true })),
    ] {
        let mut body = raw();
        body["name"] = name.into();
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        world.create(body).await;
    }
    let id = world.must(200, "GET", "/images?name=one", Value::Null).await["images"][0]["id"].clone();
    assert_eq!(world.upload(id.as_str().unwrap(), b"hello").await, 204);
    let both = ["one", "t,w,o"].as_slice();
    for (query, wanted) in [
        ("", both),
        ("&os_hidden=true", &["th:ree"]),
        ("&os_hidden=true&name=eq:th:ree", &["th:ree"]),
        ("&name=in:%22t,w,o%22,one", both),
        ("&name=in:t,w,o", &[]),
        ("&id=in:nope", &[]),
        ("&tag=a", both),
        ("&tag=a&tag=b", &["one"]),
        ("&colour=red", &["one"]),
        ("&colour=green", &[]),
        ("&protected=true", &["t,w,o"]),
        ("&protected=false", &["one"]),
        ("&status=active", &["one"]),
        ("&status=in:active,queued", both),
        ("&size=5", &["one"]),
        ("&size_min=5&size_max=5", &["one"]),
        ("&size_min=6", &[]),
        ("&size=much", &[]),
        ("&min_ram_min=1", &["one"]),
        ("&checksum=5d41402abc4b2a76b9719d911017c592", &["one"]),
        ("&os_hash_algo=sha512", &["one"]),
        ("&owner=project", both),
        ("&owner=elsewhere", &[]),
        ("&created_at=gt:2001-01-01T00:00:00Z", both),
        ("&created_at=lt:2001-01-01T00:00:00Z", &[]),
        ("&updated_at=neq:2001-01-01T00:00:00Z", both),
        ("&visibility=shared", both),
        ("&visibility=private", &[]),
        ("&visibility=all", both),
        ("&disk_format=raw&container_format=bare", both),
    ] {
        assert_eq!(world.names(&format!("?sort=name:asc{query}")).await, wanted, "{query}");
    }
    for wrong in [
        "name=like:x",
        "name=th:ree",
        "created_at=yesterday",
        "created_at=about:2001-01-01T00:00:00Z",
        "size_min=much",
        "visibility=secret",
        "member_status=undecided",
        "os_hidden=maybe",
        "protected=1",
        "changes-since=2001-01-01T00:00:00Z",
        "name=in:%22one",
        "limit=-1",
        "limit=x",
        "sort_key=colour",
        "sort_key=min_ram",
        "sort_key=name&sort_dir=up",
        "sort_key=name&sort_key=size&sort_key=id&sort_dir=asc&sort_dir=desc",
        "sort=name&sort_key=name",
        "sort=name:up",
    ] {
        world.must(400, "GET", &format!("/images?{wrong}"), Value::Null).await;
    }
}

#[tokio::test]
async fn lists_show_what_is_meant_for_the_project() {
    let world = world().await;
    let make = async |token: &str, visibility: &str| {
        let name = format!("{token}-{visibility}");
        let made =
            world.must_as(token, 201, "POST", "/images", json!({ "name": name, "visibility": visibility })).await;
        made["id"].as_str().unwrap().to_owned()
    };
    for visibility in ["private", "shared", "community"] {
        make("member", visibility).await;
        make("stranger", visibility).await;
    }
    make("admin", "public").await;
    let own = ["member-community", "member-private", "member-shared"];
    let seen = async |token: &str, query: &str| world.names_as(token, &format!("?sort=name:asc{query}")).await;
    assert_eq!(seen("member", "").await, ["admin-public", own[0], own[1], own[2]]);
    assert_eq!(seen("member", "&visibility=community").await, [own[0], "stranger-community"]);
    assert_eq!(seen("member", "&visibility=all").await, ["admin-public", own[0], own[1], own[2], "stranger-community"]);
    assert_eq!(seen("member", "&visibility=private").await, [own[1]]);
    let all = seen("admin", "").await;
    assert_eq!(all, ["admin-public", own[1], own[2], "stranger-private", "stranger-shared"]);
    assert_eq!(seen("admin", "&visibility=all").await.len(), 7);
    world.must_as("service", 403, "GET", "/images", Value::Null).await;
}

#[tokio::test]
async fn pages_follow_each_other_in_any_order() {
    let world = world().await;
    for index in 0..9 {
        world.create(json!({ "name": format!("i{}", index % 3), "min_ram": index, "visibility": "private" })).await;
    }
    for sort in ["", "sort=name:asc", "sort_key=name&sort_key=created_at&sort_dir=asc", "sort=size,name:asc,id:desc"] {
        let all = world.must(200, "GET", &format!("/images?{sort}"), Value::Null).await;
        let ids = |body: &Value| -> Vec<Value> {
            body["images"].as_array().unwrap().iter().map(|image| image["id"].clone()).collect()
        };
        let mut paged = Vec::new();
        let mut next = Some(format!("/images?limit=2&{sort}"));
        while let Some(path) = next {
            let page = world.must(200, "GET", &path, Value::Null).await;
            assert!(page["first"].as_str().unwrap().starts_with("/v2/images?limit=2"));
            paged.extend(ids(&page));
            next = page["next"].as_str().map(|next| next.strip_prefix("/v2").unwrap().to_owned());
        }
        assert_eq!(paged, ids(&all), "{sort}");
    }
    let newest = world.must(200, "GET", "/images", Value::Null).await;
    assert_eq!(newest["images"][0]["min_ram"], 8);
    let oldest = world.must(200, "GET", "/images?sort_key=name&sort_dir=asc", Value::Null).await;
    assert_eq!(oldest["images"][0]["min_ram"], 0, "what is the same comes by age, in the same direction");
    let others = world.must_as("stranger", 201, "POST", "/images", json!({ "visibility": "private" })).await;
    world.must(400, "GET", &format!("/images?marker={}", others["id"].as_str().unwrap()), Value::Null).await;
    assert!(world.must(200, "GET", "/images?limit=0", Value::Null).await["images"].as_array().unwrap().is_empty());
}
