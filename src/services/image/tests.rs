//! The service by its API and its topic, with its own files and tables.

mod cache;
mod corpus;
mod data;
mod lists;
mod members;
mod quotas;
mod resource;
mod snapshots;
pub(crate) mod stores;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::topics::identity;
use bus::topics::image::{GetImage, ImageLocation};
use bus::{Bus, Options, Target, Transport};
use http_kit::testing::{self, Answer, KnownTokens};
use http_kit::{App, Limits};
use kit::config::ImageConfig;
use kit::{FaultKind, RequestContext, SystemClock};
use serde_json::{Value, json};
use store::testing::TestStore;

use crate::Images;

const PATCH: (&str, &str) = ("content-type", "application/openstack-images-v2.1-json-patch");

pub(crate) struct World {
    pub app: App,
    pub bus: Bus,
    pub service: Arc<Images>,
    pub store: TestStore,
    limits: Arc<Mutex<BTreeMap<String, i64>>>,
    _servers: Vec<bus::ServerHandle>,
}

pub(crate) async fn world() -> World {
    world_with(|_| {}).await
}

/// A world whose configuration is changed; there may be a store `slow` in the directory `slow`.
pub(crate) async fn world_with(change: impl FnOnce(&mut ImageConfig)) -> World {
    let store = store::testing::store(&[crate::MIGRATIONS]);
    let bus = Bus::new(Options { transport: Transport::WireChecked, ..Options::default() });
    let mut config = ImageConfig { max_size_bytes: 1 << 20, ..ImageConfig::default() };
    change(&mut config);
    for store_of_config in &mut config.stores {
        store_of_config.path = store.directory().join(&store_of_config.path);
        std::fs::create_dir(&store_of_config.path).unwrap();
    }
    let clock = Arc::new(SystemClock);
    let service = Images::new(store.clone(), &bus, clock.clone(), config, store.directory(), "http://cloud.test");
    service.bootstrap().await.unwrap();
    let tokens = KnownTokens::usual()
        .with("stranger", testing::identity("elsewhere", "stranger", &["member", "reader"]))
        .with("service", testing::identity("services", "nova", &["service"]));
    let rest = service.rest().authenticator(Arc::new(tokens));
    let app = App::new(Limits::default(), clock).public_url("http://cloud.test").mount(rest).build().unwrap();
    let limits = Arc::new(Mutex::new(BTreeMap::new()));
    let told = limits.clone();
    let mut servers = service.serve(&bus);
    servers.push(
        bus.server(identity::TOPIC)
            .on(|_, _: identity::ValidateToken| async {
                Ok(Arc::new(testing::identity("p1", "u1", &["member", "reader"])))
            })
            .on(move |_, _: identity::GetLimits| {
                let limits = told.lock().unwrap().clone();
                async { Ok(limits) }
            })
            .start(),
    );
    World { app, bus, service, store, limits, _servers: servers }
}

impl World {
    pub async fn call(&self, token: &str, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        testing::call(&self.app, token, method, &format!("/image{path}"), headers, &body).await.unwrap()
    }

    /// As the member of the project `project`.
    async fn must(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        self.must_as("member", status, method, path, body).await
    }

