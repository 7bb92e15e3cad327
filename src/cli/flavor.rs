//! `cloudbox flavor`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::catalog::Service;
use super::client::escape;
use super::output::{Column, column, text};
use super::problem::Result;
use super::resolve::FLAVOR;
use super::session::{self, Session};

/// Flavors: sizes of VMs
#[derive(Debug, Args)]
pub struct Flavor {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List flavors, the smallest first
    #[command(visible_alias = "ls")]
    List,
    /// Show a flavor
    Show {
        /// Name or id
        flavor: String,
    },
    /// Create a flavor
    Create(Create),
    /// Delete flavors
    #[command(visible_alias = "rm")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "FLAVOR")]
        flavors: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// What it shall be called
    name: String,
    /// How many virtual CPUs
    #[arg(long, value_name = "N", default_value_t = 1)]
    vcpus: u32,
    /// Memory in MiB
    #[arg(long, visible_alias = "memory", value_name = "MB")]
    ram: u64,
    /// Disk in GiB; 0 is the image's own size
    #[arg(long, value_name = "GB", default_value_t = 0)]
    disk: u64,
    /// A second, empty disk in GiB
    #[arg(long, value_name = "GB", default_value_t = 0)]
    ephemeral: u64,
    /// Swap in MiB
    #[arg(long, value_name = "MB", default_value_t = 0)]
    swap: u64,
    /// Its id [default: a new one]
    #[arg(long)]
    id: Option<String>,
    /// For those projects only that are given access
    #[arg(long)]
    private: bool,
    /// An extra spec of it; may be given more than once
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = session::pair)]
    properties: Vec<(String, String)>,
}

const LIST: &[Column] = &[
    column("Name", |flavor| text(flavor, "/name")),
    column("vCPUs", |flavor| text(flavor, "/vcpus")),
    column("Memory", |flavor| text(flavor, "/ram") + " MiB"),
    column("Disk", |flavor| text(flavor, "/disk") + " GiB"),
    column("Public", |flavor| text(flavor, "/os-flavor-access:is_public")),
    column("Id", |flavor| text(flavor, "/id")),
];

const SHOW: &[Column] = &[
    column("Name", |flavor| text(flavor, "/name")),
    column("Id", |flavor| text(flavor, "/id")),
    column("vCPUs", |flavor| text(flavor, "/vcpus")),
    column("Memory", |flavor| text(flavor, "/ram") + " MiB"),
    column("Disk", |flavor| text(flavor, "/disk") + " GiB"),
    column("Ephemeral disk", |flavor| text(flavor, "/OS-FLV-EXT-DATA:ephemeral") + " GiB"),
    column("Public", |flavor| text(flavor, "/os-flavor-access:is_public")),
    column("Properties", |flavor| text(flavor, "/extra_specs")),
];

impl Flavor {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        match self.verb {
            Verb::List => {
                let mut flavors = FLAVOR.list(&session.client).await?;
                flavors
                    .sort_by_key(|flavor| (number(flavor, "/ram"), number(flavor, "/vcpus"), number(flavor, "/disk")));
                session.out.list(&flavors, LIST)
            }
            Verb::Show { flavor } => session.out.show(&FLAVOR.find(&session.client, &flavor).await?, SHOW),
            Verb::Create(create) => create.run(session).await,
            Verb::Delete { flavors } => {
                let delete = async |name: &str| {
                    let id = FLAVOR.find_exactly(&session.client, name).await?;
                    FLAVOR.delete(&session.client, &id).await
                };
                session.each(&flavors, delete).await
            }
        }
    }
}

fn number(flavor: &Value, pointer: &str) -> u64 {
    flavor.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

impl Create {
    async fn run(self, session: &Session) -> Result<()> {
        let body = json!({ "flavor": {
            "name": self.name,
            "id": self.id,
            "vcpus": self.vcpus,
            "ram": self.ram,
            "disk": self.disk,
            "OS-FLV-EXT-DATA:ephemeral": self.ephemeral,
            "swap": self.swap,
            "os-flavor-access:is_public": !self.private,
        } });
        let made = session.client.post(Service::Compute, FLAVOR.path, &body).await?;
        let id = text(&made, "/flavor/id");
        if !self.properties.is_empty() {
            let specs = self.properties.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
            let body = json!({ "extra_specs": Value::Object(specs.collect()) });
            let path = format!("{}/{}/os-extra_specs", FLAVOR.path, escape(&id));
            session.client.post(Service::Compute, &path, &body).await?;
        }
        session.out.show(&FLAVOR.get(&session.client, &id).await?, SHOW)
    }
}
