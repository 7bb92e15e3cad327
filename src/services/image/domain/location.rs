//! What a client says of the place where a new image's bytes are.

use kit::Fault;
use serde_json::Value;

/// The hashes that may be named, with how many bytes each has.
const HASHES: [(&str, usize); 4] = [("sha1", 20), ("sha256", 32), ("sha512", 64), ("md5", 16)];

/// The URL of the place. What is said of the bytes there is checked.
///
/// # Errors
/// 400.
pub fn url(body: &Value) -> Result<&str, Fault> {
    let Value::Object(body) = body else { return Err(wrong("the body must be an object")) };
    let url = body.get("url").ok_or_else(|| wrong("'url' is a required property"))?;
    let url = url.as_str().ok_or_else(|| wrong("'url' must be a string"))?;
    if let Some(said) = body.get("validation_data") {
        validate(said)?;
    }
    Ok(url)
}

fn validate(said: &Value) -> Result<(), Fault> {
    let Value::Object(said) = said else { return Err(wrong("'validation_data' must be an object")) };
    if said.keys().any(|name| !["os_hash_algo", "os_hash_value"].contains(&name.as_str())) {
        return Err(wrong("'validation_data' holds 'os_hash_algo' and 'os_hash_value', and nothing else"));
    }
    let text = |name: &str| said.get(name).and_then(Value::as_str);
    let (algorithm, value) = match (text("os_hash_algo"), text("os_hash_value")) {
        (None, None) if said.is_empty() => return Ok(()),
        (Some(algorithm), Some(value)) => (algorithm, value),
        _ => return Err(wrong("'os_hash_algo' and 'os_hash_value' are strings and come together")),
    };
    let known = HASHES.iter().find(|(name, _)| *name == algorithm);
    let (_, size) = known.ok_or_else(|| wrong("'os_hash_algo' is one of sha1, sha256, sha512, md5"))?;
    if !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Fault::bad_request(format!("os_hash_value ({value}) is not a valid hexadecimal value")));
    }
    if value.len() != size * 2 {
        return Err(Fault::bad_request(format!(
            "os_hash_value: ({value}) is not the correct size for ({algorithm}) (should be ({size}) bytes)"
        )));
    }
    Ok(())
}

fn wrong(what: &str) -> Fault {
    Fault::bad_request(format!("Provided object does not match schema 'location': {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hashes_have_their_length() {
        let said = |said: Value| url(&json!({ "url": "http://x/y", "validation_data": said })).map(str::to_owned);
        let hash = |name: &str, length: usize| json!({ "os_hash_algo": name, "os_hash_value": "a".repeat(length) });
        assert_eq!(said(json!({})).unwrap(), "http://x/y");
        for (name, size) in HASHES {
            assert!(said(hash(name, size * 2)).is_ok());
            assert!(said(hash(name, size * 2 + 2)).is_err());
        }
        for bad in [
            hash("sha3", 64),
            json!([]),
            json!({ "os_hash_algo": "md5" }),
            json!({ "os_hash_value": "aa" }),
            json!({ "os_hash_algo": "md5", "os_hash_value": "x".repeat(32) }),
            json!({ "os_hash_algo": "md5", "os_hash_value": "a".repeat(32), "checksum": "" }),
        ] {
            assert!(said(bad.clone()).is_err(), "{bad}");
        }
        for bad in [json!({}), json!([]), json!({ "url": 1 })] {
            assert!(url(&bad).is_err(), "{bad}");
        }
    }
}
