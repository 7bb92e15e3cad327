//! SQL over identity's own tables: rows in, records out. Who may do what is decided before.
//!
//! Functions run inside a job of the store. Conflicts become Keystone's words here, where the broken rule is known.

pub(crate) mod access_rules;
pub(crate) mod application_credentials;
pub(crate) mod assignments;
pub(crate) mod consumers;
pub(crate) mod credentials;
pub(crate) mod domain_config;
pub(crate) mod effective;
pub(crate) mod endpoint_groups;
pub(crate) mod endpoints;
pub(crate) mod federated_users;
pub(crate) mod groups;
pub(crate) mod identity_providers;
pub(crate) mod implied_roles;
pub(crate) mod limits;
pub(crate) mod mappings;
pub(crate) mod moments;
pub(crate) mod oauth1_tokens;
pub(crate) mod passwords;
pub(crate) mod policies;
pub(crate) mod project_endpoints;
pub(crate) mod projects;
pub(crate) mod protocols;
pub(crate) mod regions;
pub(crate) mod registered_limits;
pub(crate) mod revocations;
pub(crate) mod role_assignments;
pub(crate) mod roles;
pub(crate) mod service_providers;
pub(crate) mod services;
pub(crate) mod trusts;
pub(crate) mod users;

use http_kit::{Condition, Paging, SqlValue};
use kit::Fault;
use store::{Connection, Row, query, rusqlite};

use crate::domain::Object;

/// A table that can be listed: its columns and its name.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static str,
}

/// The rows of `table` that `condition` holds for, by id; of a page, one row more than it holds.
pub(crate) fn select<T>(
    db: &Connection,
    table: &Table,
    condition: &Condition,
    paging: Option<&Paging>,
    map: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Fault> {
    let Table { name, columns } = table;
    let mut condition = condition.clone();
    let mut limit = -1;
    if let Some(paging) = paging {
        limit = paging.fetch();
        if let Some(marker) = &paging.marker {
            if !query::exists(db, &format!("SELECT 1 FROM {name} WHERE id = ?1"), [marker])? {
                return Err(Fault::not_found(format!("Marker {marker} could not be found.")));
            }
            condition = condition.and(Condition::new("id > ?", [SqlValue::from(marker.as_str())]));
        }
    }
    let sql = format!("SELECT {columns} FROM {name} WHERE {} ORDER BY id LIMIT {limit}", condition.sql);
    Ok(query::query_all(db, &sql, &query::bind(condition.values), map)?)
}

/// A column that holds a JSON object.
pub(crate) fn object(row: &Row<'_>, column: &str) -> rusqlite::Result<Object> {
    json(row, column)
}

/// A column that holds JSON.
pub(crate) fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))
}

/// `value` as JSON text for a column.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::internal("writing JSON into the database", error))
}

/// `fault` where a unique rule was broken, otherwise the error itself.
pub(crate) fn on_unique(error: store::Error, fault: impl FnOnce() -> Fault) -> Fault {
    if error.is_unique() { fault() } else { error.into() }
}
