//! `image set` and `image unset`: a JSON patch, and the actions that make an image usable or not.

use clap::Args;
use serde_json::{Value, json};

use super::{SHOW, Visibility};
use crate::cli::client::escape;
use crate::cli::output::text;
use crate::cli::problem::{Problem, Result};
use crate::cli::resolve::IMAGE;
use crate::cli::session::{self, Session};

/// The options of `image set`.
#[derive(Debug, Args)]
pub struct Set {
    /// Name or id
    image: String,
    /// What it shall be called
    #[arg(long)]
    name: Option<String>,
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
    #[arg(long, conflicts_with = "unprotected")]
    protected: bool,
    /// Let it be deleted
    #[arg(long)]
    unprotected: bool,
    /// Leave it out of lists
    #[arg(long, conflicts_with = "unhidden")]
    hidden: bool,
    /// List it again
    #[arg(long)]
    unhidden: bool,
    /// A property of it; may be given more than once
    #[arg(long = "property", value_name = "KEY=VALUE", value_parser = session::pair)]
    properties: Vec<(String, String)>,
    /// A tag more; may be given more than once
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Keep everybody but administrators from downloading it and booting from it
    #[arg(long, conflicts_with = "activate")]
    deactivate: bool,
    /// Let it be used again
    #[arg(long)]
    activate: bool,
}

/// The options of `image unset`.
#[derive(Debug, Args)]
#[group(id = "what", required = true, multiple = true, args = ["properties", "tags"])]
pub struct Unset {
    /// Name or id
    image: String,
    /// A property to take away; may be given more than once
    #[arg(long = "property", value_name = "KEY")]
    properties: Vec<String>,
    /// A tag to take away; may be given more than once
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
}

impl Set {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        let image = IMAGE.find(&session.client, &self.image).await?;
        let (patch, id) = (self.patch(&image), text(&image, "/id"));
        let action = [(self.deactivate, "deactivate"), (self.activate, "reactivate")];
        let action = action.into_iter().find_map(|(wanted, action)| wanted.then_some(action));
        if patch.is_empty() && action.is_none() {
            return Err(
                Problem::usage("nothing to change was said").hint("`cloudbox image set --help` lists what can be")
            );
        }
        if !patch.is_empty() {
            send(session, &id, patch).await?;
        }
        if let Some(action) = action {
            let path = format!("{}/actions/{action}", IMAGE.path_of(&id));
            session.client.post(IMAGE.service, &path, &json!({})).await?;
        }
        session.out.show(&IMAGE.get(&session.client, &id).await?, SHOW)
    }

    fn patch(&self, image: &Value) -> Vec<Value> {
        let replace = |key: &str, value: Value| json!({ "op": "replace", "path": format!("/{key}"), "value": value });
        let truth = |yes: bool, no: bool| (yes || no).then_some(yes);
        let own = [
            self.name.as_ref().map(|name| replace("name", json!(name))),
            self.min_disk.map(|size| replace("min_disk", json!(size))),
            self.min_ram.map(|size| replace("min_ram", json!(size))),
            self.visibility.map(|visibility| replace("visibility", json!(visibility.name()))),
            truth(self.protected, self.unprotected).map(|value| replace("protected", json!(value))),
            truth(self.hidden, self.unhidden).map(|value| replace("os_hidden", json!(value))),
        ];
        let properties = self.properties.iter().map(|(key, value)| {
            let op = if image.get(key).is_some() { "replace" } else { "add" };
            json!({ "op": op, "path": format!("/{}", pointer(key)), "value": value })
        });
        let mut patch: Vec<Value> = own.into_iter().flatten().chain(properties).collect();
        if !self.tags.is_empty() {
            let mut tags: Vec<Value> = image.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
            for tag in self.tags.iter().map(|tag| json!(tag)) {
                if !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
            patch.push(replace("tags", json!(tags)));
        }
        patch
    }
}

impl Unset {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        let id = IMAGE.find_id(&session.client, &self.image).await?;
        let remove = |key: &String| json!({ "op": "remove", "path": format!("/{}", pointer(key)) });
        let patch: Vec<Value> = self.properties.iter().map(remove).collect();
        if !patch.is_empty() {
            send(session, &id, patch).await?;
        }
        for tag in &self.tags {
            session.client.delete(IMAGE.service, &format!("{}/tags/{}", IMAGE.path_of(&id), escape(tag))).await?;
        }
        session.out.show(&IMAGE.get(&session.client, &id).await?, SHOW)
    }
}

async fn send(session: &Session, id: &str, patch: Vec<Value>) -> Result<Value> {
    session.client.send(hyper::Method::PATCH, IMAGE.service, &IMAGE.path_of(id), Some(&Value::Array(patch))).await
}

/// `key` as a part of a JSON pointer.
fn pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        set: Set,
    }

    #[test]
    fn a_change_is_a_patch() {
        let words = "x i --name n --unprotected --property a/b=1 --property old=2 --tag new --tag first --hidden";
        let set = Line::parse_from(words.split(' ')).set;
        let image = json!({ "old": "1", "tags": ["first"] });
        assert_eq!(
            json!(set.patch(&image)),
            json!([
                { "op": "replace", "path": "/name", "value": "n" },
                { "op": "replace", "path": "/protected", "value": false },
                { "op": "replace", "path": "/os_hidden", "value": true },
                { "op": "add", "path": "/a~1b", "value": "1" },
                { "op": "replace", "path": "/old", "value": "2" },
                { "op": "replace", "path": "/tags", "value": ["first", "new"] },
            ])
        );
    }
}
