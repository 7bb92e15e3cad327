//! The service by its API and its topic, with agents that are fakes on the bus.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bus::topics::volume::{
    self, AttachVolume, BeginDetaching, CompleteAttachment, ConnectionInfo, Connector, DetachVolume,
};
use bus::topics::volume_agent::{ConnectVolume, DisconnectVolume, EnsureVolume, RemoveVolume, VolumeSource};
use bus::topics::{image, volume_agent};
use bus::{Bus, Options, ServerHandle, Target, Transport};
use http_kit::testing::{self, Answer, KnownTokens};
use http_kit::{App, Limits};
use kit::config::VolumeConfig;
use kit::ids::HostId;
use kit::{Fault, RequestContext, SystemClock};
use serde_json::{Value, json};
use store::testing::TestStore;
use workflow::Journal as _;

use crate::Volumes;

/// What the agent keeps.
#[derive(Default)]
pub(crate) struct Backend {
    pub volumes: Vec<(String, VolumeSource)>,
    failing: bool,
}

/// The service between its neighbours.
pub(crate) struct World {
    app: App,
    bus: Bus,
    pub service: Arc<Volumes>,
    pub backend: Arc<Mutex<Backend>>,
    pub store: TestStore,
    _servers: Vec<ServerHandle>,
}

fn agent(bus: &Bus, backend: &Arc<Mutex<Backend>>) -> ServerHandle {
    let (ensured, removed) = (backend.clone(), backend.clone());
    bus.server(volume_agent::TOPIC)
        .on_host(&HostId::new("here"))
        .on(move |_, EnsureVolume { volume, source }| {
            let backend = ensured.clone();
            async move {
                let mut backend = backend.lock().unwrap();
                if backend.failing {
                    return Err(Fault::unavailable("the disk is on fire"));
                }
                backend.volumes.retain(|(id, _)| id != volume.id.as_str());
                backend.volumes.push((volume.id.to_string(), source));
                Ok(())
            }
        })
        .on(move |_, RemoveVolume { volume_id }| {
            let backend = removed.clone();
            async move {
                backend.lock().unwrap().volumes.retain(|(id, _)| id != volume_id.as_str());
                Ok(())
            }
        })
        .on(|_, ConnectVolume { volume, read_only, .. }| async move {
            let path = format!("/volumes/{}", volume.id).into();
            Ok(ConnectionInfo::File { path, format: "raw".to_owned(), size_gb: volume.size_gb, read_only })
        })
        .on(|_, DisconnectVolume { .. }| async { Ok(()) })
        .start()
}

fn glance(bus: &Bus) -> ServerHandle {
    bus.server(image::TOPIC)
        .on(|_, image::GetImage { image_id }| async move {
            if image_id.as_str() != "i1" {
                return Err(Fault::not_found(format!("No image found with ID {image_id}")));
            }
            Ok(image::Image {
                id: image_id,
                name: Some("small".to_owned()),
                status: "active".to_owned(),
                owner: None,
                disk_format: Some("qcow2".to_owned()),
                container_format: Some("bare".to_owned()),
                size_bytes: 1000,
                virtual_size_bytes: Some(2 << 30),
                min_disk_gb: 0,
                min_ram_mb: 0,
                sha512: None,
                properties: [("hw_disk_bus".to_owned(), "virtio".to_owned())].into(),
                location: Some(image::ImageLocation::File { path: "/images/i1".into(), url: String::new() }),
            })
        })
        .start()
}

pub(crate) async fn world() -> World {
    let store = store::testing::store(&[crate::MIGRATIONS]);
    let bus = Bus::new(Options { transport: Transport::WireChecked, ..Options::default() });
    let clock = Arc::new(SystemClock);
    let service = Volumes::new(store.clone(), &bus, clock.clone(), VolumeConfig::default());
    service.bootstrap().await.unwrap();
    let rest = service.rest().authenticator(Arc::new(KnownTokens::usual()));
    let app = App::new(Limits::default(), clock).public_url("http://cloud.test").mount(rest).build().unwrap();
    let backend = Arc::<Mutex<Backend>>::default();
    let mut servers = service.serve(&bus);
    servers.extend([agent(&bus, &backend), glance(&bus), identity(&bus)]);
    let world = World { app, bus, service, backend, store, _servers: servers };
    world.register().await;
    world
}

fn identity(bus: &Bus) -> ServerHandle {
    use bus::topics::identity::{TOPIC, ValidateToken};
    let member = || Arc::new(testing::identity("project", "member-user", &["member", "reader"]));
    bus.server(TOPIC).on(move |_, _: ValidateToken| async move { Ok(member()) }).start()
}

impl World {
    async fn register(&self) -> usize {
        let register = volume::RegisterVolumeAgent {
            host: HostId::new("here"),
            backend: "file".to_owned(),
            total_gb: 100,
            free_gb: 90,
            starting: true,
        };
        self.rpc(register).await.unwrap().len()
    }

    async fn rpc<M: bus::Message>(&self, message: M) -> Result<M::Reply, Fault> {
        self.bus.client("test").call(&RequestContext::service("test"), Target::Any, message).await
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        testing::call(&self.app, "member", method, &format!("/volume/v3{path}"), &[], &body).await.unwrap()
    }

