//! What is done to a server that runs: power, consoles, what the hypervisor says by itself, and the record of it all.

use hypervisor::GuestEvent;
use hypervisor::fake::{Misbehaviour, Verb};
use kit::ids::ServerId;
use serde_json::{Value, json};

use crate::scenery::{SERVERS, Tenant, becomes};
use crate::world::{World, until};

fn times(world: &World, verb: Verb) -> usize {
    world.guests.calls().iter().filter(|(called, _)| *called == verb).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_stopped_started_and_rebooted() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let id = tenant.boot("one", json!({})).await;
    tenant.act(&id, json!({ "os-stop": null })).await;
    let stopped = becomes(&tenant.client, &id, "SHUTOFF").await;
    assert_eq!((&stopped["OS-EXT-STS:vm_state"], &stopped["OS-EXT-STS:power_state"]), (&json!("stopped"), &json!(4)));
    let twice = tenant.client.post(&format!("{SERVERS}/{id}/action"), json!({ "os-stop": null })).await;
    assert_eq!(twice.refusal(409), format!("Cannot 'stop' instance {id} while it is in vm_state stopped"));
    tenant.act(&id, json!({ "os-start": null })).await;
    assert_eq!(becomes(&tenant.client, &id, "ACTIVE").await["OS-EXT-STS:power_state"], 1);
    for kind in ["SOFT", "HARD"] {
        tenant.act(&id, json!({ "reboot": { "type": kind } })).await;
        becomes(&tenant.client, &id, "ACTIVE").await;
        assert!(world.guests.runs_with(&ServerId::new(&id)).is_some(), "{kind}");
    }
    world.guests.make_stubborn(&ServerId::new(&id));
    tenant.act(&id, json!({ "os-stop": null })).await;
    becomes(&tenant.client, &id, "SHUTOFF").await;
    assert!(world.guests.runs_with(&ServerId::new(&id)).is_none(), "a guest that does not listen is cut off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_operation_is_seen_and_can_be_repeated() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let id = tenant.boot("one", json!({})).await;
    world.guests.faults().plan(Verb::Stop, Misbehaviour::Fail, usize::MAX);
    tenant.act(&id, json!({ "os-stop": null })).await;
    let actions = until("the stop to fail", || async {
        let path = format!("{SERVERS}/{id}/os-instance-actions");
        let list = tenant.client.get(&path).await.expect(200);
        let stop = list["instanceActions"][0].clone();
        let server = tenant.client.get(&format!("{SERVERS}/{id}")).await.expect(200);
        let settled = server["server"]["OS-EXT-STS:task_state"].is_null();
        if stop["message"] == "Error" && settled { Ok((stop, server)) } else { Err(format!("{stop} {server}")) }
    });
    let (stop, server) = actions.await;
    assert_eq!((&stop["action"], &server["server"]["status"]), (&json!("stop"), &json!("ACTIVE")), "{stop} {server}");
    world.guests.faults().clear();
    tenant.act(&id, json!({ "os-stop": null })).await;
    becomes(&tenant.client, &id, "SHUTOFF").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_guest_does_by_itself_shows_at_once() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let id = tenant.boot("one", json!({})).await;
    let guest = ServerId::new(&id);
    world.guests.happen(&guest, GuestEvent::Shutdown).unwrap();
    becomes(&tenant.client, &id, "SHUTOFF").await;
    tenant.act(&id, json!({ "os-start": null })).await;
    becomes(&tenant.client, &id, "ACTIVE").await;
    world.guests.happen(&guest, GuestEvent::Crashed).unwrap();
    becomes(&tenant.client, &id, "SHUTOFF").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consoles_are_the_guests_own() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let id = tenant.boot("one", json!({})).await;
    world.guests.print(&ServerId::new(&id), "hello from the guest\n").unwrap();
    let action = format!("{SERVERS}/{id}/action");
    let all = tenant.client.post(&action, json!({ "os-getConsoleOutput": {} })).await.expect(200);
    let all = all["output"].as_str().unwrap();
    assert!(all.contains("boot step 12") && all.ends_with("hello from the guest\n"), "{all}");
    let last = tenant.client.post(&action, json!({ "os-getConsoleOutput": { "length": 1 } })).await.expect(200);
    assert_eq!(last["output"].as_str().unwrap().trim(), "hello from the guest");
    let body = json!({ "remote_console": { "protocol": "vnc", "type": "novnc" } });
    let path = format!("{SERVERS}/{id}/remote-consoles");
    let console = tenant.client.speaking("compute 2.6").post(&path, body).await.expect(200);
    let url = console["remote_console"]["url"].as_str().unwrap();
    assert!(url.starts_with(world.appliance().public_url()) && url.contains("token%3D"), "{url}");
    let page = world.anonymous().get(url).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let old = tenant.client.post(&action, json!({ "os-getVNCConsole": { "type": "novnc" } })).await.expect(200);
    assert_eq!(old["console"]["type"], "novnc");
    tenant.act(&id, json!({ "os-stop": null })).await;
    becomes(&tenant.client, &id, "SHUTOFF").await;
    let off = tenant.client.post(&action, json!({ "os-getVNCConsole": { "type": "novnc" } })).await;
    assert_eq!(off.status, 409, "{}", off.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actions_keep_their_events_and_request_ids() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let created = tenant.client.post(SERVERS, tenant.server("one", json!({}))).await;
    let request = created.header("X-Openstack-Request-Id").unwrap().to_owned();
    let id = created.expect(202)["server"]["id"].as_str().unwrap().to_owned();
    becomes(&tenant.client, &id, "ACTIVE").await;
    tenant.act(&id, json!({ "os-stop": null })).await;
    becomes(&tenant.client, &id, "SHUTOFF").await;
    let path = format!("{SERVERS}/{id}/os-instance-actions");
    let list = tenant.client.get(&path).await.expect(200);
    let list = list["instanceActions"].as_array().unwrap();
    let names: Vec<&str> = list.iter().map(|action| action["action"].as_str().unwrap()).collect();
    assert_eq!(names, ["stop", "create"]);
    assert_eq!((&list[1]["request_id"], &list[1]["user_id"]), (&json!(request), &json!(tenant.client.user())));
    assert_eq!(list[1]["project_id"], tenant.client.project());
    let events = |request: String| {
        let (path, admin) = (format!("{path}/{request}"), world.admin.clone());
        async move { admin.get(&path).await.expect(200)["instanceAction"]["events"].take() }
    };
    let events = until("the build's event", || async {
        let found = events(request.clone()).await;
        let ended =
            |event: &Value| event["event"] == "compute__do_build_and_run_instance" && event["result"] == "Success";
        if found.as_array().unwrap().iter().any(ended) { Ok(found) } else { Err(found.to_string()) }
    })
    .await;
    for event in events.as_array().unwrap() {
        assert!(event["start_time"].is_string() && event["finish_time"].is_string(), "{event}");
    }
    tenant.client.get(&format!("{path}/req-nope")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_takes_what_is_asked_in_order() {
    let world = World::start().await;
    let tenant = Tenant::new(&world, "alice").await;
    let id = tenant.boot("one", json!({})).await;
    let path = format!("{SERVERS}/{id}/action");
    let asked = (0..10).map(|_| tenant.client.post(&path, json!({ "os-stop": null })));
    let answers = futures_util::future::join_all(asked).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(accepted, 1, "{:?}", answers.iter().map(|answer| answer.text()).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| matches!(answer.status, 202 | 409)));
    becomes(&tenant.client, &id, "SHUTOFF").await;
    assert_eq!(times(&world, Verb::Stop), 1);
}
