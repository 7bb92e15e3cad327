//! Lists of servers: filters, order, pages. A page costs a handful of statements, however long it is.

use std::collections::HashMap;
use std::sync::Arc;

use bus::topics::compute_types::{TaskState, VmState};
use http_kit::filter::{self, FilterKind};
use http_kit::page::Order;
use http_kit::query::boolean;
use http_kit::{Condition, Direction, Endpoint, Filter, Paging, Reply, Request, Sortable, SqlValue, Target};
use kit::Fault;
use serde::Serialize;
use serde_json::{Value, json};

use super::servers::sight;
use super::{no_marker, schemas};
use crate::Compute;
use crate::db::hosts::Host;
use crate::db::instances::InstanceRow;
use crate::db::{block_devices, faults, hosts, instance_changes, tags};
use crate::domain::status;
use crate::policy::name;
use crate::view::Look;
use crate::view::servers::{self as view, Whole};

const LIST: &str = "os_compute_api:servers:index";
const DETAIL: &str = "os_compute_api:servers:detail";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/servers", LIST, &list).until(2, 74),
    Endpoint::get("/servers", LIST, &list).since(2, 75).query_schema(schemas::SERVER_QUERY),
    Endpoint::get("/servers/detail", DETAIL, &detail).until(2, 74),
    Endpoint::get("/servers/detail", DETAIL, &detail).since(2, 75).query_schema(schemas::SERVER_QUERY),
];

const fn sortable(key: &'static str, column: &'static str) -> Sortable {
    Sortable { key, column }
}

/// What lists of servers are sorted by.
pub(crate) const ORDER: Order = Order {
    sortable: &[
        sortable("created_at", "created_at"),
        sortable("updated_at", "updated_at"),
        sortable("launched_at", "launched_at"),
        sortable("terminated_at", "terminated_at"),
        sortable("display_name", "name"),
        sortable("display_description", "description"),
        sortable("hostname", "hostname"),
        sortable("uuid", "id"),
        sortable("vm_state", "vm_state"),
        sortable("task_state", "task_state"),
        sortable("power_state", "power_state"),
        sortable("image_ref", "image_id"),
        sortable("instance_type_id", "flavor_id"),
        sortable("key_name", "key_name"),
        sortable("launch_index", "launch_index"),
        sortable("locked_by", "locked_by"),
        sortable("locked", "locked_by"),
        sortable("project_id", "project_id"),
        sortable("user_id", "user_id"),
        sortable("host", "host"),
        sortable("node", "host"),
        sortable("availability_zone", "availability_zone"),
        sortable("config_drive", "config_drive"),
        sortable("access_ip_v4", "access_ip_v4"),
        sortable("access_ip_v6", "access_ip_v6"),
        sortable("auto_disk_config", "disk_config"),
        sortable("root_device_name", "root_device_name"),
    ],
    default: &[(sortable("created_at", "created_at"), Direction::Descending)],
    id: "number",
    required: &["created_at"],
};

/// What everyone may filter by.
const FILTERS: &[Filter] = &[
    Filter::new("name", "name", FilterKind::Regex),
    Filter::new("image", "image_id", FilterKind::Exact),
    Filter::new("flavor", "flavor_id", FilterKind::Exact),
    Filter::new("reservation_id", "reservation_id", FilterKind::Exact),
    Filter::new("changes-since", "updated_at", FilterKind::TimeSince),
];

/// What administrators may filter by, and from 2.83 on everyone by some of it.
const ADMIN_FILTERS: &[Filter] = &[
    Filter::new(
        "availability_zone",
        "COALESCE(availability_zone, CASE WHEN host IS NULL THEN NULL ELSE 'nova' END)",
        FilterKind::Exact,
    ),
    Filter::new("config_drive", "config_drive", FilterKind::Bool),
    Filter::new("key_name", "key_name", FilterKind::Exact),
    Filter::new("created_at", "created_at", FilterKind::Time),
    Filter::new("launched_at", "launched_at", FilterKind::Time),
    Filter::new("terminated_at", "terminated_at", FilterKind::Time),
    Filter::new("power_state", "power_state", FilterKind::Int),
    Filter::new("task_state", "task_state", FilterKind::Exact),
    Filter::new("vm_state", "vm_state", FilterKind::Exact),
    Filter::new("user_id", "user_id", FilterKind::Exact),
];

