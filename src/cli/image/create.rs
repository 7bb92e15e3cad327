//! `image create`: of a file that is uploaded, or of a URL that the cloud fetches.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{SHOW, Visibility, format};
use crate::cli::output::text;
use crate::cli::problem::{Problem, Result};
use crate::cli::progress::Progress;
use crate::cli::resolve::IMAGE;
use crate::cli::session::{self, Session};
use crate::cli::wait::{self, Look, Wait};

/// The options of `image create`.
#[derive(Debug, Args)]
#[group(id = "source", required = true, multiple = false, args = ["file", "url"])]
pub struct Create {
    /// What it shall be called
    name: String,
    /// The file to upload
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Where the cloud shall fetch it
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// qcow2, raw, vmdk, vdi, vhd, iso, … [default: what the file or the URL looks like]
    #[arg(long, value_name = "FORMAT")]
    disk_format: Option<String>,
    /// bare, ova, …
    #[arg(long, value_name = "FORMAT", default_value = "bare")]
    container_format: String,
    #[command(flatten)]
    said: Said,
    #[command(flatten)]
    wait: Wait,
}

/// What an image says of itself, in options.
#[derive(Debug, Default, Args)]
pub struct Said {
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
}

impl Said {
    /// Puts it into a body, over what is there.
    pub fn put(&self, body: &mut Map<String, Value>) {
        for (key, value) in &self.properties {
            body.insert(key.clone(), Value::from(value.as_str()));
        }
        let mut set = |key: &str, value: Value| body.insert(key.to_owned(), value);
        if let Some(size) = self.min_disk {
            set("min_disk", json!(size));
        }
        if let Some(size) = self.min_ram {
            set("min_ram", json!(size));
        }
        if let Some(visibility) = self.visibility {
            set("visibility", json!(visibility.name()));
        }
        if self.protected {
            set("protected", json!(true));
        }
        if !self.tags.is_empty() {
            set("tags", json!(self.tags));
        }
    }
}

impl Create {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        let mut body = Map::new();
        self.said.put(&mut body);
        body.insert("name".to_owned(), json!(self.name));
        body.insert("container_format".to_owned(), json!(self.container_format));
        body.insert("disk_format".to_owned(), json!(self.format()?));
        let image = match (&self.file, &self.url) {
            (Some(file), _) => of_file(session, body, file, &self.wait).await?,
            (None, Some(url)) => of_url(session, body, url, &self.wait).await?,
            (None, None) => return Err(Problem::usage("say --file FILE or --url URL")),
        };
        session.out.show(&image, SHOW)
    }

    fn format(&self) -> Result<String> {
        if let Some(format) = &self.disk_format {
            return Ok(format.clone());
        }
        if let Some(file) = &self.file {
            return Ok(format::guess(file)?.to_owned());
        }
        let told = self.url.as_deref().and_then(format::of_url).map(str::to_owned);
        told.ok_or_else(|| {
            Problem::usage("the URL does not say what format it is")
                .hint("--disk-format qcow2, or raw, or another says it")
        })
    }
}

