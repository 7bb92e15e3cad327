//! Which disks a new server gets: block device mappings of both forms, the image and the flavor made into one list.
//!
//! One disk has `boot_index` 0: the root. In the older form the root is the image, unless a mapping names the root device
//! or there is no image; in the newer form the client says it all.

use bus::topics::compute_types::{BlockDestination, BlockDevice, BlockSource, FlavorSpec};
use kit::Fault;
use kit::ids::{ImageId, VolumeId};
use serde::Deserialize;
use serde_json::Value;

use super::device_name;

/// The root disk's name where nothing else is said.
const ROOT: &str = "vda";

/// An entry of `block_device_mapping_v2`, or of `block_device_mapping`; the schema has let it through.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Mapping {
    source_type: Option<String>,
    destination_type: Option<String>,
    uuid: Option<String>,
    volume_id: Option<String>,
    snapshot_id: Option<String>,
    virtual_name: Option<String>,
    volume_size: Value,
    boot_index: Value,
    delete_on_termination: Value,
    device_name: Option<String>,
    disk_bus: Option<String>,
    device_type: Option<String>,
    guest_format: Option<String>,
    no_device: Value,
    volume_type: Option<String>,
    tag: Option<String>,
}

/// The mappings of a request, in whichever form they came.
#[derive(Debug, Clone)]
pub enum Mappings {
    /// `block_device_mapping`; also where there are none.
    Legacy(Vec<Mapping>),
    /// `block_device_mapping_v2`.
    V2(Vec<Mapping>),
}

/// The disks of a server that is made of `image`, `mappings` and `flavor`.
///
/// # Errors
/// A 400 in Nova's words.
pub fn plan(image: Option<&ImageId>, mappings: &Mappings, flavor: &FlavorSpec) -> Result<Vec<BlockDevice>, Fault> {
    let mut disks = match mappings {
        Mappings::V2(list) => {
            let used = list.iter().filter(|mapping| !is_set(&mapping.no_device));
            used.map(|mapping| from_v2(mapping, image.is_some())).collect::<Result<Vec<_>, _>>()?
        }
        Mappings::Legacy(list) => from_legacy(list, image)?,
    };
    add_from_flavor(&mut disks, flavor);
    check(&disks, flavor)?;
    Ok(disks)
}

/// The disk that a server boots from.
#[must_use]
pub fn root(disks: &[BlockDevice]) -> Option<&BlockDevice> {
    disks.iter().find(|disk| disk.boot_index == Some(0))
}

fn blank() -> BlockDevice {
    BlockDevice {
        id: 0,
        source: BlockSource::Blank,
        destination: BlockDestination::Local,
        image_id: None,
        snapshot_id: None,
        volume_id: None,
        size_gb: None,
        volume_type: None,
        delete_on_termination: false,
        boot_index: None,
        device_name: None,
        disk_bus: None,
        device_type: None,
        guest_format: None,
        tag: None,
        attachment_id: None,
        connection: None,
    }
}

fn from_image(image: &ImageId) -> BlockDevice {
    BlockDevice {
        source: BlockSource::Image,
        image_id: Some(image.clone()),
        delete_on_termination: true,
        boot_index: Some(0),
        device_type: Some("disk".to_owned()),
        ..blank()
    }
}

fn from_v2(mapping: &Mapping, has_image: bool) -> Result<BlockDevice, Fault> {
    let source = match mapping.source_type.as_deref() {
        Some("volume") => BlockSource::Volume,
        Some("image") => BlockSource::Image,
        Some("snapshot") => BlockSource::Snapshot,
        Some("blank") => BlockSource::Blank,
        _ => return Err(invalid("Some required fields are missing")),
    };
    let uuid = mapping.uuid.as_deref().filter(|uuid| !uuid.is_empty());
    match (source, uuid) {
        (BlockSource::Blank, Some(_)) => return Err(invalid("Invalid device UUID.")),
        (BlockSource::Blank, None) | (_, Some(_)) => {}
        (_, None) => return Err(invalid("Missing device UUID.")),
    }
    let destination = match (mapping.destination_type.as_deref(), source) {
        (Some("volume"), _) | (None, BlockSource::Volume | BlockSource::Snapshot) => BlockDestination::Volume,
        _ => BlockDestination::Local,
    };
    let boot_index =
        integer(&mapping.boot_index).and_then(|index| i32::try_from(index).ok()).filter(|index| *index >= 0);
    if source == BlockSource::Image && destination == BlockDestination::Local && !(has_image && boot_index == Some(0)) {
        return Err(invalid("Mapping image to local is not supported."));
    }
    if mapping.volume_type.is_some() && destination == BlockDestination::Local {
        return Err(invalid("Specifying a volume_type with destination_type=local is not supported."));
    }
    if mapping.volume_type.is_some() && source == BlockSource::Volume {
        return Err(invalid("Specifying volume type to existing volume is not supported."));
    }
    let id = |wanted| uuid.filter(|_| source == wanted);
    Ok(BlockDevice {
        source,
        destination,
        image_id: id(BlockSource::Image).map(ImageId::from),
        snapshot_id: id(BlockSource::Snapshot).map(str::to_owned),
        volume_id: id(BlockSource::Volume).map(VolumeId::from),
        boot_index,
        ..common(mapping)
    })
}

