//! `cloudbox image`.

mod catalogue;
mod change;
pub(super) mod create;
mod format;
mod pull;
mod save;
mod share;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::output::{Column, column, size, text, wide};
use super::problem::Result;
use super::resolve::IMAGE;
use super::session::Session;

/// Images that VMs boot from
#[derive(Debug, Args)]
pub struct Image {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Fetch an image from its publisher, check it and upload it
    Pull(pull::Pull),
    /// List what can be pulled
    #[command(visible_alias = "catalogue")]
    Catalog(pull::Catalog),
    /// Make an image of a file, or of what is at a URL
    Create(Box<create::Create>),
    /// List images
    #[command(visible_alias = "ls")]
    List,
    /// Show an image
    Show {
        /// Name or id
        image: String,
    },
    /// Change what an image says of itself, who sees it, and whether it can be used
    Set(Box<change::Set>),
    /// Take properties and tags from an image
    Unset(change::Unset),
    /// Let another project use an image
    Share(share::Share),
    /// No longer let another project use an image
    Unshare(share::Share),
    /// List the projects that an image is shared with
    Members {
        /// Name or id
        image: String,
    },
    /// Take an image that another project shares: it is listed from now on
    Accept(share::Answer),
    /// Leave an image that another project shares: it is not listed
    Reject(share::Answer),
    /// Download an image into a file
    #[command(visible_alias = "download")]
    Save(save::Save),
    /// Delete images
    #[command(visible_alias = "rm")]
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Visibility {
    Private,
    Shared,
    Community,
    Public,
}

impl Visibility {
    /// What Glance calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Community => "community",
            Self::Public => "public",
        }
    }
}

const LIST: &[Column] = &[
    column("Name", |image| text(image, "/name")),
    column("Status", |image| text(image, "/status")),
    column("Format", |image| text(image, "/disk_format")),
    column("Size", |image| bytes(image, "/size")),
    column("Visibility", |image| text(image, "/visibility")),
    column("Id", |image| text(image, "/id")),
    wide("Owner", |image| text(image, "/owner")),
    wide("Min disk", |image| text(image, "/min_disk")),
    wide("Min memory", |image| text(image, "/min_ram")),
    wide("Created", |image| text(image, "/created_at")),
];

pub const SHOW: &[Column] = &[
    column("Name", |image| text(image, "/name")),
    column("Id", |image| text(image, "/id")),
    column("Status", |image| text(image, "/status")),
    column("Format", |image| text(image, "/disk_format")),
    column("Size", |image| bytes(image, "/size")),
    column("Virtual size", |image| bytes(image, "/virtual_size")),
    column("Min disk", |image| text(image, "/min_disk") + " GiB"),
    column("Min memory", |image| text(image, "/min_ram") + " MiB"),
    column("Visibility", |image| text(image, "/visibility")),
    column("Protected", |image| text(image, "/protected")),
    column("Tags", |image| text(image, "/tags")),
    column("Properties", properties),
    column("Checksum", |image| text(image, "/os_hash_algo") + " " + &text(image, "/os_hash_value")),
    column("Owner", |image| text(image, "/owner")),
    column("Created", |image| text(image, "/created_at")),
];

/// What every image has; the rest are its properties.
const OWN: &[&str] = &[
    "checksum",
    "container_format",
    "created_at",
    "direct_url",
    "disk_format",
    "file",
    "id",
    "locations",
    "min_disk",
    "min_ram",
    "name",
    "os_hash_algo",
    "os_hash_value",
    "os_hidden",
    "owner",
    "protected",
    "schema",
    "self",
    "size",
    "status",
    "stores",
    "tags",
    "updated_at",
    "virtual_size",
    "visibility",
];

impl Image {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        match self.verb {
            Verb::Pull(verb) => verb.run(session).await,
            Verb::Catalog(verb) => verb.run(session),
            Verb::Create(verb) => verb.run(session).await,
            Verb::List => session.out.list(&IMAGE.list(&session.client).await?, LIST),
            Verb::Show { image } => session.out.show(&IMAGE.find(&session.client, &image).await?, SHOW),
            Verb::Set(verb) => verb.run(session).await,
            Verb::Unset(verb) => verb.run(session).await,
            Verb::Share(verb) => verb.share(session).await,
            Verb::Unshare(verb) => verb.unshare(session).await,
            Verb::Members { image } => share::list(session, &image).await,
            Verb::Accept(verb) => verb.run(session, "accepted").await,
            Verb::Reject(verb) => verb.run(session, "rejected").await,
            Verb::Save(verb) => verb.run(session).await,
            Verb::Delete { images } => {
                let delete = async |name: &str| {
                    let id = IMAGE.find_exactly(&session.client, name).await?;
                    IMAGE.delete(&session.client, &id).await
                };
                session.each(&images, delete).await
            }
        }
    }
}

fn bytes(image: &Value, pointer: &str) -> String {
    image.pointer(pointer).and_then(Value::as_u64).map(size).unwrap_or_default()
}

fn properties(image: &Value) -> String {
    let all = image.as_object().into_iter().flatten().filter(|(key, _)| !OWN.contains(&key.as_str()));
    all.map(|(key, value)| format!("{key}={}", text(value, ""))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn properties_are_what_not_every_image_has() {
        let image = json!({"id": "1", "size": 5, "os_distro": "debian", "hw_disk_bus": "scsi", "tags": []});
        assert_eq!(properties(&image), "hw_disk_bus=scsi, os_distro=debian");
    }
}
