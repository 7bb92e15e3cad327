//! Start, stop, reboot, lock, consoles, metadata, tags, addresses, actions.

use bus::topics::compute_types::{TaskState, VmState};
use serde_json::{Value, json};

use super::fixture::{Fixture, message};

async fn act(cloud: &Fixture, token: &str, id: &str, body: Value) -> (u16, String) {
    message(&cloud.send(token, 1, "POST", &format!("/servers/{id}/action"), body).await)
}

#[tokio::test]
async fn a_server_is_stopped_and_started_once_each() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let refused = format!("Cannot 'start' instance {id} while it is in vm_state active");
    assert_eq!(act(&cloud, "member", &id, json!({ "os-start": null })).await, (409, refused));
    assert_eq!(act(&cloud, "member", &id, json!({ "os-stop": null })).await.0, 202);
    cloud.hears("StopInstance").await;
    let refused = format!("Cannot 'stop' instance {id} while it is in task_state powering-off");
    assert_eq!(act(&cloud, "member", &id, json!({ "os-stop": null })).await, (409, refused));
    cloud.set(&id, VmState::Stopped, None).await;
    let shown = cloud.get("member", 1, &format!("/servers/{id}")).await;
    assert_eq!(
        (&shown["server"]["status"], &shown["server"]["OS-EXT-STS:task_state"]),
        (&json!("SHUTOFF"), &Value::Null)
    );
    assert_eq!(act(&cloud, "member", &id, json!({ "os-start": null })).await.0, 202);
    cloud.hears("StartInstance").await;
}

#[tokio::test]
async fn a_reboot_shows_as_one() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    assert_eq!(act(&cloud, "member", &id, json!({ "reboot": { "type": "SOFT" } })).await.0, 202);
    cloud.hears("RebootInstance").await;
    let shown = cloud.get("member", 1, &format!("/servers/{id}")).await;
    assert_eq!(shown["server"]["status"], "REBOOT");
    // A hard one may overtake a soft one.
    assert_eq!(act(&cloud, "member", &id, json!({ "reboot": { "type": "HARD" } })).await.0, 202);
    let shown = cloud.get("member", 1, &format!("/servers/{id}")).await;
    assert_eq!(shown["server"]["status"], "HARD_REBOOT");
    let bad = act(&cloud, "member", &id, json!({ "reboot": { "type": "x" } })).await;
    assert_eq!(bad.0, 400);
    let none = act(&cloud, "member", &id, json!({ "bogus": null })).await;
    assert_eq!(none, (400, "There is no such action: bogus".into()));
}

#[tokio::test]
async fn a_locked_server_takes_nothing_from_its_owner() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    assert_eq!(act(&cloud, "admin", &id, json!({ "lock": null })).await.0, 202);
    assert_eq!(act(&cloud, "member", &id, json!({ "os-stop": null })).await, (409, format!("Instance {id} is locked")));
    assert_eq!(cloud.member("DELETE", &format!("/servers/{id}"), Value::Null).await.status, 409);
    let refused = act(&cloud, "member", &id, json!({ "unlock": null })).await;
    assert!(refused.1.contains("os-lock-server:unlock:unlock_override"), "{refused:?}");
    let shown = cloud.get("member", 73, &format!("/servers/{id}")).await;
    assert_eq!(shown["server"]["locked"], true);
    assert_eq!(act(&cloud, "admin", &id, json!({ "unlock": null })).await.0, 202);
    assert_eq!(act(&cloud, "member", &id, json!({ "os-stop": null })).await.0, 202);
}

