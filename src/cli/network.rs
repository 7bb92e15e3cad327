//! `cloudbox network`.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::catalog::Service;
use super::client::escape;
use super::output::{Column, column, text};
use super::problem::Result;
use super::resolve::{NETWORK, ROUTER};
use super::session::Session;

/// Networks
#[derive(Debug, Args)]
pub struct Network {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List networks
    #[command(visible_alias = "ls")]
    List,
    /// Show a network and its subnets
    Show {
        /// Name or id
        network: String,
    },
    /// Create a network with a subnet
    Create(Create),
    /// Delete networks
    #[command(visible_alias = "rm")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "NETWORK")]
        networks: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// What it shall be called
    name: String,
    /// The range of its addresses, such as 10.1.0.0/24
    #[arg(long, value_name = "CIDR")]
    subnet: Option<String>,
    /// The gateway's address, or `none` [default: the range's first]
    #[arg(long, value_name = "IP", requires = "subnet")]
    gateway: Option<String>,
    /// A name server for its guests; may be given more than once
    #[arg(long = "dns", value_name = "IP", requires = "subnet")]
    dns: Vec<String>,
    /// Let guests find their addresses without DHCP
    #[arg(long, requires = "subnet")]
    no_dhcp: bool,
    /// The router to connect it to
    #[arg(long, value_name = "ROUTER", requires = "subnet")]
    router: Option<String>,
    /// Its MTU
    #[arg(long)]
    mtu: Option<u32>,
    /// Share it with all projects
    #[arg(long)]
    shared: bool,
}

const LIST: &[Column] = &[
    column("Name", |network| text(network, "/name")),
    column("Status", |network| text(network, "/status")),
    column("Subnets", |network| text(network, "/cidrs")),
    column("Shared", |network| text(network, "/shared")),
    column("External", |network| text(network, "/router:external")),
    column("Id", |network| text(network, "/id")),
];

const SHOW: &[Column] = &[
    column("Name", |network| text(network, "/name")),
    column("Id", |network| text(network, "/id")),
    column("Status", |network| text(network, "/status")),
    column("Subnets", |network| text(network, "/cidrs")),
    column("MTU", |network| text(network, "/mtu")),
    column("Shared", |network| text(network, "/shared")),
    column("External", |network| text(network, "/router:external")),
    column("Port security", |network| text(network, "/port_security_enabled")),
    column("Project", |network| text(network, "/project_id")),
    column("Created", |network| text(network, "/created_at")),
];

impl Network {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        match self.verb {
            Verb::List => {
                let mut networks = NETWORK.list(&session.client).await?;
                if session.out.is_table() {
                    let subnets = session.client.list(Service::Network, "/subnets", "subnets").await?;
                    networks.iter_mut().for_each(|network| add_ranges(network, &subnets));
                }
                session.out.list(&networks, LIST)
            }
            Verb::Show { network } => show(session, NETWORK.find(&session.client, &network).await?).await,
            Verb::Create(create) => create.run(session).await,
            Verb::Delete { networks } => {
                let delete = async |name: &str| {
                    let id = NETWORK.find_exactly(&session.client, name).await?;
                    NETWORK.delete(&session.client, &id).await
                };
                session.each(&networks, delete).await
            }
        }
    }
}

/// Prints a network; a table says its ranges too, which Neutron keeps with the subnets.
async fn show(session: &Session, mut network: Value) -> Result<()> {
    if session.out.is_table() {
        let path = format!("/subnets?network_id={}", escape(&text(&network, "/id")));
        add_ranges(&mut network, &session.client.list(Service::Network, &path, "subnets").await?);
    }
    session.out.show(&network, SHOW)
}

fn add_ranges(network: &mut Value, subnets: &[Value]) {
    let id = text(network, "/id");
    let own = subnets.iter().filter(|subnet| text(subnet, "/network_id") == id);
    let ranges: Vec<String> = own.map(|subnet| text(subnet, "/cidr")).collect();
    if let Some(map) = network.as_object_mut() {
        map.insert("cidrs".to_owned(), Value::from(ranges));
    }
}

