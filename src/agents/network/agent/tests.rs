//! The agent over the wire-checked bus, with the fake driver.

use std::sync::Mutex;

use bus::topics::network_spec::{HostState, NetworkGateway, NetworkSpec, PortSpec};
use bus::topics::{metadata, network as neutron_topic};
use bus::{Options, Transport};

use super::*;
use crate::drivers::fake::{FakeDriver, Verb};
use crate::drivers::samples;

fn network() -> NetworkSpec {
    samples::network("n1", NetworkGateway::Router)
}

fn port() -> PortSpec {
    samples::port("p1", "n1", 5, &[])
}

fn bus() -> Bus {
    Bus::new(Options { transport: Transport::WireChecked, ..Options::default() })
}

fn neutron(bus: &Bus, state: HostState) -> (ServerHandle, Arc<Mutex<Vec<bool>>>) {
    let seen = Arc::<Mutex<Vec<bool>>>::default();
    let log = seen.clone();
    let server = bus.server(neutron_topic::TOPIC).on(move |_, RegisterNetworkAgent { starting, .. }| {
        log.lock().unwrap().push(starting);
        let state = state.clone();
        async move { Ok(state) }
    });
    (server.start(), seen)
}

#[tokio::test]
async fn it_makes_the_host_as_it_is_told() {
    let (bus, driver, host) = (bus(), Arc::new(FakeDriver::new()), HostId::new("here"));
    let (_neutron, seen) = neutron(&bus, HostState::default());
    let agent = NetworkAgent::new(&bus, driver.clone(), host.clone(), "/nowhere".into());
    let _servers = agent.serve(&bus);
    agent.start().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [true]);
    let client = bus.client("network");
    let context = RequestContext::service("network");
    let message = EnsurePort { network: network(), security_groups: Vec::new(), port: port() };
    let wiring = client.call(&context, Target::host(&host), message).await.unwrap();
    assert!(!wiring.device.is_empty());
    assert_eq!(driver.state().ports.len(), 1);
    client.call(&context, Target::host(&host), RemovePort { port_id: port().id }).await.unwrap();
    assert!(driver.state().ports.is_empty());
    driver.fail(Verb::RemoveNetwork, 1);
    let message = RemoveNetwork { network_id: network().id };
    assert!(client.call(&context, Target::host(&host), message.clone()).await.is_err());
    client.call(&context, Target::host(&host), message).await.unwrap();
}

#[tokio::test]
async fn a_guest_is_answered_by_compute_and_told_little_when_it_fails() {
    let bus = bus();
    let _compute = bus
        .server(metadata::TOPIC)
        .on(|_, request: AnswerMetadata| async move {
            match request.path.as_str() {
                "/latest" => Ok(metadata::MetadataAnswer {
                    status: 200,
                    content_type: "text/plain".to_owned(),
                    body: request.server_id.to_string().into_bytes(),
                }),
                _ => Err(Fault::not_found("/secret/path")),
            }
        })
        .start();
    let handler = metadata_handler(&bus);
    let ask = |path: &str| MetadataRequest {
        network_id: network().id,
        source: "10.0.0.5".parse().unwrap(),
        port_id: port().id,
        device_id: "server-1".to_owned(),
        method: "GET".to_owned(),
        path: path.to_owned(),
        body: Vec::new(),
    };
    let reply = handler(ask("/latest")).await;
    assert_eq!((reply.status, reply.body), (200, b"server-1".to_vec()));
    let reply = handler(ask("/nope")).await;
    assert_eq!((reply.status, reply.body), (404, b"404 Not Found\n".to_vec()));
}
