//! A server's disks: the table `compute_block_devices`.

use bus::topics::compute_types::{BlockDestination, BlockDevice, BlockSource};
use bus::topics::conductor::UpdateBlockDevice;
use kit::ids::{AttachmentId, ImageId, ServerId, VolumeId};
use rusqlite::{Connection, Row, named_params, params};
use store::query;

use super::{id_opt, int, invalid, json_opt, to_json};

/// A disk and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnedDevice {
    /// The mapping's public id.
    pub uuid: String,
    /// The server.
    pub server_id: ServerId,
    /// The disk.
    pub device: BlockDevice,
}

fn source_name(source: BlockSource) -> &'static str {
    match source {
        BlockSource::Image => "image",
        BlockSource::Volume => "volume",
        BlockSource::Snapshot => "snapshot",
        BlockSource::Blank => "blank",
    }
}

fn source(text: &str) -> rusqlite::Result<BlockSource> {
    match text {
        "image" => Ok(BlockSource::Image),
        "volume" => Ok(BlockSource::Volume),
        "snapshot" => Ok(BlockSource::Snapshot),
        "blank" => Ok(BlockSource::Blank),
        other => Err(invalid("source", other)),
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<BlockDevice> {
    let destination: String = row.get("destination")?;
    Ok(BlockDevice {
        id: row.get("id")?,
        source: source(row.get_ref("source")?.as_str()?)?,
        destination: if destination == "volume" { BlockDestination::Volume } else { BlockDestination::Local },
        image_id: id_opt(row, "image_id")?,
        snapshot_id: row.get("snapshot_id")?,
        volume_id: id_opt(row, "volume_id")?,
        size_gb: row.get::<_, Option<i64>>("size_gb")?.and_then(|size| u64::try_from(size).ok()),
        volume_type: row.get("volume_type")?,
        delete_on_termination: row.get("delete_on_termination")?,
        boot_index: row.get("boot_index")?,
        device_name: row.get("device_name")?,
        disk_bus: row.get("disk_bus")?,
        device_type: row.get("device_type")?,
        guest_format: row.get("guest_format")?,
        tag: row.get("tag")?,
        attachment_id: id_opt(row, "attachment_id")?,
        connection: json_opt(row, "connection")?,
    })
}

fn owned(row: &Row<'_>) -> rusqlite::Result<OwnedDevice> {
    Ok(OwnedDevice { uuid: row.get("uuid")?, server_id: super::id(row, "instance_id")?, device: from_row(row)? })
}

/// Adds `device` (whose own number counts for nothing) to the server; answers the mapping's number.
///
/// # Errors
/// What the store reports; a unique rule where the device name is taken.
pub fn insert(db: &Connection, server_id: &ServerId, uuid: &str, device: &BlockDevice) -> Result<i64, store::Error> {
    const SQL: &str =
        "INSERT INTO compute_block_devices (uuid, instance_id, source, destination, image_id, snapshot_id,
        volume_id, size_gb, volume_type, delete_on_termination, boot_index, device_name, disk_bus, device_type,
        guest_format, tag, attachment_id, connection)
        VALUES (:uuid, :instance_id, :source, :destination, :image_id, :snapshot_id, :volume_id, :size_gb,
        :volume_type, :delete_on_termination, :boot_index, :device_name, :disk_bus, :device_type, :guest_format, :tag,
        :attachment_id, :connection)";
    let destination = match device.destination {
        BlockDestination::Local => "local",
        BlockDestination::Volume => "volume",
    };
    let values = named_params! {
        ":uuid": uuid, ":instance_id": server_id.as_str(), ":source": source_name(device.source),
        ":destination": destination, ":image_id": device.image_id.as_ref().map(ImageId::as_str),
        ":snapshot_id": device.snapshot_id, ":volume_id": device.volume_id.as_ref().map(VolumeId::as_str),
        ":size_gb": device.size_gb.map(int), ":volume_type": device.volume_type,
        ":delete_on_termination": device.delete_on_termination, ":boot_index": device.boot_index,
        ":device_name": device.device_name, ":disk_bus": device.disk_bus, ":device_type": device.device_type,
        ":guest_format": device.guest_format, ":tag": device.tag,
        ":attachment_id": device.attachment_id.as_ref().map(AttachmentId::as_str),
        ":connection": device.connection.as_ref().map(to_json).transpose()?,
    };
    query::execute(db, SQL, values)?;
    Ok(db.last_insert_rowid())
}

/// A server's disks.
///
/// # Errors
/// What the store reports.
pub fn of_instance(db: &Connection, server_id: &ServerId) -> Result<Vec<BlockDevice>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_block_devices WHERE instance_id = ?1 ORDER BY id";
    query::all(db, SQL, params![server_id.as_str()], from_row)
}

