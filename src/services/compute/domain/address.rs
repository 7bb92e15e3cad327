//! Addresses as Nova keeps them: in their shortest standard form, however they were written.

use std::net::IpAddr;

/// `text` in the standard form; as it is where it is no address (the request's schema has the say on that).
#[must_use]
pub fn standard(text: String) -> String {
    text.parse::<IpAddr>().map_or(text, |address| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::standard;

    #[test]
    fn every_way_of_writing_an_address_becomes_one() {
        let standard = |text: &str| standard(text.to_owned());
        assert_eq!(standard("0000:0000:0000:0000:0000:babe:220.12.22.2"), "::babe:dc0c:1602");
        assert_eq!(standard("2001:DB8::0:1"), "2001:db8::1");
        assert_eq!(standard("192.0.2.1"), "192.0.2.1");
        assert_eq!(standard(""), "");
    }
}
