//! An operator's policy file.

use cloudbox::appliance::Appliance;
use serde_json::json;

use crate::scenery::{SERVERS, Tenant};
use crate::world::{World, config, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_rules_take_the_place_of_the_defaults() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rules = "\"os_compute_api:servers:create\" = \"role:admin\"\n\"create_network\" = \"role:reader\"\n";
    std::fs::write(file.path(), rules).unwrap();
    let path = file.path().to_owned();
    let world = World::start_with(|config| config.api.policy_file = path).await;
    let tenant = Tenant::new(&world, "alice").await;
    let refused = tenant.client.post(SERVERS, tenant.server("one", json!({}))).await;
    assert!(refused.refusal(403).contains("os_compute_api:servers:create"), "{}", refused.text());
    let reader = world.person_in(tenant.client.project(), "reader", "reader").await;
    reader.post("/network/v2.0/networks", json!({ "network": { "name": "readers" } })).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_cannot_be_meant_keeps_the_cloud_from_starting() {
    for rules in ["\"no_such_rule\" = \"role:admin\"\n", "\"create_network\" = \"role:\"\n", "nonsense"] {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(directory.path());
        config.api.policy_file = directory.path().join("policy.toml");
        std::fs::write(&config.api.policy_file, rules).unwrap();
        let started = within("the cloud to refuse", Appliance::start(config)).await;
        assert!(started.is_err(), "{rules}");
    }
}
