//! When something that users hand on ends.

use kit::time::truncate;
use kit::{Fault, Timestamp};

const MALFORMED: &str = "The server could not comply with the request since it is either malformed or otherwise \
                         incorrect. The client is assumed to be in error.";

/// Reads the `expires_at` of a request. Without a time zone it is UTC.
///
/// # Errors
/// 400 for what is no time, or past `now`.
pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Timestamp, Fault> {
    let zoned = if text.ends_with('Z') { text.to_owned() } else { format!("{text}Z") };
    let Ok(at) = zoned.parse::<Timestamp>() else {
        return Err(Fault::bad_request(format!("Timestamp not in expected format. {MALFORMED}")));
    };
    if at < now {
        return Err(Fault::bad_request(format!("The 'expires_at' must not be before now. {MALFORMED}")));
    }
    Ok(truncate(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_and_without_its_zone() {
        let now = "2026-11-22T13:30:34Z".parse().unwrap();
        let expected: Timestamp = "2026-11-22T13:30:35.5Z".parse().unwrap();
        for text in ["2026-11-22T13:30:35.500000Z", "2026-11-22T13:30:35.5", "2026-11-22 13:30:35.5"] {
            assert_eq!(parse(text, now).unwrap(), expected, "{text}");
        }
        let message = |text: &str| parse(text, now).unwrap_err().message().to_owned();
        assert!(message("2026-11-22T13:30:33Z").starts_with("The 'expires_at' must not be before now."));
        for text in ["", "soon", "2026-11-22T13:30:35+01:00", "9999999"] {
            assert!(message(text).starts_with("Timestamp not in expected format."), "{text}");
        }
    }
}
