//! Servers, as clients see them: which fields, by microversion and by who looks.
//!
//! A field that is `None` is left out; `Some(None)` is `null`.

use std::collections::BTreeMap;

use bus::topics::compute_types::{Vif, VmState};
use kit::time::{micros_naive, seconds_z};
use kit::{Secret, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::set;
use super::{Link, Look, Reference};
use crate::db::faults::ServerFault;
use crate::db::hosts::Host;
use crate::db::instances::InstanceRow;
use crate::domain::{boot, naming, status};

/// What the caller may see.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// The host and other inner attributes.
    pub extended: bool,
    /// Whether the host is up.
    pub host_status: bool,
    /// Extra specs of flavors.
    pub extra_specs: bool,
    /// Details of faults of the cloud's own.
    pub fault_details: bool,
}

/// A server with what belongs to it in other tables.
#[derive(Debug)]
pub struct Whole<'a> {
    /// Its row.
    pub row: &'a InstanceRow,
    /// Its volumes: id, and whether each goes with it.
    pub volumes: Vec<(&'a str, bool)>,
    /// Its tags.
    pub tags: Vec<&'a str>,
    /// Its latest fault.
    pub fault: Option<&'a ServerFault>,
    /// Its host, where that is known.
    pub host: Option<&'a Host>,
    /// Its groups; nothing in lists.
    pub groups: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct Flavor<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<[Link; 1]>,
    #[serde(flatten)]
    inline: Option<InlineFlavor<'a>>,
}

#[derive(Debug, Serialize)]
struct InlineFlavor<'a> {
    vcpus: u32,
    ram: u64,
    disk: u64,
    ephemeral: u64,
    swap: u64,
    original_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_specs: Option<&'a BTreeMap<String, String>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Image<'a> {
    Volume(&'static str),
    Image {
        #[serde(flatten)]
        reference: Reference<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        properties: Option<BTreeMap<&'a str, &'a str>>,
    },
}

#[derive(Debug, Serialize)]
struct Volume<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_on_termination: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Name<'a> {
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct Fault<'a> {
    code: u16,
    created: String,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a str>,
}

/// The attributes of 2.1 that only administrators see.
#[derive(Debug, Serialize)]
struct Extended<'a> {
    #[serde(rename = "OS-EXT-SRV-ATTR:host")]
    host: Option<&'a str>,
    #[serde(rename = "OS-EXT-SRV-ATTR:instance_name")]
    instance_name: String,
    #[serde(rename = "OS-EXT-SRV-ATTR:hypervisor_hostname")]
    hypervisor_hostname: Option<&'a str>,
}

/// Those of 2.3.
#[derive(Debug, Serialize)]
struct Extended3<'a> {
    #[serde(rename = "OS-EXT-SRV-ATTR:kernel_id")]
    kernel_id: &'a str,
    #[serde(rename = "OS-EXT-SRV-ATTR:ramdisk_id")]
    ramdisk_id: &'a str,
    #[serde(rename = "OS-EXT-SRV-ATTR:launch_index")]
    launch_index: u32,
    #[serde(rename = "OS-EXT-SRV-ATTR:reservation_id")]
    reservation_id: &'a str,
    #[serde(rename = "OS-EXT-SRV-ATTR:root_device_name")]
    root_device_name: Option<&'a str>,
    #[serde(rename = "OS-EXT-SRV-ATTR:user_data")]
    user_data: Option<&'a str>,
}

/// A server in full.
#[derive(Debug, Serialize)]
pub struct Detail<'a> {
    id: &'a str,
    name: &'a str,
    links: [Link; 2],
    #[serde(rename = "accessIPv4")]
    access_ip_v4: &'a str,
    #[serde(rename = "accessIPv6")]
    access_ip_v6: &'a str,
    addresses: Map<String, Value>,
    created: String,
    updated: String,
    flavor: Flavor<'a>,
    #[serde(rename = "hostId")]
    host_id: String,
    image: Image<'a>,
    metadata: &'a BTreeMap<String, String>,
    status: &'static str,
    tenant_id: &'a str,
    user_id: &'a str,
    #[serde(rename = "OS-DCF:diskConfig")]
    disk_config: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Fault<'a>>,
    #[serde(rename = "OS-EXT-AZ:availability_zone")]
    availability_zone: &'a str,
    config_drive: &'static str,
    key_name: Option<&'a str>,
    #[serde(rename = "OS-SRV-USG:launched_at")]
    launched_at: Option<String>,
    #[serde(rename = "OS-SRV-USG:terminated_at")]
    terminated_at: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    security_groups: Vec<Name<'a>>,
    #[serde(rename = "OS-EXT-STS:task_state")]
    task_state: Option<&'static str>,
    #[serde(rename = "OS-EXT-STS:vm_state")]
    vm_state: &'static str,
    #[serde(rename = "OS-EXT-STS:power_state")]
    power_state: u8,
    #[serde(rename = "os-extended-volumes:volumes_attached")]
    volumes: Vec<Volume<'a>>,
    #[serde(flatten)]
    extended: Option<Extended<'a>>,
    #[serde(flatten)]
    extended3: Option<Extended3<'a>>,
    #[serde(rename = "OS-EXT-SRV-ATTR:hostname", skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted_image_certificates: Option<Option<()>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_groups: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_reason: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned_availability_zone: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduler_hints: Option<&'a BTreeMap<String, Vec<String>>>,
}