/// What only administrators may filter by.
const ONLY_ADMIN_FILTERS: &[Filter] = &[
    Filter::new("display_name", "name", FilterKind::Regex),
    Filter::new("description", "description", FilterKind::Regex),
    Filter::new("display_description", "description", FilterKind::Regex),
    Filter::new("hostname", "hostname", FilterKind::Regex),
    Filter::new("host", "host", FilterKind::Exact),
    Filter::new("node", "host", FilterKind::Exact),
    Filter::new("uuid", "id", FilterKind::Exact),
    Filter::new("image_ref", "image_id", FilterKind::Exact),
    Filter::new("launch_index", "launch_index", FilterKind::Int),
    Filter::new("locked_by", "locked_by", FilterKind::Exact),
    Filter::new("root_device_name", "root_device_name", FilterKind::Exact),
    Filter::new("access_ip_v4", "access_ip_v4", FilterKind::Regex),
    Filter::new("access_ip_v6", "access_ip_v6", FilterKind::Regex),
];

const BEFORE: &[Filter] = &[Filter::new("changes-before", "updated_at", FilterKind::TimeBefore)];

/// An address of a server.
const ADDRESS: &str = "EXISTS (SELECT 1 FROM json_each(network_info) AS vif, json_each(vif.value, '$.fixed_ips') AS ip
    WHERE json_extract(ip.value, '$.address') REGEXP ?)";

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let Some((rows, links)) = page(&compute, &request, name::ALL_TENANTS, |_, rows| Ok(rows)).await? else {
        return Ok(Reply::ok(json!({ "servers": [] })));
    };
    let look = Look::of(&request);
    Ok(answer(rows.iter().map(|row| view::basic(&look, row)).collect(), links))
}

#[derive(Serialize)]
struct Body<T> {
    servers: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    servers_links: Option<Value>,
}

fn answer<T: Serialize>(servers: Vec<T>, servers_links: Option<Value>) -> Reply {
    Reply::ok(Body { servers, servers_links })
}

/// The servers of a page with what belongs to them, each kind read at once.
struct Page {
    rows: Vec<InstanceRow>,
    devices: HashMap<String, Vec<(String, bool)>>,
    tags: HashMap<String, Vec<String>>,
    faults: HashMap<String, faults::ServerFault>,
    hosts: HashMap<String, Host>,
}

impl Page {
    fn load(db: &rusqlite::Connection, rows: Vec<InstanceRow>) -> Result<Self, store::Error> {
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let mut devices: HashMap<String, Vec<(String, bool)>> = HashMap::new();
        for owned in block_devices::of_instances(db, &ids)? {
            if let Some(volume) = &owned.device.volume_id {
                let entry = (volume.to_string(), owned.device.delete_on_termination);
                devices.entry(owned.server_id.to_string()).or_default().push(entry);
            }
        }
        let mut by_tag: HashMap<String, Vec<String>> = HashMap::new();
        for (id, tag) in tags::of_instances(db, &ids)? {
            by_tag.entry(id.to_string()).or_default().push(tag);
        }
        let broken = |row: &&InstanceRow| row.vm_state == VmState::Error || row.deleted_at.is_some();
        let broken: Vec<&str> = rows.iter().filter(broken).map(|row| row.id.as_str()).collect();
        let found = if broken.is_empty() { Vec::new() } else { faults::of_instances(db, &broken)? };
        let hosts = hosts::list(db)?.into_iter().map(|host| (host.host.to_string(), host)).collect();
        let faults = found.into_iter().map(|(id, fault)| (id.to_string(), fault)).collect();
        Ok(Self { devices, tags: by_tag, faults, hosts, rows })
    }

