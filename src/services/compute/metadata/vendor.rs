//! Vendor data: what whoever runs the cloud gives every guest, beside what its user gives (Nova's `vendordata_jsonfile_path`).

use std::path::Path;

use serde_json::{Value, json};

/// The object in `file`, as it is now. An empty one where no file is named, and where it cannot be used: the log says why,
/// and guests boot all the same.
pub(super) async fn read(file: &Path) -> Value {
    if file.as_os_str().is_empty() {
        return json!({});
    }
    let read = tokio::fs::read(file).await.map_err(|error| error.to_string());
    let parsed = read.and_then(|text| serde_json::from_slice::<Value>(&text).map_err(|error| error.to_string()));
    match parsed {
        Ok(object @ Value::Object(_)) => object,
        Ok(_) => unusable(file, "it is no JSON object"),
        Err(error) => unusable(file, &error),
    }
}

fn unusable(file: &Path, error: &str) -> Value {
    tracing::warn!(file = %file.display(), error, "the vendor data cannot be used");
    json!({})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_is_given_and_anything_else_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("vendor.json");
        assert_eq!(read(Path::new("")).await, json!({}));
        assert_eq!(read(&file).await, json!({}));
        for (text, expected) in [("{\"a\": 1}", json!({ "a": 1 })), ("[1]", json!({})), ("{", json!({}))] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read(&file).await, expected);
        }
    }
}
