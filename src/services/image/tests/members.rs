//! Sharing: members, what they say, what they see.

use serde_json::{Value, json};

use super::{World, raw, world};

impl World {
    async fn shared_with_elsewhere(&self) -> String {
        let made = self.create(raw()).await;
        let path = format!("/images/{}", made["id"].as_str().unwrap());
        self.must(200, "POST", &format!("{path}/members"), json!({ "member": "elsewhere" })).await;
        path
    }

    async fn count_as_stranger(&self, query: &str) -> usize {
        let list = self.must_as("stranger", 200, "GET", &format!("/images{query}"), Value::Null).await;
        list["images"].as_array().unwrap().len()
    }
}

#[tokio::test]
async fn a_member_sees_an_image_and_says_whether_it_wants_it_in_its_lists() {
    let world = world().await;
    let path = world.shared_with_elsewhere().await;
    let member = format!("{path}/members/elsewhere");
    let shown = world.must_as("stranger", 200, "GET", &member, Value::Null).await;
    let mut keys: Vec<_> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["created_at", "image_id", "member_id", "schema", "status", "updated_at"]);
    assert_eq!((&shown["status"], &shown["schema"]), (&json!("pending"), &json!("/v2/schemas/member")));
    world.must_as("stranger", 200, "GET", &path, Value::Null).await;
    assert_eq!(world.count_as_stranger("").await, 0);
    for (query, count) in [("pending", 1), ("all", 1), ("accepted", 0), ("rejected", 0)] {
        assert_eq!(world.count_as_stranger(&format!("?member_status={query}")).await, count, "{query}");
    }
    let said = world.must_as("stranger", 200, "PUT", &member, json!({ "status": "accepted" })).await;
    assert_eq!(said["status"], "accepted");
    assert_eq!(world.count_as_stranger("").await, 1);
    assert_eq!(world.count_as_stranger("?visibility=shared").await, 1);
    world.must_as("stranger", 200, "PUT", &member, json!({ "status": "rejected" })).await;
    assert_eq!(world.count_as_stranger("").await, 0);
    assert_eq!(world.count_as_stranger("?member_status=rejected").await, 1);
    world.must_as("stranger", 403, "DELETE", &path, Value::Null).await;
    world.must_as("stranger", 403, "PUT", &format!("{path}/tags/x"), Value::Null).await;
    world.must_as("stranger", 403, "DELETE", &member, Value::Null).await;
    world.must(204, "DELETE", &member, Value::Null).await;
    world.must(404, "DELETE", &member, Value::Null).await;
    world.must_as("stranger", 404, "GET", &path, Value::Null).await;
}

#[tokio::test]
async fn the_owner_makes_members_and_does_not_answer_for_them() {
    let world = world().await;
    let path = world.shared_with_elsewhere().await;
    let (members, member) = (format!("{path}/members"), format!("{path}/members/elsewhere"));
    world.must(409, "POST", &members, json!({ "member": "elsewhere" })).await;
    world.must(200, "POST", &members, json!({ "member": "third" })).await;
    let list = world.must(200, "GET", &members, Value::Null).await;
    assert_eq!((list["members"].as_array().unwrap().len(), &list["schema"]), (2, &json!("/v2/schemas/members")));
    let own = world.must_as("stranger", 200, "GET", &members, Value::Null).await;
    assert_eq!(own["members"].as_array().unwrap().len(), 1, "a member sees no other");
    world.must_as("stranger", 404, "GET", &format!("{members}/third"), Value::Null).await;
    world.must_as("stranger", 404, "PUT", &format!("{members}/third"), json!({ "status": "accepted" })).await;
    world.must_as("stranger", 403, "POST", &members, json!({ "member": "fourth" })).await;
    world.must(403, "PUT", &member, json!({ "status": "accepted" })).await;
    world.must_as("stranger", 400, "PUT", &member, json!({ "status": "undecided" })).await;
    world.must_as("stranger", 400, "PUT", &member, json!({})).await;
    for wrong in [json!({}), json!({ "member": "" }), json!({ "member": 1 }), json!([])] {
        world.must(400, "POST", &members, wrong).await;
    }
    world.must_as("reader", 403, "POST", &members, json!({ "member": "fourth" })).await;
    world.must_as("admin", 200, "PUT", &member, json!({ "status": "accepted" })).await;
}

#[tokio::test]
async fn only_shared_images_have_members() {
    let world = world().await;
    let path = world.shared_with_elsewhere().await;
    let (members, member) = (format!("{path}/members"), format!("{path}/members/elsewhere"));
    world.must(200, "PATCH", &path, json!([{ "op": "replace", "path": "/visibility", "value": "private" }])).await;
    world.must_as("stranger", 404, "GET", &path, Value::Null).await;
    world.must(403, "GET", &members, Value::Null).await;
    world.must(403, "POST", &members, json!({ "member": "fourth" })).await;
    world.must(404, "GET", &member, Value::Null).await;
    world.must(403, "DELETE", &member, Value::Null).await;
    world.must(404, "GET", "/images/nope/members", Value::Null).await;
}

#[tokio::test]
async fn an_image_has_so_many_members_and_no_more() {
    let world = world().await;
    let path = world.shared_with_elsewhere().await;
    for index in 1..128 {
        world.must(200, "POST", &format!("{path}/members"), json!({ "member": format!("m{index}") })).await;
    }
    world.must(413, "POST", &format!("{path}/members"), json!({ "member": "one more" })).await;
}
