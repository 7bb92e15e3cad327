//! Images of servers, as compute and its agents make them: over the bus.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bus::topics::image::{CreateSnapshot, DiscardSnapshot, ReceiveFile, Reception};
use kit::disk_image::testing::{hostile, qcow2};
use kit::ids::ImageId;
use kit::{Fault, Secret};

use super::*;

fn member() -> RequestContext {
    let identity = testing::identity("project", "user", &["member", "reader"]);
    RequestContext::anonymous().with_user(Arc::new(identity), Secret::new("member"))
}

fn asked(shared_with: Option<&str>) -> CreateSnapshot {
    CreateSnapshot {
        image_id: ImageId::random(),
        name: "snap".to_owned(),
        shared_with: shared_with.map(Into::into),
        min_disk_gb: 1,
        min_ram_mb: 64,
        properties: BTreeMap::from([("image_type".to_owned(), "snapshot".to_owned())]),
    }
}

impl World {
    async fn make(&self, message: CreateSnapshot) -> Result<(), Fault> {
        self.bus.client("compute-api").call(&member(), Target::Any, message).await
    }

    async fn receive(&self, id: &ImageId, path: &Path) -> Result<Reception, Fault> {
        let message = ReceiveFile {
            image_id: id.clone(),
            path: path.to_owned(),
            disk_format: "qcow2".to_owned(),
            container_format: "bare".to_owned(),
            properties: BTreeMap::from([("image_state".to_owned(), "available".to_owned())]),
        };
        self.bus.client("compute-agent").call(&RequestContext::service("compute-agent"), Target::Any, message).await
    }

    async fn discard(&self, id: &ImageId) {
        let context = RequestContext::service("compute-agent");
        let discard = DiscardSnapshot { image_id: id.clone() };
        self.bus.client("compute-agent").call(&context, Target::Any, discard).await.unwrap();
    }

    /// A file that an agent would have.
    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.store.directory().join("disk.snapshot");
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

#[tokio::test]
async fn a_snapshot_is_made_and_filled_from_a_file_however_often_it_is_said() {
    let world = world().await;
    let message = asked(None);
    let id = message.image_id.clone();
    for _ in 0..2 {
        world.make(message.clone()).await.unwrap();
    }
    let image = world.show(id.as_str()).await;
    for (name, value) in [
        ("name", json!("snap")),
        ("status", json!("queued")),
        ("visibility", json!("private")),
        ("owner", json!("project")),
        ("min_disk", json!(1)),
        ("min_ram", json!(64)),
        ("image_type", json!("snapshot")),
        ("disk_format", Value::Null),
    ] {
        assert_eq!(image[name], value, "{name}");
    }
    let path = world.file(&qcow2(1 << 30));
    for _ in 0..2 {
        assert_eq!(world.receive(&id, &path).await.unwrap(), Reception::Taken);
    }
    let image = world.show(id.as_str()).await;
    assert_eq!((&image["status"], &image["disk_format"]), (&json!("active"), &json!("qcow2")));
    assert_eq!((&image["virtual_size"], &image["image_state"]), (&json!(1 << 30), &json!("available")));
    assert!(path.exists(), "the file is its owner's");
    for _ in 0..2 {
        world.discard(&id).await;
    }
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn a_snapshot_of_anothers_server_is_shared_with_him() {
    let world = world().await;
    let message = asked(Some("elsewhere"));
    let id = message.image_id.clone();
    world.make(message).await.unwrap();
    assert_eq!(world.show(id.as_str()).await["visibility"], "shared");
    let seen = world.must_as("stranger", 200, "GET", &format!("/images/{id}"), Value::Null).await;
    assert_eq!(seen["status"], "queued");
    let members = world.must(200, "GET", &format!("/images/{id}/members"), Value::Null).await;
    assert_eq!(
        (&members["members"][0]["member_id"], &members["members"][0]["status"]),
        (&json!("elsewhere"), &json!("pending"))
    );
}

#[tokio::test]
async fn what_is_no_property_is_refused_and_so_is_one_image_too_many() {
    let world = world().await;
    for name in ["visibility", "status", "os_glance_x"] {
        let mut message = asked(None);
        message.properties.insert(name.to_owned(), "x".to_owned());
        assert!(world.make(message).await.is_err(), "{name}");
    }
    world.limits.lock().unwrap().insert("image_count_total".to_owned(), 1);
    world.make(asked(None)).await.unwrap();
    assert_eq!(world.make(asked(None)).await.unwrap_err().kind(), FaultKind::PayloadTooLarge);
}

#[tokio::test]
async fn a_snapshot_is_inspected_as_any_upload_is() {
    let world = world_with(|config| config.max_size_bytes = 16 << 20).await;
    for specimen in hostile().into_iter().filter(|specimen| specimen.declared == "qcow2") {
        let message = asked(None);
        let id = message.image_id.clone();
        world.make(message).await.unwrap();
        let refused = world.receive(&id, &world.file(&specimen.bytes)).await.unwrap_err();
        assert_eq!(refused.kind(), FaultKind::UnsupportedMediaType, "{}: {refused}", specimen.name);
        assert_eq!(world.show(id.as_str()).await["status"], "queued", "{}", specimen.name);
    }
    assert!(world.files().is_empty(), "{:?}", world.files());
}

#[tokio::test]
async fn bytes_elsewhere_are_sent_and_those_of_a_deleted_image_are_not_wanted() {
    let world = world().await;
    let message = asked(None);
    let id = message.image_id.clone();
    world.make(message).await.unwrap();
    let elsewhere = world.receive(&id, Path::new("/nowhere/disk.snapshot")).await.unwrap();
    assert_eq!(elsewhere, Reception::SendTo(format!("http://cloud.test/image/v2/images/{id}/file")));
    assert_eq!(world.put(id.as_str(), "file", &[], qcow2(1 << 20)).await, 204);
    assert_eq!(world.show(id.as_str()).await["status"], "active");
    world.discard(&id).await;
    let gone = world.receive(&id, &world.file(&qcow2(1 << 20))).await.unwrap_err();
    assert_eq!(gone.kind(), FaultKind::NotFound);
}
