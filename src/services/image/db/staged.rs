//! The table `image_staged`: the images whose bytes are staged, whole.

use std::collections::HashSet;

use kit::Timestamp;
use kit::ids::ImageId;
use kit::time::to_micros;
use store::{Connection, Error, params, query};

/// Records that the bytes of `id`, `size` of them, are staged; whether the image still waited for them.
pub fn add(db: &Connection, id: &ImageId, size: u64, now: Timestamp) -> Result<bool, Error> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let sql = "UPDATE image_images SET size = ?2, updated_at = ?3 WHERE id = ?1 AND status = 'uploading'";
    let waited = query::execute(db, sql, params![id.as_str(), size, to_micros(now)])? > 0;
    if waited {
        query::execute(db, "INSERT OR IGNORE INTO image_staged (image_id) VALUES (?1)", [id.as_str()])?;
    }
    Ok(waited)
}

/// Whether the bytes of `id` are staged.
pub fn has(db: &Connection, id: &ImageId) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM image_staged WHERE image_id = ?1)";
    query::one(db, sql, [id.as_str()], |row| row.get(0))
}

/// Forgets that the bytes of `id` are staged.
pub fn remove(db: &Connection, id: &ImageId) -> Result<(), Error> {
    query::execute(db, "DELETE FROM image_staged WHERE image_id = ?1", [id.as_str()])?;
    Ok(())
}

/// All of them.
pub fn all(db: &Connection) -> Result<HashSet<String>, Error> {
    Ok(query::all(db, "SELECT image_id FROM image_staged", [], |row| row.get(0))?.into_iter().collect())
}
