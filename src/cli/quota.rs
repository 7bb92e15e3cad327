//! `cloudbox quota`: what a project may use of compute, network and volume, each of which has its own, in one table.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::catalog::Service;
use super::client::escape;
use super::output::{Column, column, text};
use super::problem::{Problem, Result};
use super::resolve::PROJECT;
use super::session::{self, Session};

/// What projects may use, and what they do use
#[derive(Debug, Args)]
pub struct Quota {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show what a project may use, and what it does use
    Show {
        /// The project's name or id [default: your own]
        project: Option<String>,
        /// What it might use if nobody had said anything
        #[arg(long)]
        defaults: bool,
    },
    /// Change what a project may use
    Set {
        /// The project's name or id
        project: String,
        /// Of what and how much: cores=20 volumes=-1 floatingip=10; -1 is without end
        #[arg(required = true, value_name = "RESOURCE=N", value_parser = limit)]
        limits: Vec<(String, i64)>,
    },
    /// Let a project use again what nobody has said anything about
    Reset {
        /// The project's name or id
        project: String,
    },
}

const LIST: &[Column] = &[
    column("Service", |row| text(row, "/service")),
    column("Resource", |row| text(row, "/resource")),
    column("Limit", |row| if row.get("limit") == Some(&json!(-1)) { "none".to_owned() } else { text(row, "/limit") }),
    column("Used", |row| text(row, "/used")),
    column("Reserved", |row| text(row, "/reserved")),
];

/// Where a service has its quotas.
struct Account {
    service: Service,
    path: &'static str,
    /// The key of a set.
    key: &'static str,
    /// What follows the project for what is used.
    used: &'static str,
    /// What follows it for the defaults.
    defaults: &'static str,
}

static ACCOUNTS: [Account; 3] = [
    Account {
        service: Service::Compute,
        path: "/os-quota-sets",
        key: "quota_set",
        used: "/detail",
        defaults: "/defaults",
    },
    Account { service: Service::Network, path: "/quotas", key: "quota", used: "/details", defaults: "/default" },
    Account {
        service: Service::Volume,
        path: "/os-quota-sets",
        key: "quota_set",
        used: "?usage=True",
        defaults: "/defaults",
    },
];

impl Account {
    fn path_of(&self, project: &str) -> String {
        format!("{}/{}", self.path, escape(project))
    }

    /// A row for each resource of the answer at what `follows` the project.
    async fn rows(&self, session: &Session, project: &str, follows: &str) -> Result<Vec<Value>> {
        let answer = session.client.get(self.service, &format!("{}{follows}", self.path_of(project))).await?;
        let set = answer.get(self.key).and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(set.iter().filter(|(name, _)| *name != "id").map(|(name, value)| row(self.service, name, value)).collect())
    }
}

impl Quota {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        match self.verb {
            Verb::Show { project, defaults } => {
                let project = match project {
                    Some(project) => PROJECT.find_id_or_take(&session.client, &project).await?,
                    None => own_project(session).await?,
                };
                show(session, &project, defaults).await
            }
            Verb::Set { project, limits } => {
                let project = PROJECT.find_id_or_take(&session.client, &project).await?;
                set(session, &project, limits).await?;
                show(session, &project, false).await
            }
            Verb::Reset { project } => {
                let project = PROJECT.find_id_or_take(&session.client, &project).await?;
                for account in accounts(session).await? {
                    session.client.delete(account.service, &account.path_of(&project)).await?;
                }
                Ok(())
            }
        }
    }
}

async fn own_project(session: &Session) -> Result<String> {
    let own = session.client.project_id().await?;
    own.ok_or_else(|| Problem::usage("this login is for no project").hint("say of which project"))
}

/// Those that the cloud has.
async fn accounts(session: &Session) -> Result<Vec<&'static Account>> {
    let mut there = Vec::new();
    for account in &ACCOUNTS {
        if session.client.has(account.service).await? {
            there.push(account);
        }
    }
    Ok(there)
}

async fn show(session: &Session, project: &str, defaults: bool) -> Result<()> {
    let mut rows = Vec::new();
    for account in accounts(session).await? {
        let follows = if defaults { account.defaults } else { account.used };
        rows.extend(account.rows(session, project, follows).await?);
    }
    session.out.list(&rows, LIST)
}

async fn set(session: &Session, project: &str, mut limits: Vec<(String, i64)>) -> Result<()> {
    let (mut changes, mut known) = (Vec::new(), Vec::new());
    for account in accounts(session).await? {
        let names: Vec<String> =
            account.rows(session, project, "").await?.iter().map(|row| text(row, "/resource")).collect();
        let (own, others): (Vec<_>, Vec<_>) = limits.into_iter().partition(|(name, _)| names.contains(name));
        limits = others;
        known.extend(names);
        if !own.is_empty() {
            let set: Map<String, Value> = own.into_iter().map(|(name, limit)| (name, json!(limit))).collect();
            changes.push((account, json!({ account.key: set })));
        }
    }
    // All of it is known before any of it is done.
    if let Some((name, _)) = limits.first() {
        let text = format!("there is no quota of {name}");
        return Err(Problem::not_found(text).hint(format!("there are {}", known.join(", "))));
    }
    for (account, body) in changes {
        session.client.put(account.service, &account.path_of(project), &body).await?;
    }
    Ok(())
}

/// One resource: Nova's and Cinder's sets are of numbers, or like Neutron's of what each is made of.
fn row(service: Service, name: &str, value: &Value) -> Value {
    let mut row = json!({ "service": service.name(), "resource": name, "limit": value });
    if let (Some(details), Some(map)) = (value.as_object(), row.as_object_mut()) {
        for (to, from) in [("limit", "limit"), ("used", "in_use"), ("used", "used"), ("reserved", "reserved")] {
            if let Some(number) = details.get(from) {
                map.insert(to.to_owned(), number.clone());
            }
        }
    }
    row
}

fn limit(text: &str) -> std::result::Result<(String, i64), String> {
    let (name, number) = session::pair(text)?;
    let number = number.parse().map_err(|_| format!("{number} is no number"))?;
    Ok((name, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_says_it_in_its_own_way() {
        let cells = |row: Value| LIST.iter().map(|column| (column.cell)(&row)).collect::<Vec<_>>().join(" ");
        let nova = row(Service::Compute, "cores", &json!({"limit": 20, "in_use": 3, "reserved": 0}));
        assert_eq!(cells(nova), "compute cores 20 3 0");
        let neutron = row(Service::Network, "port", &json!({"limit": -1, "used": 4, "reserved": 1}));
        assert_eq!(cells(neutron), "network port none 4 1");
        assert_eq!(cells(row(Service::Volume, "volumes", &json!(10))), "volume volumes 10  ");
    }

    #[test]
    fn a_limit_is_a_number() {
        assert_eq!(limit("cores=-1"), Ok(("cores".to_owned(), -1)));
        assert_eq!(limit("cores=many").unwrap_err(), "many is no number");
        assert!(limit("cores").is_err());
    }
}