    fn whole<'a>(&'a self, row: &'a InstanceRow) -> Whole<'a> {
        let id = row.id.as_str();
        let volumes = self.devices.get(id).map(Vec::as_slice).unwrap_or_default();
        let tags = self.tags.get(id).map(Vec::as_slice).unwrap_or_default();
        Whole {
            row,
            volumes: volumes.iter().map(|(id, goes)| (id.as_str(), *goes)).collect(),
            tags: tags.iter().map(String::as_str).collect(),
            fault: self.faults.get(id),
            host: row.host.as_ref().and_then(|host| self.hosts.get(host.as_str())),
            groups: None,
        }
    }
}

async fn detail(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let Some((page, links)) = page(&compute, &request, name::ALL_TENANTS_DETAIL, Page::load).await? else {
        return Ok(Reply::ok(json!({ "servers": [] })));
    };
    let (look, sight, now) = (Look::of(&request), sight(&request), compute.now());
    let views = page.rows.iter().map(|row| view::detail(&look, sight, page.whole(row), now)).collect();
    Ok(answer(views, links))
}

/// One page, as `load` completes it, and the link to the next. Nothing where the filters cannot hold for any server.
async fn page<T: Send + 'static>(
    compute: &Compute,
    request: &Request,
    all_rule: &str,
    load: impl FnOnce(&rusqlite::Connection, Vec<InstanceRow>) -> Result<T, store::Error> + Send + 'static,
) -> Result<Option<(T, Option<Value>)>, Fault> {
    let paging = Paging::parse(request, &ORDER)?;
    let Some(condition) = conditions(request, all_rule)? else { return Ok(None) };
    let asked = paging.clone();
    let loaded = compute
        .store
        .read(move |db| {
            let Some(mut rows) = instance_changes::list(db, condition, &asked)? else { return Ok(None) };
            asked.cut(&mut rows);
            let (count, last) = (rows.len(), rows.last().map(|row| row.id.to_string()).unwrap_or_default());
            load(db, rows).map(|loaded| Some((loaded, count, last)))
        })
        .await
        .map_err(|error: store::Error| Fault::from(error))?;
    let (loaded, count, last) = loaded.ok_or_else(|| no_marker(&paging))?;
    let links = paging.next_links(request, count, &last);
    Ok(Some((loaded, links)))
}

fn conditions(request: &Request, all_rule: &str) -> Result<Option<Condition>, Fault> {
    let query = request.query();
    let admin = request.allows(name::ALL_FILTERS, &Target::own());
    refuse_joined(request)?;
    let mut condition = scope(request, all_rule)?.and(filter::conditions(request, FILTERS)?);
    if admin || request.version.at_least(2, 83) {
        condition = condition.and(filter::conditions(request, ADMIN_FILTERS)?);
    }
    if admin {
        condition = condition.and(filter::conditions(request, ONLY_ADMIN_FILTERS)?);
    }
    if request.version.at_least(2, 66) {
        condition = condition.and(filter::conditions(request, BEFORE)?);
    }
    for name in ["ip", "ip6"] {
        if let Some(pattern) = query.get(name).filter(|_| name == "ip" || admin || request.version.at_least(2, 5)) {
            condition = condition.and(address(name, pattern)?);
        }
    }
    let Some(states) = by_status(request)? else { return Ok(None) };
    condition = condition.and(states).and(by_deletion(request, admin));
    if request.version.at_least(2, 26) {
        condition = condition.and(by_tags(request));
    }
    if let Some(locked) = query.get("locked").filter(|_| request.version.at_least(2, 73)) {
        let sql = if boolean(locked).unwrap_or(false) { "locked_by IS NOT NULL" } else { "locked_by IS NULL" };
        condition = condition.and(Condition::new(sql, []));
    }
    Ok(Some(condition))
}

