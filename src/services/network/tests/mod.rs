//! The service by its API and its topic, with its own tables and a fake agent on the bus.

mod addresses;
mod networks;
mod ports;
mod routers;
mod security_groups;
mod servers;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::topics::identity;
use bus::topics::network::RegisterNetworkAgent;
use bus::topics::network_agent::{
    self, EnsureNetwork, EnsurePort, EnsureRouter, EnsureSecurityGroup, RemoveNetwork, RemovePort, RemoveRouter,
    RemoveSecurityGroup, SetGroupMembers, SyncHost,
};
use bus::topics::network_spec::{HostState, PortWiring};
use bus::{Bus, Message, Options, Server, ServerHandle, Target, Transport};
use http_kit::testing::{self, Answer, KnownTokens};
use http_kit::{App, Limits};
use kit::config::NetworkConfig;
use kit::ids::{HostId, ProjectId};
use kit::{RequestContext, Secret, SystemClock};
use serde_json::{Value, json};
use store::testing::TestStore;

use crate::Network;

pub(crate) struct World {
    pub app: App,
    pub bus: Bus,
    pub service: Arc<Network>,
    pub store: TestStore,
    servers: Vec<ServerHandle>,
}

/// A cloud with nothing in it but what the first start makes.
pub(crate) async fn world() -> World {
    world_with(NetworkConfig::default()).await
}

/// The same, of another configuration.
pub(crate) async fn world_with(config: NetworkConfig) -> World {
    let store = store::testing::store(&[crate::MIGRATIONS]);
    let bus = Bus::new(Options { transport: Transport::WireChecked, ..Options::default() });
    let clock = Arc::new(SystemClock);
    let service = Network::new(store.clone(), &bus, clock.clone(), config);
    service.bootstrap(&ProjectId::new("admin-project")).await.unwrap();
    let tokens =
        KnownTokens::usual().with("stranger", testing::identity("elsewhere", "stranger", &["member", "reader"]));
    let rest = service.rest().authenticator(Arc::new(tokens));
    let app = App::new(Limits::default(), clock).public_url("http://cloud.test").mount(rest).build().unwrap();
    let mut servers = service.serve(&bus);
    let identity = bus.server(identity::TOPIC).on(|_, message: identity::ValidateToken| async move {
        match message.token.expose() {
            "revoked" => Err(kit::Fault::unauthorized("The token is revoked.")),
            _ => Ok(Arc::new(testing::identity("project", "member-user", &["member", "reader"]))),
        }
    });
    servers.push(identity.start());
    World { app, bus, service, store, servers }
}

impl World {
    pub async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        testing::call(&self.app, token, method, &format!("/network/v2.0{path}"), &[], &body).await.unwrap()
    }

    /// Makes something as `token` and answers what is below the resource's name.
    pub async fn make(&self, token: &str, path: &str, name: &str, body: Value) -> Value {
        let answer = self.call(token, "POST", path, json!({name: body})).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()[name].clone()
    }

    pub async fn get(&self, token: &str, path: &str) -> Value {
        let answer = self.call(token, "GET", path, Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Status and type of an answer that should be an error, and its message.
    pub async fn refused(&self, token: &str, method: &str, path: &str, body: Value) -> (u16, String, String) {
        let answer = self.call(token, method, path, body).await;
        let error = answer.json()["NeutronError"].clone();
        assert!(error.is_object(), "{} {}", answer.status, answer.text());
        (answer.status, error["type"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
    }

    /// A network of the project `project` with the subnet `cidr`: both ids.
    pub async fn network(&self, cidr: &str) -> (String, String) {
        let network = self.make("member", "/networks", "network", json!({"name": "net"})).await;
        let network = network["id"].as_str().unwrap().to_owned();
        let body = json!({"network_id": network, "ip_version": 4, "cidr": cidr});
        let subnet = self.make("member", "/subnets", "subnet", body).await;
        (network, subnet["id"].as_str().unwrap().to_owned())
    }

    /// The id of the network `name`.
    pub async fn named(&self, name: &str) -> String {
        let found = self.get("admin", &format!("/networks?name={name}")).await;
        found["networks"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Starts an agent on `host` that only remembers, and registers it.
    pub async fn agent(&mut self, host: &str) -> Arc<Heard> {
        let heard = self.agent_unannounced(host);
        self.register(host, true).await;
        heard
    }

    /// The same, without the registration.
    pub fn agent_unannounced(&mut self, host: &str) -> Arc<Heard> {
        let heard = Arc::new(Heard::default());
        let mut server = self.bus.server(network_agent::TOPIC).on_host(&HostId::new(host));
        server = note::<EnsureNetwork>(server, &heard, ());
        server = note::<RemoveNetwork>(server, &heard, ());
        server = note::<RemovePort>(server, &heard, ());
        server = note::<EnsureRouter>(server, &heard, ());
        server = note::<RemoveRouter>(server, &heard, ());
        server = note::<EnsureSecurityGroup>(server, &heard, ());
        server = note::<RemoveSecurityGroup>(server, &heard, ());
        server = note::<SetGroupMembers>(server, &heard, ());
        server = note::<SyncHost>(server, &heard, ());
        server = note::<EnsurePort>(
            server,
            &heard,
            PortWiring { device: "tap0".to_owned(), bridge: "br0".to_owned(), mtu: 1500 },
        );
        self.servers.push(server.start());
        heard
    }

    pub async fn register(&self, host: &str, starting: bool) -> HostState {
        let message = RegisterNetworkAgent { host: HostId::new(host), starting };
        let context = RequestContext::service("network-agent");
        self.bus.client("test").call(&context, Target::Any, message).await.unwrap()
    }
}

/// A user's context, as compute passes it on.
pub(crate) fn member(token: &str) -> RequestContext {
    let identity = testing::identity("project", "member-user", &["member", "reader"]);
    RequestContext::anonymous().with_user(Arc::new(identity), Secret::new(token))
}

/// What an agent was told: method and message.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<(&'static str, Value)>>);

impl Heard {
    /// Waits until a message of `method` came that `wanted` holds for.
    pub async fn wait(&self, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        loop {
            let found = self.all(method).into_iter().find(|message| wanted(message));
            if let Some(found) = found {
                return found;
            }
            assert!(std::time::Instant::now() < deadline, "no {method} came; these did: {:?}", self.0.lock().unwrap());
            tokio::task::yield_now().await;
        }
    }

    pub fn all(&self, method: &str) -> Vec<Value> {
        let heard = self.0.lock().unwrap();
        heard.iter().filter(|(name, _)| *name == method).map(|(_, message)| message.clone()).collect()
    }
}

fn note<M: Message<Reply: Clone + Send + Sync>>(server: Server, heard: &Arc<Heard>, reply: M::Reply) -> Server {
    let heard = heard.clone();
    server.on(move |_, message: M| {
        heard.0.lock().unwrap().push((M::METHOD, serde_json::to_value(&message).unwrap()));
        let reply = reply.clone();
        async move { Ok(reply) }
    })
}

#[tokio::test]
async fn every_row_wants_a_token() {
    assert_eq!(testing::open_without_token(&world().await.app).await, Vec::<String>::new());
}

#[test]
fn the_schema_is_strict_and_whole() {
    let schema = store::testing::schema(&[crate::MIGRATIONS]);
    assert!(schema.contains("network_ports") && schema.contains("network_free"));
}
