//! Quotas by unified limits, and what is shown of them.

use serde_json::{Value, json};

use super::{World, raw, world};

impl World {
    fn limit(&self, name: &str, limit: i64) {
        self.limits.lock().unwrap().insert(name.to_owned(), limit);
    }

    async fn usage(&self) -> Value {
        self.must_as("reader", 200, "GET", "/info/usage", Value::Null).await["usage"].clone()
    }
}

#[tokio::test]
async fn a_project_has_so_many_images_and_no_more_however_many_ask_at_once() {
    let world = world().await;
    world.limit("image_count_total", 5);
    let ask = || world.call("member", "POST", "/v2/images", &[], raw());
    let answers = futures_util::future::join_all((0..20).map(|_| ask())).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(201), count(413)), (5, 15));
    let refused = answers.iter().find(|answer| answer.status == 413).unwrap().json();
    assert!(refused["message"].as_str().unwrap().contains("image_count_total is over limit of 5"));
    let list = world.must(200, "GET", "/images", Value::Null).await;
    let id = list["images"][0]["id"].as_str().unwrap().to_owned();
    world.must(204, "DELETE", &format!("/images/{id}"), Value::Null).await;
    world.must(201, "POST", "/images", raw()).await;
    assert_eq!(world.usage().await["image_count_total"], json!({ "usage": 5, "limit": 5 }));
}

#[tokio::test]
async fn usage_is_shown_with_its_limits() {
    let world = world().await;
    let nothing = |limit: i64| json!({ "usage": 0, "limit": limit });
    world.limit("image_size_total", 10);
    assert_eq!(
        world.usage().await,
        json!({
            "image_size_total": nothing(10),
            "image_stage_total": nothing(-1),
            "image_count_total": nothing(-1),
            "image_count_uploading": nothing(-1),
        })
    );
    let made = world.create(raw()).await;
    assert_eq!(world.upload(made["id"].as_str().unwrap(), &vec![1; 1 << 20]).await, 204);
    let usage = world.usage().await;
    assert_eq!(usage["image_size_total"], json!({ "usage": 1, "limit": 10 }));
    assert_eq!(usage["image_count_total"]["usage"], 1);
    assert_eq!(usage["image_count_uploading"]["usage"], 0);
}
