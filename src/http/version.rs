//! Microversions: how each service asks for one, refuses one and says which it used.

use std::fmt;

use hyper::HeaderMap;
use kit::{Fault, FaultKind};

/// A microversion, such as 2.104.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Microversion(pub u16, pub u16);

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Microversion {
    /// Reads `major.minor`, neither with leading zeros.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(number(major).filter(|major| *major > 0)?, number(minor)?))
    }

    /// Whether it is `major.minor` or later.
    #[must_use]
    pub const fn at_least(self, major: u16, minor: u16) -> bool {
        self.0 > major || (self.0 == major && self.1 >= minor)
    }

    /// Whether it lies between `since` and `until`, both included.
    #[must_use]
    pub fn within(self, since: Option<Self>, until: Option<Self>) -> bool {
        since.is_none_or(|since| since <= self) && until.is_none_or(|until| self <= until)
    }
}

fn number(text: &str) -> Option<u16> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// How a service does microversions.
#[derive(Debug, Clone, Copy)]
pub struct Scheme {
    /// Its name in `OpenStack-API-Version`.
    pub service: &'static str,
    /// An older header that holds the bare version.
    pub legacy_header: Option<&'static str>,
    /// The first one, used where none is asked for.
    pub min: Microversion,
    /// The last one.
    pub max: Microversion,
}

/// What became of the microversion headers.
#[derive(Debug)]
pub enum Negotiated {
    /// This one is used.
    Use(Microversion),
    /// Understood, but not on offer: the fault, and the version to echo.
    Refused(Fault, Microversion),
    /// Not understood.
    Malformed(Fault),
}

impl Scheme {
    /// Chooses the microversion that `headers` ask for.
    #[must_use]
    pub fn negotiate(&self, headers: &HeaderMap) -> Negotiated {
        let Some(asked) = self.asked(headers) else { return Negotiated::Use(self.min) };
        if asked.eq_ignore_ascii_case("latest") {
            return Negotiated::Use(self.max);
        }
        match Microversion::parse(asked) {
            None => Negotiated::Malformed(Fault::bad_request(format!(
                "API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum."
            ))),
            Some(version) if version.within(Some(self.min), Some(self.max)) => Negotiated::Use(version),
            Some(version) => Negotiated::Refused(
                Fault::new(
                    FaultKind::NotAcceptable,
                    format!(
                        "Version {version} is not supported by the API. Minimum is {} and maximum is {}.",
                        self.min, self.max
                    ),
                ),
                version,
            ),
        }
    }

    /// The version text that `headers` hold for this service; the standard header goes before the older one.
    fn asked<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let standard = headers
            .get_all("openstack-api-version")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|item| item.trim().split_once(' '))
            .filter(|(service, _)| service.eq_ignore_ascii_case(self.service))
            .map(|(_, version)| version.trim())
            .next_back();
        standard.or_else(|| headers.get(self.legacy_header?)?.to_str().ok().map(str::trim))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOVA: Scheme = Scheme {
        service: "compute",
        legacy_header: Some("x-openstack-nova-api-version"),
        min: Microversion(2, 1),
        max: Microversion(2, 104),
    };

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn used(pairs: &[(&'static str, &str)]) -> Microversion {
        match NOVA.negotiate(&headers(pairs)) {
            Negotiated::Use(version) => version,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_standard_header_goes_before_the_older_one() {
        assert_eq!(used(&[]), Microversion(2, 1));
        assert_eq!(used(&[("x-openstack-nova-api-version", "2.3")]), Microversion(2, 3));
        assert_eq!(
            used(&[("x-openstack-nova-api-version", "2.3"), ("openstack-api-version", "compute 2.5")]),
            Microversion(2, 5)
        );
        assert_eq!(used(&[("openstack-api-version", "volume 3.5, compute latest")]), Microversion(2, 104));
        assert_eq!(used(&[("openstack-api-version", "volume 3.5")]), Microversion(2, 1));
    }

    #[test]
    fn what_is_out_of_range_is_echoed() {
        let Negotiated::Refused(fault, echoed) =
            NOVA.negotiate(&headers(&[("openstack-api-version", "compute 2.999")]))
        else {
            panic!("accepted")
        };
        assert_eq!(echoed, Microversion(2, 999));
        assert_eq!(fault.message(), "Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.104.");
    }

    proptest! {
        #[test]
        fn printed_versions_parse_back(major in 1u16.., minor: u16) {
            let version = Microversion(major, minor);
            prop_assert_eq!(Microversion::parse(&version.to_string()), Some(version));
        }

        #[test]
        fn no_header_text_is_used_unless_it_is_on_offer(text in "[ -~]{0,12}") {
            let asked = format!("compute {text}");
            if let Negotiated::Use(version) = NOVA.negotiate(&headers(&[("openstack-api-version", &asked)])) {
                prop_assert!(version.within(Some(NOVA.min), Some(NOVA.max)));
            }
        }
    }
}
