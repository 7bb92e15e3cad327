//! The table `volume_volumes`.

use http_kit::{Condition, SqlValue};
use kit::Timestamp;
use kit::ids::{HostId, VolumeId};
use kit::time::{from_micros, to_micros};
use store::{Connection, Error, Row, Value, params, query};

use super::attachments;
use crate::domain::volume::{Status, Volume};

const SELECT: &str = "SELECT volume_volumes.id, project_id, user_id, volume_volumes.name, volume_volumes.description, size_gb, status,
     volume_type_id, t.name AS type_name, availability_zone, bootable, multiattach, image_id, image_metadata, metadata, host, backend,
     volume_volumes.created_at, updated_at FROM volume_volumes JOIN volume_types t ON t.id = volume_type_id";

/// The volume with this id, with its attachments.
pub fn get(db: &Connection, id: &VolumeId) -> Result<Option<Volume>, Error> {
    let found = query::opt(db, &format!("{SELECT} WHERE volume_volumes.id = ?1"), [id.as_str()], from_row)?;
    let Some(mut volume) = found else { return Ok(None) };
    volume.attachments = attachments::of_volume(db, id)?;
    Ok(Some(volume))
}

/// The volumes that satisfy `condition`, in the order `order`, at most `limit` (-1: all) after `offset`, with their attachments.
pub fn list(db: &Connection, condition: Condition, order: &str, limit: i64, offset: i64) -> Result<Vec<Volume>, Error> {
    let sql = format!("{SELECT} WHERE {} ORDER BY {order} LIMIT ? OFFSET ?", condition.sql);
    let mut values = query::bind(condition.values);
    values.extend([Value::Integer(limit), Value::Integer(offset)]);
    let mut volumes = query::query_all(db, &sql, &values, from_row)?;
    for volume in volumes.iter_mut().filter(|volume| has_attachments(volume.status)) {
        volume.attachments = attachments::of_volume(db, &volume.id)?;
    }
    Ok(volumes)
}

fn has_attachments(status: Status) -> bool {
    matches!(status, Status::Reserved | Status::Attaching | Status::InUse | Status::Detaching)
}

