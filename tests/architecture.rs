//! The crates' dependencies keep the architecture (docs/adr/0001): read from `cargo metadata`.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const SERVICES: &[&str] = &["admin", "identity", "image", "network", "volume", "compute"];
const AGENTS: &[&str] = &["compute-agent", "network-agent", "volume-agent"];

/// Each crate of the workspace with those of the workspace that it uses, tests aside.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let used = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let normal = dependencies.filter(|dependency| dependency["kind"].as_str() != Some("dev"));
        let names = normal.map(|dependency| dependency["name"].as_str().unwrap());
        names.filter(|name| ours.contains(name)).map(str::to_owned).collect()
    };
    packages.iter().map(|package| (package["name"].as_str().unwrap().to_owned(), used(package))).collect()
}

/// All that `name` reaches, through others too.
fn reaches(uses: &BTreeMap<String, BTreeSet<String>>, name: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![name.to_owned()];
    while let Some(name) = next.pop() {
        next.extend(uses[&name].iter().filter(|used| reached.insert((*used).clone())).cloned());
    }
    reached
}

#[test]
fn all_crates_are_known_to_this_test() {
    let known = [
        "cloudbox",
        "kit",
        "bus",
        "store",
        "http-kit",
        "workflow",
        "journal",
        "hypervisor",
        "imaging",
        "outbound",
        "console",
    ];
    let known: BTreeSet<&str> =
        known.into_iter().chain(SERVICES.iter().copied()).chain(AGENTS.iter().copied()).collect();
    let uses = uses();
    assert_eq!(uses.keys().map(String::as_str).collect::<BTreeSet<_>>(), known, "say here what a new crate may use");
}

#[test]
fn no_service_depends_on_another_or_on_an_agent_or_a_hypervisor() {
    let uses = uses();
    for service in SERVICES {
        let reached = reaches(&uses, service);
        for other in SERVICES.iter().chain(AGENTS).chain(&["hypervisor", "cloudbox", "console"]) {
            assert!(!reached.contains(*other), "{service} reaches {other}: ask over the bus");
        }
    }
}

#[test]
fn no_agent_has_a_database_or_an_api() {
    let uses = uses();
    for agent in AGENTS {
        let reached = reaches(&uses, agent);
        for other in ["store", "http-kit", "cloudbox", "console"].iter().chain(SERVICES) {
            assert!(!reached.contains(*other), "{agent} reaches {other}: ask conductor over the bus");
        }
        let agents: Vec<_> = AGENTS.iter().filter(|other| *other != agent && reached.contains(**other)).collect();
        assert!(agents.is_empty(), "{agent} reaches {agents:?}");
    }
}

#[test]
fn the_foundations_do_not_know_each_other() {
    let uses = uses();
    assert!(uses["kit"].is_empty());
    for foundation in ["bus", "store", "http-kit", "workflow", "hypervisor", "imaging", "outbound"] {
        assert_eq!(uses[foundation].iter().collect::<Vec<_>>(), ["kit"], "{foundation}");
    }
    assert_eq!(uses["journal"].iter().collect::<Vec<_>>(), ["kit", "store", "workflow"]);
}
