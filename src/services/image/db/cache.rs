//! The table `image_cache`: which images' bytes the cache holds, and which it is asked to hold.

use std::collections::HashSet;

use kit::Timestamp;
use kit::ids::ImageId;
use kit::time::{from_micros, to_micros};
use store::{Connection, Error, Row, params, query};

use crate::domain::cache::{Cached, Part};

/// Asks for an image, unless it is asked for or cached already.
pub fn queue(db: &Connection, image: &ImageId, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT OR IGNORE INTO image_cache (image_id, queued_at) VALUES (?1, ?2)";
    query::execute(db, sql, params![image.as_str(), to_micros(now)]).map(|_| ())
}

/// The images that are asked for, the first first.
pub fn queued(db: &Connection) -> Result<Vec<ImageId>, Error> {
    let sql = "SELECT image_id FROM image_cache WHERE sha512 IS NULL ORDER BY queued_at, id";
    query::all(db, sql, [], |row| Ok(ImageId::new(row.get::<_, String>(0)?)))
}

/// The images that are cached, the first to be cached first.
pub fn cached(db: &Connection) -> Result<Vec<Cached>, Error> {
    let sql = "SELECT c.id, c.image_id, c.size, c.hits, c.last_accessed, c.last_modified, i.checksum FROM image_cache c \
               JOIN image_images i ON i.id = c.image_id WHERE c.sha512 IS NOT NULL ORDER BY c.id";
    query::all(db, sql, [], from_row)
}

/// The hash under which the cache holds an image's bytes.
pub fn get(db: &Connection, image: &ImageId) -> Result<Option<String>, Error> {
    let sql = "SELECT sha512 FROM image_cache WHERE image_id = ?1 AND sha512 IS NOT NULL";
    query::opt(db, sql, [image.as_str()], |row| row.get(0))
}

/// Writes down that an image that was asked for is cached; whether it still was asked for.
pub fn fill(db: &Connection, image: &ImageId, sha512: &str, size: i64, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE image_cache SET sha512 = ?2, size = ?3, last_accessed = ?4, last_modified = ?4 \
               WHERE image_id = ?1 AND sha512 IS NULL";
    Ok(query::execute(db, sql, params![image.as_str(), sha512, size, to_micros(now)])? > 0)
}

/// Writes down that an image was read from the cache.
pub fn hit(db: &Connection, image: &ImageId, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE image_cache SET hits = hits + 1, last_accessed = ?2 WHERE image_id = ?1";
    query::execute(db, sql, params![image.as_str(), to_micros(now)]).map(|_| ())
}

/// Forgets a part of it; the hashes of bytes that are no image's any more.
pub fn forget(db: &Connection, part: &Part) -> Result<Vec<String>, Error> {
    let (which, image) = match part {
        Part::All => ("?1 = ''", ""),
        Part::Cached => ("?1 = '' AND sha512 IS NOT NULL", ""),
        Part::Queued => ("?1 = '' AND sha512 IS NULL", ""),
        Part::Image(id) => ("image_id = ?1", id.as_str()),
    };
    let sql = format!("DELETE FROM image_cache WHERE {which} RETURNING sha512");
    let forgotten: Vec<Option<String>> = query::all(db, &sql, [image], |row| row.get(0))?;
    let kept = hashes(db)?;
    let gone: HashSet<String> = forgotten.into_iter().flatten().filter(|sha512| !kept.contains(sha512)).collect();
    Ok(gone.into_iter().collect())
}

/// The hashes of all bytes that it is to hold.
pub fn hashes(db: &Connection) -> Result<HashSet<String>, Error> {
    let sql = "SELECT sha512 FROM image_cache WHERE sha512 IS NOT NULL";
    Ok(query::all(db, sql, [], |row| row.get(0))?.into_iter().collect())
}

fn from_row(row: &Row<'_>) -> store::rusqlite::Result<Cached> {
    Ok(Cached {
        id: row.get("id")?,
        image_id: ImageId::new(row.get::<_, String>("image_id")?),
        size: row.get("size")?,
        hits: row.get("hits")?,
        checksum: row.get("checksum")?,
        last_accessed: from_micros(row.get("last_accessed")?),
        last_modified: from_micros(row.get("last_modified")?),
    })
}