/// A server's disks that live in the volume service and have their volume.
///
/// # Errors
/// What the store reports.
pub fn volumes_of(db: &Connection, server_id: &ServerId) -> Result<Vec<OwnedDevice>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_block_devices
        WHERE instance_id = ?1 AND destination = 'volume' AND volume_id IS NOT NULL ORDER BY id";
    query::all(db, SQL, params![server_id.as_str()], owned)
}

/// The disk that is the volume `volume_id` on a server.
///
/// # Errors
/// What the store reports.
pub fn by_volume(
    db: &Connection,
    server_id: &ServerId,
    volume_id: &VolumeId,
) -> Result<Option<OwnedDevice>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_block_devices WHERE instance_id = ?1 AND volume_id = ?2";
    query::opt(db, SQL, params![server_id.as_str(), volume_id.as_str()], owned)
}

/// The disks of many servers at once: of those that are in `servers`.
///
/// # Errors
/// What the store reports.
pub fn of_instances(db: &Connection, servers: &[&str]) -> Result<Vec<OwnedDevice>, store::Error> {
    const SQL: &str = "SELECT * FROM compute_block_devices
        WHERE instance_id IN (SELECT value FROM json_each(?1)) AND destination = 'volume' ORDER BY id";
    query::all(db, SQL, params![to_json(&servers)?], owned)
}

/// Records what a build found out; says whether the mapping is still there.
///
/// # Errors
/// What the store reports.
pub fn update(db: &Connection, change: &UpdateBlockDevice) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_block_devices SET volume_id = COALESCE(?2, volume_id),
        attachment_id = COALESCE(?3, attachment_id), connection = COALESCE(?4, connection),
        device_name = COALESCE(?5, device_name) WHERE id = ?1";
    let values = params![
        change.id,
        change.volume_id.as_ref().map(VolumeId::as_str),
        change.attachment_id.as_ref().map(AttachmentId::as_str),
        change.connection.as_ref().map(to_json).transpose()?,
        change.device_name,
    ];
    Ok(query::execute(db, SQL, values)? == 1)
}

/// Sets whether the volume goes with its server.
///
/// # Errors
/// What the store reports.
pub fn set_delete_on_termination(db: &Connection, id: i64, value: bool) -> Result<(), store::Error> {
    query::execute(
        db,
        "UPDATE compute_block_devices SET delete_on_termination = ?2 WHERE id = ?1",
        params![id, value],
    )?;
    Ok(())
}

/// Removes the mapping of a volume that has been detached; fine when there is none.
///
/// # Errors
/// What the store reports.
pub fn delete_volume(db: &Connection, server_id: &ServerId, volume_id: &VolumeId) -> Result<bool, store::Error> {
    const SQL: &str = "DELETE FROM compute_block_devices WHERE instance_id = ?1 AND volume_id = ?2";
    Ok(query::execute(db, SQL, params![server_id.as_str(), volume_id.as_str()])? > 0)
}

/// Removes the mapping with the number `id`; fine when there is none.
///
/// # Errors
/// What the store reports.
pub fn delete(db: &Connection, id: i64) -> Result<bool, store::Error> {
    Ok(query::execute(db, "DELETE FROM compute_block_devices WHERE id = ?1", params![id])? > 0)
}
