//! Instants, as the database keeps them and as each OpenStack service prints them.
//!
//! The database holds microseconds since the Unix epoch (`INTEGER`). The printed forms differ by
//! service, and typed clients break on a mixture; each form has one function here.

pub use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

static SECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
static MICROS: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// Microseconds since the Unix epoch: the form in the database.
#[must_use]
pub fn to_micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The instant `micros` microseconds after the Unix epoch; out of range saturates.
#[must_use]
pub fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// `at` without what is finer than a microsecond.
#[must_use]
pub fn truncate(at: Timestamp) -> Timestamp {
    from_micros(to_micros(at))
}

/// `2026-11-22T13:30:34Z`: Nova's `created` and `updated`, Neutron, Glance.
#[must_use]
pub fn seconds_z(at: Timestamp) -> String {
    SECONDS.timestamp_to_string(&at)
}

/// `2026-11-22T13:30:34.000000Z`: Keystone.
#[must_use]
pub fn micros_z(at: Timestamp) -> String {
    MICROS.timestamp_to_string(&at)
}

/// `2026-11-22T13:30:34.000000`: Cinder, and Nova's `launched_at`, action and event times.
#[must_use]
pub fn micros_naive(at: Timestamp) -> String {
    let mut text = MICROS.timestamp_to_string(&at);
    // The `Z`.
    text.pop();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_its_form() {
        let at = from_micros(1_795_354_234_000_012);
        assert_eq!(seconds_z(at), "2026-11-22T13:30:34Z");
        assert_eq!(micros_z(at), "2026-11-22T13:30:34.000012Z");
        assert_eq!(micros_naive(at), "2026-11-22T13:30:34.000012");
        let early = from_micros(-1);
        assert_eq!(
            (seconds_z(early).as_str(), micros_naive(early).as_str()),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999999")
        );
    }
}
