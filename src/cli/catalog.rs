//! The catalog of a token: where each service is.

use serde_json::Value;

use super::problem::{Problem, Result};

/// A service of the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Keystone.
    Identity,
    /// cloudbox's own, which no catalog has: it is where identity is.
    Cloudbox,
    /// Nova.
    Compute,
    /// Glance.
    Image,
    /// Neutron.
    Network,
    /// What compute's capacity is in.
    Placement,
    /// Cinder.
    Volume,
}

impl Service {
    /// The types under which clouds list it, the best first.
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::Identity | Self::Cloudbox => &["identity"],
            Self::Compute => &["compute"],
            Self::Image => &["image"],
            Self::Network => &["network"],
            Self::Placement => &["placement"],
            Self::Volume => &["block-storage", "volumev3", "block-store", "volume"],
        }
    }

    /// Its type: what it is called in a version, and among people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            other => other.types().first().copied().unwrap_or_default(),
        }
    }

    /// What follows an endpoint that does not say its version.
    fn version(self) -> Option<&'static str> {
        match self {
            Self::Identity | Self::Cloudbox => Some("/v3"),
            Self::Image => Some("/v2"),
            Self::Network => Some("/v2.0"),
            Self::Compute | Self::Volume | Self::Placement => None,
        }
    }
}

/// A token's catalog.
#[derive(Debug, Clone, Default)]
pub struct Catalog(Value);

impl Catalog {
    /// Of the list that Keystone gives.
    #[must_use]
    pub fn new(list: Value) -> Self {
        Self(list)
    }

    /// The list that Keystone gave.
    #[must_use]
    pub fn list(&self) -> &Value {
        &self.0
    }

    /// The URL of `service`, without a slash at its end.
    ///
    /// # Errors
    /// When the catalog does not have it.
    pub fn url(&self, service: Service, interface: &str, region: Option<&str>) -> Result<String> {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        for kind in service.types() {
            let entries =
                self.0.as_array().into_iter().flatten().filter(|entry| text(entry, "type").as_deref() == Some(kind));
            let mut endpoints = entries.filter_map(|entry| entry.get("endpoints")?.as_array()).flatten();
            let found = endpoints.find(|endpoint| {
                let there = text(endpoint, "region_id").or_else(|| text(endpoint, "region"));
                text(endpoint, "interface").as_deref() == Some(interface)
                    && region.is_none_or(|region| there.as_deref() == Some(region))
            });
            if let Some(url) = found.and_then(|endpoint| text(endpoint, "url")) {
                return Ok(with_version(url.trim_end_matches('/'), service));
            }
        }
        let kind = service.types().first().copied().unwrap_or_default();
        let place = region.map(|region| format!(" in the region {region}")).unwrap_or_default();
        let problem = Problem::failed(format!("the cloud's catalog has no {interface} endpoint of {kind}{place}"));
        Err(problem.hint("a token without a project has no catalog: is OS_PROJECT_NAME set?"))
    }
}

/// Where the service at `url` tells which versions it has: above what is a project's.
#[must_use]
pub fn version_document(url: &str) -> String {
    let mut kept = Vec::new();
    for part in url.split('/') {
        kept.push(part);
        let version = part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        // After `http:` and the host.
        if version && kept.len() > 3 {
            break;
        }
    }
    kept.join("/") + "/"
}

fn with_version(url: &str, service: Service) -> String {
    let major = service.version().and_then(|version| version.get(..3));
    let url = match (service.version(), major) {
        (Some(version), Some(major)) if !url.contains(major) => format!("{url}{version}"),
        _ => url.to_owned(),
    };
    match (service, url.strip_suffix("/identity/v3")) {
        (Service::Cloudbox, Some(base)) => format!("{base}/cloudbox/v1"),
        // Another cloud, which has nothing there and will say so.
        (Service::Cloudbox, None) => format!("{url}/cloudbox/v1"),
        _ => url,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_told_above_the_project() {
        for (url, expected) in [
            ("http://v1.example/compute/v2.1", "http://v1.example/compute/v2.1/"),
            ("http://h:8776/v3/0b55c09e93f14fda", "http://h:8776/v3/"),
            ("http://h/volume", "http://h/volume/"),
        ] {
            assert_eq!(version_document(url), expected);
        }
    }

    #[test]
    fn interface_and_region_are_heeded() {
        let endpoint =
            |interface: &str, region: &str, url: &str| json!({"interface": interface, "region_id": region, "url": url});
        let catalog = Catalog::new(json!([
            {"type": "volumev3", "endpoints": [endpoint("public", "a", "http://v/v3/p")]},
            {"type": "image", "endpoints": [
                endpoint("internal", "a", "http://inside/image"),
                endpoint("public", "b", "http://b/image/"),
                endpoint("public", "a", "http://a/image"),
            ]},
            {"type": "identity", "endpoints": [endpoint("public", "a", "http://h:8774/identity")]},
            {"type": "network", "endpoints": [endpoint("public", "a", "http://n/v2.0/")]},
        ]));
        let url = |service, region| catalog.url(service, "public", region);
        assert_eq!(url(Service::Image, Some("a")).unwrap(), "http://a/image/v2");
        assert_eq!(url(Service::Image, None).unwrap(), "http://b/image/v2");
        assert_eq!(url(Service::Network, None).unwrap(), "http://n/v2.0");
        assert_eq!(url(Service::Volume, None).unwrap(), "http://v/v3/p");
        assert_eq!(url(Service::Identity, Some("a")).unwrap(), "http://h:8774/identity/v3");
        assert_eq!(url(Service::Cloudbox, Some("a")).unwrap(), "http://h:8774/cloudbox/v1");
        let missing = url(Service::Compute, Some("a")).unwrap_err();
        assert_eq!(missing.text, "the cloud's catalog has no public endpoint of compute in the region a");
    }
}
