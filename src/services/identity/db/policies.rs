//! Policies, and what they are associated with.

use http_kit::{Condition, Paging};
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, object, select, to_json};
use crate::domain::policy::{Association, Place, Policy};
use crate::error;

const TABLE: Table = Table { name: "identity_policies", columns: "id, type, blob, extra" };

fn map(row: &Row<'_>) -> rusqlite::Result<Policy> {
    Ok(Policy { id: row.get("id")?, kind: row.get("type")?, blob: row.get("blob")?, extra: object(row, "extra")? })
}

pub(crate) fn list(db: &Connection, condition: &Condition, paging: Option<&Paging>) -> Result<Vec<Policy>, Fault> {
    select(db, &TABLE, condition, paging, map)
}

/// The policy `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Policy, Fault> {
    list(db, &Condition::is("id", id), None)?.pop().ok_or_else(|| error::not_found("policy", id))
}

pub(crate) fn insert(db: &Connection, policy: &Policy) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_policies (id, type, blob, extra) VALUES (?1, ?2, ?3, ?4)",
        params![policy.id, policy.kind, policy.blob, to_json(&policy.extra)?],
    )?;
    Ok(())
}

pub(crate) fn update(db: &Connection, policy: &Policy) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_policies SET type = ?2, blob = ?3, extra = ?4 WHERE id = ?1",
        params![policy.id, policy.kind, policy.blob, to_json(&policy.extra)?],
    )?;
    Ok(())
}

pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    match query::execute(db, "DELETE FROM identity_policies WHERE id = ?1", [id])? {
        0 => Err(error::not_found("policy", id)),
        _ => Ok(()),
    }
}

fn map_association(row: &Row<'_>) -> rusqlite::Result<Association> {
    let (endpoint, service, region): (Option<String>, String, Option<String>) =
        (row.get("endpoint_id")?, row.get("service_id")?, row.get("region_id")?);
    let place = match (endpoint, region) {
        (Some(endpoint), _) => Place::Endpoint(endpoint),
        (None, Some(region)) => Place::ServiceInRegion(service, region),
        (None, None) => Place::Service(service),
    };
    Ok((row.get("policy_id")?, place))
}

/// The associations of the policy `id`, or all.
pub(crate) fn associations(db: &Connection, id: Option<&str>) -> Result<Vec<Association>, Fault> {
    Ok(query::all(
        db,
        "SELECT policy_id, endpoint_id, ifnull(service_id, '') AS service_id, region_id
         FROM identity_policy_associations WHERE ?1 IS NULL OR policy_id = ?1",
        params![id],
        map_association,
    )?)
}

/// Whether the policy `id` is that of `place`.
pub(crate) fn is_associated(db: &Connection, id: &str, place: &Place) -> Result<bool, Fault> {
    let [endpoint, service, region] = place.columns();
    Ok(query::exists(
        db,
        "SELECT 1 FROM identity_policy_associations
         WHERE policy_id = ?1 AND endpoint_id IS ?2 AND service_id IS ?3 AND region_id IS ?4",
        params![id, endpoint, service, region],
    )?)
}

/// Makes the policy `id` that of `place`, instead of the one that it had.
pub(crate) fn associate(db: &Connection, id: &str, place: &Place) -> Result<(), Fault> {
    let [endpoint, service, region] = place.columns();
    query::execute(
        db,
        "INSERT OR REPLACE INTO identity_policy_associations (policy_id, endpoint_id, service_id, region_id)
         VALUES (?1, ?2, ?3, ?4)",
        params![id, endpoint, service, region],
    )?;
    Ok(())
}

/// Takes the association away, if it is there.
pub(crate) fn dissociate(db: &Connection, id: &str, place: &Place) -> Result<(), Fault> {
    let [endpoint, service, region] = place.columns();
    query::execute(
        db,
        "DELETE FROM identity_policy_associations
         WHERE policy_id = ?1 AND endpoint_id IS ?2 AND service_id IS ?3 AND region_id IS ?4",
        params![id, endpoint, service, region],
    )?;
    Ok(())
}
