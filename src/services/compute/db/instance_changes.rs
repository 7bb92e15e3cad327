//! What users change about their servers, and lists of them.

use std::collections::BTreeMap;

use bus::topics::compute_types::TaskState;
use http_kit::{Condition, Paging};
use kit::Timestamp;
use kit::ids::{ImageId, ServerId, VolumeId};
use kit::time::to_micros;
use rusqlite::{Connection, params};
use store::query;

use super::instances::{InstanceRow, from_row};
use super::to_json;

/// One page of servers; nothing where the marker names none.
///
/// # Errors
/// What the store reports.
pub fn list(db: &Connection, condition: Condition, paging: &Paging) -> Result<Option<Vec<InstanceRow>>, store::Error> {
    super::page(db, "compute_instances", "id", condition, paging, from_row)
}

/// What `PUT /servers/{id}` changes; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// The name.
    pub name: Option<String>,
    /// The description; `Some(None)` for none.
    pub description: Option<Option<String>>,
    /// `AUTO` or `MANUAL`.
    pub disk_config: Option<String>,
    /// `accessIPv4`.
    pub access_ip_v4: Option<Option<String>>,
    /// `accessIPv6`.
    pub access_ip_v6: Option<Option<String>>,
    /// The host name.
    pub hostname: Option<String>,
    /// The zone that it stays in.
    pub availability_zone: Option<Option<String>>,
}

/// Changes what a server is called and how it is described.
///
/// # Errors
/// What the store reports.
pub fn set_details(db: &Connection, id: &ServerId, to: &Details, now: Timestamp) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_instances SET name = COALESCE(?2, name),
        description = CASE WHEN ?3 THEN ?4 ELSE description END, disk_config = COALESCE(?5, disk_config),
        access_ip_v4 = CASE WHEN ?6 THEN ?7 ELSE access_ip_v4 END,
        access_ip_v6 = CASE WHEN ?8 THEN ?9 ELSE access_ip_v6 END,
        hostname = COALESCE(?10, hostname),
        availability_zone = CASE WHEN ?11 THEN ?12 ELSE availability_zone END, updated_at = ?13
        WHERE id = ?1 AND deleted_at IS NULL";
    let values = params![
        id.as_str(),
        to.name,
        to.description.is_some(),
        to.description.clone().flatten(),
        to.disk_config,
        to.access_ip_v4.is_some(),
        to.access_ip_v4.clone().flatten(),
        to.access_ip_v6.is_some(),
        to.access_ip_v6.clone().flatten(),
        to.hostname,
        to.availability_zone.is_some(),
        to.availability_zone.clone().flatten(),
        to_micros(now),
    ];
    Ok(query::execute(db, SQL, values)? == 1)
}

/// Sets all of a server's metadata.
///
/// # Errors
/// What the store reports.
pub fn set_metadata(
    db: &Connection,
    id: &ServerId,
    metadata: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<bool, store::Error> {
    const SQL: &str =
        "UPDATE compute_instances SET metadata = ?2, updated_at = ?3 WHERE id = ?1 AND deleted_at IS NULL";
    Ok(query::execute(db, SQL, params![id.as_str(), to_json(metadata)?, to_micros(now)])? == 1)
}

/// Locks a server for `owner` or `admin`, or unlocks it.
///
/// # Errors
/// What the store reports.
pub fn set_lock(
    db: &Connection,
    id: &ServerId,
    by: Option<&str>,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_instances SET locked_by = ?2, locked_reason = ?3, updated_at = ?4
        WHERE id = ?1 AND deleted_at IS NULL";
    Ok(query::execute(db, SQL, params![id.as_str(), by, reason, to_micros(now)])? == 1)
}

/// Begins to make an image of a server that nothing else is done to; says whether it did.
///
/// # Errors
/// What the store reports.
pub fn begin_snapshot(
    db: &Connection,
    id: &ServerId,
    image_id: &ImageId,
    now: Timestamp,
) -> Result<bool, store::Error> {
    const SQL: &str = "UPDATE compute_instances SET task_state = ?2, snapshot_image = ?3, updated_at = ?4
        WHERE id = ?1 AND deleted_at IS NULL AND task_state IS NULL";
    let task = TaskState::ImageSnapshotPending.as_str();
    Ok(query::execute(db, SQL, params![id.as_str(), task, image_id.as_str(), to_micros(now)])? == 1)
}

/// Servers that have the volume, deleted ones left out.
///
/// # Errors
/// What the store reports.
pub fn with_volume(db: &Connection, volume_id: &VolumeId) -> Result<Vec<ServerId>, store::Error> {
    const SQL: &str = "SELECT instance_id FROM compute_block_devices WHERE volume_id = ?1";
    query::all(db, SQL, params![volume_id.as_str()], |row| super::id(row, "instance_id"))
}
