//! Regions.

use http_kit::Condition;
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, object, on_unique, select, to_json};
use crate::domain::catalog::Region;
use crate::error;

const TABLE: Table = Table { name: "identity_regions", columns: "id, description, parent_region_id, extra" };

fn map(row: &Row<'_>) -> rusqlite::Result<Region> {
    Ok(Region {
        id: row.get("id")?,
        description: row.get("description")?,
        parent_region_id: row.get("parent_region_id")?,
        extra: object(row, "extra")?,
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<Region>, Fault> {
    select(db, &TABLE, condition, None, map)
}

/// The region `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Region, Fault> {
    list(db, &Condition::is("id", id))?.pop().ok_or_else(|| error::not_found("region", id))
}

pub(crate) fn insert(db: &Connection, region: &Region) -> Result<(), Fault> {
    if let Some(parent) = &region.parent_region_id {
        get(db, parent)?;
    }
    query::execute(
        db,
        "INSERT INTO identity_regions (id, description, parent_region_id, extra) VALUES (?1, ?2, ?3, ?4)",
        params![region.id, region.description, region.parent_region_id, to_json(&region.extra)?],
    )
    .map_err(|error| on_unique(error, || error::conflict("region", format!("Duplicate ID, {}.", region.id))))?;
    Ok(())
}

pub(crate) fn update(db: &Connection, region: &Region) -> Result<(), Fault> {
    if let Some(parent) = &region.parent_region_id {
        get(db, parent)?;
        let below = "WITH RECURSIVE below (id) AS (SELECT ?1 UNION SELECT r.id FROM identity_regions r JOIN below b
                     ON r.parent_region_id = b.id) SELECT 1 FROM below WHERE id = ?2";
        if query::exists(db, below, [&region.id, parent])? {
            return Err(Fault::bad_request(format!(
                "The specified parent region {parent} would create a circular region hierarchy."
            )));
        }
    }
    query::execute(
        db,
        "UPDATE identity_regions SET description = ?2, parent_region_id = ?3, extra = ?4 WHERE id = ?1",
        params![region.id, region.description, region.parent_region_id, to_json(&region.extra)?],
    )?;
    Ok(())
}

/// Takes a region away with those below it, which must not have endpoints.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    get(db, id)?;
    let below = "(WITH RECURSIVE below (id) AS (SELECT ?1 UNION SELECT r.id FROM identity_regions r JOIN below b
                 ON r.parent_region_id = b.id) SELECT id FROM below)";
    let used = format!("SELECT 1 FROM identity_endpoints WHERE region_id IN {below}");
    if query::exists(db, &used, [id])? {
        return Err(Fault::forbidden(format!(
            "Unable to delete region {id} because it or its child regions have associated endpoints."
        )));
    }
    query::execute(db, &format!("DELETE FROM identity_regions WHERE id IN {below}"), [id])?;
    Ok(())
}
