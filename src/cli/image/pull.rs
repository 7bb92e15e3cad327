//! `image pull` and `image catalog`: from a publisher into the cloud, by way of this machine.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use imaging::{Bounds, Compression, decompress};
use outbound::Limits;
use serde_json::{Map, Value, json};

use super::catalogue::fetch::Fetch;
use super::catalogue::signature::Verdict;
use super::catalogue::sums::Sum;
use super::catalogue::{Catalogue, Entry, Signed, pick, signature, sums};
use super::create::Said;
use super::{SHOW, create, format};
use crate::cli::client::escape;
use crate::cli::output::{Column, column, text};
use crate::cli::problem::{Problem, Result};
use crate::cli::resolve::IMAGE;
use crate::cli::session::Session;
use crate::cli::wait::Wait;

/// The most that a compressed image unfolds to, in bytes and for each of its own.
const UNFOLDED: Bounds = Bounds { max_bytes: 1 << 40, max_ratio: 1000 };

/// The options of `image pull`.
#[derive(Debug, Args)]
pub struct Pull {
    /// Which: debian-13, ubuntu-noble, fedora, …; `cloudbox image catalog` lists them
    image: String,
    /// What it shall be called [default: as it is asked for, with its version]
    #[arg(long)]
    name: Option<String>,
    /// The processor that it shall run on
    #[arg(long, default_value = std::env::consts::ARCH)]
    arch: String,
    /// Another file of images, like /etc/cloudbox/images.toml
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Fail where the publisher's signature cannot be checked, or there is none
    #[arg(long, conflicts_with = "no_signature")]
    require_signature: bool,
    /// Do not check signatures: the checksum alone
    #[arg(long)]
    no_signature: bool,
    /// Keep what was fetched, for another cloud
    #[arg(long)]
    keep: bool,
    /// Leave a server that has sent nothing for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    stall: u64,
    #[command(flatten)]
    said: Said,
    #[command(flatten)]
    wait: Wait,
}

/// The options of `image catalog`.
#[derive(Debug, Args)]
pub struct Catalog {
    /// Those for another processor
    #[arg(long, default_value = std::env::consts::ARCH)]
    arch: String,
    /// Another file of images, like /etc/cloudbox/images.toml
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
}

const CATALOG: &[Column] = &[
    column("Name", |entry| text(entry, "/name")),
    column("Title", |entry| text(entry, "/title")),
    column("User", |entry| text(entry, "/user")),
    column("Min disk", |entry| text(entry, "/min_disk") + " GiB"),
    column("Min memory", |entry| text(entry, "/min_ram") + " MiB"),
    column("Signed", |entry| text(entry, "/signed")),
    column("Also", |entry| text(entry, "/aliases")),
];

impl Catalog {
    /// Does it.
    ///
    /// # Errors
    /// When a file of images is not understood.
    pub fn run(self, session: &Session) -> Result<()> {
        let entries = load(self.catalog.as_deref())?.entries(&self.arch);
        session.out.list(&entries.iter().map(shown).collect::<Vec<_>>(), CATALOG)
    }
}

fn load(file: Option<&Path>) -> Result<Catalogue> {
    let catalogue = Catalogue::load()?;
    match file {
        Some(file) => catalogue.with_file(file),
        None => Ok(catalogue),
    }
}

fn shown(entry: &Entry) -> Value {
    let mut names = entry.names.iter();
    json!({
        "name": names.next(),
        "aliases": names.collect::<Vec<_>>(),
        "title": entry.title,
        "architecture": entry.architecture,
        "url": format!("{}{}", entry.directory, entry.file),
        "signed": entry.signed.is_some(),
        "user": entry.user,
        "min_disk": entry.min_disk,
        "min_ram": entry.min_ram,
        "properties": entry.properties,
    })
}