/// The values of `columns` in the row of `id`: where a page begins.
pub fn key(db: &Connection, id: &str, columns: &[&'static str]) -> Result<Option<Vec<SqlValue>>, Error> {
    let sql = format!("SELECT {} FROM volume_volumes WHERE id = ?1", columns.join(", "));
    query::opt(db, &sql, [id], |row| query::key(row, columns.len()))
}

/// The ids of all volumes.
pub fn ids(db: &Connection) -> Result<Vec<String>, Error> {
    query::all(db, "SELECT id FROM volume_volumes ORDER BY id", [], |row| row.get(0))
}

/// The ids of the volumes that are files and are there.
pub fn ids_of_files(db: &Connection) -> Result<Vec<String>, Error> {
    let sql = "SELECT id FROM volume_volumes WHERE backend = 'file'
               AND status NOT IN ('creating', 'error', 'deleting', 'error_deleting') ORDER BY id";
    query::all(db, sql, [], |row| row.get(0))
}

/// How many volumes have bytes with another driver.
pub fn count_elsewhere(db: &Connection) -> Result<usize, Error> {
    let sql = "SELECT count(*) FROM volume_volumes WHERE backend <> 'file'
               AND status NOT IN ('creating', 'error', 'deleting', 'error_deleting')";
    let count: i64 = query::one(db, sql, [], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Adds a volume.
pub fn insert(db: &Connection, volume: &Volume) -> Result<(), Error> {
    let json = |map| serde_json::to_string(map).unwrap_or_default();
    query::execute(
        db,
        "INSERT INTO volume_volumes (id, project_id, user_id, name, description, size_gb, status, volume_type_id, availability_zone,
         bootable, multiattach, image_id, image_metadata, metadata, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            volume.id.as_str(),
            volume.project_id.as_str(),
            volume.user_id.as_str(),
            volume.name,
            volume.description,
            volume.size_gb,
            volume.status.as_str(),
            volume.volume_type.0,
            volume.availability_zone,
            volume.bootable,
            volume.multiattach,
            volume.image_id.as_ref().map(AsRef::<str>::as_ref),
            json(&volume.image_metadata),
            json(&volume.metadata),
            to_micros(volume.created_at),
        ],
    )?;
    Ok(())
}

/// Writes what clients can change.
pub fn update(db: &Connection, volume: &Volume, now: Timestamp) -> Result<(), Error> {
    let metadata = serde_json::to_string(&volume.metadata).unwrap_or_default();
    let sql = "UPDATE volume_volumes SET name = ?2, description = ?3, metadata = ?4, updated_at = ?5 WHERE id = ?1";
    query::execute(db, sql, params![volume.id.as_str(), volume.name, volume.description, metadata, to_micros(now)])?;
    Ok(())
}

/// Sets a volume's status if it is one of `from` (any when empty); whether it was.
pub fn change_status(
    db: &Connection,
    id: &VolumeId,
    from: &[Status],
    to: Status,
    now: Timestamp,
) -> Result<bool, Error> {
    let words = Condition::is_in("status", from.iter().map(|status| status.as_str().into()));
    let words = if from.is_empty() { Condition::all() } else { words };
    let sql = format!("UPDATE volume_volumes SET status = ?, updated_at = ? WHERE id = ? AND ({})", words.sql);
    let head = [to.as_str().to_owned().into(), Value::Integer(to_micros(now)), id.as_str().to_owned().into()];
    let values: Vec<Value> = head.into_iter().chain(query::bind(words.values)).collect();
    Ok(query::execute(db, &sql, store::params_from_iter(values))? > 0)
}

/// Says where a volume is kept.
pub fn set_place(db: &Connection, id: &VolumeId, host: &HostId, backend: &str) -> Result<(), Error> {
    let sql = "UPDATE volume_volumes SET host = ?2, backend = ?3 WHERE id = ?1";
    query::execute(db, sql, params![id.as_str(), host.as_str(), backend])?;
    Ok(())
}

/// Removes a volume's row; fine when there is none.
pub fn delete(db: &Connection, id: &VolumeId) -> Result<(), Error> {
    query::execute(db, "DELETE FROM volume_volumes WHERE id = ?1", [id.as_str()])?;
    Ok(())
}

/// Id and size of the volumes that are kept on `host`.
pub fn on_host(db: &Connection, host: &HostId) -> Result<Vec<(VolumeId, i64)>, Error> {
    query::all(db, "SELECT id, size_gb FROM volume_volumes WHERE host = ?1 ORDER BY id", [host.as_str()], |row| {
        Ok((VolumeId::new(row.get::<_, String>(0)?), row.get(1)?))
    })
}

fn from_row(row: &Row<'_>) -> store::rusqlite::Result<Volume> {
    let text = |name: &str| row.get::<_, Option<String>>(name);
    let map = |name: &str| {
        Ok::<_, store::rusqlite::Error>(serde_json::from_str(&row.get::<_, String>(name)?).unwrap_or_default())
    };
    let status: String = row.get("status")?;
    Ok(Volume {
        id: VolumeId::new(row.get::<_, String>("id")?),
        project_id: row.get::<_, String>("project_id")?.into(),
        user_id: row.get::<_, String>("user_id")?.into(),
        name: text("name")?,
        description: text("description")?,
        size_gb: row.get("size_gb")?,
        status: Status::parse(&status).unwrap_or(Status::Error),
        volume_type: (row.get("volume_type_id")?, row.get("type_name")?),
        availability_zone: row.get("availability_zone")?,
        bootable: row.get("bootable")?,
        multiattach: row.get("multiattach")?,
        image_id: text("image_id")?.map(Into::into),
        image_metadata: map("image_metadata")?,
        metadata: map("metadata")?,
        place: text("host")?.map(HostId::from).zip(text("backend")?),
        created_at: from_micros(row.get("created_at")?),
        updated_at: row.get::<_, Option<i64>>("updated_at")?.map(from_micros),
        attachments: Vec::new(),
    })
}
