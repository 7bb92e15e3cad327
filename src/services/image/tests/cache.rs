//! The image cache.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{World, raw, world_with};

impl World {
    async fn filled(&self, bytes: &[u8]) -> String {
        let made = self.create(raw()).await;
        let id = made["id"].as_str().unwrap().to_owned();
        assert_eq!(self.upload(&id, bytes).await, 204);
        id
    }

    async fn cache(&self) -> Value {
        self.must_as("admin", 200, "GET", "/cache", Value::Null).await
    }

    /// Queues an image and waits until it is out of the queue.
    async fn cached(&self, id: &str) {
        self.must_as("admin", 202, "PUT", &format!("/cache/{id}"), Value::Null).await;
        let mut patience = 0..500;
        while self.cache().await["queued_images"] != json!([]) {
            assert!(patience.next().is_some(), "still queued");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn cache_files(&self) -> usize {
        let files = std::fs::read_dir(self.store.directory().join("cached-images")).unwrap();
        files.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_file()).count()
    }
}

#[tokio::test]
async fn what_is_asked_for_is_cached_read_and_forgotten() {
    let world = world_with(|_| {}).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(world.service.clone().run(stop.clone()));
    let id = world.filled(b"hello").await;
    world.cached(&id).await;
    let entry = &world.cache().await["cached_images"][0];
    let mut keys: Vec<_> = entry.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["checksum", "hits", "id", "image_id", "last_accessed", "last_modified", "size"]);
    assert_eq!((&entry["image_id"], &entry["size"], &entry["hits"]), (&json!(id), &json!(5), &json!(0)));
    let nodes = world.must_as("admin", 200, "GET", &format!("/cache/nodes/{id}"), Value::Null).await;
    assert_eq!(nodes, json!(["http://cloud.test/image"]));
    // Its store is gone, and it can be read all the same.
    std::fs::rename(world.store.directory().join("images"), world.store.directory().join("away")).unwrap();
    let bytes = world.call("member", "GET", &format!("/v2/images/{id}/file"), &[], Value::Null).await;
    assert_eq!((bytes.status, bytes.text().as_str()), (200, "hello"));
    std::fs::rename(world.store.directory().join("away"), world.store.directory().join("images")).unwrap();
    assert_eq!(world.cache().await["cached_images"][0]["hits"], 1);
    let twin = world.filled(b"hello").await;
    world.cached(&twin).await;
    assert_eq!((world.cache().await["cached_images"].as_array().unwrap().len(), world.cache_files()), (2, 1));
    world.must_as("admin", 204, "DELETE", &format!("/cache/{id}"), Value::Null).await;
    assert_eq!(world.cache_files(), 1, "the other one needs it");
    world.must(204, "DELETE", &format!("/images/{twin}"), Value::Null).await;
    assert_eq!((world.cache_files(), &world.cache().await["cached_images"]), (0, &json!([])));
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_cache_that_is_too_large_is_pruned_and_a_broken_one_cleaned() {
    let world = world_with(|config| config.cache_max_size_bytes = 8).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(world.service.clone().run(stop.clone()));
    let (first, second) = (world.filled(b"first").await, world.filled(b"second").await);
    for id in [&first, &second] {
        world.cached(id).await;
    }
    let pruned = async || world.must_as("admin", 200, "POST", "/cache/prune", Value::Null).await;
    // It is done by itself, too, some time after the last one came.
    let first_time = pruned().await["total_bytes_pruned"].clone();
    assert!(first_time == json!(0) || first_time == json!(5), "{first_time}");
    assert_eq!(pruned().await, json!({ "total_files_pruned": 0, "total_bytes_pruned": 0 }));
    let ids = async || world.cache().await["cached_images"].as_array().unwrap().clone();
    assert_eq!((ids().await.len(), &ids().await[0]["image_id"]), (1, &json!(second)));
    let directory = world.store.directory().join("cached-images");
    for entry in std::fs::read_dir(&directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    std::fs::write(directory.join("0".repeat(128)), "nobody's").unwrap();
    world.must_as("admin", 200, "POST", "/cache/clean", Value::Null).await;
    assert_eq!((world.cache_files(), ids().await.len()), (0, 0));
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn the_cache_is_the_administrators() {
    let world = world_with(|_| {}).await;
    let queued = world.create(raw()).await;
    let id = queued["id"].as_str().unwrap();
    world.must(403, "GET", "/cache", Value::Null).await;
    world.must(403, "PUT", &format!("/cache/{id}"), Value::Null).await;
    world.must_as("stranger", 404, "PUT", &format!("/cache/{id}"), Value::Null).await;
    world.must_as("admin", 400, "PUT", &format!("/cache/{id}"), Value::Null).await;
    world.must_as("admin", 404, "PUT", "/cache/nope", Value::Null).await;
    world.must_as("admin", 404, "GET", "/cache/nodes/nope", Value::Null).await;
    let none = world.must_as("admin", 200, "GET", &format!("/cache/nodes/{id}"), Value::Null).await;
    assert_eq!(none, json!([]));
    for (target, status) in [("cache", 204), ("queue", 204), ("", 204), ("everything", 400)] {
        let header = [("x-image-cache-clear-target", target)];
        let answer = world.call("admin", "DELETE", "/v2/cache", &header, Value::Null).await;
        assert_eq!(answer.status, status, "{target}");
    }
}