impl Pull {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        let entry = load(self.catalog.as_deref())?.find(&self.image, &self.arch)?;
        let name = self.name.clone().or_else(|| entry.names.first().cloned()).unwrap_or_else(|| self.image.clone());
        self.refuse_twice(session, &name).await?;
        let limits = Limits { stall: Duration::from_secs(self.stall), ..Limits::default() };
        let fetch = Fetch::new(session.out, limits).await?;
        let (file, sum) = self.sum(session, &fetch, &entry).await?;
        let whole = fetch.image(&format!("{}{file}", entry.directory), &sum, &cache()?).await?;
        let disk = unfolded(&whole).await?;
        let made = create::of_file(session, self.body(&entry, &name, &disk)?, &disk, &self.wait).await;
        if disk != whole {
            remove(session, &disk);
        }
        let image = made.map_err(|problem| Problem { hint: problem.hint.or_else(|| Some(kept(&whole))), ..problem })?;
        if !self.keep {
            remove(session, &whole);
        }
        session.out.show(&image, SHOW)
    }

    /// An image of this name that is there already would make the name mean nothing.
    async fn refuse_twice(&self, session: &Session, name: &str) -> Result<()> {
        let own = session.client.project_id().await?;
        let path = format!("{}?name={}", IMAGE.list, escape(name));
        let all = session.client.list(IMAGE.service, &path, IMAGE.many).await?;
        if all.iter().any(|image| text(image, "/name") == name && Some(text(image, "/owner")) == own) {
            return Err(Problem::usage(format!("there is an image {name} already"))
                .hint("--name NAME calls the new one differently; `cloudbox image delete` takes the old one away"));
        }
        Ok(())
    }

    /// The file of `entry` that is the newest now, and the sum that its publisher vouches for.
    async fn sum(&self, session: &Session, fetch: &Fetch, entry: &Entry) -> Result<(String, Sum)> {
        let starred = |text: &str| text.contains('*');
        let listing = if starred(&entry.file) || starred(&entry.sums) {
            String::from_utf8_lossy(&fetch.text(&entry.directory).await?).into_owned()
        } else {
            String::new()
        };
        let choose = |pattern: &str| {
            let chosen = if starred(pattern) { pick::newest(&listing, pattern) } else { Some(pattern.to_owned()) };
            chosen.ok_or_else(|| {
                Problem::failed(format!("{} has no {pattern}", entry.directory)).hint(
                    "the publisher may have moved it: a file of images of your own can say where (config/images.toml)",
                )
            })
        };
        let file = choose(&entry.file)?;
        let alone = entry.sums.contains("{file}");
        let name = choose(&entry.sums.replace("{file}", &file))?;
        let url = format!("{}{name}", entry.directory);
        let text = fetch.text(&url).await?;
        let (text, signer) = self.vouched(session, fetch, entry, &url, text).await?;
        let sum = sums::find(&String::from_utf8_lossy(&text), &file, alone);
        let sum = sum.ok_or_else(|| Problem::failed(format!("{url} has no SHA-256 or SHA-512 of {file}")))?;
        let by = signer.map_or_else(|| "not signed".to_owned(), |signer| format!("signed by {signer}"));
        session.out.note(&format!("{file}: {} of {name}, {by}", sum.name()));
        Ok((file, sum))
    }

    /// The sums as they were signed, and by whom, where that can be told.
    async fn vouched(
        &self,
        session: &Session,
        fetch: &Fetch,
        entry: &Entry,
        url: &str,
        text: Vec<u8>,
    ) -> Result<(Vec<u8>, Option<String>)> {
        let Some(signed) = &entry.signed else {
            if self.require_signature {
                return Err(Problem::failed(format!("the publisher does not sign {url}")));
            }
            return Ok((text, None));
        };
        if self.no_signature {
            return Ok((text, None));
        }
        match verdict(fetch, signed, url, &text).await? {
            Verdict::Signed { fingerprint, text } => Ok((text, Some(fingerprint))),
            Verdict::NoTool if self.require_signature => {
                Err(Problem::failed("the signature cannot be checked: there is no gpgv")
                    .hint("the package gpgv has it"))
            }
            Verdict::NoTool => {
                session.out.note("the signature is not checked: there is no gpgv (the package gpgv has it)");
                Ok((text, None))
            }
        }
    }

    fn body(&self, entry: &Entry, name: &str, disk: &Path) -> Result<Map<String, Value>> {
        let mut body = Map::new();
        for (key, value) in &entry.properties {
            body.insert(key.clone(), json!(value));
        }
        body.insert("min_disk".to_owned(), json!(entry.min_disk));
        body.insert("min_ram".to_owned(), json!(entry.min_ram));
        self.said.put(&mut body);
        body.insert("name".to_owned(), json!(name));
        body.insert("container_format".to_owned(), json!("bare"));
        body.insert("disk_format".to_owned(), json!(format::guess(disk)?));
        Ok(body)
    }
}

