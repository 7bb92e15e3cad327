//! One server: show, update, delete. Lists are in `server_list`, creating in `server_create`.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request, Target};
use kit::Fault;
use kit::ids::ServerId;
use serde_json::{Value, json};

use super::{no_server, schemas, server};
use crate::Compute;
use crate::db::hosts::{self, Host};
use crate::db::instance_changes::{self, Details};
use crate::db::instances::{self, InstanceRow};
use crate::db::{block_devices, faults, server_groups, tags};
use crate::db::{block_devices::OwnedDevice, faults::ServerFault};
use crate::domain::address;
use crate::lifecycle::operate::check_lock;
use crate::lifecycle::remove;
use crate::policy::name;
use crate::view::Look;
use crate::view::servers::{self as view, Sight, Whole};

const PATH: &str = "/servers/{server_id}";
const UPDATE: &str = "os_compute_api:servers:update";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get(PATH, "os_compute_api:servers:show", &show),
    Endpoint::put(PATH, UPDATE, &update).until(2, 18).schema(schemas::SERVER_UPDATE),
    Endpoint::put(PATH, UPDATE, &update).since(2, 19).until(2, 89).schema(schemas::SERVER_UPDATE_219),
    Endpoint::put(PATH, UPDATE, &update).since(2, 90).until(2, 93).schema(schemas::SERVER_UPDATE_290),
    Endpoint::put(PATH, UPDATE, &update).since(2, 94).until(2, 103).schema(schemas::SERVER_UPDATE_294),
    Endpoint::put(PATH, UPDATE, &update).since(2, 104).schema(schemas::SERVER_UPDATE_2104),
    Endpoint::delete(PATH, "os_compute_api:servers:delete", &delete),
];

/// What the caller may see of servers.
pub(super) fn sight(request: &Request) -> Sight {
    let own = Target::own();
    Sight {
        extended: request.allows(name::EXTENDED_ATTRIBUTES, &own),
        host_status: request.allows(name::HOST_STATUS, &own),
        extra_specs: request.allows(name::EXTRA_SPECS, &own),
        fault_details: request.context.is_admin(),
    }
}

/// A server with all that its view is made of.
pub(super) struct Loaded {
    row: InstanceRow,
    volumes: Vec<OwnedDevice>,
    tags: Vec<String>,
    fault: Option<ServerFault>,
    host: Option<Host>,
    groups: Vec<String>,
}

impl Loaded {
    fn get(db: &rusqlite::Connection, row: InstanceRow) -> Result<Self, store::Error> {
        Ok(Self {
            volumes: block_devices::volumes_of(db, &row.id)?,
            tags: tags::of_instance(db, &row.id)?,
            fault: faults::get(db, &row.id)?,
            host: row.host.as_ref().map(|host| hosts::get(db, host)).transpose()?.flatten(),
            groups: server_groups::of_instance(db, &row.id)?,
            row,
        })
    }

    fn render(&self, compute: &Compute, request: &Request) -> Value {
        let volume = |owned: &OwnedDevice| {
            let id = owned.device.volume_id.as_ref().map(|id| id.as_str().to_owned());
            id.map(|id| (id, owned.device.delete_on_termination))
        };
        let volumes: Vec<(String, bool)> = self.volumes.iter().filter_map(volume).collect();
        let whole = Whole {
            row: &self.row,
            volumes: volumes.iter().map(|(id, goes)| (id.as_str(), *goes)).collect(),
            tags: self.tags.iter().map(String::as_str).collect(),
            fault: self.fault.as_ref(),
            host: self.host.as_ref(),
            groups: Some(self.groups.clone()),
        };
        json!({ "server": view::detail(&Look::of(request), sight(request), whole, compute.now()) })
    }
}

/// The server as it is now, rendered.
async fn reload(compute: &Compute, request: &Request, row: InstanceRow) -> Result<Value, Fault> {
    let loaded = compute.store.read(move |db| Loaded::get(db, row)).await.map_err(Fault::from)?;
    Ok(loaded.render(compute, request))
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    Ok(Reply::ok(reload(&compute, &request, row).await?))
}

fn details(request: &Request) -> Result<Details, Fault> {
    let body = request.body_value()?;
    let asked = body.get("server").unwrap_or(&Value::Null);
    let text = |name: &str| asked.get(name).and_then(Value::as_str).map(str::to_owned);
    let nullable = |name: &str| asked.get(name).map(|value| value.as_str().map(str::to_owned));
    Ok(Details {
        name: text("name").map(|name| name.trim().to_owned()),
        description: nullable("description"),
        disk_config: text("OS-DCF:diskConfig"),
        access_ip_v4: nullable("accessIPv4"),
        access_ip_v6: nullable("accessIPv6").map(|text| text.map(address::standard)),
        hostname: text("hostname"),
        availability_zone: nullable("pinned_availability_zone"),
    })
}

async fn update(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let seen = server(&compute, &request).await?;
    let (details, now) = (details(&request)?, compute.now());
    let zone = details.availability_zone.clone().flatten();
    if zone.is_some_and(|zone| zone != crate::domain::boot::DEFAULT_ZONE) {
        return Err(Fault::bad_request("The requested availability zone is not available"));
    }
    let id = seen.id;
    let row = compute
        .store
        .write(move |db| {
            instance_changes::set_details(db, &id, &details, now)?;
            instances::get(db, &id)?.ok_or_else(|| no_server(&id))
        })
        .await?;
    let mut body = reload(&compute, &request, row).await?;
    if !request.version.at_least(2, 75) {
        only_as_before_275(&mut body);
    }
    Ok(Reply::ok(body))
}

/// Until 2.75 the answer to an update had fewer fields than a show.
fn only_as_before_275(body: &mut Value) {
    const LEFT_OUT: &[&str] = &[
        "OS-EXT-AZ:availability_zone",
        "config_drive",
        "key_name",
        "OS-SRV-USG:launched_at",
        "OS-SRV-USG:terminated_at",
        "security_groups",
        "os-extended-volumes:volumes_attached",
        "host_status",
        "server_groups",
    ];
    if let Some(server) = body.get_mut("server").and_then(Value::as_object_mut) {
        server.retain(|name, _| {
            !LEFT_OUT.contains(&name.as_str())
                && !name.starts_with("OS-EXT-SRV-ATTR:")
                && !name.starts_with("OS-EXT-STS:")
        });
        let addresses = server.get_mut("addresses").and_then(Value::as_object_mut);
        for address in addresses.into_iter().flatten().filter_map(|(_, list)| list.as_array_mut()).flatten() {
            if let Some(address) = address.as_object_mut() {
                address.retain(|name, _| !name.starts_with("OS-EXT-IPS"));
            }
        }
    }
}

async fn delete(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    check_lock(&request.context, &row)?;
    let id: ServerId = row.id;
    remove::delete(&compute, &request.context, &id).await?;
    Ok(Reply::no_content())
}
