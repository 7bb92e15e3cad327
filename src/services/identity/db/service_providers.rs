//! Service providers.

use http_kit::Condition;
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, on_unique, select};
use crate::domain::federation::ServiceProvider;
use crate::error;

const TABLE: Table = Table {
    name: "identity_service_providers",
    columns: "id, enabled, description, auth_url, sp_url, relay_state_prefix",
};

fn map(row: &Row<'_>) -> rusqlite::Result<ServiceProvider> {
    Ok(ServiceProvider {
        id: row.get("id")?,
        enabled: row.get("enabled")?,
        description: row.get("description")?,
        auth_url: row.get("auth_url")?,
        sp_url: row.get("sp_url")?,
        relay_state_prefix: row.get("relay_state_prefix")?,
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<ServiceProvider>, Fault> {
    select(db, &TABLE, condition, None, map)
}

/// The service provider `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<ServiceProvider, Fault> {
    list(db, &Condition::is("id", id))?.pop().ok_or_else(|| error::not_found("Service Provider", id))
}

pub(crate) fn insert(db: &Connection, provider: &ServiceProvider) -> Result<(), Fault> {
    query::execute(
        db,
        "INSERT INTO identity_service_providers (id, enabled, description, auth_url, sp_url, relay_state_prefix)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            provider.id,
            provider.enabled,
            provider.description,
            provider.auth_url,
            provider.sp_url,
            provider.relay_state_prefix
        ],
    )
    .map_err(|error| {
        let details = || format!("Duplicate entry found with ID {}", provider.id);
        on_unique(error, || error::conflict("service_provider", details()))
    })?;
    Ok(())
}

/// Writes what may change of `provider`.
pub(crate) fn update(db: &Connection, provider: &ServiceProvider) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_service_providers
         SET enabled = ?2, description = ?3, auth_url = ?4, sp_url = ?5, relay_state_prefix = ?6 WHERE id = ?1",
        params![
            provider.id,
            provider.enabled,
            provider.description,
            provider.auth_url,
            provider.sp_url,
            provider.relay_state_prefix
        ],
    )?;
    Ok(())
}

pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    match query::execute(db, "DELETE FROM identity_service_providers WHERE id = ?1", [id])? {
        0 => Err(error::not_found("Service Provider", id)),
        _ => Ok(()),
    }
}