/// What the signature says. A publisher's key that cannot be fetched is a failure: whoever could change the sums could see to that.
async fn verdict(fetch: &Fetch, signed: &Signed, url: &str, text: &[u8]) -> Result<Verdict> {
    let detached = match &signed.file {
        Some(file) => {
            let (directory, name) = url.rsplit_once('/').unwrap_or(("", url));
            Some(fetch.text(&format!("{directory}/{}", file.replace("{sums}", name))).await.map_err(skippable)?)
        }
        None => None,
    };
    let each = signed.key.contains("{fingerprint}");
    let asked = if each { signed.fingerprints.as_slice() } else { signed.fingerprints.get(..1).unwrap_or_default() };
    let (mut keys, mut failed) = (Vec::new(), None);
    for fingerprint in asked {
        match fetch.text(&signed.key.replace("{fingerprint}", fingerprint)).await {
            Ok(key) => {
                // Keys with and without armour do not go together; one key more is enough.
                let before = std::mem::replace(&mut keys, key);
                if !before.is_empty() {
                    keys.splice(0..0, before.into_iter().chain([b'\n']));
                }
            }
            Err(problem) => failed = Some(problem),
        }
    }
    match failed {
        Some(problem) if keys.is_empty() => Err(skippable(problem)),
        _ => signature::check(text, detached.as_deref(), &keys, &signed.fingerprints).await.map_err(skippable),
    }
}

fn skippable(problem: Problem) -> Problem {
    if problem.hint.is_some() { problem } else { problem.hint("--no-signature trusts the checksum alone") }
}

/// Where what is fetched is put: a directory of the user's own.
fn cache() -> Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    let cache = cache.ok_or_else(|| Problem::usage("neither XDG_CACHE_HOME nor HOME says where to put images"))?;
    Ok(cache.join("cloudbox/images"))
}

/// The disk that is in `whole`, where that is compressed; else itself.
async fn unfolded(whole: &Path) -> Result<PathBuf> {
    let Some(compression) = Compression::of(&format::head(whole)?) else { return Ok(whole.to_owned()) };
    let disk = whole.with_extension("disk");
    let (from, to) = (whole.to_owned(), disk.clone());
    let unfold = move || {
        let doing = |path: &Path| format!("cannot use {}", path.display());
        let source = std::fs::File::open(&from).map_err(|error| Problem::io(&doing(&from), &error))?;
        let mut target = std::fs::File::create(&to).map_err(|error| Problem::io(&doing(&to), &error))?;
        let done = decompress(source, compression, UNFOLDED, |bytes| target.write_all(bytes));
        done.map(drop).map_err(|error| Problem::failed(format!("{}: {error}", from.display())))
    };
    let done = tokio::task::spawn_blocking(unfold).await.map_err(|error| Problem::failed(error.to_string()))?;
    if done.is_err() {
        std::fs::remove_file(&disk).ok();
    }
    done.map(|()| disk)
}

fn remove(session: &Session, path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        session.out.note(&format!("{} is left behind: {error}", path.display()));
    }
}

fn kept(whole: &Path) -> String {
    format!("what was fetched stays in {}: the same command goes on from there", whole.display())
}
