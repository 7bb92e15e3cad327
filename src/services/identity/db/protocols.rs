//! The protocols of identity providers.

use http_kit::Condition;
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, identity_providers, mappings, on_unique, select};
use crate::domain::federation::Protocol;
use crate::error;

const TABLE: Table = Table { name: "identity_protocols", columns: "idp_id, id, mapping_id, remote_id_attribute" };

fn map(row: &Row<'_>) -> rusqlite::Result<Protocol> {
    Ok(Protocol {
        id: row.get("id")?,
        idp_id: row.get("idp_id")?,
        mapping_id: row.get("mapping_id")?,
        remote_id_attribute: row.get("remote_id_attribute")?,
    })
}

/// The protocols of the identity provider `idp_id`; of one that there is not, none.
pub(crate) fn list(db: &Connection, idp_id: &str) -> Result<Vec<Protocol>, Fault> {
    select(db, &TABLE, &Condition::is("idp_id", idp_id), None, map)
}

/// The protocol `id` of the identity provider `idp_id`.
pub(crate) fn get(db: &Connection, idp_id: &str, id: &str) -> Result<Protocol, Fault> {
    let wanted = Condition::is("idp_id", idp_id).and(Condition::is("id", id));
    select(db, &TABLE, &wanted, None, map)?.pop().ok_or_else(|| not_found(idp_id, id))
}

fn not_found(idp_id: &str, id: &str) -> Fault {
    error::not_found(&format!("federated protocol {id} for Identity Provider"), idp_id)
}

pub(crate) fn insert(db: &Connection, protocol: &Protocol) -> Result<(), Fault> {
    check_mapping(db, protocol)?;
    identity_providers::get(db, &protocol.idp_id)?;
    query::execute(
        db,
        "INSERT INTO identity_protocols (idp_id, id, mapping_id, remote_id_attribute) VALUES (?1, ?2, ?3, ?4)",
        params![protocol.idp_id, protocol.id, protocol.mapping_id, protocol.remote_id_attribute],
    )
    .map_err(|error| {
        let details = || format!("Duplicate entry found with ID {}", protocol.id);
        on_unique(error, || error::conflict("federation_protocol", details()))
    })?;
    Ok(())
}

/// Writes what may change of `protocol`.
pub(crate) fn update(db: &Connection, protocol: &Protocol) -> Result<(), Fault> {
    check_mapping(db, protocol)?;
    query::execute(
        db,
        "UPDATE identity_protocols SET mapping_id = ?3, remote_id_attribute = ?4 WHERE idp_id = ?1 AND id = ?2",
        params![protocol.idp_id, protocol.id, protocol.mapping_id, protocol.remote_id_attribute],
    )?;
    Ok(())
}

fn check_mapping(db: &Connection, protocol: &Protocol) -> Result<(), Fault> {
    match mappings::get(db, &protocol.mapping_id) {
        Err(fault) if fault.kind() == kit::FaultKind::NotFound => {
            Err(Fault::bad_request(format!("Invalid mapping id: {}", protocol.mapping_id)))
        }
        found => found.map(|_| ()),
    }
}

/// Takes a protocol away with the users that came by it alone.
pub(crate) fn delete(db: &Connection, idp_id: &str, id: &str) -> Result<(), Fault> {
    match query::execute(db, "DELETE FROM identity_protocols WHERE idp_id = ?1 AND id = ?2", [idp_id, id])? {
        0 => Err(not_found(idp_id, id)),
        _ => Ok(()),
    }
}
