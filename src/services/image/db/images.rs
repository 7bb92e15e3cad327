//! The tables `image_images`, `image_properties` and `image_tags`.
//!
//! What clients change never touches the service's own properties (`os_glance…`), which an import writes meanwhile.

use http_kit::{Condition, SqlValue};
use kit::Timestamp;
use kit::ids::ImageId;
use kit::time::to_micros;
use store::{Columns, Connection, Error, Row, Value, params, query};

use super::members;
use crate::domain::content::Content;
use crate::domain::image::{Image, ImportNotes, OWN_PROPERTIES, Status};
use crate::domain::visibility::{Viewer, Visibility};

const COLUMNS: &str = "id, name, owner, status, visibility, protected, os_hidden, disk_format, container_format, min_disk, \
     min_ram, size, virtual_size, checksum, os_hash_value, created_at, updated_at, \
     (SELECT json_group_object(p.name, p.value) FROM image_properties p WHERE p.image_id = image_images.id) AS properties, \
     (SELECT json_group_array(t.tag) FROM (SELECT tag FROM image_tags WHERE image_id = image_images.id ORDER BY tag) t) AS tags, \
     (SELECT group_concat(l.store) FROM (SELECT store FROM image_locations WHERE image_id = image_images.id ORDER BY id) l) AS stores, \
     import_task, importing_to, failed_import";

/// The image with this id.
pub fn get(db: &Connection, id: &ImageId) -> Result<Option<Image>, Error> {
    query::opt(db, &format!("SELECT {COLUMNS} FROM image_images WHERE id = ?1"), [id.as_str()], from_row)
}

/// The image with this id, if `viewer` may know of it.
pub fn seen(db: &Connection, id: &ImageId, viewer: &Viewer) -> Result<Option<Image>, Error> {
    let Some(image) = get(db, id)? else { return Ok(None) };
    let is_member = match &viewer.project {
        Some(project) if image.visibility == Visibility::Shared => members::get(db, id, project)?.is_some(),
        _ => false,
    };
    Ok(Some(image).filter(|image| viewer.sees(image, is_member)))
}

/// The images that satisfy `condition`, in the order `order`, at most `limit` (-1: all).
pub fn list(db: &Connection, condition: Condition, order: &str, limit: i64) -> Result<Vec<Image>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM image_images WHERE {} ORDER BY {order} LIMIT ?", condition.sql);
    let mut values = query::bind(condition.values);
    values.push(Value::Integer(limit));
    query::query_all(db, &sql, &values, from_row)
}

/// The values of `columns` in the row of `id`: where a page begins.
pub fn key(db: &Connection, id: &str, columns: &[&'static str]) -> Result<Option<Vec<SqlValue>>, Error> {
    let sql = format!("SELECT {} FROM image_images WHERE id = ?1", columns.join(", "));
    query::opt(db, &sql, [id], |row| query::key(row, columns.len()))
}

/// Adds an image.
pub fn insert(db: &Connection, image: &Image) -> Result<(), Error> {
    query::execute(
        db,
        "INSERT INTO image_images (id, name, owner, status, visibility, protected, os_hidden, disk_format, container_format,
         min_disk, min_ram, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            image.id.as_str(),
            image.name,
            image.owner.as_ref().map(AsRef::<str>::as_ref),
            image.status.as_str(),
            image.visibility.as_str(),
            image.protected,
            image.os_hidden,
            image.disk_format,
            image.container_format,
            image.min_disk,
            image.min_ram,
            to_micros(image.created_at),
            to_micros(image.updated_at),
        ],
    )?;
    write_details(db, image)
}

