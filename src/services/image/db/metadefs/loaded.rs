//! The table `image_metadef_loaded`: which of the definitions that come with cloudbox were loaded already.

use kit::Timestamp;
use store::{Connection, Error, query};

use super::namespaces;
use crate::domain::metadefs::input::NewNamespace;
use crate::domain::metadefs::vocabulary::OWNER;

/// Adds those of `all` that were never loaded, each once: what an administrator changed or deleted since stays so.
pub fn load(db: &Connection, all: &[NewNamespace], now: Timestamp) -> Result<(), Error> {
    for new in all {
        let sql = "INSERT INTO image_metadef_loaded (namespace) VALUES (?1) ON CONFLICT DO NOTHING";
        let first = query::execute(db, sql, [&new.namespace])? > 0;
        if first && namespaces::get(db, &new.namespace)?.is_none() {
            namespaces::insert(db, new, OWNER, now)?;
        }
    }
    Ok(())
}
