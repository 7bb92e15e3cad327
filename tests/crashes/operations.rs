//! What is done to a cloud when it dies, and what is right afterwards.
//!
//! One server called `web` and volumes called `given` and `extra`: whoever looks finds them by their names, because an answer may
//! never have come.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::client::Client;
use crate::wait::until;

/// Where Nova's servers are.
const SERVERS: &str = "/compute/v2.1/servers";
/// Where Cinder's volumes are.
const VOLUMES: &str = "/volume/v3/volumes";
/// Where Glance's images are.
const IMAGES: &str = "/image/v2/images";

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Making a server with a config drive, a volume that it is given and one that is made for it.
    CreateServer,
    /// The same where the hypervisor does not start it.
    FailToCreateServer,
    /// Deleting such a server.
    DeleteServer,
    /// Stopping it.
    StopServer,
    /// Starting it.
    StartServer,
    /// Rebooting it.
    RebootServer,
    /// Resetting it.
    ResetServer,
    /// Giving it one more volume.
    AttachVolume,
    /// Taking a volume from it.
    DetachVolume,
    /// Making a volume out of an image.
    CreateVolume,
    /// Deleting a volume.
    DeleteVolume,
    /// Making an image of it.
    SnapshotServer,
    /// Making an image.
    CreateImage,
    /// Making an image by staging and importing it.
    ImportImage,
    /// The same where the cloud converts what is imported.
    ConvertImage,
    /// Deleting an image.
    DeleteImage,
}
use Operation::*;

impl Operation {
    /// Makes what it is about.
    pub async fn prepare(self, admin: &Client) {
        match self {
            CreateServer | FailToCreateServer => make_volume(admin, "given", Value::Null).await,
            DeleteServer | StopServer | RebootServer | ResetServer | DetachVolume | SnapshotServer => {
                make_server(admin).await;
            }
            StartServer => {
                make_server(admin).await;
                act(admin, json!({ "os-stop": null })).await;
                server_settles(admin).await;
            }
            AttachVolume => {
                make_server(admin).await;
                make_volume(admin, "extra", Value::Null).await;
            }
            CreateVolume | CreateImage | ImportImage | ConvertImage => {}
            DeleteVolume => make_volume(admin, "given", Value::Null).await,
            DeleteImage => {
                make_image(admin, "fresh").await;
            }
        }
    }

    /// Does it; the cloud may die over it.
    pub async fn perform(self, admin: &Client) {
        match self {
            CreateServer | FailToCreateServer => {
                let given = find(admin, VOLUMES, "given").await.unwrap();
                let body = server(admin, &given).await;
                let _dies = admin.send("POST", SERVERS, body).await;
            }
            DeleteServer => {
                let path = web(admin).await.unwrap();
                let _dies = admin.send("DELETE", &path, Value::Null).await;
            }
            StopServer => act(admin, json!({ "os-stop": null })).await,
            StartServer => act(admin, json!({ "os-start": null })).await,
            SnapshotServer => act(admin, json!({ "createImage": { "name": "fresh" } })).await,
            RebootServer => act(admin, json!({ "reboot": { "type": "SOFT" } })).await,
            ResetServer => act(admin, json!({ "reboot": { "type": "HARD" } })).await,
            AttachVolume => {
                let volume = find(admin, VOLUMES, "extra").await.unwrap();
                let path = format!("{}/os-volume_attachments", web(admin).await.unwrap());
                let body = json!({ "volumeAttachment": { "volumeId": volume } });
                let _dies = admin.send("POST", &path, body).await;
            }
            DetachVolume => {
                let volume = find(admin, VOLUMES, "given").await.unwrap();
                let path = format!("{}/os-volume_attachments/{volume}", web(admin).await.unwrap());
                let _dies = admin.send("DELETE", &path, Value::Null).await;
            }
            CreateVolume => {
                let image = find(admin, IMAGES, "disk").await.unwrap();
                let body = json!({ "volume": { "name": "given", "size": 1, "imageRef": image } });
                let _dies = admin.send("POST", VOLUMES, body).await;
            }
            DeleteVolume => {
                let id = find(admin, VOLUMES, "given").await.unwrap();
                let _dies = admin.send("DELETE", &format!("{VOLUMES}/{id}"), Value::Null).await;
            }
            CreateImage => {
                make_image(admin, "fresh").await;
            }
            ImportImage | ConvertImage => {
                import_image(admin).await;
            }
            DeleteImage => {
                let id = find(admin, IMAGES, "fresh").await.unwrap();
                let _dies = admin.send("DELETE", &format!("{IMAGES}/{id}"), Value::Null).await;
            }
        }
    }

