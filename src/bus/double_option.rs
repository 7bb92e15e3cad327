//! Serde for `Option<Option<T>>`, "leave as it is" against "set to nothing": a list of none or one.
//!
//! JSON's `null` cannot tell the two apart, so the outer option is written as `[]` or `[x]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes `None` as `[]` and `Some(x)` as `[x]`.
///
/// # Errors
/// As the serializer's.
pub fn serialize<T: Serialize, S: Serializer>(value: &Option<Option<T>>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_slice().serialize(serializer)
}

/// Reads what [`serialize`] wrote.
///
/// # Errors
/// As the deserializer's.
pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Ok(Vec::<Option<T>>::deserialize(deserializer)?.into_iter().next())
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Change(#[serde(with = "super")] Option<Option<u8>>);

    #[test]
    fn all_three_survive_their_bytes() {
        for change in [Change(None), Change(Some(None)), Change(Some(Some(7)))] {
            let bytes = serde_json::to_vec(&change).unwrap();
            assert_eq!(serde_json::from_slice::<Change>(&bytes).unwrap(), change);
        }
    }
}