/// What both forms have.
fn common(mapping: &Mapping) -> BlockDevice {
    BlockDevice {
        size_gb: integer(&mapping.volume_size).and_then(|size| u64::try_from(size).ok()),
        delete_on_termination: truth(&mapping.delete_on_termination),
        device_name: mapping.device_name.as_deref().map(device_name::with_dev),
        disk_bus: mapping.disk_bus.clone(),
        device_type: mapping.device_type.clone(),
        guest_format: mapping.guest_format.clone(),
        volume_type: mapping.volume_type.clone(),
        tag: mapping.tag.clone(),
        ..blank()
    }
}

fn from_legacy(list: &[Mapping], image: Option<&ImageId>) -> Result<Vec<BlockDevice>, Fault> {
    let used = list.iter().filter(|mapping| !is_set(&mapping.no_device));
    let mut disks = used.map(one_legacy).collect::<Result<Vec<_>, _>>()?;
    let root = device_name::with_dev(ROOT);
    match image {
        None => {
            if let Some(first) = disks.iter_mut().find(|disk| disk.source != BlockSource::Blank) {
                first.boot_index = Some(0);
            }
        }
        Some(image) => {
            let named = |disk: &&mut BlockDevice| {
                disk.source != BlockSource::Blank && disk.device_name.as_deref() == Some(root.as_str())
            };
            match disks.iter_mut().find(named) {
                Some(disk) => disk.boot_index = Some(0),
                None => disks.insert(0, from_image(image)),
            }
        }
    }
    Ok(disks)
}

fn one_legacy(mapping: &Mapping) -> Result<BlockDevice, Fault> {
    let text = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    let disk = common(mapping);
    if let Some(name) = text(&mapping.virtual_name).filter(|name| name == "swap" || name.starts_with("ephemeral")) {
        let guest_format = (name == "swap").then_some(name);
        return Ok(BlockDevice { delete_on_termination: true, guest_format, ..disk });
    }
    if let Some(snapshot) = text(&mapping.snapshot_id) {
        let (source, destination) = (BlockSource::Snapshot, BlockDestination::Volume);
        return Ok(BlockDevice { source, destination, snapshot_id: Some(snapshot), ..disk });
    }
    if let Some(volume) = text(&mapping.volume_id) {
        let (source, destination) = (BlockSource::Volume, BlockDestination::Volume);
        return Ok(BlockDevice { source, destination, volume_id: Some(volume.into()), ..disk });
    }
    Err(invalid("Unrecognized legacy format."))
}

/// The flavor's ephemeral and swap disks, where the client has not mapped any.
fn add_from_flavor(disks: &mut Vec<BlockDevice>, flavor: &FlavorSpec) {
    let extra = |size_gb: u64, guest_format: Option<&str>| BlockDevice {
        delete_on_termination: true,
        device_type: Some("disk".to_owned()),
        size_gb: Some(size_gb),
        guest_format: guest_format.map(str::to_owned),
        ..blank()
    };
    if flavor.ephemeral_gb > 0 && !disks.iter().any(is_ephemeral) {
        disks.push(extra(flavor.ephemeral_gb, None));
    }
    if flavor.swap_mb > 0 && !disks.iter().any(is_swap) {
        disks.push(extra(flavor.swap_mb.div_ceil(1024), Some("swap")));
    }
}

fn is_ephemeral(disk: &BlockDevice) -> bool {
    disk.source == BlockSource::Blank && disk.destination == BlockDestination::Local && !is_swap(disk)
}

fn is_swap(disk: &BlockDevice) -> bool {
    disk.source == BlockSource::Blank
        && disk.destination == BlockDestination::Local
        && disk.guest_format.as_deref() == Some("swap")
}

