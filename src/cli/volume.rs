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
use super::wait::{self, Look, Wait};

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

async fn attach(session: &Session, name: &str, vm: &str, wait: &Wait) -> Result<()> {
    let id = VOLUME.find_id(&session.client, name).await?;
    let vm = VM.find_id(&session.client, vm).await?;
    let path = format!("{}/os-volume_attachments", VM.path_of(&vm));
    session.client.post(Service::Compute, &path, &json!({ "volumeAttachment": { "volumeId": id } })).await?;
    let look = |volume: Value| attaching(volume, &vm);
    settle(session, &id, &format!("attach {name}"), look, wait).await
}

async fn detach(session: &Session, volume: &str, wait: &Wait) -> Result<()> {
    let found = VOLUME.find(&session.client, volume).await?;
    let (id, vm) = (text(&found, "/id"), text(&found, "/attachments/0/server_id"));
    if vm.is_empty() {
        return Err(Problem::failed(format!("the volume {volume} is not attached to a VM")));
    }
    let path = format!("{}/os-volume_attachments/{}", VM.path_of(&vm), escape(&id));
    session.client.delete(Service::Compute, &path).await?;
    settle(session, &id, &format!("detach {volume}"), |volume| detaching(volume, &vm), wait).await
}

/// How a volume is on its way to the VM with the id `vm`. It was taken for it before the cloud answered: one that is free was given back.
fn attaching(volume: Value, vm: &str) -> Result<Look> {
    match text(&volume, "/status").as_str() {
        "in-use" if is_at(&volume, vm) => Ok(Look::Done(volume)),
        "available" => Err(Problem::failed(format!("the volume {} could not be attached", text(&volume, "/name")))
            .hint(format!("`cloudbox vm events {vm}` tells what was tried; the log of the VM's host says why"))),
        _ => wait::under_way("volume", &volume),
    }
}

/// How a volume is on its way from the VM with the id `vm`: others may go on having it.
fn detaching(volume: Value, vm: &str) -> Result<Look> {
    match text(&volume, "/status").as_str() {
        "available" | "in-use" if !is_at(&volume, vm) => Ok(Look::Done(volume)),
        "in-use" => Err(Problem::failed(format!("the volume {} could not be detached", text(&volume, "/name")))
            .hint(format!("`cloudbox vm events {vm}` tells what was tried; the log of the VM's host says why"))),
        _ => wait::under_way("volume", &volume),
    }
}

fn is_at(volume: &Value, vm: &str) -> bool {
    let all = volume.get("attachments").and_then(Value::as_array).into_iter().flatten();
    all.into_iter().any(|attachment| text(attachment, "/server_id") == vm)
}

/// Waits until `look` says that it is done, and shows the volume.
async fn settle(
    session: &Session,
    id: &str,
    what: &str,
    look: impl Fn(Value) -> Result<Look>,
    wait: &Wait,
) -> Result<()> {
    let volume = if wait.wanted() {
        let look = async || look(VOLUME.get(&session.client, id).await?);
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
        let look = |volume| wait::status("volume", volume, "available");
        settle(session, &text(&made, "/volume/id"), &format!("volume {}", self.name), look, &self.wait).await
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
    fn an_attachment_that_failed_is_told_at_once() {
        let volume = |status: &str, servers: &[&str]| {
            let attachments: Vec<Value> = servers.iter().map(|id| json!({ "server_id": id })).collect();
            json!({"name": "data", "status": status, "attachments": attachments})
        };
        assert!(matches!(attaching(volume("reserved", &[]), "s1").unwrap(), Look::Working(_)));
        assert!(matches!(attaching(volume("in-use", &["s2", "s1"]), "s1").unwrap(), Look::Done(_)));
        // Another VM has it as well.
        assert!(matches!(attaching(volume("in-use", &["s2"]), "s1").unwrap(), Look::Working(_)));
        let problem = attaching(volume("available", &[]), "s1").unwrap_err();
        assert_eq!(problem.text, "the volume data could not be attached");
        assert!(attaching(volume("error_attaching", &[]), "s1").is_err());
        assert!(matches!(detaching(volume("detaching", &["s1"]), "s1").unwrap(), Look::Working(_)));
        assert!(detaching(volume("in-use", &["s1"]), "s1").is_err());
        assert!(matches!(detaching(volume("in-use", &["s2"]), "s1").unwrap(), Look::Done(_)));
        assert!(matches!(detaching(volume("available", &[]), "s1").unwrap(), Look::Done(_)));
    }

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