    pub async fn create(&self, body: Value) -> String {
        let answer = self.call("POST", "/volumes", json!({ "volume": body })).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()["volume"]["id"].as_str().unwrap().to_owned()
    }

    pub async fn show(&self, id: &str) -> Value {
        self.call("GET", &format!("/volumes/{id}"), Value::Null).await.json()["volume"].clone()
    }

    pub async fn becomes(&self, id: &str, status: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let volume = self.show(id).await;
            if volume["status"] == *status {
                return volume;
            }
            assert!(Instant::now() < deadline, "{id} is {} and not {status}", volume["status"]);
            tokio::task::yield_now().await;
        }
    }

    async fn is_gone(&self, id: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.call("GET", &format!("/volumes/{id}"), Value::Null).await.status != 404 {
            assert!(Instant::now() < deadline, "{id} is still there");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_volume_is_made_shown_changed_and_deleted() {
    let world = world().await;
    let id = world.create(json!({ "size": 1, "name": "data", "metadata": { "k": "v" } })).await;
    let volume = world.becomes(&id, "available").await;
    let mut keys: Vec<_> = volume.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "attachments",
            "availability_zone",
            "bootable",
            "consistencygroup_id",
            "created_at",
            "description",
            "encrypted",
            "id",
            "links",
            "metadata",
            "migration_status",
            "multiattach",
            "name",
            "os-vol-tenant-attr:tenant_id",
            "replication_status",
            "size",
            "snapshot_id",
            "source_volid",
            "status",
            "updated_at",
            "user_id",
            "volume_type",
        ]
    );
    assert_eq!((&volume["volume_type"], &volume["bootable"]), (&json!("__DEFAULT__"), &json!("false")));
    assert_eq!(world.backend.lock().unwrap().volumes, [(id.clone(), VolumeSource::Blank)]);
    let changed = world.call("PUT", &format!("/volumes/{id}"), json!({ "volume": { "name": "new" } })).await;
    assert_eq!(changed.json()["volume"]["name"], "new");
    assert_eq!(world.call("DELETE", &format!("/volumes/{id}"), Value::Null).await.status, 202);
    world.is_gone(&id).await;
    assert!(world.backend.lock().unwrap().volumes.is_empty());
    // The row is gone before the workflow has ended.
    let deadline = Instant::now() + Duration::from_secs(10);
    while !world.service.journal().unfinished().await.unwrap().is_empty() {
        assert!(Instant::now() < deadline, "workflows that are over leave no record");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_volume_is_filled_from_an_image_that_fits() {
    let world = world().await;
    let id = world.create(json!({ "size": 2, "imageRef": "i1" })).await;
    let volume = world.becomes(&id, "available").await;
    assert_eq!(
        (&volume["bootable"], &volume["volume_image_metadata"]["hw_disk_bus"]),
        (&json!("true"), &json!("virtio"))
    );
    let (_, source) = world.backend.lock().unwrap().volumes[0].clone();
    assert!(matches!(source, VolumeSource::Image { disk_format, .. } if disk_format == "qcow2"));
    let small = world.call("POST", "/volumes", json!({ "volume": { "size": 1, "imageRef": "i1" } })).await;
    assert_eq!(small.status, 400);
    assert!(small.text().contains("Size of specified image 2GB is larger than volume size 1GB."), "{}", small.text());
    let unknown = world.call("POST", "/volumes", json!({ "volume": { "size": 1, "imageRef": "nope" } })).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn attachments_and_status_go_together() {
    let world = world().await;
    let id = world.create(json!({ "size": 1 })).await;
    world.becomes(&id, "available").await;
    let reserve = || volume::ReserveVolume { volume_id: id.as_str().into(), server_id: "s1".into() };
    let attachment_id = world.rpc(reserve()).await.unwrap();
    assert_eq!(world.rpc(reserve()).await.unwrap(), attachment_id, "asking again makes no second one");
    assert_eq!(world.show(&id).await["status"], "reserved");
    let taken = world.rpc(volume::ReserveVolume { volume_id: id.as_str().into(), server_id: "s2".into() }).await;
    assert_eq!(taken.unwrap_err().kind(), kit::FaultKind::BadRequest);
    assert_eq!(world.call("DELETE", &format!("/volumes/{id}"), Value::Null).await.status, 400);
    let attach = || AttachVolume {
        volume_id: id.as_str().into(),
        server_id: "s1".into(),
        attachment_id: Some(attachment_id.clone()),
        connector: Connector { host: HostId::new("here") },
        device: Some("/dev/vdb".to_owned()),
    };
    let connected = world.rpc(attach()).await.unwrap();
    assert_eq!(world.rpc(attach()).await.unwrap(), connected);
    assert_eq!(world.show(&id).await["status"], "attaching");
    world.rpc(CompleteAttachment { attachment_id: attachment_id.clone(), device: None }).await.unwrap();
    let volume = world.show(&id).await;
    assert_eq!(volume["status"], "in-use");
    assert_eq!(
        (&volume["attachments"][0]["server_id"], &volume["attachments"][0]["device"]),
        (&json!("s1"), &json!("/dev/vdb"))
    );
    world.rpc(BeginDetaching { volume_id: id.as_str().into() }).await.unwrap();
    assert_eq!(world.show(&id).await["status"], "detaching");
    for _ in 0..2 {
        world.rpc(DetachVolume { attachment_id: attachment_id.clone() }).await.unwrap();
        assert_eq!(world.show(&id).await["status"], "available");
    }
}

#[tokio::test]
async fn quota_is_exact_under_a_race() {
    let world = Arc::new(world().await);
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let world = world.clone();
        racing.spawn(async move { world.call("POST", "/volumes", json!({ "volume": { "size": 1 } })).await.status });
    }
    let answers = racing.join_all().await;
    assert_eq!(answers.iter().filter(|status| **status == 202).count(), 10);
    assert_eq!(answers.iter().filter(|status| **status == 413).count(), 90);
}

#[tokio::test]
async fn a_failure_is_an_error_that_can_be_deleted() {
    let world = world().await;
    world.backend.lock().unwrap().failing = true;
    let id = world.create(json!({ "size": 1 })).await;
    world.becomes(&id, "error").await;
    world.call("DELETE", &format!("/volumes/{id}"), Value::Null).await;
    world.is_gone(&id).await;
}

#[tokio::test]
async fn what_is_asked_while_work_still_ends_waits_for_its_turn() {
    let world = world().await;
    let id = world.create(json!({ "size": 1 })).await;
    world.becomes(&id, "available").await;
    // The work that made it, as if its last record were long in being written.
    let ending = world.service.work.turns.take(&id).await;
    assert_eq!(world.call("DELETE", &format!("/volumes/{id}"), Value::Null).await.status, 202);
    assert_eq!(world.show(&id).await["status"], "deleting");
    drop(ending);
    world.is_gone(&id).await;
}

#[tokio::test]
async fn what_a_crash_cut_off_goes_on_when_the_agent_is_back() {
    let world = world().await;
    let id = world.create(json!({ "size": 1 })).await;
    world.becomes(&id, "available").await;
    // The row alone is left, as when the power went before the first record was on the disk.
    for status in ["creating", "deleting"] {
        let (of, status) = (id.clone(), status.to_owned());
        let write = move |db: &store::Connection| {
            store::query::execute(db, "UPDATE volume_volumes SET status = ?2 WHERE id = ?1", [of, status])
                .map_err(Fault::from)
        };
        world.store.write(write).await.unwrap();
        assert_eq!(world.register().await, 1);
        if world.show(&id).await["status"] != "deleting" && !world.show(&id).await.is_null() {
            world.becomes(&id, "available").await;
        }
    }
    world.is_gone(&id).await;
    world.service.work.stop().await;
}

#[tokio::test]
async fn others_get_404_and_bad_requests_400() {
    let world = world().await;
    let id = world.create(json!({ "size": 1 })).await;
    let (path, stranger) =
        (format!("/volume/v3/volumes/{id}"), testing::identity("elsewhere", "x", &["member", "reader"]));
    assert!(testing::call(&world.app, "admin", "GET", &path, &[], &Value::Null).await.unwrap().status == 200);
    let context = RequestContext::anonymous().with_user(Arc::new(stranger), kit::Secret::new("t"));
    let volume = world.service.visible(&context, &id.as_str().into()).await;
    assert_eq!(volume.unwrap_err().kind(), kit::FaultKind::NotFound);
    for (body, text) in [
        (json!({ "volume": { "size": 0 } }), "0 is less than the minimum of 1"),
        (json!({ "volume": {} }), "must be an integer and greater than 0"),
        (json!({ "volume": { "size": 1, "availability_zone": "mars" } }), "Availability zone 'mars' is invalid"),
    ] {
        let answer = world.call("POST", "/volumes", body).await;
        assert!(answer.status == 400 && answer.text().contains(text), "{} {}", answer.status, answer.text());
    }
}

#[tokio::test]
async fn the_summary_counts_what_the_project_has() {
    let world = world().await;
    world.create(json!({ "size": 2, "metadata": { "tier": "gold" } })).await;
    world.create(json!({ "size": 3, "metadata": { "tier": "iron" } })).await;
    let path = "/volume/v3/volumes/summary";
    let summary = async |token: &str, version: &str| {
        let headers = [("openstack-api-version", version)];
        testing::call(&world.app, token, "GET", path, &headers, &Value::Null).await.unwrap()
    };
    let sums = json!({ "volume-summary": { "total_count": 2, "total_size": 5 } });
    assert_eq!(summary("member", "volume 3.12").await.json(), sums);
    let metadata = &summary("member", "volume 3.36").await.json()["volume-summary"]["metadata"];
    assert_eq!(*metadata, json!({ "tier": ["gold", "iron"] }));
    assert_eq!(summary("admin", "volume 3.12").await.json()["volume-summary"]["total_count"], 0);
    assert_eq!(summary("member", "volume 3.11").await.status, 404);
}
