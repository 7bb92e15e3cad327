//! Topic `metadata`: what a guest is told about itself, over 169.254.169.254 or its config drive (ADR 6).
//!
//! `ec2` and `openstack` are the two trees, `network_data` the largest document, `guest` what they are made of. A config drive
//! holds what the service answers for the same paths.
//!
//! Invariants: who asks is known before; nothing in a request but its path, and the password that is posted, counts.

mod ec2;
mod guest;
mod network_data;
mod openstack;
#[cfg(test)]
mod tests;
mod vendor;
mod versions;

use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use bus::topics::metadata::{AnswerMetadata, MetadataAnswer, MetadataFile, RenderConfigDrive, TOPIC};
use bus::{Bus, ServerHandle};
use kit::Fault;
use kit::ids::ServerId;
use store::Store;

use self::guest::Guest;
use self::versions::{Version, with_latest};

/// The media type of what is not JSON.
const TEXT: &str = "text/plain; charset=UTF-8";
/// The longest password that a guest can post, in bytes.
const LONGEST_PASSWORD: usize = 1020;

/// Answers for guests.
pub(crate) struct Metadata {
    store: Store,
    vendor_data_file: PathBuf,
}

/// What a path leads to.
enum Found {
    /// A file, or a list of names.
    Content(&'static str, Vec<u8>),
    /// The password, which can also be posted.
    Password(Vec<u8>),
}

impl Metadata {
    /// Metadata of the servers in `store`, with the vendor data in a file, if one is named. It does no I/O.
    pub(crate) fn new(store: Store, vendor_data_file: PathBuf) -> Arc<Self> {
        Arc::new(Self { store, vendor_data_file })
    }

    /// Answers the topic.
    pub(crate) fn serve(self: &Arc<Self>, bus: &Bus) -> ServerHandle {
        let (answering, rendering) = (Arc::clone(self), Arc::clone(self));
        bus.server(TOPIC)
            .on(move |_, message: AnswerMetadata| {
                let metadata = Arc::clone(&answering);
                async move { metadata.answer(message).await }
            })
            .on(move |_, message: RenderConfigDrive| {
                let metadata = Arc::clone(&rendering);
                async move { metadata.render(&message.server_id).await }
            })
            .start()
    }

    async fn answer(&self, message: AnswerMetadata) -> Result<MetadataAnswer, Fault> {
        let Some(guest) = self.guest(&message.server_id).await? else { return Ok(NOT_FOUND.answer()) };
        Ok(match find(&guest, &message.path) {
            None => NOT_FOUND.answer(),
            Some(Found::Content(content_type, body)) => ok(content_type, body),
            Some(Found::Password(body)) => match message.method.as_str() {
                "GET" | "HEAD" => ok(TEXT, body),
                "POST" => self.keep_password(&message.server_id, message.body).await?,
                _ => WRONG_METHOD.answer(),
            },
        })
    }

    async fn keep_password(&self, id: &ServerId, body: Vec<u8>) -> Result<MetadataAnswer, Fault> {
        let Some(password) = String::from_utf8(body).ok().filter(|text| text.len() <= LONGEST_PASSWORD) else {
            return Ok(TOO_LARGE.answer());
        };
        let id = id.clone();
        let first =
            self.store.write(move |conn| guest::set_password(conn, &id, &password)).await.map_err(Fault::from)?;
        Ok(if first { ok(TEXT, Vec::new()) } else { CONFLICT.answer() })
    }

    async fn render(&self, id: &ServerId) -> Result<Vec<MetadataFile>, Fault> {
        let guest = self.guest(id).await?;
        let guest = guest.ok_or_else(|| Fault::not_found(format!("Instance {id} could not be found.")))?;
        Ok(drive(&guest))
    }

    /// The guest of a server; what is kept for it begins when it is first asked for.
    async fn guest(&self, id: &ServerId) -> Result<Option<Guest>, Fault> {
        let Some(guest) = self.kept(id).await? else { return Ok(None) };
        Ok(Some(Guest { vendor_data: vendor::read(&self.vendor_data_file).await, ..guest }))
    }

