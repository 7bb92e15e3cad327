//! `image share` and its kin: the projects that may use a shared image, and what they think of it.

use clap::Args;
use serde_json::json;

use crate::cli::client::escape;
use crate::cli::output::{Column, column, text};
use crate::cli::problem::{Problem, Result};
use crate::cli::resolve::{IMAGE, PROJECT};
use crate::cli::session::Session;

const LIST: &[Column] = &[
    column("Project", |member| text(member, "/member_id")),
    column("Status", |member| text(member, "/status")),
    column("Created", |member| text(member, "/created_at")),
];

/// An image and a project.
#[derive(Debug, Args)]
pub struct Share {
    /// Name or id
    image: String,
    /// The project's name, if you may look projects up, or its id
    project: String,
}

/// An image that another project shares.
#[derive(Debug, Args)]
pub struct Answer {
    /// Its id: one that was not accepted yet is in no list
    image: String,
}

impl Share {
    /// Adds the project.
    ///
    /// # Errors
    /// What keeps it from being done; so with all the others.
    pub async fn share(self, session: &Session) -> Result<()> {
        let image = IMAGE.find(&session.client, &self.image).await?;
        let visibility = text(&image, "/visibility");
        if visibility != "shared" {
            return Err(Problem::usage(format!("{} is {visibility}, not shared", self.image))
                .hint(format!("`cloudbox image set {} --visibility shared` makes it so", self.image)));
        }
        let project = PROJECT.find_id_or_take(&session.client, &self.project).await?;
        let path = members(&text(&image, "/id"));
        let member = session.client.post(IMAGE.service, &path, &json!({ "member": project })).await?;
        let id = text(&image, "/id");
        session.out.note(&format!("`cloudbox image accept {id}` there puts it into that project's lists"));
        session.out.show(&member, LIST)
    }

    /// Takes the project away.
    pub async fn unshare(self, session: &Session) -> Result<()> {
        let path = members(&IMAGE.find_id(&session.client, &self.image).await?);
        let project = PROJECT.find_id_or_take(&session.client, &self.project).await?;
        session.client.delete(IMAGE.service, &format!("{path}/{}", escape(&project))).await
    }
}

impl Answer {
    /// Says that the image is `accepted` or `rejected`.
    pub async fn run(self, session: &Session, status: &str) -> Result<()> {
        let own = session.client.project_id().await?;
        let own = own.ok_or_else(|| Problem::usage("this needs a login for a project"))?;
        let path = format!("{}/{}", members(&self.image), escape(&own));
        let member = session.client.put(IMAGE.service, &path, &json!({ "status": status })).await?;
        session.out.show(&member, LIST)
    }
}

/// Lists the projects.
pub async fn list(session: &Session, image: &str) -> Result<()> {
    let path = members(&IMAGE.find_id(&session.client, image).await?);
    session.out.list(&session.client.list(IMAGE.service, &path, "members").await?, LIST)
}

fn members(id: &str) -> String {
    format!("{}/members", IMAGE.path_of(id))
}