    /// Waits until nothing is under way any more, and says what is wrong with what came of it.
    pub async fn outcome(self, admin: &Client, died_at: Option<&str>) -> Result<(), String> {
        let server = server_settles(admin).await;
        let status = server.as_ref().map_or("gone", |server| server["status"].as_str().unwrap());
        let volumes = volumes_settle(admin).await;
        let volume = |name: &str| volumes.iter().find(|volume| volume["name"] == name).map(|volume| &volume["status"]);
        let images = images_settle(admin).await;
        let right = match self {
            CreateServer | FailToCreateServer => match died_at {
                None if self == CreateServer => status == "ACTIVE",
                None => status == "ERROR",
                _ => ["gone", "ACTIVE", "ERROR"].contains(&status),
            },
            DeleteServer => status == "gone",
            StopServer => status == "SHUTOFF",
            StartServer | RebootServer | ResetServer => status == "ACTIVE",
            SnapshotServer => {
                // One that was accepted and not made yet leaves the server alone; all others come to their end.
                let begun = died_at.is_none_or(|point| !point.ends_with("accept/after"));
                let wanted: &[&str] = if begun { &["active"] } else { &[] };
                status == "ACTIVE" && images == wanted
            }
            AttachVolume => {
                let taken = died_at.is_none_or(|point| !point.ends_with("reserve/after"));
                status == "ACTIVE" && volume("extra").unwrap() == if taken { "in-use" } else { "available" }
            }
            DetachVolume => status == "ACTIVE" && volume("given").unwrap() == "available",
            CreateVolume => volume("given").is_none_or(|status| status == "available"),
            DeleteVolume => volumes.is_empty(),
            CreateImage => images.iter().all(|image| ["queued", "active"].contains(&image.as_str())),
            ImportImage | ConvertImage => {
                let settled: &[&str] = if died_at.is_none() { &["active"] } else { &["queued", "uploading", "active"] };
                images.iter().all(|image| settled.contains(&image.as_str()))
            }
            DeleteImage => images.is_empty(),
        };
        if right { Ok(()) } else { Err(format!("server {status}, volumes {volumes:?}, images {images:?}")) }
    }
}

/// The path of the server, if there is one.
pub async fn web(admin: &Client) -> Option<String> {
    Some(format!("{SERVERS}/{}", find(admin, SERVERS, "web").await?))
}

/// The id of what is called `name`.
async fn find(admin: &Client, collection: &str, name: &str) -> Option<String> {
    let listed = admin.get(collection).await?;
    let all = listed.as_object()?.values().find_map(Value::as_array)?;
    let found = all.iter().find(|one| one["name"] == name)?;
    found["id"].as_str().map(str::to_owned)
}

/// Has something done to the server; the cloud may die over it.
pub async fn act(admin: &Client, action: Value) {
    let path = format!("{}/action", web(admin).await.unwrap());
    let _dies = admin.send("POST", &path, action).await;
}