#[tokio::test]
async fn consoles_are_read_and_opened() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let path = format!("/servers/{id}/action");
    let log = cloud.member("POST", &path, json!({ "os-getConsoleOutput": { "length": "5" } })).await;
    assert_eq!(log.json(), json!({ "output": "login:\nlast Some(5) lines" }));
    let old = cloud.member("POST", &path, json!({ "os-getVNCConsole": { "type": "novnc" } })).await.json();
    assert_eq!(old["console"]["type"], "novnc");
    let body = json!({ "remote_console": { "protocol": "vnc", "type": "novnc" } });
    let new = cloud.send("member", 6, "POST", &format!("/servers/{id}/remote-consoles"), body).await.json();
    let url = new["remote_console"]["url"].as_str().unwrap();
    let token = url.strip_prefix("http://c/console/vnc_auto.html?path=console%2Fwebsockify%3Ftoken%3D").unwrap();
    assert_eq!(token.len(), 36);
    let serial = json!({ "remote_console": { "protocol": "serial", "type": "serial" } });
    let serial = cloud.send("member", 8, "POST", &format!("/servers/{id}/remote-consoles"), serial).await.json();
    assert!(serial["remote_console"]["url"].as_str().unwrap().starts_with("ws://c/console/websockify?token=serial-"));
    let old = cloud.member("POST", &path, json!({ "os-getSerialConsole": { "type": "serial" } })).await.json();
    assert_eq!(old["console"]["type"], "serial");
    let tunnel = format!("/servers/{id}/cloudbox-tunnel");
    let made = cloud.member("POST", &tunnel, json!({ "tunnel": { "port": 22 } })).await.json();
    assert_eq!(made["tunnel"]["port"], 22);
    assert!(made["tunnel"]["url"].as_str().unwrap().starts_with("ws://c/console/websockify?token=port22-"));
    for wrong in [json!({ "tunnel": { "port": 0 } }), json!({ "tunnel": { "port": 22, "host": "10.0.0.1" } })] {
        assert_eq!(cloud.member("POST", &tunnel, wrong).await.status, 400);
    }
    cloud.set(&id, VmState::Stopped, Some(TaskState::PoweringOn)).await;
}

#[tokio::test]
async fn a_console_token_opens_its_server_until_it_expires() {
    use bus::topics::console::AuthorizeConsole;
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let token =
        crate::lifecycle::console::issue(&cloud.compute, &id.as_str().into(), crate::domain::console::Opens::Screen)
            .await
            .unwrap();
    let bus = bus::Bus::new(bus::Options::default());
    let _server = crate::lifecycle::console::serve(&cloud.compute, &bus);
    let ask = |token: &str| {
        let (client, message) = (bus.client("console"), AuthorizeConsole { token: kit::Secret::new(token) });
        async move { client.call(&kit::RequestContext::service("console"), bus::Target::Any, message).await }
    };
    let grant = ask(&token).await.unwrap();
    assert_eq!((grant.server_id.as_str(), grant.host.as_str()), (id.as_str(), "h1"));
    assert_eq!(ask("other").await.unwrap_err().kind(), kit::FaultKind::NotFound);
    cloud.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(ask(&token).await.unwrap_err().kind(), kit::FaultKind::NotFound);
}

#[tokio::test]
async fn metadata_can_be_changed_item_by_item() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let path = format!("/servers/{id}/metadata");
    let body = |key: &str, value: &str| json!({ "metadata": { key: value } });
    assert_eq!(cloud.member("POST", &path, body("a", "1")).await.json(), body("a", "1"));
    assert_eq!(cloud.member("POST", &path, body("b", "2")).await.json(), json!({ "metadata": { "a": "1", "b": "2" } }));
    let one = cloud.member("PUT", &format!("{path}/a"), json!({ "meta": { "a": "3" } })).await;
    assert_eq!((one.status, one.json()), (200, json!({ "meta": { "a": "3" } })));
    let other = cloud.member("PUT", &format!("{path}/a"), json!({ "meta": { "b": "3" } })).await;
    assert_eq!(message(&other), (400, "Request body and URI mismatch".into()));
    assert_eq!(cloud.member("DELETE", &format!("{path}/a"), Value::Null).await.status, 204);
    let gone = cloud.member("GET", &format!("{path}/a"), Value::Null).await;
    assert_eq!(message(&gone), (404, "Metadata item was not found".into()));
    assert_eq!(cloud.member("PUT", &path, body("c", "4")).await.json(), body("c", "4"));
}