/// Writes what clients can change.
pub fn update(db: &Connection, image: &Image) -> Result<(), Error> {
    query::execute(
        db,
        "UPDATE image_images SET name = ?2, owner = ?3, visibility = ?4, protected = ?5, os_hidden = ?6, disk_format = ?7,
         container_format = ?8, min_disk = ?9, min_ram = ?10, updated_at = ?11 WHERE id = ?1",
        params![
            image.id.as_str(),
            image.name,
            image.owner.as_ref().map(AsRef::<str>::as_ref),
            image.visibility.as_str(),
            image.protected,
            image.os_hidden,
            image.disk_format,
            image.container_format,
            image.min_disk,
            image.min_ram,
            to_micros(image.updated_at),
        ],
    )?;
    query::execute(
        db,
        "DELETE FROM image_properties WHERE image_id = ?1 AND instr(name, ?2) <> 1",
        [image.id.as_str(), OWN_PROPERTIES],
    )?;
    query::execute(db, "DELETE FROM image_tags WHERE image_id = ?1", [image.id.as_str()])?;
    write_details(db, image)
}

fn write_details(db: &Connection, image: &Image) -> Result<(), Error> {
    for (name, value) in image.properties.iter().filter(|(name, _)| !name.starts_with(OWN_PROPERTIES)) {
        let sql = "INSERT INTO image_properties (image_id, name, value) VALUES (?1, ?2, ?3)";
        query::execute(db, sql, params![image.id.as_str(), name, value])?;
    }
    for tag in &image.tags {
        query::execute(db, "INSERT INTO image_tags (image_id, tag) VALUES (?1, ?2)", params![image.id.as_str(), tag])?;
    }
    Ok(())
}

/// Removes an image's row; whether there was one.
pub fn delete(db: &Connection, id: &ImageId) -> Result<bool, Error> {
    Ok(query::execute(db, "DELETE FROM image_images WHERE id = ?1", [id.as_str()])? > 0)
}

/// Moves an image from one status to another; whether it was in the first.
pub fn change_status(db: &Connection, id: &ImageId, from: Status, to: Status, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE image_images SET status = ?3, updated_at = ?4 WHERE id = ?1 AND status = ?2";
    Ok(query::execute(db, sql, params![id.as_str(), from.as_str(), to.as_str(), to_micros(now)])? > 0)
}

/// Makes an image active that is in the status `from`; whether it still was.
pub fn activate(db: &Connection, id: &ImageId, content: &Content, from: Status, now: Timestamp) -> Result<bool, Error> {
    let changed = query::execute(
        db,
        "UPDATE image_images SET status = 'active', size = ?2, virtual_size = ?3, checksum = ?4, os_hash_value = ?5,
         updated_at = ?6 WHERE id = ?1 AND status = ?7",
        params![
            id.as_str(),
            content.size,
            content.virtual_size,
            content.md5,
            content.sha512,
            to_micros(now),
            from.as_str()
        ],
    )?;
    Ok(changed > 0)
}

/// Puts images whose upload or staging was cut off back in the queue.
pub fn requeue_interrupted(db: &Connection, now: Timestamp) -> Result<usize, Error> {
    let sql = "UPDATE image_images SET status = 'queued', size = NULL, virtual_size = NULL, updated_at = ?1
               WHERE status = 'saving'
               OR (status = 'uploading' AND id NOT IN (SELECT image_id FROM image_staged))";
    query::execute(db, sql, [to_micros(now)])
}

/// Reads a row of [`COLUMNS`]: the fields below are in their order.
fn from_row(row: &Row<'_>) -> store::rusqlite::Result<Image> {
    let columns = &mut Columns::of(row);
    Ok(Image {
        id: columns.id()?,
        name: columns.get()?,
        owner: columns.id_opt()?,
        status: columns.text()?.and_then(Status::parse).unwrap_or(Status::Queued),
        visibility: columns.text()?.and_then(Visibility::parse).unwrap_or(Visibility::Private),
        protected: columns.get()?,
        os_hidden: columns.get()?,
        disk_format: columns.get()?,
        container_format: columns.get()?,
        min_disk: columns.get()?,
        min_ram: columns.get()?,
        size: columns.get()?,
        virtual_size: columns.get()?,
        checksum: columns.get()?,
        sha512: columns.get()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        properties: columns.json()?,
        tags: columns.json()?,
        stores: columns.text()?.map(|stores| stores.split(',').map(str::to_owned).collect()).unwrap_or_default(),
        import: ImportNotes { task: columns.get()?, importing_to: columns.get()?, failed: columns.get()? },
    })
}
