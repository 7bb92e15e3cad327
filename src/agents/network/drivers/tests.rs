//! What every driver accepts and refuses, and what the fake adds to it.

use std::time::Duration;

use bus::topics::network_spec::*;
use kit::ids::{NetworkId, SecurityGroupId};

use super::desired::Desired;
use super::fake::{FakeDriver, Verb};
use super::samples::*;
use super::{DriverError, NetworkDriver};

fn state() -> HostState {
    HostState {
        networks: vec![network("n1", NetworkGateway::Router)],
        security_groups: vec![group("g1", vec![])],
        group_members: vec![GroupMembers {
            group_id: SecurityGroupId::new("g1"),
            addresses: vec!["10.0.0.99".parse().unwrap()],
        }],
        ports: vec![port("p1", "n1", 10, &["g1"]), port("p2", "n1", 11, &["g1"])],
        routers: vec![],
    }
}

#[test]
fn a_group_is_its_ports_here_and_elsewhere() {
    let (desired, failures) = Desired::from_state(state());
    assert!(failures.is_empty());
    let addresses = desired.group_addresses(&SecurityGroupId::new("g1"));
    let spelled: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    assert_eq!(spelled, ["10.0.0.10/32", "10.0.0.11/32", "10.0.0.99/32"]);
}

#[test]
fn an_address_leads_to_its_port_on_its_network_only() {
    let (desired, _) = Desired::from_state(state());
    let ip = "10.0.0.10".parse().unwrap();
    assert_eq!(desired.port_by_address(&NetworkId::new("n1"), ip).unwrap().id.as_str(), "p1");
    assert!(desired.port_by_address(&NetworkId::new("n2"), ip).is_none());
}

#[test]
fn what_is_wrong_is_left_out_and_named() {
    let mut wrong = state();
    wrong.ports.push(port("p3", "elsewhere", 12, &[]));
    wrong.ports.push(port("p4", "n1", 13, &["nobody"]));
    wrong.ports.push(PortSpec { mac: "FA-16".to_owned(), ..port("p5", "n1", 14, &[]) });
    wrong.routers.push(router());
    let (desired, failures) = Desired::from_state(wrong);
    assert_eq!(desired, Desired::from_state(state()).0);
    let named: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        named,
        [
            "port p3 refers to network elsewhere, which this host does not have",
            "port p4 refers to security group nobody, which this host does not have",
            "port p5: \"FA-16\" is not an Ethernet address",
            "router r1 refers to network ext, which this host does not have",
        ]
    );
}

#[test]
fn two_networks_that_the_host_routes_for_may_not_overlap() {
    let mut desired = Desired::default();
    desired.put_network(network("n1", NetworkGateway::Host)).unwrap();
    desired.put_network(network("n1", NetworkGateway::Host)).unwrap();
    assert!(desired.put_network(network("n2", NetworkGateway::Router)).is_ok());
    assert!(matches!(desired.put_network(network("n3", NetworkGateway::Host)), Err(DriverError::Invalid { .. })));
}

#[tokio::test]
async fn the_fake_keeps_the_contract() {
    let driver = FakeDriver::new();
    let missing = driver.ensure_port(port("p1", "n1", 10, &[])).await;
    assert!(matches!(missing, Err(DriverError::Missing { kind: "network", .. })));
    driver.ensure_network(network("n1", NetworkGateway::Router)).await.unwrap();
    let first = driver.ensure_port(port("p1", "n1", 10, &[])).await.unwrap();
    assert_eq!(driver.ensure_port(port("p1", "n1", 10, &[])).await.unwrap(), first);
    assert!(first.device.starts_with("cbtp") && first.device.len() <= 15 && first.mtu == 1500);
    assert!(matches!(driver.remove_network("n1".into()).await, Err(DriverError::InUse { .. })));
    driver.remove_port("p1".into()).await.unwrap();
    driver.remove_port("p1".into()).await.unwrap();
    driver.remove_network("n1".into()).await.unwrap();
    driver.remove_network("n1".into()).await.unwrap();
    assert_eq!(driver.state(), Desired::default());
    driver.sync(state()).await.unwrap();
    assert_eq!(driver.state(), Desired::from_state(state()).0);
}

#[tokio::test(start_paused = true)]
async fn the_fake_fails_and_is_slow_as_told() {
    let driver = FakeDriver::new();
    driver.fail(Verb::EnsureNetwork, 1);
    driver.delay(Verb::EnsureNetwork, Duration::from_secs(5));
    let start = tokio::time::Instant::now();
    let failed = driver.ensure_network(network("n1", NetworkGateway::Router)).await;
    assert!(matches!(failed, Err(DriverError::Injected("ensure_network"))));
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert!(driver.state().networks.is_empty());
    driver.ensure_network(network("n1", NetworkGateway::Router)).await.unwrap();
    assert_eq!(driver.calls(), [Verb::EnsureNetwork, Verb::EnsureNetwork]);
    driver.shutdown().await;
    assert!(matches!(driver.remove_network("n1".into()).await, Err(DriverError::Stopped)));
}
