//! `image save`: an image's bytes into a file, checked, and carried on with where they were broken off.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA512};
use clap::Args;
use hyper::StatusCode;
use serde_json::Value;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use crate::cli::http;
use crate::cli::output::text;
use crate::cli::problem::{Problem, Result};
use crate::cli::progress::Progress;
use crate::cli::resolve::IMAGE;
use crate::cli::session::Session;

/// How much of a file is read at once.
const CHUNK: usize = 256 << 10;

/// The options of `image save`.
#[derive(Debug, Args)]
pub struct Save {
    /// Name or id
    image: String,
    /// Where to [default: its name and format, here]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

impl Save {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        let image = IMAGE.find(&session.client, &self.image).await?;
        let status = text(&image, "/status");
        if status != "active" {
            return Err(Problem::failed(format!("{} is {status}: there is nothing to download", self.image)));
        }
        let file = self.file.clone().unwrap_or_else(|| name(&image));
        if !self.force && file.exists() {
            return Err(Problem::usage(format!("{} is there already", file.display())).hint("--force writes over it"));
        }
        // By the image's id: what came of another is not carried on with.
        let mut part = file.as_os_str().to_owned();
        part.push(format!(".{}.part", text(&image, "/id")));
        let part = PathBuf::from(part);
        fetch(session, &image, &part).await?;
        tokio::fs::rename(&part, &file).await.map_err(|error| io(&file, &error))?;
        session.out.raw(&format!("{}\n", file.display()))
    }
}

/// What its file is called: no name of an image can lead elsewhere.
fn name(image: &Value) -> PathBuf {
    let name = match text(image, "/name") {
        name if name.is_empty() => text(image, "/id"),
        name => name,
    };
    let name = name.replace(['/', '\0'], "_");
    let format = text(image, "/disk_format");
    let name = if name.starts_with('.') { format!("_{name}") } else { name };
    PathBuf::from(if name.ends_with(&format!(".{format}")) { name } else { format!("{name}.{format}") })
}

/// Fills `part` with what is missing, and checks it.
async fn fetch(session: &Session, image: &Value, part: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).open(part).await;
    let mut file = opened.map_err(|error| io(part, &error))?;
    let mut context = Context::new(&SHA512);
    let size = image.get("size").and_then(Value::as_u64).unwrap_or_default();
    let mut have = read(&mut file, &mut context).await.map_err(|error| io(part, &error))?;
    if have < size || size == 0 {
        let path = format!("{}/file", IMAGE.path_of(&text(image, "/id")));
        let response = session.client.download(IMAGE.service, &path, have).await?;
        if response.status() != StatusCode::PARTIAL_CONTENT && have > 0 {
            file.set_len(0).await.map_err(|error| io(part, &error))?;
            file.rewind().await.map_err(|error| io(part, &error))?;
            (context, have) = (Context::new(&SHA512), 0);
        }
        let progress = Progress::bytes(session.out, format!("save {}", text(image, "/name")), size);
        let mut body = response.into_body();
        while let Some(bytes) = http::chunk(&mut body).await.map_err(carry_on)? {
            file.write_all(&bytes).await.map_err(|error| io(part, &error))?;
            context.update(&bytes);
            have += bytes.len() as u64;
            progress.position(have);
        }
        file.sync_all().await.map_err(|error| io(part, &error))?;
    }
    let wanted = text(image, "/os_hash_value");
    let right = text(image, "/os_hash_algo") != "sha512" || wanted == kit::hex(context.finish().as_ref());
    if have != size || !right {
        tokio::fs::remove_file(part).await.map_err(|error| io(part, &error))?;
        return Err(Problem::failed("what came is not what the cloud says it has").hint("try again"));
    }
    Ok(())
}

fn carry_on(problem: Problem) -> Problem {
    problem.hint("the same command carries on where it was")
}

/// Works what is in a file into `context`; how much it is.
async fn read(file: &mut File, context: &mut Context) -> std::io::Result<u64> {
    let (mut buffer, mut have) = (vec![0; CHUNK], 0);
    loop {
        let count = file.read(&mut buffer).await?;
        if count == 0 {
            return Ok(have);
        }
        context.update(buffer.get(..count).unwrap_or_default());
        have += count as u64;
    }
}

fn io(path: &Path, error: &std::io::Error) -> Problem {
    Problem::io(&format!("cannot write {}", path.display()), error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_name_leads_nowhere() {
        let of =
            |name: &str| super::name(&json!({ "name": name, "id": "1", "disk_format": "raw" })).display().to_string();
        assert_eq!(of("debian-13"), "debian-13.raw");
        assert_eq!(of("x.raw"), "x.raw");
        assert_eq!(of("../../etc/passwd"), "_.._.._etc_passwd.raw");
        assert_eq!(of(""), "1.raw");
    }
}