/// Whether `text` is rather a file or a URL than the name of an image.
#[must_use]
pub fn is_source(text: &str) -> bool {
    is_url(text) || text.contains('/') || Path::new(text).is_file()
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// An image of a file or a URL, which is called as its last part is.
///
/// # Errors
/// What keeps it from being made.
pub async fn of_source(session: &Session, source: &str, wait: &Wait) -> Result<Value> {
    let path = source.split(['?', '#']).next().filter(|_| is_url(source)).unwrap_or(source);
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(source);
    let mut body = Map::from_iter([("name".to_owned(), json!(name)), ("container_format".to_owned(), json!("bare"))]);
    let format =
        if is_url(source) { format::of_url(source).unwrap_or("qcow2") } else { format::guess(Path::new(source))? };
    body.insert("disk_format".to_owned(), json!(format));
    if is_url(source) {
        of_url(session, body, source, wait).await
    } else {
        of_file(session, body, Path::new(source), wait).await
    }
}

/// An image with the bytes of `file`. One that they do not get into is taken away again.
///
/// # Errors
/// What keeps it from being made.
pub async fn of_file(session: &Session, body: Map<String, Value>, file: &Path, wait: &Wait) -> Result<Value> {
    let length = std::fs::metadata(file);
    let length = length.map_err(|error| Problem::io(&format!("cannot read {}", file.display()), &error))?.len();
    let image = session.client.post(IMAGE.service, IMAGE.path, &Value::Object(body)).await?;
    let (id, name) = (text(&image, "/id"), text(&image, "/name"));
    let progress = Progress::bytes(session.out, format!("upload {name}"), length);
    let path = format!("{}/file", IMAGE.path_of(&id));
    let uploaded = session.client.upload(IMAGE.service, &path, file, |sent| progress.position(sent)).await;
    drop(progress);
    if let Err(problem) = uploaded {
        take_away(session, &id).await;
        return Err(problem);
    }
    if !wait.wanted() {
        return IMAGE.get(&session.client, &id).await;
    }
    let progress = Progress::spinner(session.out, format!("image {name}"));
    let look = async || wait::status("image", IMAGE.get(&session.client, &id).await?, "active");
    wait::until(wait, progress, look).await
}

/// An image of what the cloud fetches at `url`. One that it cannot have is taken away again.
async fn of_url(session: &Session, body: Map<String, Value>, url: &str, wait: &Wait) -> Result<Value> {
    let image = session.client.post(IMAGE.service, IMAGE.path, &Value::Object(body)).await?;
    let (id, name) = (text(&image, "/id"), text(&image, "/name"));
    let import = json!({ "method": { "name": "web-download", "uri": url } });
    let path = format!("{}/import", IMAGE.path_of(&id));
    if let Err(problem) = session.client.post(IMAGE.service, &path, &import).await {
        take_away(session, &id).await;
        return Err(problem);
    }
    if !wait.wanted() {
        return IMAGE.get(&session.client, &id).await;
    }
    let progress = Progress::spinner(session.out, format!("image {name}"));
    let made = wait::until(wait, progress, async || look(session, &id).await).await;
    if let Err(problem) = &made
        && problem.text.starts_with(FAILED)
    {
        take_away(session, &id).await;
    }
    made
}

/// How a failed import is told.
const FAILED: &str = "the cloud could not import it";

/// How an import stands.
async fn look(session: &Session, id: &str) -> Result<Look> {
    let image = IMAGE.get(&session.client, id).await?;
    if text(&image, "/status") == "active" {
        return Ok(Look::Done(image));
    }
    let task = task(session, id).await;
    let message = text(&task, "/message");
    let failed = text(&task, "/status") == "failure" || !text(&image, "/os_glance_failed_import").is_empty();
    if failed {
        return Err(Problem::failed(if message.is_empty() {
            FAILED.to_owned()
        } else {
            format!("{FAILED}: {message}")
        }));
    }
    let status = text(&image, "/status");
    Ok(Look::Working(if message.is_empty() { status } else { format!("{status}, {message}") }))
}

/// The newest task of an image; null where there is none to be seen.
async fn task(session: &Session, id: &str) -> Value {
    let answer = session.client.get(IMAGE.service, &format!("{}/tasks", IMAGE.path_of(id))).await.unwrap_or_default();
    let tasks = answer.get("tasks").and_then(Value::as_array).cloned().unwrap_or_default();
    tasks.into_iter().max_by_key(|task| text(task, "/created_at")).unwrap_or_default()
}

/// Deletes an image that has no bytes: it is of use to nobody.
async fn take_away(session: &Session, id: &str) {
    if IMAGE.delete(&session.client, id).await.is_err() {
        session.out.note(&format!("the image {id} is left behind without its data"));
    }
}