/// An entry of `GET /servers`.
#[derive(Debug, Serialize)]
pub struct Basic<'a> {
    id: &'a str,
    name: &'a str,
    links: [Link; 2],
}

/// An entry of `GET /servers`.
#[must_use]
pub fn basic<'a>(look: &Look, row: &'a InstanceRow) -> Basic<'a> {
    Basic { id: row.id.as_str(), name: &row.name, links: look.links("servers", row.id.as_str()) }
}

/// The answer to `POST /servers`.
#[must_use]
pub fn created(look: &Look, row: &InstanceRow, security_groups: &[String], password: &Secret) -> Value {
    let groups: Vec<_> = security_groups.iter().map(|name| json!({ "name": name })).collect();
    json!({ "server": {
        "id": row.id,
        "links": look.links("servers", row.id.as_str()),
        "OS-DCF:diskConfig": row.disk_config,
        "security_groups": if groups.is_empty() { json!([{ "name": "default" }]) } else { json!(groups) },
        "adminPass": password.expose(),
    }})
}

/// A server in full.
#[must_use]
pub fn detail<'a>(look: &Look, sight: Sight, whole: Whole<'a>, now: Timestamp) -> Detail<'a> {
    let row = whole.row;
    let status = if row.deleted_at.is_some() { "DELETED" } else { status::of(row.vm_state, row.task_state) };
    let since = |minor| look.since(minor).then_some(());
    let extended = sight.extended.then_some(());
    let hypervisor = || whole.host.map(|host| host.inventory.hypervisor_hostname.as_str());
    Detail {
        id: row.id.as_str(),
        name: &row.name,
        links: look.links("servers", row.id.as_str()),
        access_ip_v4: row.access_ip_v4.as_deref().unwrap_or_default(),
        access_ip_v6: row.access_ip_v6.as_deref().unwrap_or_default(),
        // A server that is being built shows none yet.
        addresses: if row.vm_state == VmState::Building { Map::new() } else { addresses(&row.network_info, true) },
        created: seconds_z(row.created_at),
        updated: seconds_z(row.updated_at),
        flavor: flavor(look, sight, row),
        host_id: naming::host_id(row.host.as_ref(), &row.project_id),
        image: image(look, row),
        metadata: &row.metadata,
        status,
        tenant_id: row.project_id.as_str(),
        user_id: row.user_id.as_str(),
        disk_config: &row.disk_config,
        progress: matches!(status, "ACTIVE" | "BUILD" | "REBUILD" | "RESIZE" | "VERIFY_RESIZE" | "MIGRATING")
            .then_some(0),
        fault: whole.fault.filter(|_| matches!(status, "ERROR" | "DELETED")).map(|fault| show_fault(fault, sight)),
        availability_zone: match &row.host {
            Some(_) => boot::DEFAULT_ZONE,
            None => row.availability_zone.as_deref().unwrap_or_default(),
        },
        config_drive: if row.config_drive { "True" } else { "" },
        key_name: row.key.as_ref().map(|key| key.name.as_str()),
        launched_at: row.launched_at.map(whole_seconds),
        terminated_at: row.terminated_at.map(whole_seconds),
        security_groups: row.security_groups.iter().map(|group| Name { name: &group.name }).collect(),
        task_state: row.task_state.map(|task| task.as_str()),
        vm_state: row.vm_state.as_str(),
        power_state: row.power_state.code(),
        volumes: whole
            .volumes
            .iter()
            .map(|(id, goes)| Volume { id, delete_on_termination: since(3).map(|()| *goes) })
            .collect(),
        extended: extended.map(|()| Extended {
            host: row.host.as_ref().map(|host| host.as_str()),
            instance_name: row.instance_name(),
            hypervisor_hostname: hypervisor().or(row.host.as_ref().map(|host| host.as_str())),
        }),
        extended3: extended.and(since(3)).map(|()| Extended3 {
            kernel_id: row.image_properties.get("kernel_id").map_or("", String::as_str),
            ramdisk_id: row.image_properties.get("ramdisk_id").map_or("", String::as_str),
            launch_index: row.launch_index,
            reservation_id: &row.reservation_id,
            root_device_name: row.root_device_name.as_deref(),
            user_data: row.user_data.as_ref().map(Secret::expose),
        }),
        hostname: extended.and(since(3)).or(since(90)).map(|()| row.hostname.as_str()),
        locked: since(9).map(|()| row.locked_by.is_some()),
        host_status: since(16).filter(|()| sight.host_status).map(|()| host_status(row, whole.host, now)),
        description: since(19).map(|()| row.description.as_deref()),
        tags: since(26).map(|()| whole.tags),
        trusted_image_certificates: since(63).map(|()| None),
        server_groups: since(71).and(whole.groups),
        locked_reason: since(73).map(|()| row.locked_reason.as_deref()),
        pinned_availability_zone: since(96).map(|()| row.availability_zone.as_deref()),
        scheduler_hints: since(100).map(|()| &row.hints),
    }
}