impl Create {
    async fn run(self, session: &Session) -> Result<()> {
        let router = match &self.router {
            Some(router) => Some(ROUTER.find_id(&session.client, router).await?),
            None => None,
        };
        let mut network = Map::from_iter([("name".to_owned(), json!(self.name))]);
        if let Some(mtu) = self.mtu {
            network.insert("mtu".to_owned(), json!(mtu));
        }
        if self.shared {
            network.insert("shared".to_owned(), json!(true));
        }
        let made = session.client.post(Service::Network, NETWORK.path, &json!({ "network": network })).await?;
        let id = text(&made, "/network/id");
        if let Err(problem) = self.add_subnet(session, &id, router.as_deref()).await {
            // A network without what was asked for is not what was asked for.
            if NETWORK.delete(&session.client, &id).await.is_err() {
                session.out.note(&format!("the network {id} is left behind"));
            }
            return Err(problem);
        }
        show(session, NETWORK.get(&session.client, &id).await?).await
    }

    async fn add_subnet(&self, session: &Session, network: &str, router: Option<&str>) -> Result<()> {
        let Some(body) = self.subnet_body(network) else { return Ok(()) };
        let subnet = session.client.post(Service::Network, "/subnets", &json!({ "subnet": body })).await?;
        if let Some(router) = router {
            let path = format!("{}/add_router_interface", ROUTER.path_of(router));
            let body = json!({ "subnet_id": text(&subnet, "/subnet/id") });
            session.client.put(Service::Network, &path, &body).await?;
        }
        Ok(())
    }

    fn subnet_body(&self, network: &str) -> Option<Value> {
        let cidr = self.subnet.as_deref()?;
        let mut body = Map::new();
        let mut set = |key: &str, value: Value| body.insert(key.to_owned(), value);
        set("network_id", json!(network));
        set("name", json!(self.name));
        set("cidr", json!(cidr));
        set("ip_version", json!(if cidr.contains(':') { 6 } else { 4 }));
        match self.gateway.as_deref() {
            Some("none") => drop(set("gateway_ip", Value::Null)),
            Some(gateway) => drop(set("gateway_ip", json!(gateway))),
            None => {}
        }
        if !self.dns.is_empty() {
            set("dns_nameservers", json!(self.dns));
        }
        if self.no_dhcp {
            set("enable_dhcp", json!(false));
        } else if cidr.contains(':') {
            set("ipv6_ra_mode", json!("slaac"));
            set("ipv6_address_mode", json!("slaac"));
        }
        Some(Value::Object(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(subnet: &str) -> Create {
        Create {
            name: "web".to_owned(),
            subnet: Some(subnet.to_owned()),
            gateway: None,
            dns: Vec::new(),
            no_dhcp: false,
            router: None,
            mtu: None,
            shared: false,
        }
    }

    #[test]
    fn a_subnet_says_only_what_was_asked_for() {
        let body = create("10.1.0.0/24").subnet_body("n").unwrap();
        assert_eq!(body, json!({"network_id": "n", "name": "web", "cidr": "10.1.0.0/24", "ip_version": 4}));
        let mut six = create("fd00::/64");
        six.gateway = Some("none".to_owned());
        let body = six.subnet_body("n").unwrap();
        assert_eq!(
            (&body["ip_version"], &body["gateway_ip"], &body["ipv6_ra_mode"]),
            (&json!(6), &Value::Null, &json!("slaac"))
        );
    }

    #[test]
    fn a_network_has_the_ranges_of_its_own_subnets() {
        let mut network = json!({"id": "n"});
        let subnet = |network: &str, cidr: &str| json!({"network_id": network, "cidr": cidr});
        add_ranges(&mut network, &[subnet("n", "10.0.0.0/24"), subnet("m", "10.1.0.0/24"), subnet("n", "fd00::/64")]);
        assert_eq!(text(&network, "/cidrs"), "10.0.0.0/24, fd00::/64");
    }
}
