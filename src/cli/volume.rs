//! `cloudbox volume`.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::catalog::Service;
use super::client::escape;
use super::output::{Column, column, text};
use super::problem::{Problem, Result};
use super::progress::Progress;
use super::resolve::{IMAGE, VM, VOLUME};
use super::session::{self, Session};
use super::vm::disk_of;
use super::wait::{self, Wait};

/// Volumes: disks that outlive a VM
#[derive(Debug, Args)]
pub struct Volume {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a volume
    Create(Create),
    /// List volumes
    #[command(visible_alias = "ls")]
    List {
        /// Those of all projects
        #[arg(long)]
        all_projects: bool,
    },
    /// Show a volume
    Show {
        /// Name or id
        volume: String,
    },
    /// Delete volumes
    #[command(visible_alias = "rm")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "VOLUME")]
        volumes: Vec<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Attach a volume to a VM
    Attach {
        /// Name or id
        volume: String,
        /// The VM's name or id
        vm: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Detach a volume from the VM that has it
    Detach {
        /// Name or id
        volume: String,
        #[command(flatten)]
        wait: Wait,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// What it shall be called
    name: String,
    /// Its size in GiB [default: what the image needs]
    #[arg(long, value_name = "GB", required_unless_present = "image", value_parser = clap::value_parser!(u64).range(1..))]
    size: Option<u64>,
    /// Put this image on it
    #[arg(long)]
    image: Option<String>,
    /// Its type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The availability zone
    #[arg(long, value_name = "ZONE")]
    availability_zone: Option<String>,
    /// A property of it; may be given more than once
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = session::pair)]
    properties: Vec<(String, String)>,
    #[command(flatten)]
    wait: Wait,
}

const LIST: &[Column] = &[
    column("Name", |volume| text(volume, "/name")),
    column("Status", |volume| text(volume, "/status")),
    column("Size", |volume| text(volume, "/size") + " GiB"),
    column("Bootable", bootable),
    column("Attached to", |volume| attached(volume, "/server_id")),
    column("Id", |volume| text(volume, "/id")),
];

const SHOW: &[Column] = &[
    column("Name", |volume| text(volume, "/name")),
    column("Id", |volume| text(volume, "/id")),
    column("Status", |volume| text(volume, "/status")),
    column("Size", |volume| text(volume, "/size") + " GiB"),
    column("Type", |volume| text(volume, "/volume_type")),
    column("Bootable", bootable),
    column("Attached to", |volume| attached(volume, "/server_id")),
    column("Device", |volume| attached(volume, "/device")),
    column("Description", |volume| text(volume, "/description")),
    column("Properties", |volume| text(volume, "/metadata")),
    column("Zone", |volume| text(volume, "/availability_zone")),
    column("Created", |volume| text(volume, "/created_at")),
];

impl Volume {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        match self.verb {
            Verb::Create(create) => create.run(session).await,
            Verb::List { all_projects } => {
                let path = if all_projects { format!("{}?all_tenants=1", VOLUME.list) } else { VOLUME.list.to_owned() };
                session.out.list(&session.client.list(Service::Volume, &path, VOLUME.many).await?, LIST)
            }
            Verb::Show { volume } => session.out.show(&VOLUME.find(&session.client, &volume).await?, SHOW),
            Verb::Delete { volumes, wait } => {
                session.each(&volumes, async |name| delete(session, name, &wait).await).await
            }
            Verb::Attach { volume, vm, wait } => attach(session, &volume, &vm, &wait).await,
            Verb::Detach { volume, wait } => detach(session, &volume, &wait).await,
        }
    }
}

async fn delete(session: &Session, name: &str, wait: &Wait) -> Result<()> {
    let id = VOLUME.find_exactly(&session.client, name).await?;
    VOLUME.delete(&session.client, &id).await?;
    if !wait.wanted() {
        return Ok(());
    }
    let progress = Progress::spinner(session.out, format!("delete {name}"));
    let look = async || {
        wait::gone(VOLUME.get(&session.client, &id).await, |volume| wait::status("volume", volume.clone(), "deleted"))
    };
    wait::until(wait, progress, look).await.map(drop)
}

async fn attach(session: &Session, volume: &str, vm: &str, wait: &Wait) -> Result<()> {
    let id = VOLUME.find_id(&session.client, volume).await?;
    let vm = VM.find_id(&session.client, vm).await?;
    let path = format!("{}/os-volume_attachments", VM.path_of(&vm));
    session.client.post(Service::Compute, &path, &json!({ "volumeAttachment": { "volumeId": id } })).await?;
    settle(session, &id, &format!("attach {volume}"), "in-use", wait).await
}

async fn detach(session: &Session, volume: &str, wait: &Wait) -> Result<()> {
    let found = VOLUME.find(&session.client, volume).await?;
    let (id, vm) = (text(&found, "/id"), text(&found, "/attachments/0/server_id"));
    if vm.is_empty() {
        return Err(Problem::failed(format!("the volume {volume} is not attached to a VM")));
    }
    let path = format!("{}/os-volume_attachments/{}", VM.path_of(&vm), escape(&id));
    session.client.delete(Service::Compute, &path).await?;
    settle(session, &id, &format!("detach {volume}"), "available", wait).await
}

/// Waits until the volume is `wanted`, and shows it.
async fn settle(session: &Session, id: &str, what: &str, wanted: &str, wait: &Wait) -> Result<()> {
    let volume = if wait.wanted() {
        let look = async || wait::status("volume", VOLUME.get(&session.client, id).await?, wanted);
        wait::until(wait, Progress::spinner(session.out, what), look).await?
    } else {
        VOLUME.get(&session.client, id).await?
    };
    session.out.show(&volume, SHOW)
}

impl Create {
    async fn run(self, session: &Session) -> Result<()> {
        let image = match &self.image {
            Some(image) => Some(IMAGE.find(&session.client, image).await?),
            None => None,
        };
        let size = self.size.or_else(|| image.as_ref().map(disk_of)).unwrap_or(1).max(1);
        let mut body = Map::new();
        let mut set = |key: &str, value: Value| body.insert(key.to_owned(), value);
        set("name", json!(self.name));
        set("size", json!(size));
        let image = image.map(|image| text(&image, "/id"));
        for (key, value) in [
            ("imageRef", &image),
            ("volume_type", &self.kind),
            ("description", &self.description),
            ("availability_zone", &self.availability_zone),
        ] {
            if let Some(value) = value {
                set(key, json!(value));
            }
        }
        if !self.properties.is_empty() {
            let properties = self.properties.iter().map(|(key, value)| (key.clone(), json!(value)));
            set("metadata", Value::Object(properties.collect()));
        }
        let made = session.client.post(Service::Volume, VOLUME.path, &json!({ "volume": body })).await?;
        settle(session, &text(&made, "/volume/id"), &format!("volume {}", self.name), "available", &self.wait).await
    }
}

fn bootable(volume: &Value) -> String {
    // Cinder says it in words.
    if text(volume, "/bootable") == "true" { "yes" } else { "no" }.to_owned()
}

fn attached(volume: &Value, key: &str) -> String {
    let all = volume.get("attachments").and_then(Value::as_array).into_iter().flatten();
    all.map(|attachment| text(attachment, key)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_shows_who_has_it() {
        let volume = json!({
            "name": "data", "size": 20, "bootable": "false", "status": "in-use",
            "attachments": [{"server_id": "s1", "device": "/dev/vdb"}],
        });
        let cells: Vec<String> = LIST.iter().map(|column| (column.cell)(&volume)).collect();
        assert_eq!(cells, ["data", "in-use", "20 GiB", "no", "s1", ""]);
    }
}
