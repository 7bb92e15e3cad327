//! Domains' own configuration.

use kit::Fault;
use store::{Connection, Row, params, query, rusqlite};

use super::to_json;
use crate::domain::domain_config::{Part, Setting};

fn map(row: &Row<'_>) -> rusqlite::Result<Setting> {
    let value: Option<String> = row.get("value")?;
    let parse = |text: String| {
        serde_json::from_str(&text)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(error)))
    };
    Ok(Setting { group: row.get("group_name")?, option: row.get("option_name")?, value: value.map(parse).transpose()? })
}

/// What the domain sets of `part`, secrets included.
pub(crate) fn list(db: &Connection, domain_id: &str, part: &Part) -> Result<Vec<Setting>, Fault> {
    Ok(query::all(
        db,
        "SELECT group_name, option_name, value FROM identity_domain_settings
         WHERE domain_id = ?1 AND (?2 IS NULL OR group_name = ?2) AND (?3 IS NULL OR option_name = ?3)",
        params![domain_id, part.group, part.option],
        map,
    )?)
}

/// Sets `settings` beside or instead of what the domain sets.
pub(crate) fn update(db: &Connection, domain_id: &str, settings: &[Setting]) -> Result<(), Fault> {
    for Setting { group, option, value } in settings {
        let value = value.as_ref().map(to_json).transpose()?;
        query::execute(
            db,
            "INSERT OR REPLACE INTO identity_domain_settings (domain_id, group_name, option_name, value)
             VALUES (?1, ?2, ?3, ?4)",
            params![domain_id, group, option, value],
        )?;
    }
    Ok(())
}

/// Takes away what the domain sets of `part`.
pub(crate) fn delete(db: &Connection, domain_id: &str, part: &Part) -> Result<(), Fault> {
    query::execute(
        db,
        "DELETE FROM identity_domain_settings
         WHERE domain_id = ?1 AND (?2 IS NULL OR group_name = ?2) AND (?3 IS NULL OR option_name = ?3)",
        params![domain_id, part.group, part.option],
    )?;
    Ok(())
}
