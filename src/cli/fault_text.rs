//! The text of an error's body, in whichever dialect its service speaks.
//!
//! Nova and Cinder name the kind (`{"itemNotFound": {"message"}}`), Keystone and its middleware say `error`, Neutron
//! `NeutronError`, Glance `{"message"}` with HTML in it, Placement `errors`. All have a message.

use serde_json::Value;

/// The message in `body`, or `otherwise` where there is none.
#[must_use]
pub fn of(body: &[u8], otherwise: &str) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => message(&value),
        // An HTML page says nothing that the status does not.
        Err(_) => std::str::from_utf8(body).ok().filter(|text| !text.trim_start().starts_with('<')).map(str::to_owned),
    };
    let text = text.map(|text| tidy(&text)).filter(|text| !text.is_empty());
    text.unwrap_or_else(|| otherwise.to_owned())
}

fn message(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(errors) => errors.iter().find_map(message),
        Value::Object(map) => ["message", "detail", "faultstring"]
            .iter()
            .find_map(|key| map.get(*key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned))
            .or_else(|| map.values().filter(|value| value.is_object() || value.is_array()).find_map(message)),
        _ => None,
    }
}

/// One paragraph: without Glance's line breaks in HTML, without empty lines.
fn tidy(text: &str) -> String {
    let text = text.replace("<br />", " ");
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn every_dialect_is_understood() {
        let cases = [
            (
                r#"{"itemNotFound": {"code": 404, "message": "Instance x could not be found."}}"#,
                "Instance x could not be found.",
            ),
            (r#"{"error": {"code": 401, "title": "Unauthorized", "message": "Log in."}}"#, "Log in."),
            (r#"{"NeutronError": {"type": "NetworkNotFound", "message": "Network x.", "detail": ""}}"#, "Network x."),
            (
                r#"{"message": "No image x<br /><br />\n\n\n", "code": "404 Not Found", "title": "Not Found"}"#,
                "No image x",
            ),
            (
                r#"{"errors": [{"status": 404, "title": "Not Found", "detail": "Gone.\n\n No provider  "}]}"#,
                "Gone. No provider",
            ),
            ("out of order", "out of order"),
            ("<html>Bad Gateway</html>", "otherwise"),
            ("", "otherwise"),
            ("{}", "otherwise"),
        ];
        for (body, text) in cases {
            assert_eq!(of(body.as_bytes(), "otherwise"), text, "{body}");
        }
    }
}
