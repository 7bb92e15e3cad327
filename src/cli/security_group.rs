//! `cloudbox security-group`: what may reach VMs.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::catalog::Service;
use super::output::{Column, column, text, wide};
use super::problem::{Problem, Result};
use super::resolve::SECURITY_GROUP;
use super::session::Session;

/// Security groups: what may reach VMs
#[derive(Debug, Args)]
pub struct SecurityGroup {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List security groups
    #[command(visible_alias = "ls")]
    List,
    /// Show a security group's rules
    Show {
        /// Name or id
        group: String,
    },
    /// Create a security group
    Create {
        /// What it shall be called
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
    },
    /// Delete security groups
    #[command(visible_alias = "rm")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// Let something in, or out
    Allow(Allow),
    /// Take back what was allowed
    Revoke {
        /// The rule's id
        rule: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Direction {
    Ingress,
    Egress,
}

#[derive(Debug, Args)]
struct Allow {
    /// The group's name or id
    group: String,
    /// tcp, udp, icmp, … or a number [default: any]
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Option<String>,
    /// A port, or the first and the last as in 8000:8010 [default: all]
    #[arg(long, value_name = "PORT", requires = "protocol", value_parser = ports)]
    port: Option<(u16, u16)>,
    /// From, or to, this range only [default: anywhere]
    #[arg(long, value_name = "CIDR")]
    remote: Option<String>,
    /// In or out
    #[arg(long, value_enum, default_value_t = Direction::Ingress)]
    direction: Direction,
    /// For IPv6
    #[arg(long)]
    ipv6: bool,
}

const LIST: &[Column] = &[
    column("Name", |group| text(group, "/name")),
    column("Description", |group| text(group, "/description")),
    wide("Project", |group| text(group, "/project_id")),
    column("Id", |group| text(group, "/id")),
];

const RULES: &[Column] = &[
    column("Direction", |rule| text(rule, "/direction")),
    column("Ethertype", |rule| text(rule, "/ethertype")),
    column("Protocol", |rule| or_any(text(rule, "/protocol"))),
    column("Ports", port_range),
    column("Remote", remote),
    column("Id", |rule| text(rule, "/id")),
];

impl SecurityGroup {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        match self.verb {
            Verb::List => session.out.list(&SECURITY_GROUP.list(&session.client).await?, LIST),
            Verb::Show { group } => {
                let group = SECURITY_GROUP.find(&session.client, &group).await?;
                if !session.out.is_table() {
                    return session.out.show(&group, LIST);
                }
                let rules = group.get("security_group_rules").and_then(Value::as_array);
                session.out.list(rules.map(Vec::as_slice).unwrap_or_default(), RULES)
            }
            Verb::Create { name, description } => {
                let body = json!({ "security_group": { "name": name, "description": description } });
                let made = session.client.post(Service::Network, SECURITY_GROUP.path, &body).await?;
                session.out.show(&SECURITY_GROUP.unwrap(made), LIST)
            }
            Verb::Delete { groups } => {
                let delete = async |name: &str| {
                    let id = SECURITY_GROUP.find_exactly(&session.client, name).await?;
                    SECURITY_GROUP.delete(&session.client, &id).await
                };
                session.each(&groups, delete).await
            }
            Verb::Allow(allow) => allow.run(session).await,
            Verb::Revoke { rule } => {
                let path = format!("/security-group-rules/{}", super::client::escape(&rule));
                session.client.delete(Service::Network, &path).await
            }
        }
    }
}

impl Allow {
    async fn run(self, session: &Session) -> Result<()> {
        let group = SECURITY_GROUP.find(&session.client, &self.group).await?;
        let wanted = self.rule(&text(&group, "/id"));
        let rules = group.get("security_group_rules").and_then(Value::as_array).into_iter().flatten();
        let rule = match rules.into_iter().find(|rule| says(rule, &wanted)) {
            Some(rule) => {
                session.out.note("this is allowed already");
                rule.clone()
            }
            None => {
                let body = json!({ "security_group_rule": wanted });
                let mut made = session.client.post(Service::Network, "/security-group-rules", &body).await?;
                made.get_mut("security_group_rule").map(Value::take).unwrap_or_default()
            }
        };
        if rule.is_null() {
            return Err(Problem::failed("the cloud did not say which rule it made"));
        }
        session.out.show(&rule, RULES)
    }