fn check(disks: &[BlockDevice], flavor: &FlavorSpec) -> Result<(), Fault> {
    let mut indexes: Vec<i32> = disks.iter().filter_map(|disk| disk.boot_index).collect();
    indexes.sort_unstable();
    if indexes.is_empty() || indexes.iter().zip(0..).any(|(index, place)| *index != place) {
        return Err(invalid("Boot sequence for the instance and image/block device mapping combination is not valid."));
    }
    for disk in disks.iter().filter(|disk| disk.destination == BlockDestination::Volume) {
        let no_size = disk.size_gb.unwrap_or(0) == 0;
        match disk.source {
            BlockSource::Image if no_size => {
                return Err(Fault::bad_request(
                    "Images with destination_type 'volume' need to have a non-zero size specified",
                ));
            }
            BlockSource::Blank if no_size => {
                return Err(Fault::bad_request(
                    "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size",
                ));
            }
            _ => {}
        }
    }
    let ephemeral: u64 =
        disks.iter().filter(|disk| is_ephemeral(disk)).map(|disk| disk.size_gb.unwrap_or(flavor.ephemeral_gb)).sum();
    if ephemeral > flavor.ephemeral_gb {
        return Err(Fault::bad_request(
            "Ephemeral disks requested are larger than the instance type allows. If no size is given in one block device \
             mapping, flavor ephemeral size will be used.",
        ));
    }
    let swaps: Vec<_> = disks.iter().filter(|disk| is_swap(disk)).collect();
    if swaps.len() > 1 {
        return Err(invalid("More than one swap drive requested."));
    }
    if swaps.iter().any(|disk| disk.size_gb.unwrap_or(0) > flavor.swap_mb.div_ceil(1024)) {
        return Err(Fault::bad_request("Swap drive requested is larger than instance type allows."));
    }
    Ok(())
}

fn invalid(details: &str) -> Fault {
    Fault::bad_request(format!("Block Device Mapping is Invalid: {details}"))
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

/// An integer, or text that is one.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// A boolean, in any of the forms that the API takes.
#[must_use]
pub fn truth(value: &Value) -> bool {
    value.as_bool().or_else(|| http_kit::query::boolean(value.as_str()?)).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn flavor() -> FlavorSpec {
        FlavorSpec {
            id: "1".into(),
            name: "m1".into(),
            vcpus: 1,
            ram_mb: 64,
            disk_gb: 1,
            ephemeral_gb: 0,
            swap_mb: 0,
            extra_specs: std::collections::BTreeMap::new(),
        }
    }

    fn v2(list: Value) -> Mappings {
        Mappings::V2(serde_json::from_value(list).unwrap())
    }

    fn legacy(list: Value) -> Mappings {
        Mappings::Legacy(serde_json::from_value(list).unwrap())
    }

    #[test]
    fn an_image_alone_is_a_local_root() {
        let disks = plan(Some(&"i".into()), &legacy(json!([])), &flavor()).unwrap();
        assert_eq!(disks.len(), 1);
        assert_eq!(root(&disks).unwrap().destination, BlockDestination::Local);
    }

    #[test]
    fn the_older_form_boots_from_the_root_device() {
        let disks =
            plan(Some(&"i".into()), &legacy(json!([{ "volume_id": "v", "device_name": "vda" }])), &flavor()).unwrap();
        assert_eq!(disks.len(), 1);
        assert_eq!(root(&disks).unwrap().volume_id, Some("v".into()));
        let disks =
            plan(Some(&"i".into()), &legacy(json!([{ "volume_id": "v", "device_name": "vdb" }])), &flavor()).unwrap();
        assert_eq!((disks.len(), root(&disks).unwrap().source), (2, BlockSource::Image));
        let disks = plan(None, &legacy(json!([{ "volume_id": "v", "device_name": "vdb" }])), &flavor()).unwrap();
        assert_eq!(root(&disks).unwrap().volume_id, Some("v".into()));
    }

    #[test]
    fn a_volume_can_be_made_of_an_image() {
        let list = json!([{ "source_type": "image", "uuid": "i", "destination_type": "volume", "volume_size": "2",
            "boot_index": "0", "delete_on_termination": "true" }]);
        let disks = plan(None, &v2(list), &flavor()).unwrap();
        let root = root(&disks).unwrap();
        assert_eq!(
            (root.size_gb, root.delete_on_termination, root.image_id.clone()),
            (Some(2), true, Some("i".into()))
        );
    }

    #[test]
    fn refusals_are_novas() {
        let refused = |image: Option<&str>, list: Value| {
            plan(image.map(ImageId::from).as_ref(), &v2(list), &flavor()).unwrap_err().message().to_owned()
        };
        assert_eq!(
            refused(Some("i"), json!([{ "source_type": "volume", "uuid": "v", "boot_index": 1 }])),
            "Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination \
             is not valid."
        );
        assert_eq!(
            refused(
                None,
                json!([{ "source_type": "image", "uuid": "i", "destination_type": "volume", "boot_index": 0 }])
            ),
            "Images with destination_type 'volume' need to have a non-zero size specified"
        );
        assert_eq!(
            refused(None, json!([{ "source_type": "volume", "boot_index": 0 }])),
            "Block Device Mapping is Invalid: Missing device UUID."
        );
    }

    #[test]
    fn flavors_bring_disks_of_their_own() {
        let flavor = FlavorSpec { ephemeral_gb: 2, swap_mb: 512, ..flavor() };
        let disks = plan(Some(&"i".into()), &legacy(json!([])), &flavor).unwrap();
        let sizes: Vec<_> = disks.iter().map(|disk| (disk.size_gb, disk.guest_format.as_deref())).collect();
        assert_eq!(sizes, [(None, None), (Some(2), None), (Some(1), Some("swap"))]);
    }
}
