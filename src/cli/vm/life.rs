//! `vm delete`, `start`, `stop`, `reboot`.

use clap::Args;
use serde_json::{Value, json};

use super::{action, state};
use crate::cli::local_keys;
use crate::cli::output::text;
use crate::cli::problem::Result;
use crate::cli::progress::Progress;
use crate::cli::resolve::VM;
use crate::cli::session::Session;
use crate::cli::wait::{self, Look, Wait};

/// Which servers.
#[derive(Debug, Args)]
struct Which {
    /// Names or ids
    #[arg(required = true, value_name = "VM")]
    vms: Vec<String>,
    #[command(flatten)]
    wait: Wait,
}

/// The options of `vm delete`.
#[derive(Debug, Args)]
pub struct Delete {
    #[command(flatten)]
    which: Which,
}

/// The options of `vm start`.
#[derive(Debug, Args)]
pub struct Start {
    #[command(flatten)]
    which: Which,
}

/// The options of `vm stop`.
#[derive(Debug, Args)]
pub struct Stop {
    #[command(flatten)]
    which: Which,
}

/// The options of `vm reboot`.
#[derive(Debug, Args)]
pub struct Reboot {
    #[command(flatten)]
    which: Which,
    /// Switch it off and on, without asking the guest
    #[arg(long)]
    hard: bool,
}

impl Delete {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let asked = session.all(&self.which.vms, async |name| {
            let id = VM.find_exactly(&session.client, name).await?;
            VM.delete(&session.client, &id).await?;
            Ok((name.to_owned(), id))
        });
        let done = async |(name, id): &(String, String)| {
            let progress = Progress::spinner(session.out, format!("delete {name}"));
            let look = async || wait::gone(VM.get(&session.client, id).await, deleting);
            wait::until(&self.which.wait, progress, look).await?;
            local_keys::forget_host(id);
            Ok(())
        };
        self.which.finish(session, asked.await, done).await
    }
}

fn deleting(server: &Value) -> Result<Look> {
    match text(server, "/status").as_str() {
        "DELETED" | "SOFT_DELETED" => Ok(Look::Done(Value::Null)),
        "ERROR" if text(server, "/OS-EXT-STS:task_state").is_empty() => Err(state::failure(server)),
        _ => Ok(Look::Working("deleting".to_owned())),
    }
}

impl Start {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        self.which.act(session, "start", &json!({ "os-start": null }), "ACTIVE").await
    }
}

impl Stop {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        self.which.act(session, "stop", &json!({ "os-stop": null }), "SHUTOFF").await
    }
}

impl Reboot {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let kind = if self.hard { "HARD" } else { "SOFT" };
        self.which.act(session, "reboot", &json!({ "reboot": { "type": kind } }), "ACTIVE").await
    }
}

impl Which {
    async fn act(&self, session: &Session, verb: &str, body: &Value, wanted: &str) -> Result<()> {
        let asked = session.all(&self.vms, async |name| {
            let id = VM.find_id(&session.client, name).await?;
            action(session, &id, body).await?;
            Ok((name.to_owned(), id))
        });
        let done = async |(name, id): &(String, String)| {
            let progress = Progress::spinner(session.out, format!("{verb} {name}"));
            let look = async || state::look(VM.get(&session.client, id).await?, wanted);
            wait::until(&self.wait, progress, look).await.map(drop)
        };
        self.finish(session, asked.await, done).await
    }

    /// Waits for those that were `asked`: they are under way all at once. The first failure is the answer.
    async fn finish(
        &self,
        session: &Session,
        (asked, failed): (Vec<(String, String)>, Result<()>),
        done: impl AsyncFn(&(String, String)) -> Result<()>,
    ) -> Result<()> {
        if !self.wait.wanted() {
            return failed;
        }
        let (_, late) = session.all(&asked, done).await;
        failed.and(late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_is_being_deleted_is_waited_for() {
        let server = |task: Value| json!({"id": "7", "name": "web", "status": "ERROR", "OS-EXT-STS:task_state": task});
        assert_eq!(deleting(&server(json!("deleting"))).unwrap(), Look::Working("deleting".to_owned()));
        assert!(deleting(&server(Value::Null)).is_err());
        assert_eq!(deleting(&json!({"status": "DELETED"})).unwrap(), Look::Done(Value::Null));
    }
}
