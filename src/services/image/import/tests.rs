//! Imports by the API: staged, from an address, unpacked, converted, cut off by a restart, given up.

use http_kit::Bytes;
use kit::config::ImageConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::tests::{World, raw, world, world_with};

fn direct() -> Value {
    json!({ "method": { "name": "glance-direct" } })
}

fn from(uri: &str) -> Value {
    json!({ "method": { "name": "web-download", "uri": uri } })
}

/// Lets the service fetch from this host.
fn open(config: &mut ImageConfig) {
    config.web_download.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    config.web_download.allowed_ports = Vec::new();
    config.web_download.attempts = 0;
}

/// A server of one file that says that it has `length` bytes; its URL.
async fn serve(bytes: Vec<u8>, length: usize) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bytes = Bytes::from(bytes);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(stream.read_u8().await.unwrap());
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
    });
    format!("http://{address}/disk.img")
}

async fn imported(world: &World, body: Value) -> (String, Value) {
    let id = world.image().await;
    assert_eq!(world.import("member", &id, body).await, 202);
    let image = world.settled(&id).await;
    (id, image)
}

#[tokio::test]
async fn what_is_staged_is_imported() {
    let world = world().await;
    let id = world.image().await;
    assert_eq!(world.import("member", &id, direct()).await, 409, "nothing is staged");
    assert_eq!(world.stage(&id, b"hello").await, 204);
    let staged = world.show(&id).await;
    assert_eq!((&staged["status"], &staged["size"]), (&json!("uploading"), &json!(5)));
    assert_eq!((world.stage(&id, b"again").await, world.upload(&id, b"x").await), (409, 409));
    assert_eq!(world.import("stranger", &id, direct()).await, 404);
    assert_eq!(world.import("reader", &id, direct()).await, 403);
    assert_eq!(world.import("member", &id, json!({ "method": { "name": "magic" } })).await, 400);
    // A restart keeps what is staged.
    world.service.bootstrap().await.unwrap();
    assert_eq!(world.import("member", &id, direct()).await, 202);
    let image = world.settled(&id).await;
    assert_eq!((&image["status"], &image["stores"]), (&json!("active"), &json!("file")));
    assert_eq!(image["checksum"], "5d41402abc4b2a76b9719d911017c592");
    assert_eq!((&image["os_glance_importing_to_stores"], &image["os_glance_failed_import"]), (&json!(""), &json!("")));
    assert_eq!(world.download(&id, &[]).await.text(), "hello");
    assert_eq!(world.files().len(), 1);
    assert_eq!(world.import("member", &id, direct()).await, 409, "it is active");

    let task = world.task(&id).await;
    assert_eq!((&task["type"], &task["status"]), (&json!("api_image_import"), &json!("success")));
    assert_eq!((&task["result"], &task["image_id"]), (&json!({ "image_id": id }), &json!(id)));
    assert_eq!(task["input"], json!({ "image_id": id, "import_req": direct(), "backend": ["file"] }));
}

#[tokio::test]
async fn tasks_are_an_administrators_and_cannot_be_deleted() {
    let world = world().await;
    let id = world.image().await;
    world.stage(&id, b"hello").await;
    world.import("member", &id, direct()).await;
    world.settled(&id).await;
    let call = async |token: &str, method: &str, path: &str| world.call(token, method, path, &[], Value::Null).await;
    assert_eq!(call("member", "GET", "/v2/tasks").await.status, 403);
    let listed = call("admin", "GET", "/v2/tasks?status=success").await.json();
    let task = &listed["tasks"][0];
    assert!(task.get("input").is_none() && task.get("expires_at").is_some(), "{task}");
    let path = task["self"].as_str().unwrap().to_owned();
    let shown = call("admin", "GET", &path).await.json();
    assert_eq!((&shown["input"]["image_id"], &shown["user_id"]), (&json!(id), &json!("member-user")));
    assert_eq!(call("admin", "DELETE", &path).await.status, 405);
    assert_eq!(call("admin", "GET", "/v2/tasks/nope").await.status, 404);
    assert_eq!(call("admin", "GET", "/v2/tasks?status=odd").await.status, 400);
    assert_eq!(call("admin", "GET", "/v2/tasks?status=failure").await.json()["tasks"], json!([]));
}

