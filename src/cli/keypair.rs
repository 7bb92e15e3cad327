//! `cloudbox keypair`.
//!
//! A private key that the cloud makes is told once: it is kept below `~/.local/share/cloudbox/keys`, where `vm ssh` looks for it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::catalog::Service;
use super::client::escape;
use super::local_keys;
use super::output::{Column, column, text};
use super::problem::{Kind, Problem, Result};
use super::session::{self, Session};

const PATH: &str = "/os-keypairs";

/// SSH keys that may log in to VMs
#[derive(Debug, Args)]
pub struct Keypair {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key, or upload a public one
    Create(Create),
    /// List keys
    #[command(visible_alias = "ls")]
    List,
    /// Show a key
    Show {
        /// Its name
        name: String,
    },
    /// Delete keys
    #[command(visible_alias = "rm")]
    Delete {
        /// Their names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// What it shall be called
    name: String,
    /// Upload this public key [default: the cloud makes a new pair]
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Keep the new private key in FILE [default: ~/.local/share/cloudbox/keys/NAME]
    #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
    private_key: Option<PathBuf>,
}

const LIST: &[Column] = &[
    column("Name", |key| text(key, "/name")),
    column("Type", |key| text(key, "/type")),
    column("Fingerprint", |key| text(key, "/fingerprint")),
];

const SHOW: &[Column] = &[
    column("Name", |key| text(key, "/name")),
    column("Type", |key| text(key, "/type")),
    column("Fingerprint", |key| text(key, "/fingerprint")),
    column("Public key", |key| text(key, "/public_key").trim().to_owned()),
    column("Created", |key| text(key, "/created_at")),
];

impl Keypair {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        match self.verb {
            Verb::Create(create) => create.run(session).await,
            Verb::List => {
                let keys = session.client.list(Service::Compute, PATH, "keypairs").await?;
                session.out.list(&keys.into_iter().map(unwrap).collect::<Vec<_>>(), LIST)
            }
            Verb::Show { name } => session.out.show(&find(session, &name).await?, SHOW),
            Verb::Delete { names } => session.each(&names, async |name| delete(session, name).await).await,
        }
    }
}

/// The keypair `name`.
///
/// # Errors
/// When there is none.
pub async fn find(session: &Session, name: &str) -> Result<Value> {
    let key = session.client.get(Service::Compute, &path_of(name)).await;
    key.map(unwrap).map_err(|problem| missing(problem, name))
}

fn path_of(name: &str) -> String {
    format!("{PATH}/{}", escape(name))
}

fn unwrap(mut answer: Value) -> Value {
    answer.get_mut("keypair").map(Value::take).unwrap_or(answer)
}

fn missing(problem: Problem, name: &str) -> Problem {
    if problem.kind != Kind::NotFound {
        return problem;
    }
    Problem::not_found(format!("there is no key named {name}")).hint("`cloudbox keypair list` shows what there is")
}

async fn delete(session: &Session, name: &str) -> Result<()> {
    session.client.delete(Service::Compute, &path_of(name)).await.map_err(|problem| missing(problem, name))?;
    if let Some(path) = local_keys::private_key(name).ok().filter(|path| path.exists()) {
        // It may still open what was made with it: its owner decides.
        session.out.note(&format!("its private key stays in {}", path.display()));
    }
    Ok(())
}

impl Create {
    async fn run(self, session: &Session) -> Result<()> {
        match &self.public_key {
            Some(path) => {
                let key = String::from_utf8_lossy(&session::read(path)?).trim().to_owned();
                if key.contains("PRIVATE KEY") {
                    return Err(Problem::usage(format!("{} is a private key", path.display()))
                        .hint(format!("the public half is usually {}.pub", path.display())));
                }
                let body = json!({ "keypair": { "name": self.name, "type": "ssh", "public_key": key } });
                let made = session.client.post(Service::Compute, PATH, &body).await?;
                session.out.show(&unwrap(made), SHOW)
            }
            None => self.generate(session).await,
        }
    }

    async fn generate(&self, session: &Session) -> Result<()> {
        let path = match &self.private_key {
            Some(path) => path.clone(),
            None => local_keys::private_key(&self.name)?,
        };
        // First the file: a key that cannot be kept must not be made.
        let mut file = local_keys::create_private(&path)?;
        let kept = self.generate_into(session, &mut file).await;
        if kept.is_err() && std::fs::remove_file(&path).is_err() {
            session.out.note(&format!("{} is left behind, empty", path.display()));
        }
        let made = kept?;
        session.out.note(&format!("the private key is in {}", path.display()));
        session.out.show(&made, SHOW)
    }

    /// The keypair, without its private half, which is in `file`.
    async fn generate_into(&self, session: &Session, file: &mut std::fs::File) -> Result<Value> {
        let body = json!({ "keypair": { "name": self.name, "type": "ssh" } });
        let mut made = unwrap(session.client.post(Service::Compute, PATH, &body).await?);
        let private = made.as_object_mut().and_then(|key| key.remove("private_key"));
        let Some(Value::String(private)) = private else {
            return Err(
                Problem::failed("the cloud made no private key").hint("upload a public one with --public-key FILE")
            );
        };
        local_keys::write_private(file, &private)?;
        Ok(made)
    }
}
