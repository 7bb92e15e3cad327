//! Identity providers and what they call themselves.

use http_kit::Condition;
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, json, on_unique, select};
use crate::domain::federation::IdentityProvider;
use crate::error;

const TABLE: Table = Table {
    name: "identity_providers",
    columns: "id, domain_id, enabled, description, authorization_ttl,
              (SELECT json_group_array(remote_id) FROM
                  (SELECT remote_id FROM identity_provider_remote_ids r WHERE r.idp_id = identity_providers.id ORDER BY 1))
                  AS remote_ids",
};

fn map(row: &Row<'_>) -> rusqlite::Result<IdentityProvider> {
    Ok(IdentityProvider {
        id: row.get("id")?,
        domain_id: row.get("domain_id")?,
        enabled: row.get("enabled")?,
        description: row.get("description")?,
        remote_ids: json(row, "remote_ids")?,
        authorization_ttl: row.get("authorization_ttl")?,
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<IdentityProvider>, Fault> {
    select(db, &TABLE, condition, None, map)
}

/// The identity provider `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<IdentityProvider, Fault> {
    list(db, &Condition::is("id", id))?.pop().ok_or_else(|| error::not_found("Identity Provider", id))
}

/// Adds `provider`, whose domain must be there.
pub(crate) fn insert(db: &Connection, provider: &IdentityProvider) -> Result<(), Fault> {
    super::projects::get_domain(db, &provider.domain_id)?;
    query::execute(
        db,
        "INSERT INTO identity_providers (id, domain_id, enabled, description, authorization_ttl)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![provider.id, provider.domain_id, provider.enabled, provider.description, provider.authorization_ttl],
    )
    .map_err(|error| {
        on_unique(error, || error::conflict("identity_provider", format!("Duplicate entry: {}", provider.id)))
    })?;
    insert_remote_ids(db, provider)
}

/// Writes what may change of `provider`.
pub(crate) fn update(db: &Connection, provider: &IdentityProvider) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_providers SET enabled = ?2, description = ?3, authorization_ttl = ?4 WHERE id = ?1",
        params![provider.id, provider.enabled, provider.description, provider.authorization_ttl],
    )?;
    query::execute(db, "DELETE FROM identity_provider_remote_ids WHERE idp_id = ?1", [&provider.id])?;
    insert_remote_ids(db, provider)
}

fn insert_remote_ids(db: &Connection, provider: &IdentityProvider) -> Result<(), Fault> {
    for remote_id in &provider.remote_ids {
        query::execute(
            db,
            "INSERT INTO identity_provider_remote_ids (remote_id, idp_id) VALUES (?1, ?2)",
            params![remote_id, provider.id],
        )
        .map_err(|error| {
            on_unique(error, || error::conflict("identity_provider", format!("Duplicate remote ID: {remote_id}")))
        })?;
    }
    Ok(())
}

/// Takes an identity provider away with its protocols and the users that it brought.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    match query::execute(db, "DELETE FROM identity_providers WHERE id = ?1", [id])? {
        0 => Err(error::not_found("Identity Provider", id)),
        _ => Ok(()),
    }
}