    fn rule(&self, group: &str) -> Map<String, Value> {
        let six = self.ipv6 || self.remote.as_deref().is_some_and(|remote| remote.contains(':'));
        let direction = self.direction.to_possible_value().map(|value| value.get_name().to_owned());
        let mut rule = Map::from_iter([
            ("security_group_id".to_owned(), json!(group)),
            ("direction".to_owned(), json!(direction)),
            ("ethertype".to_owned(), json!(if six { "IPv6" } else { "IPv4" })),
        ]);
        if let Some(protocol) = &self.protocol {
            rule.insert("protocol".to_owned(), json!(protocol.to_lowercase()));
        }
        if let Some((first, last)) = self.port {
            rule.insert("port_range_min".to_owned(), json!(first));
            rule.insert("port_range_max".to_owned(), json!(last));
        }
        if let Some(remote) = &self.remote {
            rule.insert("remote_ip_prefix".to_owned(), json!(remote));
        }
        rule
    }
}

/// Whether `rule` is the `wanted` one.
fn says(rule: &Value, wanted: &Map<String, Value>) -> bool {
    const KEYS: [&str; 7] = [
        "direction",
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
        "remote_group_id",
    ];
    KEYS.iter().all(|key| rule.get(*key).unwrap_or(&Value::Null) == wanted.get(*key).unwrap_or(&Value::Null))
}

fn ports(text: &str) -> std::result::Result<(u16, u16), String> {
    let (first, last) = text.split_once([':', '-']).unwrap_or((text, text));
    let port = |text: &str| text.parse::<u16>().map_err(|_| format!("{text:?} is not a port"));
    let (first, last) = (port(first)?, port(last)?);
    if first > last { Err("the first port comes after the last".to_owned()) } else { Ok((first, last)) }
}

fn or_any(text: String) -> String {
    if text.is_empty() { "any".to_owned() } else { text }
}

fn port_range(rule: &Value) -> String {
    let (first, last) = (text(rule, "/port_range_min"), text(rule, "/port_range_max"));
    or_any(if first == last { first } else { format!("{first}:{last}") })
}

fn remote(rule: &Value) -> String {
    let group = text(rule, "/remote_group_id");
    if group.is_empty() { or_any(text(rule, "/remote_ip_prefix")) } else { format!("group {group}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(protocol: Option<&str>, port: Option<&str>, remote: Option<&str>) -> Allow {
        Allow {
            group: "default".to_owned(),
            protocol: protocol.map(str::to_owned),
            port: port.map(|port| ports(port).unwrap()),
            remote: remote.map(str::to_owned),
            direction: Direction::Ingress,
            ipv6: false,
        }
    }

    #[test]
    fn a_rule_says_only_what_was_asked_for() {
        let rule = Value::Object(allow(Some("TCP"), Some("22"), None).rule("g"));
        let expected = json!({
            "security_group_id": "g", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
            "port_range_min": 22, "port_range_max": 22,
        });
        assert_eq!(rule, expected);
        assert_eq!(allow(None, None, Some("fd00::/8")).rule("g")["ethertype"], "IPv6");
    }

    #[test]
    fn a_rule_that_is_there_is_found() {
        let there = json!({
            "id": "r", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22,
            "port_range_max": 22, "remote_ip_prefix": null, "remote_group_id": null,
        });
        assert!(says(&there, &allow(Some("tcp"), Some("22"), None).rule("g")));
        assert!(!says(&there, &allow(Some("tcp"), Some("22:23"), None).rule("g")));
        assert!(!says(&there, &allow(Some("tcp"), Some("22"), Some("10.0.0.0/8")).rule("g")));
    }

    #[test]
    fn ports_are_one_or_a_range() {
        assert_eq!(ports("22"), Ok((22, 22)));
        assert_eq!(ports("8000:8010"), Ok((8000, 8010)));
        assert!(ports("10-5").is_err() && ports("x").is_err() && ports("70000").is_err());
        assert_eq!(port_range(&json!({"port_range_min": 8000, "port_range_max": 8010})), "8000:8010");
        assert_eq!(port_range(&json!({"port_range_min": null})), "any");
    }
}
