//! `vm image`: an image of a VM's disk, as it is now.

use clap::Args;
use serde_json::{Map, Value, json};

use super::action;
use crate::cli::output::text;
use crate::cli::problem::{Kind, Problem, Result};
use crate::cli::progress::Progress;
use crate::cli::resolve::{IMAGE, VM};
use crate::cli::session::{self, Session};
use crate::cli::wait::{self, Look, Wait};

/// The options of `vm image`.
#[derive(Debug, Args)]
pub struct Image {
    /// Name or id
    vm: String,
    /// What the image shall be called [default: the VM's name and the time]
    #[arg(long, value_name = "IMAGE")]
    name: Option<String>,
    /// A property of it, such as os_admin_user=debian; may be given more than once
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = session::pair)]
    properties: Vec<(String, String)>,
    #[command(flatten)]
    wait: Wait,
}

impl Image {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        let server = VM.find(&session.client, &self.vm).await?;
        let id = text(&server, "/id");
        let name = self.name.clone().unwrap_or_else(|| default_name(&text(&server, "/name"), jiff::Timestamp::now()));
        let metadata: Map<String, Value> =
            self.properties.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
        let body = json!({ "createImage": { "name": name, "metadata": metadata } });
        let image_id = text(&action(session, &id, &body).await?, "/image_id");
        let image = if self.wait.wanted() {
            let progress = Progress::spinner(session.out, format!("image {name}"));
            wait::until(&self.wait, progress, async || look(session, &id, &image_id).await).await?
        } else {
            IMAGE.get(&session.client, &image_id).await?
        };
        session.out.show(&image, crate::cli::image::SHOW)
    }
}

/// `web-20261123-014500`, in UTC.
fn default_name(vm: &str, now: jiff::Timestamp) -> String {
    format!("{vm}-{}", now.strftime("%Y%m%d-%H%M%S"))
}

/// How the image is on its way; the server says what is done for it.
async fn look(session: &Session, vm: &str, image: &str) -> Result<Look> {
    let found = match IMAGE.get(&session.client, image).await {
        Err(problem) if problem.kind == Kind::NotFound => return Err(failure(session, vm).await),
        found => found?,
    };
    let status = text(&found, "/status");
    if status == "active" {
        return Ok(Look::Done(found));
    }
    let task = VM.get(&session.client, vm).await.map(|server| text(&server, "/OS-EXT-STS:task_state"));
    Ok(Look::Working(said(&task.unwrap_or_default(), &status).to_owned()))
}

/// What is done for an image of `status` while its server has the task `task`.
fn said<'s>(task: &str, status: &'s str) -> &'s str {
    match task {
        "image_snapshot_pending" | "image_snapshot" => "waiting for the VM's host",
        "image_pending_upload" => "copying the disk",
        "image_uploading" => "storing the image",
        _ => status,
    }
}

/// Why there is no image: the server's newest action knows.
async fn failure(session: &Session, vm: &str) -> Problem {
    let told = failed_event(session, vm).await.unwrap_or_default();
    let text = "the image could not be made: it has been taken away again";
    Problem::failed(if told.is_empty() { text.to_owned() } else { format!("{text}. {told}") })
}

async fn failed_event(session: &Session, vm: &str) -> Option<String> {
    let path = format!("{}/os-instance-actions", VM.path_of(vm));
    let actions = session.client.get(VM.service, &path).await.ok()?;
    let actions = actions.get("instanceActions")?.as_array()?.iter();
    let newest = actions.filter(|action| text(action, "/action") == "createImage");
    let newest = newest.max_by_key(|action| text(action, "/start_time"))?;
    let action = session.client.get(VM.service, &format!("{path}/{}", text(newest, "/request_id"))).await.ok()?;
    let events = action.pointer("/instanceAction/events")?.as_array()?;
    Some(events.iter().map(|event| text(event, "/details")).find(|details| !details.is_empty()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_called_after_its_vm_and_the_time() {
        let at = "2026-11-23T01:45:07Z".parse().unwrap();
        assert_eq!(default_name("web", at), "web-20261123-014507");
    }

    #[test]
    fn what_is_done_is_said_in_words() {
        assert_eq!(said("image_pending_upload", "queued"), "copying the disk");
        assert_eq!(said("image_uploading", "saving"), "storing the image");
        assert_eq!(said("", "saving"), "saving");
    }
}
