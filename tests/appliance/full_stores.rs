//! An image store, or the staging area, whose disk is full: during an upload, an import from an address and a conversion. It is
//! said, the image can be filled again, nothing half-made stays, and other images are as they were.

use std::path::PathBuf;

use hyper::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::client::{Answer, Client};
use crate::full_disk::{dense, files, resize, small_disk, with_mounts};
use crate::scenery::image_of;
use crate::world::{World, id_of, until};

const IMAGES: &str = "/image/v2/images";

fn raw(name: &str) -> Value {
    json!({ "name": name, "disk_format": "raw", "container_format": "bare" })
}

/// Four megabytes that take as much on a disk.
fn large() -> Vec<u8> {
    dense().repeat(4)
}

/// Puts the directory `name` of the cloud on a disk of `size` of its own.
fn on_a_small_disk(world: &World, name: &str, size: &str) -> PathBuf {
    let directory = world.directory().join(name);
    small_disk(&directory, size);
    directory
}

async fn new(client: &Client, name: &str) -> String {
    id_of(&client.post(IMAGES, raw(name)).await.expect(201))
}

async fn put(client: &Client, id: &str, what: &str, bytes: Vec<u8>) -> Answer {
    let call = client.call(Method::PUT, &format!("{IMAGES}/{id}/{what}"));
    call.bytes("application/octet-stream", bytes).send().await
}

async fn import(client: &Client, id: &str, method: Value) {
    client.post(&format!("{IMAGES}/{id}/import"), json!({ "method": method })).await.expect(202);
}

/// The image, once no task has it any more.
async fn settled(client: &Client, id: &str) -> Value {
    until("the import to end", || async {
        let image = client.get(&format!("{IMAGES}/{id}")).await.expect(200);
        let busy = image["status"] == "importing" || image.get("os_glance_import_task").is_some();
        if busy { Err(image.to_string()) } else { Ok(image) }
    })
    .await
}

/// What the last task of an image says.
async fn said(client: &Client, id: &str) -> (String, String) {
    let tasks = client.get(&format!("{IMAGES}/{id}/tasks")).await.expect(200);
    let newest = tasks["tasks"].as_array().unwrap().iter().max_by_key(|task| task["created_at"].to_string()).unwrap();
    let text = |key: &str| newest[key].as_str().unwrap().to_owned();
    (text("status"), text("message"))
}

/// That `message` tells of the disk, and not where it is.
fn tells_of_space(world: &World, message: &str) {
    assert!(message.to_lowercase().contains("space"), "{message}");
    assert!(!message.contains(&world.directory().display().to_string()), "{message}");
}

/// A server of one file; its URL.
async fn serve(bytes: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(stream.read_u8().await.unwrap());
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
            // Who runs out of space hangs up.
            let _hung_up = async {
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&bytes).await
            }
            .await;
        }
    });
    format!("http://{address}/disk.raw")
}

async fn world_that_fetches(convert_to: &str) -> World {
    World::start_with(|config| {
        config.image.web_download.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.image.web_download.allowed_ports = Vec::new();
        config.image.convert_to = convert_to.to_owned();
    })
    .await
}

/// The files of a store, drafts included, and of the staging area.
fn kept(world: &World) -> (Vec<String>, Vec<String>, Vec<String>) {
    let directory = world.directory();
    let mut store = files(&directory.join("images"));
    store.retain(|name| name != "incoming");
    (store, files(&directory.join("images/incoming")), files(&directory.join("image-staging")))
}

#[test]
fn a_store_that_is_full_refuses_uploads_and_imports() {
    with_mounts(|| async {
        let world = World::start().await;
        let alice = world.member("alice").await;
        let store = on_a_small_disk(&world, "images", "3m");
        std::fs::create_dir(store.join("incoming")).unwrap();
        let intact = image_of(&alice, raw("intact"), dense()).await;
        let before = kept(&world);
        assert_eq!((before.0.len(), before.1.len(), before.2.len()), (1, 0, 0));

        let (uploaded, imported) = (new(&alice, "uploaded").await, new(&alice, "imported").await);
        let refused = put(&alice, &uploaded, "file", large()).await;
        assert_eq!(refused.status, 413, "{}", refused.text());
        tells_of_space(&world, &refused.text());
        put(&alice, &imported, "stage", large()).await.expect(204);
        import(&alice, &imported, json!({ "name": "glance-direct" })).await;
        let image = settled(&alice, &imported).await;
        assert_eq!((&image["status"], &image["os_glance_failed_import"]), (&json!("queued"), &json!("file")));
        let (status, message) = said(&alice, &imported).await;
        assert_eq!(status, "failure");
        tells_of_space(&world, &message);
        assert_eq!(alice.get(&format!("{IMAGES}/{uploaded}")).await.expect(200)["status"], "queued");
        assert_eq!(kept(&world), before, "nothing half-made stays");
        assert_eq!(alice.get(&format!("{IMAGES}/{intact}/file")).await.expect_bytes(200), dense());

        resize(&store, "16m");
        put(&alice, &uploaded, "file", large()).await.expect(204);
        put(&alice, &imported, "stage", large()).await.expect(204);
        import(&alice, &imported, json!({ "name": "glance-direct" })).await;
        assert_eq!(settled(&alice, &imported).await["status"], "active");
        assert_eq!(kept(&world).0.len(), 2, "equal bytes are there once");
    });
}

#[test]
fn a_staging_area_that_is_full_fails_what_is_staged_fetched_and_converted() {
    with_mounts(|| async {
        let world = world_that_fetches("qcow2").await;
        let alice = world.member("alice").await;
        let staging = on_a_small_disk(&world, "image-staging", "3m");
        let url = serve(large()).await;
        let nothing = kept(&world);
        let (staged, fetched, converted) = (new(&alice, "a").await, new(&alice, "b").await, new(&alice, "c").await);

        let refused = put(&alice, &staged, "stage", large()).await;
        assert_eq!(refused.status, 413, "{}", refused.text());
        tells_of_space(&world, &refused.text());
        assert_eq!(alice.get(&format!("{IMAGES}/{staged}")).await.expect(200)["status"], "queued");

        let (fetch, direct) = (json!({ "name": "web-download", "uri": url }), json!({ "name": "glance-direct" }));
        import(&alice, &fetched, fetch.clone()).await;
        failed_for_space(&world, &alice, &fetched).await;
        assert_eq!(kept(&world), nothing);

        // There is room for what is staged, and not for what becomes of it.
        put(&alice, &converted, "stage", dense().repeat(2)).await.expect(204);
        import(&alice, &converted, direct.clone()).await;
        failed_for_space(&world, &alice, &converted).await;
        assert_eq!(kept(&world), nothing);

        resize(&staging, "32m");
        for (id, method) in [(&fetched, fetch), (&converted, direct)] {
            if id == &converted {
                put(&alice, id, "stage", dense().repeat(2)).await.expect(204);
            }
            import(&alice, id, method).await;
            let image = settled(&alice, id).await;
            assert_eq!((&image["status"], &image["disk_format"]), (&json!("active"), &json!("qcow2")), "{image:#}");
        }
        assert!(kept(&world).2.is_empty());
    });
}

async fn failed_for_space(world: &World, client: &Client, id: &str) {
    let image = settled(client, id).await;
    assert_eq!(image["status"], "queued", "{image:#}");
    let (status, message) = said(client, id).await;
    assert_eq!(status, "failure");
    tells_of_space(world, &message);
}
