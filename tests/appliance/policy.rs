//! An operator's policy file.

use cloudbox::appliance::Appliance;
use serde_json::json;

use crate::scenery::{SERVERS, Tenant};
use crate::world::{World, config, until, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_rules_take_the_place_of_the_defaults() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rules = "os_compute_api:servers:create: role:admin\n\"create_network\": \"role:reader\"\n";
    std::fs::write(file.path(), rules).unwrap();
    let path = file.path().to_owned();
    let world = World::start_with(|config| config.policy.file = path).await;
    let tenant = Tenant::new(&world, "alice").await;
    let refused = tenant.client.post(SERVERS, tenant.server("one", json!({}))).await;
    assert!(refused.refusal(403).contains("os_compute_api:servers:create"), "{}", refused.text());
    let reader = world.person_in(tenant.client.project(), "reader", "reader").await;
    reader.post("/network/v2.0/networks", json!({ "network": { "name": "readers" } })).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_cannot_be_meant_keeps_the_cloud_from_starting() {
    for (rules, expected) in [
        ("\nno_such_rule: role:admin\n", "policy.yaml: line 2: "),
        ("create_network: 'role:'\n", "policy.yaml: line 1: "),
        ("create_network: rule:delete_network\ndelete_network: rule:create_network\n", "policy.yaml: line 1: "),
        ("nonsense", "policy.yaml: line 1: "),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let config = config(directory.path());
        std::fs::write(directory.path().join("policy.yaml"), rules).unwrap();
        let started = within("the cloud to refuse", Appliance::start(config)).await;
        let error = started.err().expect(rules).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let directory = tempfile::tempdir().unwrap();
    let mut config = config(directory.path());
    config.policy.file = directory.path().join("nowhere.yaml");
    assert!(
        within("the cloud to refuse", Appliance::start(config)).await.is_err(),
        "a file that is named must be there"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_is_read_again_when_it_changes_and_a_broken_one_changes_nothing() {
    let world = World::start().await;
    let member = world.member("alice").await;
    let file = world.directory().join("policy.yaml");
    let write = |rules: &str| {
        let new = file.with_extension("new");
        std::fs::write(&new, rules).unwrap();
        std::fs::rename(&new, &file).unwrap();
    };
    let lists = async |status: u16| {
        until("the policy to be in force", || async {
            match member.get("/network/v2.0/networks").await.status {
                found if found == status => Ok(()),
                found => Err(found.to_string()),
            }
        })
        .await;
    };
    let health = async |reason: &str| {
        until("the health to tell", || async {
            let report = world.anonymous().get("/readyz").await.json();
            let told = report["reasons"].as_array().unwrap().iter().any(|found| found == reason);
            if told { Ok(()) } else { Err(report.to_string()) }
        })
        .await;
    };
    lists(200).await;
    write("get_network: role:admin\n");
    lists(403).await;
    write("get_network: role:\n");
    health("the policy file cannot be used; the rules before its change are in force").await;
    lists(403).await;
    std::fs::remove_file(&file).unwrap();
    lists(200).await;
    until("the cloud to be well", || async {
        match world.anonymous().get("/readyz").await.status {
            200 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
}
