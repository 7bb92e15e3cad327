//! `cloudbox catalog`: where the services of the cloud are, as the login in use has it. Nothing is asked of the cloud for it.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{Column, column, text, wide};
use super::problem::{Problem, Result};
use super::session::Session;

/// Where the services of the cloud are
#[derive(Debug, Args)]
pub struct Services {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List all endpoints
    #[command(visible_alias = "ls")]
    List,
    /// List the endpoints of a service
    Show {
        /// Its type or its name: compute, …
        service: String,
    },
}

const LIST: &[Column] = &[
    column("Type", |row| text(row, "/type")),
    wide("Service", |row| text(row, "/service")),
    column("Interface", |row| text(row, "/interface")),
    column("Region", |row| text(row, "/region")),
    column("URL", |row| text(row, "/url")),
    wide("Id", |row| text(row, "/id")),
];

impl Services {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        let login = session.client.login().await?;
        let mut services = login.catalog.list().as_array().cloned().unwrap_or_default();
        if let Verb::Show { service } = self.verb {
            services.retain(|known| text(known, "/type") == service || text(known, "/name") == service);
            if services.is_empty() {
                return Err(Problem::not_found(format!("the cloud's catalog has no {service}"))
                    .hint("`cloudbox catalog list` shows what there is"));
            }
        }
        session.out.list(&services.iter().flat_map(rows).collect::<Vec<_>>(), LIST)
    }
}

/// The endpoints of `service`, each with what it is an endpoint of.
fn rows(service: &Value) -> Vec<Value> {
    let endpoints = service.get("endpoints").and_then(Value::as_array).into_iter().flatten();
    let row = |endpoint: &Value| {
        let region = if endpoint.get("region_id").is_some() { "/region_id" } else { "/region" };
        json!({
            "type": text(service, "/type"), "service": text(service, "/name"), "interface": text(endpoint, "/interface"),
            "region": text(endpoint, region), "url": text(endpoint, "/url"), "id": text(endpoint, "/id"),
        })
    };
    endpoints.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_says_whose_it_is() {
        let endpoint =
            |interface: &str| json!({"interface": interface, "region_id": "r", "url": "http://n", "id": "e"});
        let service =
            json!({"type": "network", "name": "neutron", "endpoints": [endpoint("public"), endpoint("admin")]});
        let rows = rows(&service);
        assert_eq!(rows.len(), 2);
        assert_eq!((text(&rows[1], "/type"), text(&rows[1], "/interface")), ("network".to_owned(), "admin".to_owned()));
    }
}
