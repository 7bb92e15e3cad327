//! Making, showing, changing and deleting servers.

use serde_json::{Value, json};

use super::fixture::{Fixture, IMAGE, NETWORK, VOLUME, message, server};

#[tokio::test]
async fn a_new_server_is_answered_at_once_and_then_runs() {
    let cloud = Fixture::new().await;
    let answer = cloud.member("POST", "/servers", server("srv")).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let made = answer.json()["server"].clone();
    let id = made["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("http://c/compute/v2.1/servers/{id}"));
    let keys: Vec<_> = made.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["OS-DCF:diskConfig", "adminPass", "id", "links", "security_groups"]);
    assert_eq!(made["adminPass"].as_str().unwrap().len(), 12);
    let shown = cloud.get("member", 1, &format!("/servers/{id}")).await;
    assert_eq!(shown["server"]["status"], "ACTIVE");
}

/// The fields of a show, without what differs from run to run.
async fn fields(cloud: &Fixture, token: &str, minor: u16, id: &str) -> String {
    let mut shown = cloud.get(token, minor, &format!("/servers/{id}")).await["server"].take();
    let shown = shown.as_object_mut().unwrap();
    for name in ["id", "links", "hostId"] {
        assert!(shown.remove(name).is_some());
    }
    if let Some(id) = shown.get_mut("OS-EXT-SRV-ATTR:reservation_id") {
        *id = json!("r-x");
    }
    shown.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_show_has_the_fields_of_its_microversion() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    insta::assert_snapshot!("member_2_1", fields(&cloud, "member", 1, &id).await);
    insta::assert_snapshot!("admin_2_1", fields(&cloud, "admin", 1, &id).await);
    insta::assert_snapshot!("admin_2_104", fields(&cloud, "admin", 104, &id).await);
    insta::assert_snapshot!("member_2_104", fields(&cloud, "member", 104, &id).await);
}