    async fn kept(&self, id: &ServerId) -> Result<Option<Guest>, Fault> {
        let wanted = id.clone();
        if let Some(guest) = self.store.read(move |conn| guest::get(conn, &wanted)).await.map_err(Fault::from)? {
            return Ok(Some(guest));
        }
        let mut seed = [0_u8; 32];
        SystemRandom::new()
            .fill(&mut seed)
            .map_err(|error| Fault::internal("making a random seed", error.to_string()))?;
        let wanted = id.clone();
        self.store.write(move |conn| guest::get_or_insert(conn, &wanted, &seed)).await.map_err(Fault::from)
    }
}

/// What is at `path`; nothing where there is no such path.
fn find(guest: &Guest, path: &str) -> Option<Found> {
    let tokens = tokens(path);
    let lines = |names: Vec<&str>| Some(Found::Content(TEXT, names.join("\n").into_bytes()));
    match tokens.as_slice() {
        ["openstack"] => lines(with_latest(openstack::VERSIONS).collect()),
        ["openstack", version, rest @ ..] => {
            let version = Version::parse(openstack::VERSIONS, version)?;
            let [name] = rest else {
                return rest.is_empty().then(|| Found::Content(TEXT, openstack::list(guest, version).into_bytes()));
            };
            let file = openstack::file(version, name)?;
            let body = (file.render)(guest, version)?;
            Some(if *name == openstack::PASSWORD {
                Found::Password(body)
            } else {
                Found::Content(file.content_type, body)
            })
        }
        [] | ["ec2"] => lines(with_latest(ec2::VERSIONS).collect()),
        ["ec2", version, rest @ ..] | [version, rest @ ..] => {
            let version = Version::parse(ec2::VERSIONS, version)?;
            Some(Found::Content(TEXT, ec2::find(guest, version, rest)?))
        }
    }
}

/// The names in a path: without empty ones, `.` and `..` taken as in a file system, and no query.
fn tokens(path: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for token in path.split(['?', '#']).next().unwrap_or_default().split('/') {
        match token {
            "" | "." => {}
            ".." => {
                tokens.pop();
            }
            token => tokens.push(token),
        }
    }
    tokens
}

/// All files of a guest's config drive.
fn drive(guest: &Guest) -> Vec<MetadataFile> {
    let mut files = Vec::new();
    for name in ec2::ON_DRIVE {
        if let Some(content) = guest.user_data() {
            files.push(MetadataFile { path: format!("ec2/{name}/user-data"), content });
        }
        if let Some(version) = Version::parse(ec2::VERSIONS, name) {
            let content = ec2::document(guest, version).to_string().into_bytes();
            files.push(MetadataFile { path: format!("ec2/{name}/meta-data.json"), content });
        }
    }
    for name in with_latest(openstack::VERSIONS) {
        let Some(version) = Version::parse(openstack::VERSIONS, name) else { continue };
        for file in
            openstack::FILES.iter().filter(|file| file.on_drive && version.since(openstack::VERSIONS, file.since))
        {
            if let Some(content) = (file.render)(guest, version) {
                files.push(MetadataFile { path: format!("openstack/{name}/{}", file.name), content });
            }
        }
    }
    files
}

fn ok(content_type: &str, body: Vec<u8>) -> MetadataAnswer {
    MetadataAnswer { status: 200, content_type: content_type.to_owned(), body }
}

/// An answer other than 200.
struct Refusal {
    status: u16,
    title: &'static str,
    explanation: &'static str,
}

const NOT_FOUND: Refusal = Refusal { status: 404, title: "Not Found", explanation: "The resource could not be found." };
const CONFLICT: Refusal = Refusal {
    status: 409,
    title: "Conflict",
    explanation: "There was a conflict when trying to complete your request.",
};
const TOO_LARGE: Refusal = Refusal { status: 400, title: "Bad Request", explanation: "Request is too large." };
const WRONG_METHOD: Refusal =
    Refusal { status: 400, title: "Bad Request", explanation: "GET and POST only are supported." };

impl Refusal {
    /// The page that Nova's web library makes of it.
    fn answer(&self) -> MetadataAnswer {
        let Self { status, title, explanation } = self;
        let body = format!(
            "<html>\n <head>\n  <title>{status} {title}</title>\n </head>\n <body>\n  <h1>{status} {title}</h1>\n  \
             {explanation}<br /><br />\n\n\n\n </body>\n</html>"
        );
        MetadataAnswer { status: *status, content_type: "text/html; charset=UTF-8".to_owned(), body: body.into_bytes() }
    }
}
