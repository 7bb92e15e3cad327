//! Roles.

use http_kit::Condition;
use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::{Table, object, on_unique, select, to_json};
use crate::domain::attributes::is_immutable;
use crate::domain::role::Role;
use crate::error;

const TABLE: Table = Table { name: "identity_roles", columns: "id, name, domain_id, description, options, extra" };

pub(super) fn map(row: &Row<'_>) -> rusqlite::Result<Role> {
    Ok(Role {
        id: row.get("id")?,
        name: row.get("name")?,
        domain_id: row.get("domain_id")?,
        description: row.get("description")?,
        options: object(row, "options")?,
        extra: object(row, "extra")?,
    })
}

pub(crate) fn list(db: &Connection, condition: &Condition) -> Result<Vec<Role>, Fault> {
    select(db, &TABLE, condition, None, map)
}

/// The role `id`.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Role, Fault> {
    list(db, &Condition::is("id", id))?.pop().ok_or_else(|| error::not_found("role", id))
}

/// The role called `name` that belongs to no domain.
pub(crate) fn named(db: &Connection, name: &str) -> Result<Option<Role>, Fault> {
    Ok(list(db, &Condition::is("name", name).and(Condition::is("domain_id", None::<&str>)))?.pop())
}

fn name_taken(role: &Role) -> Fault {
    error::duplicate("role", &role.name, role.domain_id.as_deref())
}

/// Adds `role`, whose domain must be there.
pub(crate) fn insert(db: &Connection, role: &Role) -> Result<(), Fault> {
    if let Some(domain_id) = &role.domain_id {
        super::projects::get_domain(db, domain_id)?;
    }
    query::execute(
        db,
        "INSERT INTO identity_roles (id, name, domain_id, description, options, extra)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![role.id, role.name, role.domain_id, role.description, to_json(&role.options)?, to_json(&role.extra)?],
    )
    .map_err(|error| on_unique(error, || name_taken(role)))?;
    Ok(())
}

/// Writes what may change of `role`.
pub(crate) fn update(db: &Connection, role: &Role) -> Result<(), Fault> {
    query::execute(
        db,
        "UPDATE identity_roles SET name = ?2, description = ?3, options = ?4, extra = ?5 WHERE id = ?1",
        params![role.id, role.name, role.description, to_json(&role.options)?, to_json(&role.extra)?],
    )
    .map_err(|error| on_unique(error, || name_taken(role)))?;
    Ok(())
}

/// Takes a role away from everybody who holds it.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<(), Fault> {
    if is_immutable(&get(db, id)?.options) {
        return Err(error::immutable("delete", "role", id));
    }
    query::execute(db, "DELETE FROM identity_roles WHERE id = ?1", [id])?;
    Ok(())
}
