//! The table `image_locations`: which stores hold which image's bytes.

use std::collections::HashSet;

use kit::ids::ImageId;
use store::{Connection, Error, params, query};

/// An image's bytes in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The store.
    pub store: String,
    /// The bytes' SHA-512, their name there.
    pub sha512: String,
}

/// Records that `store` holds the bytes of `image`; whether the image is there.
pub fn add(db: &Connection, image: &ImageId, store: &str, sha512: &str) -> Result<bool, Error> {
    let sql = "INSERT INTO image_locations (image_id, store, sha512) SELECT id, ?2, ?3 FROM image_images WHERE id = ?1
               ON CONFLICT (image_id, store) DO UPDATE SET sha512 = ?3";
    Ok(query::execute(db, sql, params![image.as_str(), store, sha512])? > 0)
}

/// Where the bytes of `image` are.
pub fn of(db: &Connection, image: &ImageId) -> Result<Vec<Location>, Error> {
    let sql = "SELECT store, sha512 FROM image_locations WHERE image_id = ?1 ORDER BY id";
    query::all(db, sql, [image.as_str()], |row| Ok(Location { store: row.get(0)?, sha512: row.get(1)? }))
}

/// Forgets that `store` holds the bytes of `image`; whether it did.
pub fn remove(db: &Connection, image: &ImageId, store: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM image_locations WHERE image_id = ?1 AND store = ?2";
    Ok(query::execute(db, sql, params![image.as_str(), store])? > 0)
}

/// Whether some image has these bytes of `store`.
pub fn is_used(db: &Connection, store: &str, sha512: &str) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM image_locations WHERE store = ?1 AND sha512 = ?2)";
    query::one(db, sql, params![store, sha512], |row| row.get(0))
}

/// The names of all bytes that `store` is to hold.
pub fn held(db: &Connection, store: &str) -> Result<HashSet<String>, Error> {
    let sql = "SELECT DISTINCT sha512 FROM image_locations WHERE store = ?1";
    Ok(query::all(db, sql, [store], |row| row.get(0))?.into_iter().collect())
}

/// How many images are not in `store`, by a store that they are in.
pub fn count_without(db: &Connection, store: &str) -> Result<Vec<(String, usize)>, Error> {
    let sql = "SELECT store, count(*) FROM (
                   SELECT image_id, min(store) AS store FROM image_locations GROUP BY image_id HAVING NOT max(store = ?1)
               ) GROUP BY store ORDER BY store";
    query::all(db, sql, [store], |row| Ok((row.get(0)?, usize::try_from(row.get::<_, i64>(1)?).unwrap_or_default())))
}

/// Active images without a location, of a version that named files by image, and their SHA-512.
pub fn unlocated(db: &Connection) -> Result<Vec<(ImageId, String)>, Error> {
    let sql = "SELECT id, os_hash_value FROM image_images i WHERE status = 'active' AND os_hash_value IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM image_locations l WHERE l.image_id = i.id)";
    query::all(db, sql, [], |row| Ok((ImageId::new(row.get::<_, String>(0)?), row.get(1)?)))
}