#[tokio::test]
async fn an_image_comes_from_an_address() {
    let world = world_with(open).await;
    let uri = serve(b"hello".to_vec(), 5).await;
    let (id, image) = imported(&world, from(&uri)).await;
    assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(5)), "{}", world.task(&id).await);
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn addresses_that_are_not_allowed_are_refused_before_anything_is_asked_of_them() {
    let world = world().await;
    let id = world.image().await;
    for uri in ["", "file:///etc/passwd", "ftp://example.org/x", "http://127.0.0.1/x", "http://169.254.169.254/"] {
        assert_eq!(world.import("member", &id, from(uri)).await, 400, "{uri}");
    }
    assert_eq!(world.show(&id).await["status"], "queued");
}

#[tokio::test]
async fn a_server_that_lies_leaves_a_clear_failure_and_nothing_else() {
    let world = world_with(open).await;
    let uri = serve(b"hello".to_vec(), 500).await;
    let (id, image) = imported(&world, from(&uri)).await;
    assert_eq!((&image["status"], &image["os_glance_failed_import"]), (&json!("queued"), &json!("file")));
    let task = world.task(&id).await;
    assert!(task["message"].as_str().unwrap().contains("broke off after 5 of 500 bytes"), "{task}");
    assert!(world.files().is_empty());
    let too_large = serve(vec![1; 2 << 20], 2 << 20).await;
    let (id, image) = imported(&world, from(&too_large)).await;
    assert_eq!(image["status"], "queued", "{}", world.task(&id).await);
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn bytes_are_inspected_whatever_way_they_came() {
    let world = world_with(open).await;
    let mut backed = b"QFI\xfb\0\0\0\x03\0\0\0\0\0\0\x02\0".to_vec();
    backed.resize(512, 0);
    let uri = serve(backed.clone(), backed.len()).await;
    let (web, image) = imported(&world, from(&uri)).await;
    assert_eq!(image["status"], "queued");
    let staged = world.image().await;
    world.stage(&staged, &backed).await;
    world.import("member", &staged, direct()).await;
    assert_eq!(world.settled(&staged).await["status"], "queued");
    for id in [web, staged] {
        let task = world.task(&id).await;
        assert!(task["message"].as_str().unwrap().starts_with("The image is refused"), "{task}");
    }
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn compressed_images_are_unpacked_where_that_is_set() {
    // `printf hello | gzip -n`
    let packed: &[u8] =
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0];
    let world = world_with(|config| {
        open(config);
        config.decompress = true;
    })
    .await;
    let uri = serve(packed.to_vec(), packed.len()).await;
    let (id, image) = imported(&world, from(&uri)).await;
    assert_eq!((&image["status"], &image["size"]), (&json!("active"), &json!(5)), "{}", world.task(&id).await);
    assert_eq!(world.download(&id, &[]).await.text(), "hello");
    let cut = serve(packed[..20].to_vec(), 20).await;
    let (_, image) = imported(&world, from(&cut)).await;
    assert_eq!(image["status"], "queued");
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn images_are_converted_where_that_is_set() {
    let world = world_with(|config| config.convert_to = "qcow2".to_owned()).await;
    let id = world.image().await;
    world.stage(&id, &vec![7; 64 << 10]).await;
    assert_eq!(world.import("member", &id, direct()).await, 202);
    let image = world.settled(&id).await;
    assert_eq!(image["status"], "active", "{}", world.task(&id).await);
    assert_eq!((&image["disk_format"], &image["virtual_size"]), (&json!("qcow2"), &json!(64 << 10)));
    assert!(world.download(&id, &[]).await.body.starts_with(b"QFI\xfb"));
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn the_old_way_makes_an_image_of_an_address() {
    let world = world_with(open).await;
    let uri = serve(b"hello".to_vec(), 5).await;
    let ask = async |input: Value| {
        let body = json!({ "type": "import", "input": input });
        world.call("admin", "POST", "/v2/tasks", &[], body).await
    };
    let input = |uri: &str, properties: Value| json!({ "import_from": uri, "import_from_format": "raw", "image_properties": properties });
    assert_eq!(ask(json!({ "import_from": uri })).await.status, 400);
    assert_eq!(ask(input("file:///etc/passwd", json!({}))).await.status, 400);
    assert_eq!(ask(input(&uri, json!({ "visibility": "odd" }))).await.status, 400);
    let made = ask(input(&uri, json!({ "name": "old" }))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let path = made.header("location").to_owned();
    let task = loop {
        let task = world.call("admin", "GET", &path, &[], Value::Null).await.json();
        if !["pending", "processing"].contains(&task["status"].as_str().unwrap()) {
            break task;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(task["status"], "success", "{task}");
    let id = task["result"]["image_id"].as_str().unwrap();
    let image = world.call("admin", "GET", &format!("/v2/images/{id}"), &[], Value::Null).await.json();
    let shown = (&image["name"], &image["status"], &image["disk_format"], &image["owner"]);
    assert_eq!(shown, (&json!("old"), &json!("active"), &json!("raw"), &json!("admin-project")));
}

#[tokio::test]
async fn what_was_asked_for_before_a_restart_is_done_after_it() {
    let world = world().await;
    let (begun, lost) = (world.image().await, world.image().await);
    let mut tasks = Vec::new();
    for id in [&begun, &lost] {
        world.stage(id, b"hello").await;
        let (image, task) = (kit::ids::ImageId::new(id), uuid::Uuid::new_v4().to_string());
        let status = if id == &begun { "pending" } else { "processing" };
        let input = json!({ "image_id": id, "import_req": direct(), "backend": ["file"] }).to_string();
        let row = [task.clone(), status.to_owned(), id.clone(), input];
        let write = move |db: &store::Connection| -> Result<(), kit::Fault> {
            let steps = (crate::domain::image::Status::Uploading, crate::domain::image::Status::Importing);
            let now = kit::Timestamp::UNIX_EPOCH;
            assert!(crate::db::imports::begin(db, &image, &task, steps, &["file".to_owned()], now)?);
            let sql = "INSERT INTO image_tasks (id, type, status, image_id, input, message, created_at, updated_at)
                       VALUES (?1, 'api_image_import', ?2, ?3, ?4, '', 0, 0)";
            store::query::execute(db, sql, row)?;
            Ok(())
        };
        world.store.write(write).await.unwrap();
        tasks.push(id);
    }
    world.service.bootstrap().await.unwrap();
    world.service.resume_imports().await.unwrap();
    assert_eq!(world.settled(&begun).await["status"], "active");
    // Nobody knows what became of this one: it had no journal.
    assert_eq!(world.settled(&lost).await["status"], "queued");
    assert_eq!(world.task(&lost).await["status"], "failure");
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn deleting_an_image_gives_up_its_import() {
    let world = world_with(open).await;
    // A server that never sends anything.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/never", listener.local_addr().unwrap());
    let id = world.image().await;
    assert_eq!(world.import("member", &id, from(&uri)).await, 202);
    let (_silent, _) = listener.accept().await.unwrap();
    assert_eq!(world.import("member", &id, from(&uri)).await, 409, "one at a time");
    assert_eq!(world.call("member", "DELETE", &format!("/v2/images/{id}"), &[], Value::Null).await.status, 204);
    let path = format!("/v2/tasks?image_id={id}&status=failure");
    while world.call("admin", "GET", &path, &[], Value::Null).await.json()["tasks"] == json!([]) {
        tokio::task::yield_now().await;
    }
    assert!(world.files().is_empty());
    let staged = world.create(raw()).await["id"].as_str().unwrap().to_owned();
    world.stage(&staged, b"x").await;
    world.call("member", "DELETE", &format!("/v2/images/{staged}"), &[], Value::Null).await;
    assert!(world.files().is_empty());
}