/// What every server needs: an image, a flavor.
pub async fn scenery(admin: &Client, disk: Vec<u8>) {
    let flavor = json!({ "flavor": { "id": "tiny", "name": "tiny", "vcpus": 1, "ram": 64, "disk": 1 } });
    admin.must("POST", "/compute/v2.1/flavors", flavor).await;
    upload_image(admin, "disk", disk).await.unwrap();
    // One comes and goes: networks have then what they keep.
    make_server(admin).await;
    clear(admin).await;
}

async fn server(admin: &Client, given: &str) -> Value {
    let image = find(admin, IMAGES, "disk").await.unwrap();
    let network = find(admin, "/network/v2.0/networks", "default").await.unwrap();
    let local = json!({
        "boot_index": 0, "source_type": "image", "uuid": image, "destination_type": "local", "delete_on_termination": true
    });
    let given = json!({ "boot_index": -1, "source_type": "volume", "uuid": given, "destination_type": "volume" });
    let made = json!({
        "boot_index": -1, "source_type": "blank", "volume_size": 1, "destination_type": "volume", "delete_on_termination": true
    });
    json!({ "server": {
        "name": "web", "imageRef": image, "flavorRef": "tiny", "networks": [{ "uuid": network }], "config_drive": true,
        "block_device_mapping_v2": [local, given, made],
    }})
}

async fn make_server(admin: &Client) {
    make_volume(admin, "given", Value::Null).await;
    let given = find(admin, VOLUMES, "given").await.unwrap();
    admin.must("POST", SERVERS, server(admin, &given).await).await;
    let server = server_settles(admin).await.unwrap();
    assert_eq!(server["status"], "ACTIVE", "{server:#}");
}

async fn make_volume(admin: &Client, name: &str, image: Value) {
    let body = json!({ "volume": { "name": name, "size": 1, "imageRef": image } });
    admin.must("POST", VOLUMES, body).await;
    volumes_settle(admin).await;
}

async fn make_image(admin: &Client, name: &str) -> Option<()> {
    upload_image(admin, name, vec![7; 2 << 20]).await
}

async fn upload_image(admin: &Client, name: &str, disk: Vec<u8>) -> Option<()> {
    let body = json!({ "name": name, "disk_format": "raw", "container_format": "bare" });
    let image = admin.send("POST", IMAGES, body).await?.json();
    let path = format!("{IMAGES}/{}/file", image["id"].as_str()?);
    admin.try_send("PUT", &path, "application/octet-stream", Bytes::from(disk)).await.map(|_| ())
}

/// Waits until nothing is done to the server any more; what it is then.
pub async fn server_settles(admin: &Client) -> Option<Value> {
    until("the server to settle", || async {
        let Some(path) = web(admin).await else { return Ok(None) };
        let Some(mut shown) = admin.get(&path).await else { return Ok(None) };
        let server = shown["server"].take();
        let settled = server["OS-EXT-STS:task_state"].is_null() && server["status"] != "BUILD";
        if settled {
            Ok(Some(server))
        } else {
            Err(format!("{} {}", server["status"], server["OS-EXT-STS:task_state"]))
        }
    })
    .await
}

async fn volumes_settle(admin: &Client) -> Vec<Value> {
    until("the volumes to settle", || async {
        let volumes = admin.get(&format!("{VOLUMES}/detail")).await.unwrap()["volumes"].take();
        let volumes = volumes.as_array().unwrap().clone();
        let settled = ["available", "in-use", "error"];
        let moving: Vec<_> = volumes.iter().filter(|one| !settled.contains(&one["status"].as_str().unwrap())).collect();
        if moving.is_empty() { Ok(volumes.clone()) } else { Err(format!("{moving:?}")) }
    })
    .await
}

/// Stages an image and has it imported; the cloud may die over it.
async fn import_image(admin: &Client) -> Option<()> {
    let body = json!({ "name": "fresh", "disk_format": "raw", "container_format": "bare" });
    let image = admin.send("POST", IMAGES, body).await?.json();
    let path = format!("{IMAGES}/{}", image["id"].as_str()?);
    let disk = Bytes::from(vec![7; 1 << 20]);
    admin.try_send("PUT", &format!("{path}/stage"), "application/octet-stream", disk).await?;
    let body = json!({ "method": { "name": "glance-direct" } });
    admin.send("POST", &format!("{path}/import"), body).await.map(|_| ())
}

