//! `vm list`, `vm show`.

use clap::Args;
use serde_json::Value;

use crate::cli::catalog::Service;
use crate::cli::client::escape;
use crate::cli::output::{Column, column, text, wide};
use crate::cli::problem::Result;
use crate::cli::resolve::VM;
use crate::cli::session::Session;

/// The columns of a list.
pub const LIST: &[Column] = &[
    column("Name", |vm| text(vm, "/name")),
    column("Status", status),
    column("Addresses", addresses),
    column("Flavor", flavor_name),
    wide("Image", |vm| text(vm, "/image/id")),
    wide("Key", |vm| text(vm, "/key_name")),
    wide("Host", |vm| text(vm, "/OS-EXT-SRV-ATTR:host")),
    wide("Created", |vm| text(vm, "/created")),
    column("Id", |vm| text(vm, "/id")),
];

/// The lines of one.
pub const SHOW: &[Column] = &[
    column("Name", |vm| text(vm, "/name")),
    column("Id", |vm| text(vm, "/id")),
    column("Status", status),
    column("Fault", |vm| text(vm, "/fault/message")),
    column("Addresses", addresses),
    column("Flavor", flavor),
    column("Image", |vm| text(vm, "/image/id")),
    column("Key", |vm| text(vm, "/key_name")),
    column("Security groups", |vm| names(vm, "/security_groups", "/name")),
    column("Volumes", |vm| names(vm, "/os-extended-volumes:volumes_attached", "/id")),
    column("Properties", |vm| text(vm, "/metadata")),
    column("Config drive", |vm| text(vm, "/config_drive")),
    column("Zone", |vm| text(vm, "/OS-EXT-AZ:availability_zone")),
    column("Host", |vm| text(vm, "/OS-EXT-SRV-ATTR:host")),
    column("Project", |vm| text(vm, "/tenant_id")),
    column("Created", |vm| text(vm, "/created")),
];

/// The options of `vm list`.
#[derive(Debug, Args)]
pub struct List {
    /// Those of all projects
    #[arg(long)]
    all_projects: bool,
    /// Those of this status only: ACTIVE, SHUTOFF, ERROR, …
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
}

/// The options of `vm show`.
#[derive(Debug, Args)]
pub struct Show {
    /// Name or id
    vm: String,
}

impl List {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let mut query = Vec::new();
        if self.all_projects {
            query.push("all_tenants=1".to_owned());
        }
        if let Some(status) = &self.status {
            query.push(format!("status={}", escape(&status.to_uppercase())));
        }
        let path = if query.is_empty() { VM.list.to_owned() } else { format!("{}?{}", VM.list, query.join("&")) };
        let all = session.client.list(Service::Compute, &path, VM.many).await?;
        session.out.list(&all, LIST)
    }
}

impl Show {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        // The list leaves some of what one has to a request for that one.
        let id = VM.find_id(&session.client, &self.vm).await?;
        session.out.show(&VM.get(&session.client, &id).await?, SHOW)
    }
}

fn status(vm: &Value) -> String {
    let (status, task) = (text(vm, "/status"), text(vm, "/OS-EXT-STS:task_state"));
    if task.is_empty() { status } else { format!("{status} ({})", task.replace('_', " ")) }
}

fn addresses(vm: &Value) -> String {
    let networks = vm.get("addresses").and_then(Value::as_object).into_iter().flatten();
    let one = |(network, addresses): (&String, &Value)| {
        let addresses = addresses.as_array()?.iter().map(|address| text(address, "/addr")).collect::<Vec<_>>();
        (!addresses.is_empty()).then(|| format!("{network}={}", addresses.join(",")))
    };
    networks.filter_map(one).collect::<Vec<_>>().join(" ")
}

/// The flavor's name; its id on a cloud from before 2.47.
fn flavor_name(vm: &Value) -> String {
    let name = text(vm, "/flavor/original_name");
    if name.is_empty() { text(vm, "/flavor/id") } else { name }
}

fn flavor(vm: &Value) -> String {
    let field = |name: &str| text(vm, &format!("/flavor/{name}"));
    if field("vcpus").is_empty() {
        return field("id");
    }
    format!("{} ({} vCPU, {} MiB, {} GiB)", field("original_name"), field("vcpus"), field("ram"), field("disk"))
}

fn names(vm: &Value, list: &str, key: &str) -> String {
    let items = vm.pointer(list).and_then(Value::as_array).into_iter().flatten().map(|item| text(item, key));
    items.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::output::table;

    #[test]
    fn a_list_shows_where_a_server_is_reached() {
        let vm = json!({
            "id": "7", "name": "web", "status": "ACTIVE", "OS-EXT-STS:task_state": "powering-off",
            "flavor": {"original_name": "m1.tiny", "vcpus": 1, "ram": 512, "disk": 1},
            "addresses": {"default": [{"addr": "10.20.0.5", "version": 4}, {"addr": "fd00::5", "version": 6}], "other": []},
        });
        let usual = || LIST.iter().filter(|column| !column.wide);
        let row = usual().map(|column| (column.cell)(&vm)).collect();
        let titles: Vec<&str> = usual().map(|column| column.title).collect();
        insta::assert_snapshot!(table(&titles, [row].into_iter()), @r"
        NAME  STATUS                 ADDRESSES                  FLAVOR   ID
        web   ACTIVE (powering-off)  default=10.20.0.5,fd00::5  m1.tiny  7
        ");
        assert_eq!(flavor(&vm), "m1.tiny (1 vCPU, 512 MiB, 1 GiB)");
    }
}
