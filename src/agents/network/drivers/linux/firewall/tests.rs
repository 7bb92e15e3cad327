//! What the tables are told.

use std::path::PathBuf;

use bus::topics::network_spec::*;
use kit::ids::SecurityGroupId;

use super::*;
use crate::drivers::samples::*;

async fn numbers(desired: &Desired) -> Numbers {
    let directory = tempfile::tempdir().unwrap();
    let mut numbers = Numbers::load(directory.path().join("zones")).await.unwrap();
    numbers.assign(desired).await.unwrap();
    numbers
}

fn desired() -> Desired {
    let mut desired = Desired::default();
    desired.put_network(network("n1", NetworkGateway::Host)).unwrap();
    let icmp = rule(Direction::Ingress, Some(1), Some((8, 0)));
    let from_group = SecurityGroupRuleSpec {
        remote_group_id: Some(SecurityGroupId::new("g1")),
        ..rule(Direction::Ingress, Some(17), Some((53, 60)))
    };
    let to_range = SecurityGroupRuleSpec {
        remote_ip_prefix: Some("192.0.2.0/24".parse().unwrap()),
        ..rule(Direction::Egress, Some(6), None)
    };
    desired.put_group(group("g1", vec![icmp, from_group, to_range])).unwrap();
    desired.put_port(port("p1", "n1", 10, &["g1"])).unwrap();
    desired
}

#[tokio::test]
async fn a_host_is_rendered() {
    let desired = desired();
    let rules = Ruleset::render(&Names::fallback(), &desired, &numbers(&desired).await);
    insta::assert_snapshot!(rules.changes_from(&Ruleset::default(), "cb").unwrap());
    assert!(rules.changes_from(&rules, "cb").is_none());
}

#[tokio::test]
async fn a_new_port_touches_its_own_elements_only() {
    let before = desired();
    let mut after = before.clone();
    let pair = AddressPair { ip_address: "10.0.0.64/28".parse().unwrap(), mac_address: "fa:16:3e:00:00:0b".to_owned() };
    let port = PortSpec { allowed_address_pairs: vec![pair], ..port("p2", "n1", 11, &["g1"]) };
    after.put_port(port).unwrap();
    let numbers = numbers(&after).await;
    let names = Names::fallback();
    let (old, new) = (Ruleset::render(&names, &before, &numbers), Ruleset::render(&names, &after, &numbers));
    insta::assert_snapshot!(new.changes_from(&old, "cb").unwrap());
    insta::assert_snapshot!(old.changes_from(&new, "cb").unwrap());
}

#[tokio::test]
async fn a_stateless_group_looks_at_packets() {
    let mut desired = Desired::default();
    desired.put_network(network("n1", NetworkGateway::Router)).unwrap();
    let rules =
        vec![rule(Direction::Ingress, Some(6), Some((22, 22))), rule(Direction::Ingress, Some(1), Some((8, 0)))];
    desired.put_group(SecurityGroupSpec { stateful: false, ..group("g1", rules) }).unwrap();
    desired.put_port(port("p1", "n1", 10, &["g1"])).unwrap();
    let rules = Ruleset::render(&Names::fallback(), &desired, &numbers(&desired).await);
    let text = rules.changes_from(&Ruleset::default(), "cb").unwrap();
    let about: Vec<&str> = text.lines().filter(|line| line.contains("accept") || line.contains("_reply")).collect();
    insta::assert_snapshot!(about.join("\n"));
}

#[tokio::test]
async fn zones_outlive_the_process_and_ports_numbers_are_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let file: PathBuf = directory.path().join("zones");
    let mut desired = desired();
    let mut first = Numbers::load(file.clone()).await.unwrap();
    first.assign(&desired).await.unwrap();
    let zone = first.zone(&"n1".into()).unwrap();
    desired.put_network(network("n2", NetworkGateway::Router)).unwrap();
    desired.put_port(port("p2", "n2", 10, &[])).unwrap();
    let mut second = Numbers::load(file).await.unwrap();
    second.assign(&desired).await.unwrap();
    assert_eq!(second.zone(&"n1".into()), Some(zone));
    assert_ne!(second.zone(&"n2".into()), Some(zone));
    assert_ne!(second.port(&"p1".into()), second.port(&"p2".into()));
    assert!(second.port(&"p1".into()).is_some_and(|number| number > 0));
}
