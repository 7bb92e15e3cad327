//! The table `volume_attachments`.

use http_kit::Condition;
use kit::ids::{AttachmentId, VolumeId};
use kit::time::{from_micros, to_micros};
use store::{Connection, Error, Row, params, query};

use crate::domain::volume::{Attachment, AttachmentStatus};

const COLUMNS: &str = "id, volume_id, server_id, status, host, device, connection, created_at, attached_at";

/// The attachment with this id.
pub fn get(db: &Connection, id: &AttachmentId) -> Result<Option<Attachment>, Error> {
    query::opt(db, &format!("SELECT {COLUMNS} FROM volume_attachments WHERE id = ?1"), [id.as_str()], from_row)
}

/// The attachments of a volume, the oldest first.
pub fn of_volume(db: &Connection, id: &VolumeId) -> Result<Vec<Attachment>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM volume_attachments WHERE volume_id = ?1 ORDER BY created_at, id");
    query::all(db, &sql, [id.as_str()], from_row)
}

/// The attachments of servers that no host has taken up.
pub fn reserved(db: &Connection) -> Result<Vec<Attachment>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM volume_attachments WHERE status = 'reserved' AND server_id IS NOT NULL ORDER BY created_at, id"
    );
    query::all(db, &sql, [], from_row)
}

/// The attachments that satisfy `condition` of the volumes that satisfy `volumes`.
pub fn list(db: &Connection, volumes: Condition, condition: Condition) -> Result<Vec<Attachment>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM volume_attachments WHERE volume_id IN (SELECT id FROM volume_volumes WHERE {}) AND ({})
         ORDER BY created_at DESC, id DESC",
        volumes.sql, condition.sql
    );
    let values = query::bind(volumes.values.into_iter().chain(condition.values));
    query::query_all(db, &sql, &values, from_row)
}

/// Writes an attachment, new or changed.
pub fn put(db: &Connection, attachment: &Attachment) -> Result<(), Error> {
    let connection = attachment.connection.as_ref().and_then(|connection| serde_json::to_string(connection).ok());
    query::execute(
        db,
        "INSERT INTO volume_attachments (id, volume_id, server_id, status, host, device, connection, created_at, attached_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET server_id = ?3, status = ?4, host = ?5, device = ?6, connection = ?7, attached_at = ?9",
        params![
            attachment.id.as_str(),
            attachment.volume_id.as_str(),
            attachment.server_id.as_ref().map(AsRef::<str>::as_ref),
            attachment.status.as_str(),
            attachment.host.as_ref().map(AsRef::<str>::as_ref),
            attachment.device,
            connection,
            to_micros(attachment.created_at),
            attachment.attached_at.map(to_micros),
        ],
    )?;
    Ok(())
}

/// Removes an attachment.
pub fn delete(db: &Connection, id: &AttachmentId) -> Result<(), Error> {
    query::execute(db, "DELETE FROM volume_attachments WHERE id = ?1", [id.as_str()])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> store::rusqlite::Result<Attachment> {
    let text = |index: usize| row.get::<_, Option<String>>(index);
    let status: String = row.get(3)?;
    Ok(Attachment {
        id: AttachmentId::new(row.get::<_, String>(0)?),
        volume_id: VolumeId::new(row.get::<_, String>(1)?),
        server_id: text(2)?.map(Into::into),
        status: AttachmentStatus::parse(&status).unwrap_or(AttachmentStatus::Reserved),
        host: text(4)?.map(Into::into),
        device: text(5)?,
        connection: text(6)?.and_then(|json| serde_json::from_str(&json).ok()),
        created_at: from_micros(row.get(7)?),
        attached_at: row.get::<_, Option<i64>>(8)?.map(from_micros),
    })
}
