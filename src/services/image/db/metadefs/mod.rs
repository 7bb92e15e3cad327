//! The tables of metadata definitions, `image_metadef_*`.

pub mod loaded;
pub mod namespaces;
pub mod objects;
pub mod properties;
pub mod resource_types;
pub mod tags;

use kit::time::from_micros;
use store::Row;

use crate::domain::metadefs::Named;

/// A name and its times.
fn named(row: &Row<'_>) -> store::rusqlite::Result<Named> {
    Ok(Named {
        name: row.get("name")?,
        created_at: from_micros(row.get("created_at")?),
        updated_at: from_micros(row.get("updated_at")?),
    })
}

/// What a column of JSON holds.
fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> store::rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        store::rusqlite::Error::FromSqlConversionFailure(0, store::rusqlite::types::Type::Text, Box::new(error))
    })
}
