//! `cloudbox image`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::output::{Column, column, size, text};
use super::problem::{Problem, Result};
use super::progress::Progress;
use super::resolve::IMAGE;
use super::session::{self, Session};
use super::wait::{self, Wait};

/// Images that VMs boot from
#[derive(Debug, Args)]
pub struct Image {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Upload an image
    Create(Box<Create>),
    /// List images
    #[command(visible_alias = "ls")]
    List,
    /// Show an image
    Show {
        /// Name or id
        image: String,
    },
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

#[derive(Debug, Args)]
struct Create {
    /// What it shall be called
    name: String,
    /// The file to upload
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// qcow2, raw, vmdk, vdi, vhd, iso, … [default: what the file looks like]
    #[arg(long, value_name = "FORMAT")]
    disk_format: Option<String>,
    /// bare, ova, …
    #[arg(long, value_name = "FORMAT", default_value = "bare")]
    container_format: String,
    /// The least disk, in GiB, that a VM must have
    #[arg(long, value_name = "GB")]
    min_disk: Option<u64>,
    /// The least memory, in MiB, that a VM must have
    #[arg(long, value_name = "MB")]
    min_ram: Option<u64>,
    /// Who sees it
    #[arg(long, value_enum)]
    visibility: Option<Visibility>,
    /// Keep it from being deleted
    #[arg(long)]
    protected: bool,
    /// A property of it, such as os_admin_user=debian; may be given more than once
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = session::pair)]
    properties: Vec<(String, String)>,
    /// A tag; may be given more than once
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    #[command(flatten)]
    wait: Wait,
}

const LIST: &[Column] = &[
    column("Name", |image| text(image, "/name")),
    column("Status", |image| text(image, "/status")),
    column("Format", |image| text(image, "/disk_format")),
    column("Size", |image| bytes(image, "/size")),
    column("Visibility", |image| text(image, "/visibility")),
    column("Id", |image| text(image, "/id")),
];

const SHOW: &[Column] = &[
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
            Verb::Create(create) => create.run(session).await,
            Verb::List => session.out.list(&IMAGE.list(&session.client).await?, LIST),
            Verb::Show { image } => session.out.show(&IMAGE.find(&session.client, &image).await?, SHOW),
            Verb::Delete { images } => {
                let delete = async |name: &str| {
                    let id = IMAGE.find_id(&session.client, name).await?;
                    IMAGE.delete(&session.client, &id).await
                };
                session.each(&images, delete).await
            }
        }
    }
}

impl Create {
    async fn run(self, session: &Session) -> Result<()> {
        let length = std::fs::metadata(&self.file);
        let length =
            length.map_err(|error| Problem::io(&format!("cannot read {}", self.file.display()), &error))?.len();
        let image = session.client.post(IMAGE.service, IMAGE.path, &self.body()?).await?;
        let id = text(&image, "/id");
        if let Err(problem) = self.upload(session, &id, length).await {
            // An image without its bytes is of use to nobody.
            if IMAGE.delete(&session.client, &id).await.is_err() {
                session.out.note(&format!("the image {id} is left behind without its data"));
            }
            return Err(problem);
        }
        let image = if self.wait.wanted() {
            let progress = Progress::spinner(session.out, format!("image {}", self.name));
            let look = async || wait::status("image", IMAGE.get(&session.client, &id).await?, "active");
            wait::until(&self.wait, progress, look).await?
        } else {
            IMAGE.get(&session.client, &id).await?
        };
        session.out.show(&image, SHOW)
    }

    async fn upload(&self, session: &Session, id: &str, length: u64) -> Result<()> {
        let progress = Progress::bytes(session.out, format!("upload {}", self.name), length);
        let path = format!("{}/file", IMAGE.path_of(id));
        session.client.upload(IMAGE.service, &path, &self.file, |sent| progress.position(sent)).await
    }

    fn body(&self) -> Result<Value> {
        let format = match &self.disk_format {
            Some(format) => format.clone(),
            None => guess(&self.file)?.to_owned(),
        };
        let mut body = Map::new();
        for (key, value) in &self.properties {
            body.insert(key.clone(), Value::from(value.as_str()));
        }
        let mut set = |key: &str, value: Value| body.insert(key.to_owned(), value);
        set("name", json!(self.name));
        set("disk_format", json!(format));
        set("container_format", json!(self.container_format));
        if let Some(size) = self.min_disk {
            set("min_disk", json!(size));
        }
        if let Some(size) = self.min_ram {
            set("min_ram", json!(size));
        }
        if let Some(visibility) = self.visibility.and_then(|visibility| visibility.to_possible_value()) {
            set("visibility", json!(visibility.get_name()));
        }
        if self.protected {
            set("protected", json!(true));
        }
        if !self.tags.is_empty() {
            set("tags", json!(self.tags));
        }
        Ok(Value::Object(body))
    }
}

fn bytes(image: &Value, pointer: &str) -> String {
    image.pointer(pointer).and_then(Value::as_u64).map(size).unwrap_or_default()
}

fn properties(image: &Value) -> String {
    let all = image.as_object().into_iter().flatten().filter(|(key, _)| !OWN.contains(&key.as_str()));
    all.map(|(key, value)| format!("{key}={}", text(value, ""))).collect::<Vec<_>>().join(", ")
}

/// The format that the file's first bytes, or else its name, speak for. The cloud looks for itself.
fn guess(path: &Path) -> Result<&'static str> {
    let doing = || format!("cannot read {}", path.display());
    let mut head = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| Problem::io(&doing(), &error))?;
    file.take(128).read_to_end(&mut head).map_err(|error| Problem::io(&doing(), &error))?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_lowercase();
    Ok(format_of(&head, &extension))
}

fn format_of(head: &[u8], extension: &str) -> &'static str {
    const MAGIC: &[(usize, &[u8], &str)] = &[
        (0, b"QFI\xfb", "qcow2"),
        (0, b"KDMV", "vmdk"),
        (0, b"vhdxfile", "vhdx"),
        (0, b"conectix", "vhd"),
        (0x40, &[0x7f, 0x10, 0xda, 0xbe], "vdi"),
    ];
    let magic = MAGIC.iter().find(|(at, magic, _)| head.get(*at..).is_some_and(|head| head.starts_with(magic)));
    match magic {
        Some((_, _, format)) => format,
        None if extension == "iso" => "iso",
        None => "raw",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_format() {
        assert_eq!(format_of(b"QFI\xfb\0\0\0\x03", "img"), "qcow2");
        assert_eq!(format_of(b"\xeb\x63\x90", "img"), "raw");
        assert_eq!(format_of(b"", "iso"), "iso");
        let mut vdi = vec![0; 0x40];
        vdi.extend([0x7f, 0x10, 0xda, 0xbe]);
        assert_eq!(format_of(&vdi, ""), "vdi");
    }

    #[test]
    fn properties_are_what_not_every_image_has() {
        let image = json!({"id": "1", "size": 5, "os_distro": "debian", "hw_disk_bus": "scsi", "tags": []});
        assert_eq!(properties(&image), "hw_disk_bus=scsi, os_distro=debian");
    }
}
