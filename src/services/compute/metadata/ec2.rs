//! The tree that Amazon's clients read: a value per path, a list of names for what has more below it.

use bus::topics::compute_types::{BlockDestination, BlockSource};
use serde_json::{Map, Value, json};

use super::guest::Guest;
use super::versions::Version;
use crate::domain::boot::DEFAULT_ZONE;

/// Under this name a directory holds what its parent's list calls it.
const LABEL: &str = "_name";

/// All versions, oldest first.
pub(crate) const VERSIONS: &[&str] = &[
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
];

/// Versions that a config drive holds: Nova leaves the others out.
pub(crate) const ON_DRIVE: &[&str] = &["2009-04-04", "latest"];

/// What is at `path` below a version: nothing where there is no such path.
pub(crate) fn find(guest: &Guest, version: Version, path: &[&str]) -> Option<Vec<u8>> {
    if path == ["user-data"] {
        return guest.user_data();
    }
    let mut tree = json!({ "meta-data": meta_data(guest, version) });
    if guest.user_data().is_some() {
        insert(&mut tree, "user-data", Value::Null);
    }
    let found = path.iter().try_fold(&tree, |value, name| if *name == LABEL { None } else { value.get(*name) })?;
    Some(print(found).into_bytes())
}

/// `meta-data.json` of a config drive: the same tree as one document.
pub(crate) fn document(guest: &Guest, version: Version) -> Value {
    let mut data = meta_data(guest, version);
    if let Some(key) = data.pointer_mut("/public-keys/0").and_then(Value::as_object_mut) {
        key.remove(LABEL);
    }
    data
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

fn meta_data(guest: &Guest, version: Version) -> Value {
    let row = &guest.row;
    let hostname = guest.hostname();
    let image = row.image_id.as_ref().and_then(|id| id.as_str().get(..8)).unwrap_or("00000000");
    let groups: Vec<&str> = row.security_groups.iter().map(|group| group.name.as_str()).collect();
    let v4 = || row.network_info.iter().flat_map(|vif| &vif.fixed_ips).filter(|ip| ip.address.is_ipv4());
    let local = v4().next().map(|ip| ip.address.to_string()).unwrap_or_default();
    let public = v4().flat_map(|ip| &ip.floating).next().map(ToString::to_string).unwrap_or_default();
    let mut data = json!({
        "ami-id": format!("ami-{image}"),
        "ami-launch-index": row.launch_index,
        // Word for word what Nova answers: there is no manifest (nova/api/metadata/base.py).
        "ami-manifest-path": "FIXME",
        "instance-id": format!("i-{:08x}", row.number),
        "hostname": hostname,
        "local-ipv4": local,
        "reservation-id": row.reservation_id,
        "security-groups": groups,
    });
    if let Some(key) = &row.key {
        let key = json!({ "0": { LABEL: format!("0={}", key.name), "openssh-key": key.public_key } });
        insert(&mut data, "public-keys", key);
    }
    let added: &[(&str, &str, Value)] = &[
        ("2007-01-19", "local-hostname", json!(hostname)),
        ("2007-01-19", "public-hostname", json!(hostname)),
        ("2007-01-19", "public-ipv4", json!(public)),
        ("2007-08-29", "instance-type", json!(row.flavor.name)),
        ("2007-12-15", "block-device-mapping", block_devices(guest)),
        ("2008-02-01", "placement", json!({ "availability-zone": DEFAULT_ZONE })),
        ("2008-09-01", "instance-action", json!("none")),
    ];
    for (since, name, value) in added {
        if version.since(VERSIONS, since) {
            insert(&mut data, name, value.clone());
        }
    }
    data
}

fn block_devices(guest: &Guest) -> Value {
    let Some(root) = &guest.row.root_device_name else {
        return json!({ "ami": "sda1", "ephemeral0": "sda2", "root": "/dev/sda1", "swap": "sda3" });
    };
    let mut map = Map::new();
    map.insert("ami".to_owned(), json!(root.strip_prefix("/dev/").unwrap_or(root)));
    map.insert("root".to_owned(), json!(root));
    let named = || guest.devices.iter().filter_map(|device| Some((device, device.device_name.as_deref()?)));
    let mut volumes: Vec<&str> =
        named().filter(|(device, _)| device.destination == BlockDestination::Volume).map(|(_, name)| name).collect();
    volumes.sort_unstable();
    for (index, name) in volumes.into_iter().enumerate() {
        map.insert(format!("ebs{index}"), json!(name));
    }
    let blanks = named()
        .filter(|(device, _)| device.destination == BlockDestination::Local && device.source == BlockSource::Blank);
    let mut ephemerals = 0;
    for (device, name) in blanks {
        if device.guest_format.as_deref() == Some("swap") {
            map.insert("swap".to_owned(), json!(name));
        } else {
            map.insert(format!("ephemeral{ephemerals}"), json!(name));
            ephemerals += 1;
        }
    }
    Value::Object(map)
}

/// A value as text: names of what is below it, each on a line, those with more below them ending in a slash.
fn print(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let line = |(name, value): (&String, &Value)| match value {
                Value::Object(inner) => match inner.get(LABEL) {
                    Some(label) => print(label),
                    None => format!("{name}/"),
                },
                _ => name.clone(),
            };
            let mut entries: Vec<_> = map.iter().filter(|(name, _)| *name != LABEL).collect();
            entries.sort_unstable_by_key(|(name, _)| name.as_str());
            entries.into_iter().map(line).collect::<Vec<_>>().join("\n")
        }
        Value::Array(items) => items.iter().map(print).collect::<Vec<_>>().join("\n"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