/// What Nova joins to servers internally cannot be filtered by.
fn refuse_joined(request: &Request) -> Result<(), Fault> {
    const JOINED: &[&str] = &[
        "block_device_mapping",
        "services",
        "metadata",
        "system_metadata",
        "info_cache",
        "security_groups",
        "pci_devices",
    ];
    let bad = request.query().pairs().map(|(name, _)| name).find(|name| JOINED.contains(name) || name.starts_with('_'));
    match bad.filter(|_| request.context.is_admin()) {
        Some(name) => Err(Fault::bad_request(format!("Invalid filter field: {name}."))),
        None => Ok(()),
    }
}

/// The caller's project, or all of them.
fn scope(request: &Request, all_rule: &str) -> Result<Condition, Fault> {
    let query = request.query();
    let all = match query.get("all_tenants") {
        None => false,
        Some("") => true,
        Some(text) => {
            boolean(text).ok_or_else(|| Fault::bad_request(format!("Invalid value '{text}' for all_tenants")))?
        }
    };
    if !all {
        return Ok(Condition::is("project_id", super::project(request)?.as_str()));
    }
    request.authorize(all_rule, &Target::own())?;
    let named = query.get("project_id").or_else(|| query.get("tenant_id"));
    Ok(named.map_or_else(Condition::all, |project| Condition::is("project_id", project)))
}

/// One of the addresses matches the pattern.
fn address(name: &str, pattern: &str) -> Result<Condition, Fault> {
    if regex::Regex::new(pattern).is_err() {
        return Err(Fault::bad_request(format!(
            "Invalid input for query parameters {name}. Value: {pattern}. '{pattern}' is not a 'regex'"
        )));
    }
    Ok(Condition::new(ADDRESS, [SqlValue::from(pattern)]))
}

/// `status`, which stands for states; nothing where no state shows as it.
fn by_status(request: &Request) -> Result<Option<Condition>, Fault> {
    let query = request.query();
    if !query.has("status") {
        return Ok(Some(Condition::all()));
    }
    let Some(states) = status::states(query.all("status")) else {
        if request.version.at_least(2, 38) {
            return Err(Fault::bad_request("Invalid status value"));
        }
        return Ok(None);
    };
    if states.vm_states == [VmState::Deleted] && !request.context.is_admin() {
        return Err(Fault::forbidden("Only administrators may list deleted instances"));
    }
    let vm_states = states.vm_states.iter().map(|state| SqlValue::from(VmState::as_str(*state)));
    let mut condition = Condition::is_in("vm_state", vm_states);
    if !states.task_states.is_empty() {
        let tasks = states.task_states.iter().map(|task| SqlValue::from(TaskState::as_str(*task)));
        condition = condition.and(Condition::is_in("task_state", tasks));
    }
    Ok(Some(condition))
}

/// Deleted servers are left out, unless an administrator wants only them or changes are asked for.
fn by_deletion(request: &Request, admin: bool) -> Condition {
    let query = request.query();
    let asked = query.get("deleted").filter(|_| admin).map(|text| boolean(text).unwrap_or(false));
    let by_status = query.all("status").any(|status| status.eq_ignore_ascii_case("deleted"));
    let changes = query.has("changes-since") || (query.has("changes-before") && request.version.at_least(2, 66));
    match asked {
        Some(true) => Condition::new("deleted_at IS NOT NULL", []),
        None if by_status => Condition::new("deleted_at IS NOT NULL", []),
        None if changes => Condition::all(),
        _ => Condition::new("deleted_at IS NULL", []),
    }
}

fn by_tags(request: &Request) -> Condition {
    const HAS: &str = "id IN (SELECT instance_id FROM compute_tags WHERE tag = ?)";
    let each = |name: &'static str, not: bool, all: bool| {
        let list = request.query().get(name)?;
        let has = |tag: &str| Condition::new(HAS, [SqlValue::from(tag)]);
        let joined = list.split(',').map(has).reduce(if all { Condition::and } else { Condition::or })?;
        Some(if not { Condition { sql: format!("NOT ({})", joined.sql), values: joined.values } } else { joined })
    };
    [
        each("tags", false, true),
        each("tags-any", false, false),
        each("not-tags", true, true),
        each("not-tags-any", true, false),
    ]
    .into_iter()
    .flatten()
    .fold(Condition::all(), Condition::and)
}
