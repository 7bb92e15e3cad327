//! Attaching and detaching volumes.

use bus::topics::compute_types::{TaskState, VmState};
use serde_json::{Value, json};

use super::fixture::{Fixture, NETWORK, VOLUME, message};

fn body() -> Value {
    json!({ "volumeAttachment": { "volumeId": VOLUME } })
}

#[tokio::test]
async fn a_volume_comes_and_goes() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let path = format!("/servers/{id}/os-volume_attachments");
    let answer = cloud.member("POST", &path, body()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let expected = json!({ "id": VOLUME, "volumeId": VOLUME, "serverId": id, "device": "/dev/vdb" });
    assert_eq!(answer.json()["volumeAttachment"], expected);
    cloud.hears("AttachVolume").await;
    assert_eq!(cloud.get("member", 1, &format!("{path}/{VOLUME}")).await["volumeAttachment"], expected);
    let again = cloud.member("POST", &path, body()).await;
    assert_eq!(message(&again), (400, format!("Invalid volume: volume {VOLUME} already attached")));
    let goes = json!({ "volumeAttachment": { "volumeId": VOLUME, "delete_on_termination": true } });
    assert_eq!(cloud.send("member", 85, "PUT", &format!("{path}/{VOLUME}"), goes).await.status, 202);
    assert_eq!(cloud.get("member", 79, &path).await["volumeAttachments"][0]["delete_on_termination"], true);
    assert_eq!(cloud.member("DELETE", &format!("{path}/{VOLUME}"), Value::Null).await.status, 202);
    cloud.hears("DetachVolume").await;
    assert!(cloud.heard().contains(&"BeginDetaching".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_attached_is_refused() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let path = format!("/servers/{id}/os-volume_attachments");
    let missing = cloud.member("POST", &path, json!({ "volumeAttachment": { "volumeId": NETWORK } })).await;
    assert_eq!(message(&missing), (404, format!("Volume {NETWORK} could not be found.")));
    let taken = json!({ "volumeAttachment": { "volumeId": VOLUME, "device": "/dev/vda" } });
    let taken = cloud.member("POST", &path, taken).await;
    assert_eq!(message(&taken), (409, "The supplied device path (/dev/vda) is in use.".into()));
    assert!(cloud.heard().contains(&"EndAttachment".to_owned()));
    cloud.world.lock().unwrap().volume_status = "in-use".into();
    let used = cloud.member("POST", &path, body()).await;
    let text = format!("Invalid volume: volume '{VOLUME}' status must be 'available'. Currently in 'in-use'");
    assert_eq!(message(&used), (400, text));
    cloud.set(&id, VmState::Active, Some(TaskState::PoweringOff)).await;
    let busy = cloud.member("POST", &path, body()).await;
    assert_eq!(
        message(&busy),
        (409, format!("Cannot 'attach_volume' instance {id} while it is in task_state powering-off"))
    );
    let none = cloud.member("DELETE", &format!("{path}/{VOLUME}"), Value::Null).await;
    assert_eq!(message(&none), (404, format!("Instance {id} is not attached to volume {VOLUME}")));
}

#[tokio::test]
async fn from_2_101_on_nothing_is_answered_but_that_it_was_accepted() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let answer = cloud.send("member", 101, "POST", &format!("/servers/{id}/os-volume_attachments"), body()).await;
    assert_eq!((answer.status, answer.text().as_str()), (202, ""));
}