#[tokio::test]
async fn tags_come_with_2_26() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let path = format!("/servers/{id}/tags");
    assert_eq!(cloud.send("member", 25, "GET", &path, Value::Null).await.status, 404);
    let tagged = cloud.send("member", 26, "PUT", &format!("{path}/red"), Value::Null).await;
    assert_eq!((tagged.status, tagged.header("location")), (201, format!("http://c/compute/v2.1{path}/red").as_str()));
    assert_eq!(cloud.send("member", 26, "PUT", &format!("{path}/red"), Value::Null).await.status, 204);
    assert_eq!(
        cloud.send("member", 26, "PUT", &path, json!({ "tags": ["b", "a"] })).await.json(),
        json!({ "tags": ["a", "b"] })
    );
    assert_eq!(cloud.send("member", 26, "GET", &format!("{path}/a"), Value::Null).await.status, 204);
    assert_eq!(cloud.send("member", 26, "GET", &format!("{path}/red"), Value::Null).await.status, 404);
    assert_eq!(cloud.send("member", 26, "DELETE", &format!("{path}/a"), Value::Null).await.status, 204);
    assert_eq!(cloud.get("member", 26, &format!("/servers/{id}")).await["server"]["tags"], json!(["b"]));
    assert_eq!(cloud.send("member", 26, "DELETE", &path, Value::Null).await.status, 204);
}

#[tokio::test]
async fn addresses_interfaces_and_groups_are_listed() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let ips = cloud.get("member", 1, &format!("/servers/{id}/ips")).await;
    assert_eq!(ips, json!({ "addresses": { "a": [{ "version": 4, "addr": "10.9.0.90" }] } }));
    let one = cloud.get("member", 1, &format!("/servers/{id}/ips/a")).await;
    assert_eq!(one["a"][0]["addr"], "10.9.0.90");
    let interfaces = cloud.get("member", 1, &format!("/servers/{id}/os-interface")).await;
    assert_eq!(interfaces["interfaceAttachments"][0]["port_state"], "ACTIVE");
    let groups = cloud.get("member", 1, &format!("/servers/{id}/os-security-groups")).await;
    assert_eq!(groups["security_groups"][0]["name"], "default");
}

#[tokio::test]
async fn what_was_asked_is_remembered_with_its_request() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let path = format!("/servers/{id}/action");
    let stop = cloud.member("POST", &path, json!({ "os-stop": null })).await;
    let request = stop.header("x-openstack-request-id").to_owned();
    let all = cloud.get("member", 1, &format!("/servers/{id}/os-instance-actions")).await;
    let names: Vec<_> = all["instanceActions"].as_array().unwrap().iter().map(|one| one["action"].clone()).collect();
    assert_eq!(names, ["stop", "create"]);
    assert_eq!(all["instanceActions"][0]["request_id"], request.as_str());
    let one = format!("/servers/{id}/os-instance-actions/{request}");
    assert!(cloud.get("member", 50, &one).await["instanceAction"].get("events").is_none());
    assert_eq!(cloud.get("member", 51, &one).await["instanceAction"]["events"], json!([]));
    let paged = cloud.get("member", 58, &format!("/servers/{id}/os-instance-actions?limit=1")).await;
    assert!(paged["links"][0]["href"].as_str().unwrap().ends_with(&format!("limit=1&marker={request}")));
    let none = cloud.member("GET", &format!("/servers/{id}/os-instance-actions/req-x"), Value::Null).await;
    assert_eq!(message(&none), (404, "Action req-x not found".into()));
}

#[tokio::test]
async fn what_a_crash_cut_off_is_taken_up_again() {
    let cloud = Fixture::new().await;
    // As a crash between the row and the scheduler's answer leaves them: one that waits, one that was being deleted.
    cloud.world.lock().unwrap().full = true;
    let (waiting, deleted) = (cloud.boot("waiting").await, cloud.boot("deleted").await);
    cloud.set(&waiting, VmState::Building, Some(TaskState::Scheduling)).await;
    cloud.set(&deleted, VmState::Building, Some(TaskState::Deleting)).await;
    cloud.world.lock().unwrap().full = false;
    crate::lifecycle::resume::run_after(&cloud.compute, std::time::Duration::ZERO).await;
    let shown = cloud.get("member", 1, &format!("/servers/{waiting}")).await;
    assert_eq!(shown["server"]["status"], "ACTIVE");
    assert_eq!(cloud.member("GET", &format!("/servers/{deleted}"), Value::Null).await.status, 404);
}
