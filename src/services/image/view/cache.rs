//! An entry of the image cache, as Glance shows it.

use kit::Timestamp;
use kit::time::to_micros;
use serde_json::{Value, json};

use crate::domain::cache::Cached;

/// The entry's body; times are seconds since 1970, with fractions.
pub fn cached(entry: &Cached) -> Value {
    json!({
        "id": entry.id,
        "image_id": entry.image_id,
        "last_accessed": seconds(entry.last_accessed),
        "last_modified": seconds(entry.last_modified),
        "size": entry.size,
        "hits": entry.hits,
        "checksum": entry.checksum,
    })
}

#[expect(clippy::cast_precision_loss, reason = "a double holds the microseconds of the next 250 years")]
fn seconds(at: Timestamp) -> f64 {
    to_micros(at) as f64 / 1e6
}
