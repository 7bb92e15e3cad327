//! OpenStack's own tree: a few JSON documents, the user data and the password, by date of their format.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bus::topics::compute_types::BlockDestination;
use kit::Secret;
use serde_json::{Value, json};

use super::guest::Guest;
use super::network_data;
use super::versions::Version;
use crate::domain::boot::DEFAULT_ZONE;

const FOLSOM: &str = "2012-08-10";
const GRIZZLY: &str = "2013-04-04";
const HAVANA: &str = "2013-10-17";
const LIBERTY: &str = "2015-10-15";
const NEWTON_ONE: &str = "2016-06-30";
const NEWTON_TWO: &str = "2016-10-06";
const OCATA: &str = "2017-02-22";
const ROCKY: &str = "2018-08-27";
const VICTORIA: &str = "2020-10-14";

/// All versions, oldest first.
pub(crate) const VERSIONS: &[&str] =
    &[FOLSOM, GRIZZLY, HAVANA, LIBERTY, NEWTON_ONE, NEWTON_TWO, OCATA, ROCKY, VICTORIA];

/// How long a random seed is, in bytes.
const SEED_LENGTH: usize = 512;

/// A file of a version.
pub(crate) struct File {
    /// Its name.
    pub(crate) name: &'static str,
    /// The first version that has it.
    pub(crate) since: &'static str,
    /// Whether a config drive has it.
    pub(crate) on_drive: bool,
    /// Its media type.
    pub(crate) content_type: &'static str,
    /// Its contents; nothing where this guest has none.
    pub(crate) render: fn(guest: &Guest, version: Version) -> Option<Vec<u8>>,
}

const JSON: &str = "application/json";
const TEXT: &str = super::TEXT;

/// All files, in the order in which a version lists them.
pub(crate) static FILES: &[File] = &[
    File {
        name: "meta_data.json",
        since: FOLSOM,
        on_drive: true,
        content_type: JSON,
        render: |g, v| bytes(&meta_data(g, v)),
    },
    File { name: "user_data", since: FOLSOM, on_drive: true, content_type: TEXT, render: |guest, _| guest.user_data() },
    File {
        name: PASSWORD,
        since: GRIZZLY,
        on_drive: false,
        content_type: TEXT,
        render: |guest, _| Some(password(guest)),
    },
    File {
        name: "vendor_data.json",
        since: HAVANA,
        on_drive: true,
        content_type: JSON,
        render: |guest, _| bytes(&guest.vendor_data),
    },
    File {
        name: "network_data.json",
        since: LIBERTY,
        on_drive: true,
        content_type: JSON,
        render: |guest, _| bytes(&network_data::of(&guest.row.network_info)),
    },
    File {
        name: "vendor_data2.json",
        since: NEWTON_TWO,
        on_drive: true,
        content_type: JSON,
        render: |guest, _| bytes(&json!({ "static": guest.vendor_data })),
    },
];

/// The file that a guest can write once.
pub(crate) const PASSWORD: &str = "password";

/// The file `name` of a version.
pub(crate) fn file(version: Version, name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name && version.since(VERSIONS, file.since))
}

/// The names of a version's files, each on a line.
pub(crate) fn list(guest: &Guest, version: Version) -> String {
    let there = |file: &&File| {
        version.since(VERSIONS, file.since) && (file.name != "user_data" || guest.row.user_data.is_some())
    };
    FILES.iter().filter(there).map(|file| file.name).collect::<Vec<_>>().join("\n")
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    Some(value.to_string().into_bytes())
}

fn password(guest: &Guest) -> Vec<u8> {
    guest.password.clone().unwrap_or_default().into_bytes()
}

fn meta_data(guest: &Guest, version: Version) -> Value {
    let row = &guest.row;
    let mut data = serde_json::Map::new();
    let mut put = |name: &str, value: Value| data.insert(name.to_owned(), value);
    put("uuid", json!(row.id));
    if !row.metadata.is_empty() {
        put("meta", json!(row.metadata));
    }
    // Nova tells it on the config drive alone. It is forgotten as soon as the guest has been started.
    if let Some(password) = row.admin_password.as_ref().map(Secret::expose) {
        put("admin_pass", json!(password));
    }
    if let Some(key) = &row.key {
        put("public_keys", json!({ &key.name: key.public_key }));
        put("keys", json!([{ "name": key.name, "type": key.key_type, "data": key.public_key }]));
    }
    put("hostname", json!(guest.hostname()));
    put("name", json!(row.name));
    put("launch_index", json!(row.launch_index));
    put("availability_zone", json!(DEFAULT_ZONE));
    if version.since(VERSIONS, GRIZZLY) {
        put("random_seed", json!(STANDARD.encode(stretch(&guest.seed))));
    }
    if version.since(VERSIONS, LIBERTY) {
        put("project_id", json!(row.project_id));
    }
    if version.since(VERSIONS, NEWTON_ONE) {
        put("devices", devices(guest, version));
    }
    if version.since(VERSIONS, VICTORIA) {
        put("dedicated_cpus", json!([]));
    }
    Value::Object(data)
}

/// What the guest's seed stands for: the same bytes each time, so that drive and service agree.
fn stretch(seed: &[u8]) -> Vec<u8> {
    let mut random = Vec::with_capacity(SEED_LENGTH);
    let mut counter = 0_u8;
    while random.len() < SEED_LENGTH {
        random.extend_from_slice(digest::digest(&digest::SHA512, &[seed, &[counter]].concat()).as_ref());
        counter = counter.wrapping_add(1);
    }
    random.truncate(SEED_LENGTH);
    random
}

/// Devices with a tag. Where they are on the guest's buses is not known here.
fn devices(guest: &Guest, version: Version) -> Value {
    let mut devices = Vec::new();
    for vif in &guest.row.network_info {
        let Some(tag) = &vif.tag else { continue };
        let mut nic = json!({ "type": "nic", "mac": vif.mac, "bus": "none", "address": "none", "tags": [tag] });
        if version.since(VERSIONS, ROCKY)
            && let Some(nic) = nic.as_object_mut()
        {
            nic.insert("vf_trusted".to_owned(), json!(false));
        }
        devices.push(nic);
    }
    for device in &guest.devices {
        let Some(tag) = &device.tag else { continue };
        let mut disk = json!({ "type": "disk", "bus": "none", "address": "none", "tags": [tag] });
        let serial = device.volume_id.as_ref().filter(|_| device.destination == BlockDestination::Volume);
        for (name, value) in
            [("serial", serial.map(|id| json!(id))), ("path", device.device_name.as_ref().map(|n| json!(n)))]
        {
            if let (Some(value), Some(disk)) = (value, disk.as_object_mut()) {
                disk.insert(name.to_owned(), value);
            }
        }
        devices.push(disk);
    }
    Value::Array(devices)
}