/// What becomes of the images but the first.
async fn images_settle(admin: &Client) -> Vec<String> {
    until("the images to settle", || async {
        let images = admin.get(IMAGES).await.unwrap()["images"].take();
        let fresh = images.as_array().unwrap().iter().filter(|image| image["name"] != "disk");
        let all: Vec<String> = fresh.map(|image| image["status"].as_str().unwrap().to_owned()).collect();
        let moving = all.iter().any(|status| status == "importing" || status == "saving");
        if moving { Err(format!("{all:?}")) } else { Ok(all) }
    })
    .await
}

/// Deletes everything but the scenery.
pub async fn clear(admin: &Client) {
    if let Some(path) = web(admin).await {
        admin.must("DELETE", &path, Value::Null).await;
        until("the server to go", || async {
            match admin.get(&path).await {
                None => Ok(()),
                Some(server) => Err(server.to_string()),
            }
        })
        .await;
    }
    for volume in volumes_settle(admin).await {
        let path = format!("{VOLUMES}/{}", volume["id"].as_str().unwrap());
        admin.must("DELETE", &path, Value::Null).await;
    }
    until("the volumes to go", || async {
        let volumes = admin.get(VOLUMES).await.unwrap();
        if volumes["volumes"].as_array().unwrap().is_empty() { Ok(()) } else { Err(volumes.to_string()) }
    })
    .await;
    while let Some(id) = find(admin, IMAGES, "fresh").await {
        admin.must("DELETE", &format!("{IMAGES}/{id}"), Value::Null).await;
    }
}

/// What server, volumes and guest say about each other; an `Err` where they do not agree.
pub async fn agree(admin: &Client, guest: impl Fn(&str) -> Option<(bool, String)>) -> Result<(), String> {
    let server = server_settles(admin).await;
    let volumes = volumes_settle(admin).await;
    let Some(server) = server else {
        let used: Vec<_> = volumes.iter().filter(|volume| volume["status"] != "available").collect();
        return if used.is_empty() { Ok(()) } else { Err(format!("no server, but {used:?}")) };
    };
    let id = server["id"].as_str().unwrap();
    let guest = guest(id);
    let runs = guest.as_ref().is_some_and(|(runs, _)| *runs);
    if runs != (server["status"] == "ACTIVE") || (server["status"] == "ERROR" && guest.is_some()) {
        return Err(format!("the server is {} and its guest {guest:?}", server["status"]));
    }
    let path = format!("{SERVERS}/{id}/os-volume_attachments");
    let attached = admin.get(&path).await.unwrap().to_string();
    for volume in &volumes {
        let volume_id = volume["id"].as_str().unwrap();
        let in_use = volume["status"] == "in-use";
        let plugged = guest.as_ref().is_some_and(|(_, text)| text.contains(volume_id));
        let listed = attached.contains(volume_id);
        let failed = server["status"] == "ERROR";
        if (in_use, plugged) != (plugged, in_use) || (in_use != listed && !failed) {
            return Err(format!("{volume}: in the guest: {plugged}, in the server's list: {listed}"));
        }
    }
    if server["status"] == "ERROR" {
        let ports = admin.get(&format!("/network/v2.0/ports?device_id={id}")).await.unwrap();
        let used = admin.get("/compute/v2.1/os-hypervisors/statistics").await.unwrap();
        let used = &used["hypervisor_statistics"];
        if ports["ports"] != json!([]) || used["vcpus_used"] != 0 || used["memory_mb_used"] != 0 {
            return Err(format!("a server in ERROR holds {ports} {used}"));
        }
    }
    Ok(())
}
