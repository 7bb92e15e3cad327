//! What an import does to an image's row. All of it asks that the image is still the task's.

use kit::Timestamp;
use kit::ids::ImageId;
use kit::time::to_micros;
use store::{Connection, Error, params, query};

use super::{images, locations, staged};
use crate::domain::content::Content;
use crate::domain::image::Status;
use crate::domain::import::amend;

/// Gives the image, if it is `from` and no other task's, to `task`, to be put into `stores`; whether it did. It moves on to `to`.
pub fn begin(
    db: &Connection,
    image: &ImageId,
    task: &str,
    (from, to): (Status, Status),
    stores: &[String],
    now: Timestamp,
) -> Result<bool, Error> {
    let sql = "UPDATE image_images SET import_task = ?2, status = ?4, updated_at = ?5
               WHERE id = ?1 AND import_task IS NULL AND status = ?3";
    let row = params![image.as_str(), task, from.as_str(), to.as_str(), to_micros(now)];
    if query::execute(db, sql, row)? == 0 {
        return Ok(false);
    }
    amend_lists(db, image, task, (stores, &[]), (&[], stores))?;
    Ok(true)
}

/// Whether the image is there and `task`'s.
pub fn is_held(db: &Connection, image: &ImageId, task: &str) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM image_images WHERE id = ?1 AND import_task = ?2)";
    query::one(db, sql, params![image.as_str(), task], |row| row.get(0))
}

/// Changes both lists of stores, each by what is added and what is removed.
fn amend_lists(
    db: &Connection,
    image: &ImageId,
    task: &str,
    importing: (&[String], &[String]),
    failed: (&[String], &[String]),
) -> Result<(), Error> {
    let sql = "SELECT importing_to, failed_import FROM image_images WHERE id = ?1 AND import_task = ?2";
    let row = |row: &store::Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?));
    let Some((to, not)) = query::opt(db, sql, params![image.as_str(), task], row)? else { return Ok(()) };
    let to = amend(to.as_deref(), importing.0, importing.1);
    let not = amend(not.as_deref(), failed.0, failed.1);
    let sql = "UPDATE image_images SET importing_to = ?3, failed_import = ?4 WHERE id = ?1 AND import_task = ?2";
    query::execute(db, sql, params![image.as_str(), task, to, not])?;
    Ok(())
}

/// Records that `store` holds the bytes; whether the image is still the task's.
pub fn placed(db: &Connection, image: &ImageId, task: &str, store: &str, sha512: &str) -> Result<bool, Error> {
    if !is_held(db, image, task)? {
        return Ok(false);
    }
    locations::add(db, image, store, sha512)?;
    amend_lists(db, image, task, (&[], &[store.to_owned()]), (&[], &[]))?;
    Ok(true)
}

/// Records that `store` does not get the bytes.
pub fn not_placed(db: &Connection, image: &ImageId, task: &str, store: &str) -> Result<(), Error> {
    let store = [store.to_owned()];
    amend_lists(db, image, task, (&[], &store), (&store, &[]))
}

/// Makes an importing image active, with the format that it has by now.
pub fn activate(
    db: &Connection,
    image: &ImageId,
    content: &Content,
    disk_format: &str,
    now: Timestamp,
) -> Result<(), Error> {
    if images::activate(db, image, content, Status::Importing, now)? {
        let sql = "UPDATE image_images SET disk_format = ?2 WHERE id = ?1";
        query::execute(db, sql, params![image.as_str(), disk_format])?;
    }
    Ok(())
}

/// Takes back that the image got its bytes by this task.
pub fn deactivate(db: &Connection, image: &ImageId, task: &str, disk_format: Option<&str>) -> Result<(), Error> {
    let sql = "UPDATE image_images SET status = 'importing', checksum = NULL, os_hash_value = NULL, disk_format = ?3
               WHERE id = ?1 AND import_task = ?2 AND status = 'active'";
    query::execute(db, sql, params![image.as_str(), task, disk_format])?;
    Ok(())
}

/// Lets go of the image. One that did not become active is queued again, and stores that were still to come have failed.
pub fn release(db: &Connection, image: &ImageId, task: &str, now: Timestamp) -> Result<(), Error> {
    let sql = "SELECT importing_to FROM image_images WHERE id = ?1 AND import_task = ?2";
    let left = query::opt(db, sql, params![image.as_str(), task], |row| row.get::<_, Option<String>>(0))?;
    let Some(left) = left else { return Ok(()) };
    let left: Vec<String> =
        left.unwrap_or_default().split(',').filter(|store| !store.is_empty()).map(str::to_owned).collect();
    amend_lists(db, image, task, (&[], &left), (&left, &[]))?;
    let sql = "UPDATE image_images SET status = 'queued', size = NULL, virtual_size = NULL
               WHERE id = ?1 AND import_task = ?2 AND status = 'importing'";
    query::execute(db, sql, params![image.as_str(), task])?;
    let sql = "UPDATE image_images SET import_task = NULL, updated_at = ?3 WHERE id = ?1 AND import_task = ?2";
    query::execute(db, sql, params![image.as_str(), task, to_micros(now)])?;
    staged::remove(db, image)
}