/// Nova's database keeps whole seconds here.
fn whole_seconds(at: Timestamp) -> String {
    let seconds = Timestamp::from_second(at.as_second()).unwrap_or(at);
    micros_naive(seconds)
}

fn flavor<'a>(look: &Look, sight: Sight, row: &'a InstanceRow) -> Flavor<'a> {
    let flavor = &row.flavor;
    let inline = look.since(47).then(|| InlineFlavor {
        vcpus: flavor.vcpus,
        ram: flavor.ram_mb,
        disk: flavor.disk_gb,
        ephemeral: flavor.ephemeral_gb,
        swap: flavor.swap_mb,
        original_name: &flavor.name,
        extra_specs: sight.extra_specs.then_some(&flavor.extra_specs),
    });
    let id = flavor.id.as_str();
    let by_reference = inline.is_none().then_some(());
    Flavor { id: by_reference.map(|()| id), links: by_reference.map(|()| [look.bookmark("flavors", id)]), inline }
}

fn image<'a>(look: &Look, row: &'a InstanceRow) -> Image<'a> {
    let Some(id) = &row.image_id else { return Image::Volume("") };
    let known = |name: &str| ["hw_", "os_", "img_"].iter().any(|prefix| name.starts_with(prefix));
    let properties = || {
        row.image_properties.iter().filter(|(name, _)| known(name)).map(|(name, value)| (name.as_str(), value.as_str()))
    };
    Image::Image {
        reference: Reference::new(look, "images", id.as_str()),
        properties: look.since(98).then(|| properties().collect()),
    }
}

fn show_fault(fault: &ServerFault, sight: Sight) -> Fault<'_> {
    let seen = sight.fault_details || fault.code != 500;
    Fault {
        code: fault.code,
        created: seconds_z(fault.created_at),
        message: &fault.message,
        details: fault.details.as_deref().filter(|_| seen),
    }
}

fn host_status(row: &InstanceRow, host: Option<&Host>, now: Timestamp) -> &'static str {
    match (&row.host, host) {
        (None, _) => "",
        (Some(_), None) => "UNKNOWN",
        (Some(_), Some(host)) if host.disabled => "MAINTENANCE",
        (Some(_), Some(host)) if host.is_up(now) => "UP",
        _ => "DOWN",
    }
}

/// A server's addresses by network; `extended` adds what kind each is and its MAC.
#[must_use]
pub fn addresses(vifs: &[Vif], extended: bool) -> Map<String, Value> {
    let mut networks = Map::new();
    let mut floating = Vec::new();
    let mut add = |label: &str, address: std::net::IpAddr, kind: &str, mac: &str| {
        let mut entry = json!({ "version": if address.is_ipv4() { 4 } else { 6 }, "addr": address });
        if extended {
            set(&mut entry, "OS-EXT-IPS:type", json!(kind));
            set(&mut entry, "OS-EXT-IPS-MAC:mac_addr", json!(mac));
        }
        if let Some(list) = networks.entry(label).or_insert_with(|| json!([])).as_array_mut() {
            list.push(entry);
        }
    };
    for vif in vifs {
        for address in &vif.fixed_ips {
            add(&vif.label, address.address, "fixed", &vif.mac);
            floating.extend(address.floating.iter().map(|floating| (vif, *floating)));
        }
    }
    for (vif, address) in floating {
        add(&vif.label, address, "floating", &vif.mac);
    }
    networks
}
