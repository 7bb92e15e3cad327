//! The table `image_journals`: the records of workflows that are not over.

use store::{Connection, Error, params, query};

/// Writes a record.
pub fn save(db: &Connection, id: &str, body: &str) -> Result<(), Error> {
    let sql = "INSERT INTO image_journals (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = ?2";
    query::execute(db, sql, params![id, body])?;
    Ok(())
}

/// Removes a record.
pub fn delete(db: &Connection, id: &str) -> Result<(), Error> {
    query::execute(db, "DELETE FROM image_journals WHERE id = ?1", [id])?;
    Ok(())
}

/// All records.
pub fn list(db: &Connection) -> Result<Vec<String>, Error> {
    query::all(db, "SELECT body FROM image_journals ORDER BY id", [], |row| row.get(0))
}