    async fn must_as(&self, token: &str, status: u16, method: &str, path: &str, body: Value) -> Value {
        let headers: &[_] = if method == "PATCH" { &[PATCH] } else { &[] };
        let answer = self.call(token, method, &format!("/v2{path}"), headers, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        answer.json()
    }

    pub async fn create(&self, body: Value) -> Value {
        let answer = self.call("member", "POST", "/v2/images", &[], body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// A new raw image; its id.
    pub async fn image(&self) -> String {
        self.create(raw()).await["id"].as_str().unwrap().to_owned()
    }

    pub async fn upload(&self, id: &str, bytes: &[u8]) -> u16 {
        self.put(id, "file", &[], bytes.to_vec()).await
    }

    pub async fn stage(&self, id: &str, bytes: &[u8]) -> u16 {
        self.put(id, "stage", &[], bytes.to_vec()).await
    }

    pub async fn put(&self, id: &str, what: &str, headers: &[(&str, &str)], bytes: Vec<u8>) -> u16 {
        self.put_body(id, what, headers, http_body_util::Full::new(http_kit::Bytes::from(bytes))).await
    }

    pub async fn put_body<B>(&self, id: &str, what: &str, headers: &[(&str, &str)], body: B) -> u16
    where
        B: hyper::body::Body<Data = http_kit::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut request = hyper::Request::put(format!("/image/v2/images/{id}/{what}"))
            .header("x-auth-token", "member")
            .header("content-type", "application/octet-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.app.answer(request.body(body).unwrap()).await.status().as_u16()
    }

    pub async fn import(&self, token: &str, id: &str, body: Value) -> u16 {
        self.call(token, "POST", &format!("/v2/images/{id}/import"), &[], body).await.status
    }

    /// The bytes of an image, as `headers` ask for them.
    pub async fn download(&self, id: &str, headers: &[(&str, &str)]) -> Answer {
        self.call("member", "GET", &format!("/v2/images/{id}/file"), headers, Value::Null).await
    }

    /// The image, once nothing is done to it any more.
    pub async fn settled(&self, id: &str) -> Value {
        let waiting = async {
            loop {
                let image = self.show(id).await;
                let busy = ["saving", "importing"].contains(&image["status"].as_str().unwrap_or_default());
                if !busy && image.get("os_glance_import_task").is_none() {
                    return image;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap()
    }

    /// The only task of an image.
    pub async fn task(&self, id: &str) -> Value {
        let tasks = self.call("member", "GET", &format!("/v2/images/{id}/tasks"), &[], Value::Null).await.json();
        assert_eq!(tasks["tasks"].as_array().unwrap().len(), 1, "{tasks:#}");
        tasks["tasks"][0].clone()
    }

    pub async fn show(&self, id: &str) -> Value {
        self.call("member", "GET", &format!("/v2/images/{id}"), &[], Value::Null).await.json()
    }

    /// The files of all stores and of the staging area, each below the data directory.
    pub fn files(&self) -> Vec<String> {
        let list = |path: PathBuf| {
            std::fs::read_dir(path)
                .into_iter()
                .flatten()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.is_file())
        };
        let root = self.store.directory();
        let all = ["images", "images/incoming", "slow", "slow/incoming", "image-staging"];
        let mut files: Vec<String> = all
            .into_iter()
            .flat_map(|part| list(root.join(part)))
            .map(|path| path.strip_prefix(root).unwrap().display().to_string())
            .collect();
        files.sort();
        files
    }
}

pub(crate) fn raw() -> Value {
    json!({ "name": "x", "disk_format": "raw", "container_format": "bare", "p1": "v" })
}

#[tokio::test]
async fn an_image_is_made_filled_read_and_deleted() {
    let world = world().await;
    let made = world.create(raw()).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let mut keys: Vec<_> = made.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "checksum",
            "container_format",
            "created_at",
            "disk_format",
            "file",
            "id",
            "min_disk",
            "min_ram",
            "name",
            "os_hash_algo",
            "os_hash_value",
            "os_hidden",
            "owner",
            "p1",
            "protected",
            "schema",
            "self",
            "size",
            "status",
            "tags",
            "updated_at",
            "virtual_size",
            "visibility",
        ]
    );
    assert_eq!((&made["status"], &made["visibility"]), (&json!("queued"), &json!("shared")));
    let empty = world.call("member", "GET", &format!("/v2/images/{id}/file"), &[], Value::Null).await;
    assert_eq!(empty.status, 204);
    assert_eq!(world.upload(&id, b"hello").await, 204);
    let active = world.show(&id).await;
    assert_eq!((&active["status"], &active["size"], &active["virtual_size"]), (&json!("active"), &json!(5), &json!(5)));
    assert_eq!(active["checksum"], "5d41402abc4b2a76b9719d911017c592");
    assert!(active["os_hash_value"].as_str().unwrap().starts_with("9b71d224bd62f378"));
    let bytes = world.call("member", "GET", &format!("/v2/images/{id}/file"), &[], Value::Null).await;
    assert_eq!((bytes.status, bytes.text().as_str()), (200, "hello"));
    assert_eq!(world.upload(&id, b"again").await, 409, "an active image keeps its bytes");
    assert_eq!(world.call("member", "DELETE", &format!("/v2/images/{id}"), &[], Value::Null).await.status, 204);
    assert_eq!(world.call("member", "GET", &format!("/v2/images/{id}"), &[], Value::Null).await.status, 404);
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn bytes_that_are_not_what_was_declared_are_refused_and_can_be_sent_again() {
    let world = world().await;
    let made = world.create(json!({ "disk_format": "qcow2", "container_format": "bare" })).await;
    let id = made["id"].as_str().unwrap();
    let mut backed = b"QFI\xfb\0\0\0\x03\0\0\0\0\0\0\x02\0".to_vec();
    backed.resize(200, 0);
    assert_eq!(world.upload(id, b"no qcow2").await, 415);
    assert_eq!(world.upload(id, &backed).await, 415);
    assert_eq!(world.upload(id, &vec![0; (1 << 20) + 1]).await, 413, "larger than allowed");
    assert_eq!(world.show(id).await["status"], "queued");
    assert!(world.files().is_empty());
    assert_eq!(world.upload(id, &kit::disk_image::testing::qcow2(1 << 30)).await, 204);
    assert_eq!(world.show(id).await["virtual_size"], 1 << 30);
}

#[tokio::test]
async fn formats_must_be_set_before_bytes_come() {
    let world = world().await;
    let made = world.create(json!({ "name": "bare" })).await;
    assert_eq!(world.upload(made["id"].as_str().unwrap(), b"x").await, 400);
}

#[tokio::test]
async fn an_upload_that_a_crash_cut_off_starts_anew() {
    let world = world().await;
    let made = world.create(raw()).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let (of, now) = (kit::ids::ImageId::new(&id), kit::Timestamp::now());
    let (from, to) = (crate::domain::image::Status::Queued, crate::domain::image::Status::Saving);
    assert!(world.store.write(move |db| crate::db::images::change_status(db, &of, from, to, now)).await.unwrap());
    std::fs::write(world.store.directory().join("images/incoming").join(&id), "half").unwrap();
    std::fs::write(world.store.directory().join("images").join("a".repeat(128)), "no row").unwrap();
    world.service.bootstrap().await.unwrap();
    assert!(world.files().is_empty());
    assert_eq!(world.upload(&id, b"whole").await, 204);
}

#[tokio::test]
async fn others_see_what_they_may() {
    let world = world().await;
    let made = world.create(raw()).await;
    let path = format!("/v2/images/{}", made["id"].as_str().unwrap());
    assert_eq!(world.call("stranger", "GET", &path, &[], Value::Null).await.status, 404);
    let public = json!([{ "op": "replace", "path": "/visibility", "value": "public" }]);
    assert_eq!(world.call("member", "PATCH", &path, &[PATCH], public.clone()).await.status, 403);
    assert_eq!(world.call("admin", "PATCH", &path, &[PATCH], public).await.status, 200);
    assert_eq!(world.call("stranger", "GET", &path, &[], Value::Null).await.status, 200);
    assert_eq!(world.call("stranger", "DELETE", &path, &[], Value::Null).await.status, 403);
    assert_eq!(world.call("reader", "DELETE", &path, &[], Value::Null).await.status, 403);
    let wrong = [("content-type", "application/json")];
    assert_eq!(world.call("member", "PATCH", &path, &wrong, json!([])).await.status, 415);
    let list = world.call("stranger", "GET", "/v2/images", &[], Value::Null).await.json();
    assert_eq!(list["images"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let world = world().await;
    for index in 0..5 {
        world
            .create(json!({ "name": format!("i{index}"), "tags": [format!("t{}", index % 2)], "colour": "red" }))
            .await;
    }
    let names = async |query: &str| {
        let answer = world.call("member", "GET", &format!("/v2/images{query}"), &[], Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        let names: Vec<String> =
            body["images"].as_array().unwrap().iter().map(|image| image["name"].as_str().unwrap().to_owned()).collect();
        (names, body["next"].as_str().map(str::to_owned))
    };
    assert_eq!(names("?sort=name:asc&tag=t1").await.0, ["i1", "i3"]);
    assert_eq!(names("?name=in:i1,i4&sort=name:asc").await.0, ["i1", "i4"]);
    assert_eq!(names("?colour=red&name=i2").await.0, ["i2"]);
    assert!(names("?colour=blue").await.0.is_empty());
    let (page, next) = names("?sort=name:desc&limit=2").await;
    assert_eq!(page, ["i4", "i3"]);
    let next = next.unwrap();
    assert_eq!(names(next.strip_prefix("/v2/images").unwrap()).await.0, ["i2", "i1"]);
    let unknown = world.call("member", "GET", "/v2/images?marker=nope", &[], Value::Null).await;
    assert_eq!((unknown.status, unknown.json()["code"].as_str()), (400, Some("400 Bad Request")));
}

#[tokio::test]
async fn tags_come_and_go() {
    let world = world().await;
    let made = world.create(raw()).await;
    let path = format!("/v2/images/{}/tags/blue", made["id"].as_str().unwrap());
    assert_eq!(world.call("member", "PUT", &path, &[], Value::Null).await.status, 204);
    assert_eq!(world.show(made["id"].as_str().unwrap()).await["tags"], json!(["blue"]));
    assert_eq!(world.call("member", "DELETE", &path, &[], Value::Null).await.status, 204);
    assert_eq!(world.call("member", "DELETE", &path, &[], Value::Null).await.status, 404);
}

#[tokio::test]
async fn compute_is_told_where_the_bytes_are_and_only_what_its_caller_may_see() {
    let world = world().await;
    let made = world.create(raw()).await;
    let id = made["id"].as_str().unwrap();
    world.upload(id, b"hello").await;
    let client = world.bus.client("compute-agent");
    let get = || GetImage { image_id: id.into() };
    let image = client.call(&RequestContext::service("compute"), Target::Any, get()).await.unwrap();
    let Some(ImageLocation::File { path, url }) = image.location else { panic!("no location") };
    assert_eq!(std::fs::read(path).unwrap(), b"hello");
    assert_eq!(url, format!("http://cloud.test/image/v2/images/{id}/file"));
    let stranger = testing::identity("p2", "u2", &["member"]);
    let stranger = RequestContext::anonymous().with_user(Arc::new(stranger), kit::Secret::new("t"));
    assert_eq!(client.call(&stranger, Target::Any, get()).await.unwrap_err().kind(), FaultKind::NotFound);
    let nobody = client.call(&RequestContext::anonymous(), Target::Any, get()).await.unwrap_err();
    assert_eq!(nobody.kind(), FaultKind::Unauthorized);
}
