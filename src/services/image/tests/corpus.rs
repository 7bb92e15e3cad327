//! The corpus of disk images through the service's doors: uploads and imports, in every disguise.

use kit::config::ImageConfig;
use kit::disk_image::testing::{Specimen, harmless, hostile, qcow2};
use serde_json::json;

use super::{World, world_with};

fn roomy(config: &mut ImageConfig) {
    config.max_size_bytes = 16 << 20;
}

async fn declared(world: &World, format: &str) -> String {
    let made = world.create(json!({ "disk_format": format, "container_format": "bare" })).await;
    made["id"].as_str().unwrap().to_owned()
}

/// Those that the API lets anybody declare.
fn known(specimen: &Specimen) -> bool {
    !matches!(specimen.declared, "qed" | "luks")
}

#[tokio::test]
async fn only_what_is_harmless_can_be_uploaded() {
    let world = world_with(roomy).await;
    for specimen in hostile().into_iter().filter(known) {
        let id = declared(&world, specimen.declared).await;
        assert_eq!(world.upload(&id, &specimen.bytes).await, 415, "{} as {}", specimen.name, specimen.declared);
        assert_eq!(world.show(&id).await["status"], "queued", "{}", specimen.name);
        assert!(world.files().is_empty(), "{}", specimen.name);
    }
    for specimen in harmless() {
        let id = declared(&world, specimen.declared).await;
        assert_eq!(world.upload(&id, &specimen.bytes).await, 204, "{}", specimen.name);
        let image = world.show(&id).await;
        assert!(image["status"] == "active" && image["virtual_size"].is_u64(), "{}: {image:#}", specimen.name);
    }
}

#[tokio::test]
async fn only_what_is_harmless_can_be_imported() {
    let world = world_with(roomy).await;
    let direct = json!({ "method": { "name": "glance-direct" } });
    let import = async |specimen: &Specimen| {
        let id = declared(&world, specimen.declared).await;
        assert_eq!(world.stage(&id, &specimen.bytes).await, 204);
        assert_eq!(world.import("member", &id, direct.clone()).await, 202);
        (world.settled(&id).await, world.task(&id).await)
    };
    for specimen in hostile().iter().filter(|specimen| known(specimen) && !specimen.name.contains("in disguise")) {
        let (image, task) = import(specimen).await;
        assert_ne!(image["status"], "active", "{} as {}", specimen.name, specimen.declared);
        assert_eq!(task["status"], "failure", "{}: {task:#}", specimen.name);
        assert!(task["message"].as_str().unwrap().contains("The image is refused"), "{}: {task:#}", specimen.name);
        assert!(world.files().is_empty(), "{}: {:?}", specimen.name, world.files());
    }
    for specimen in harmless().iter().filter(|specimen| specimen.bytes.len() < 1 << 20) {
        let (image, task) = import(specimen).await;
        assert_eq!(
            (&image["status"], &task["status"]),
            (&json!("active"), &json!("success")),
            "{}: {task:#}",
            specimen.name
        );
    }
}

#[tokio::test]
async fn what_is_converted_is_looked_at_first_even_where_nothing_else_is() {
    let open = |config: &mut ImageConfig| {
        roomy(config);
        config.enforce_format = false;
        config.convert_to = "raw".to_owned();
    };
    let world = world_with(open).await;
    let backed = hostile().into_iter().find(|specimen| specimen.name == "a qcow2 with a backing file").unwrap();
    let id = declared(&world, "qcow2").await;
    assert_eq!(world.stage(&id, &backed.bytes).await, 204);
    assert_eq!(world.import("member", &id, json!({ "method": { "name": "glance-direct" } })).await, 202);
    assert_ne!(world.settled(&id).await["status"], "active");
    assert!(world.task(&id).await["message"].as_str().unwrap().contains("backing file"));
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn a_disk_may_not_be_larger_than_the_operator_allows() {
    let small = |config: &mut ImageConfig| config.max_virtual_size_bytes = 1 << 30;
    let world = world_with(small).await;
    let id = declared(&world, "qcow2").await;
    assert_eq!(world.upload(&id, &qcow2((1 << 30) + 512)).await, 415);
    assert!(world.files().is_empty());
    assert_eq!(world.upload(&id, &qcow2(1 << 30)).await, 204);
}