#[tokio::test]
async fn no_host_means_error_and_the_fault_says_why() {
    let cloud = Fixture::new().await;
    cloud.world.lock().unwrap().full = true;
    let id = cloud.boot("srv").await;
    let shown = cloud.get("member", 1, &format!("/servers/{id}")).await;
    assert_eq!(shown["server"]["status"], "ERROR");
    assert_eq!(shown["server"]["fault"]["code"], 500);
    assert_eq!(shown["server"]["fault"]["message"], "No valid host was found. RamFilter left 0 of 1 hosts.");
    let actions = cloud.get("member", 1, &format!("/servers/{id}/os-instance-actions")).await;
    assert_eq!(actions["instanceActions"][0]["message"], "Error");
    // It has no host: deleting it gives back its ports and is done at once.
    assert_eq!(cloud.member("DELETE", &format!("/servers/{id}"), Value::Null).await.status, 204);
    assert!(cloud.heard().contains(&"DeallocateForInstance".to_owned()));
    let gone = cloud.member("GET", &format!("/servers/{id}"), Value::Null).await;
    assert_eq!(message(&gone), (404, format!("Instance {id} could not be found.")));
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_novas_words() {
    let cloud = Fixture::new().await;
    let cases = [
        (
            json!({ "name": "a", "flavorRef": "1", "imageRef": "nope" }),
            "Invalid input for field/attribute imageRef. Value: nope. 'nope' is not valid under any of the given schemas",
        ),
        (json!({ "name": "a", "flavorRef": "1", "imageRef": NETWORK }), "Can not find requested image"),
        (json!({ "name": "a", "flavorRef": "77", "imageRef": IMAGE }), "Flavor 77 could not be found."),
        (json!({ "name": "a", "flavorRef": "1" }), "Missing imageRef attribute"),
        (json!({ "name": "a", "flavorRef": "1", "imageRef": IMAGE, "key_name": "k" }), "Invalid key_name provided."),
        (
            json!({ "name": "a", "flavorRef": "1", "imageRef": IMAGE, "user_data": "%" }),
            "User data needs to be valid base 64.",
        ),
        (
            json!({ "name": "a", "flavorRef": "1", "imageRef": IMAGE, "availability_zone": "moon" }),
            "The requested availability zone is not available",
        ),
        (
            json!({ "name": "a", "flavorRef": "1", "imageRef": IMAGE, "min_count": 3, "max_count": 2 }),
            "min_count must be <= max_count",
        ),
        (
            json!({ "name": "a", "flavorRef": "1", "imageRef": IMAGE, "networks": [{ "uuid": "x" }] }),
            "Bad networks format: network uuid is not in proper format (x)",
        ),
        (
            json!({ "name": "a", "flavorRef": "1", "imageRef": IMAGE, "networks": [{ "uuid": IMAGE }] }),
            "Network x could not be found.",
        ),
    ];
    for (body, text) in cases {
        let answer = cloud.member("POST", "/servers", json!({ "server": body })).await;
        assert_eq!(message(&answer), (400, text.to_owned()));
    }
    let missing = cloud.member("POST", "/servers", json!({ "server": { "name": "a", "bogus": 1 } })).await;
    assert!(message(&missing).1.ends_with("'flavorRef' is a required property"), "{}", missing.text());
    assert_eq!(cloud.get("member", 1, "/servers").await["servers"], json!([]));
}

#[tokio::test]
async fn only_administrators_choose_a_host() {
    let cloud = Fixture::new().await;
    let mut body = server("a");
    body["server"]["availability_zone"] = json!("nova:h1");
    let refused = cloud.member("POST", "/servers", body.clone()).await;
    assert_eq!(
        message(&refused),
        (403, "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.".into())
    );
    assert_eq!(cloud.send("admin", 1, "POST", "/servers", body).await.status, 202);
}

#[tokio::test]
async fn a_reader_makes_nothing() {
    let cloud = Fixture::new().await;
    let refused = cloud.send("reader", 1, "POST", "/servers", server("a")).await;
    assert_eq!(message(&refused), (403, "Policy doesn't allow os_compute_api:servers:create to be performed.".into()));
}

#[tokio::test]
async fn several_are_made_as_far_as_the_quota_goes() {
    let cloud = Fixture::new().await;
    let quota = json!({ "quota_set": { "instances": 3 } });
    assert_eq!(cloud.send("admin", 1, "PUT", "/os-quota-sets/project", quota).await.status, 200);
    let mut body = server("many");
    body["server"]["max_count"] = json!(5);
    body["server"]["min_count"] = json!("2");
    body["server"]["return_reservation_id"] = json!(true);
    let answer = cloud.member("POST", "/servers", body).await;
    assert_eq!(answer.status, 202);
    let reservation = answer.json()["reservation_id"].as_str().unwrap().to_owned();
    let listed = cloud.get("member", 1, &format!("/servers?reservation_id={reservation}")).await;
    let names: Vec<_> = listed["servers"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["many-3", "many-2", "many-1"]);
    let over = cloud.member("POST", "/servers", server("a")).await;
    let text = "Quota exceeded for instances: Requested 1, but already used 3 of 3 instances";
    assert_eq!(message(&over), (403, text.to_owned()));
}

#[tokio::test]
async fn racing_requests_never_overshoot_the_quota() {
    let cloud = Fixture::new().await;
    let all = (0..25).map(|index| cloud.member("POST", "/servers", server(&format!("r{index}"))));
    let statuses: Vec<u16> = futures_util::future::join_all(all).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 202).count(), 10);
    assert_eq!(cloud.get("member", 1, "/servers").await["servers"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn a_volume_to_boot_from_is_reserved_and_given_back_on_failure() {
    let cloud = Fixture::new().await;
    let body = |minor_fault: bool| {
        json!({ "server": {
            "name": "bfv", "flavorRef": "1", "networks": [],
            "metadata": if minor_fault { (0..200).map(|n| (n.to_string(), json!("v"))).collect() } else { serde_json::Map::new() },
            "block_device_mapping_v2": [{ "source_type": "volume", "uuid": VOLUME, "destination_type": "volume", "boot_index": 0 }],
        }})
    };
    let refused = cloud.member("POST", "/servers", body(true)).await;
    assert_eq!(message(&refused), (403, "Maximum number of metadata items exceeds 128".into()));
    assert_eq!(cloud.heard(), ["ReserveVolume", "EndAttachment"]);
    let made = cloud.member("POST", "/servers", body(false)).await;
    assert_eq!(made.status, 202, "{}", made.text());
    let id = made.json()["server"]["id"].as_str().unwrap().to_owned();
    let shown = cloud.get("member", 79, &format!("/servers/{id}")).await;
    assert_eq!(shown["server"]["image"], "");
    let volumes = &shown["server"]["os-extended-volumes:volumes_attached"];
    assert_eq!(*volumes, json!([{ "id": VOLUME, "delete_on_termination": false }]));
    let attached = cloud.get("member", 89, &format!("/servers/{id}/os-volume_attachments")).await;
    assert_eq!(attached["volumeAttachments"][0]["attachment_id"], "attachment-1");
    let root = cloud.member("DELETE", &format!("/servers/{id}/os-volume_attachments/{VOLUME}"), Value::Null).await;
    assert_eq!(message(&root), (400, "Cannot detach a root device volume".into()));
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let path = format!("/servers/{id}");
    let body = json!({ "server": { "name": " new name".trim(), "accessIPv4": "1.2.3.4" } });
    let answer = cloud.member("PUT", &path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let server = answer.json()["server"].clone();
    assert_eq!((&server["name"], &server["accessIPv4"]), (&json!("new name"), &json!("1.2.3.4")));
    assert!(server.get("key_name").is_none() && server.get("OS-EXT-STS:vm_state").is_none());
    let answer =
        cloud.send("member", 90, "PUT", &path, json!({ "server": { "hostname": "box", "description": null } })).await;
    let server = answer.json()["server"].clone();
    assert_eq!((&server["OS-EXT-SRV-ATTR:hostname"], &server["description"]), (&json!("box"), &Value::Null));
    assert!(server.get("key_name").is_some());
    let unknown = cloud.member("PUT", &path, json!({ "server": { "description": "no" } })).await;
    assert!(message(&unknown).1.contains("Additional properties are not allowed"));
}

#[tokio::test]
async fn deleting_is_told_to_the_host_and_hides_nothing_before_it_is_done() {
    let cloud = Fixture::new().await;
    cloud.world.lock().unwrap().slow = true;
    let id = cloud.boot("srv").await;
    assert_eq!(cloud.member("DELETE", &format!("/servers/{id}"), Value::Null).await.status, 204);
    cloud.hears("TerminateInstance").await;
    let shown = cloud.get("member", 1, &format!("/servers/{id}")).await;
    assert_eq!(shown["server"]["OS-EXT-STS:task_state"], "deleting");
}

#[tokio::test]
async fn another_projects_server_is_not_there() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    for (method, path) in [("GET", ""), ("DELETE", ""), ("GET", "/metadata"), ("GET", "/os-instance-actions")] {
        let answer = cloud.send("other", 1, method, &format!("/servers/{id}{path}"), Value::Null).await;
        assert_eq!(message(&answer), (404, format!("Instance {id} could not be found.")), "{method} {path}");
    }
    assert_eq!(cloud.send("admin", 1, "GET", &format!("/servers/{id}"), Value::Null).await.status, 200);
}

#[tokio::test]
async fn the_boots_trace_has_what_the_request_did() {
    let cloud = Fixture::new().await;
    let id = cloud.boot("srv").await;
    let trace = cloud.get("member", 1, &format!("/servers/{id}/cloudbox-trace")).await["trace"].clone();
    let steps = trace["steps"].as_array().unwrap();
    let done: Vec<_> =
        steps.iter().filter(|step| step["result"] == "ok").map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(done, ["B1", "B2", "B3", "B4", "B5", "B6", "B7"]);
    assert_eq!(steps.len(), 16);
    assert!(trace["request_id"].as_str().unwrap().starts_with("req-"));
}

#[tokio::test]
async fn every_endpoint_wants_a_token() {
    let cloud = Fixture::new().await;
    assert_eq!(http_kit::testing::open_without_token(&cloud.app).await, Vec::<String>::new());
}
