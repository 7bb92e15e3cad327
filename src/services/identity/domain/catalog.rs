//! Services, their endpoints, and regions.

use kit::Fault;

use super::Object;
use super::attributes::Attributes;

/// A service of the catalog.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Service {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) extra: Object,
}

impl Service {
    /// A service of `attributes`.
    pub(crate) fn new(id: String, mut attributes: Attributes) -> Self {
        attributes.drop(&["id", "links"]);
        Self {
            id,
            kind: attributes.text("type").unwrap_or_default(),
            name: attributes.text("name").unwrap_or_default(),
            enabled: attributes.flag("enabled").unwrap_or(true),
            extra: attributes.rest(),
        }
    }

    /// Changes it as `attributes` say.
    ///
    /// # Errors
    /// 400 where its id were to change.
    pub(crate) fn apply(&mut self, mut attributes: Attributes) -> Result<(), Fault> {
        attributes.same("id", &self.id, "ID")?;
        attributes.drop(&["links"]);
        self.kind = attributes.text("type").unwrap_or_else(|| self.kind.clone());
        self.name = attributes.text("name").unwrap_or_else(|| self.name.clone());
        self.enabled = attributes.flag("enabled").unwrap_or(self.enabled);
        self.extra.extend(attributes.rest());
        Ok(())
    }
}

/// Where a service is reached.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) service_id: String,
    pub(crate) interface: String,
    pub(crate) region_id: Option<String>,
    pub(crate) url: String,
    pub(crate) enabled: bool,
    /// What follows the public URL, in an endpoint that cloudbox keeps up to date itself.
    pub(crate) managed_path: Option<String>,
    pub(crate) extra: Object,
}

impl Endpoint {
    /// An endpoint of `attributes`.
    pub(crate) fn new(id: String, mut attributes: Attributes) -> Self {
        attributes.drop(&["id", "links"]);
        Self {
            id,
            service_id: attributes.text("service_id").unwrap_or_default(),
            interface: attributes.text("interface").unwrap_or_default(),
            region_id: take_region(&mut attributes).flatten(),
            url: attributes.text("url").unwrap_or_default(),
            enabled: attributes.flag("enabled").unwrap_or(true),
            managed_path: None,
            extra: attributes.rest(),
        }
    }

    /// Changes it as `attributes` say. One that is given a URL is no longer managed.
    ///
    /// # Errors
    /// 400 where its id were to change.
    pub(crate) fn apply(&mut self, mut attributes: Attributes) -> Result<(), Fault> {
        attributes.same("id", &self.id, "ID")?;
        attributes.drop(&["links"]);
        self.service_id = attributes.text("service_id").unwrap_or_else(|| self.service_id.clone());
        self.interface = attributes.text("interface").unwrap_or_else(|| self.interface.clone());
        if let Some(region) = take_region(&mut attributes) {
            self.region_id = region;
        }
        if let Some(url) = attributes.text("url") {
            self.url = url;
            self.managed_path = None;
        }
        self.enabled = attributes.flag("enabled").unwrap_or(self.enabled);
        self.extra.extend(attributes.rest());
        Ok(())
    }
}

/// The region of an endpoint: `region_id`, or `region` as older clients say.
fn take_region(attributes: &mut Attributes) -> Option<Option<String>> {
    let (new, old) = (attributes.nullable("region_id"), attributes.nullable("region"));
    match (new, old) {
        (Some(Some(region)), _) => Some(Some(region)),
        (_, Some(Some(region))) => Some(Some(region)),
        (None, None) => None,
        _ => Some(None),
    }
}

/// A region.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Region {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) parent_region_id: Option<String>,
    pub(crate) extra: Object,
}

impl Region {
    /// A region of `attributes`.
    pub(crate) fn new(id: String, mut attributes: Attributes) -> Self {
        attributes.drop(&["id", "links"]);
        Self {
            id,
            description: attributes.text("description").unwrap_or_default(),
            parent_region_id: attributes.text("parent_region_id"),
            extra: attributes.rest(),
        }
    }

    /// Changes it as `attributes` say.
    ///
    /// # Errors
    /// 400 where its id were to change.
    pub(crate) fn apply(&mut self, mut attributes: Attributes) -> Result<(), Fault> {
        attributes.same("id", &self.id, "ID")?;
        attributes.drop(&["links"]);
        if let Some(description) = attributes.nullable("description") {
            self.description = description.unwrap_or_default();
        }
        if let Some(parent) = attributes.nullable("parent_region_id") {
            self.parent_region_id = parent;
        }
        self.extra.extend(attributes.rest());
        Ok(())
    }
}

/// What may stand in an endpoint's URL, to be replaced in the catalog.
const REPLACED: [&str; 5] = ["tenant_id", "project_id", "user_id", "compute_host", "public_endpoint"];

/// A URL for an endpoint must not have other replacements than Keystone's.
///
/// # Errors
/// 400.
pub(crate) fn check_url(url: &str) -> Result<(), Fault> {
    match replace(url, |name| REPLACED.contains(&name).then_some("")) {
        Some(_) => Ok(()),
        None => Err(Fault::bad_request(format!("Cannot create an endpoint with an invalid URL: {url}."))),
    }
}

/// `url` as the catalog of a token has it; none where that cannot be told: it needs a project and there is none, or
/// it is malformed.
pub(crate) fn expand_url(url: &str, project_id: Option<&str>, user_id: &str) -> Option<String> {
    replace(url, |name| match name {
        "user_id" => Some(user_id),
        "project_id" | "tenant_id" => project_id,
        _ => None,
    })
}

/// `text` with each `$(name)s` and `%(name)s` replaced as Python's `%` does it; none where there is no value for a
/// name, or where a `%` is neither that nor doubled.
fn replace<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
    let text = text.replace("$(", "%(");
    let mut rest = text.as_str();
    let mut replaced = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once('%') {
        replaced.push_str(before);
        rest = match after.strip_prefix('%') {
            Some(after) => {
                replaced.push('%');
                after
            }
            None => {
                let (name, after) = after.strip_prefix('(')?.split_once(")s")?;
                replaced.push_str(value(name)?);
                after
            }
        };
    }
    replaced.push_str(rest);
    Some(replaced)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn attributes(value: Value) -> Attributes {
        Attributes::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn a_url_of_its_own_is_no_longer_managed() {
        let given = json!({"service_id": "s", "interface": "public", "url": "http://a", "region": "RegionOne"});
        let mut endpoint = Endpoint::new("e".to_owned(), attributes(given));
        endpoint.managed_path = Some("/a".to_owned());
        assert_eq!(endpoint.region_id.as_deref(), Some("RegionOne"));
        endpoint.apply(attributes(json!({"enabled": false}))).unwrap();
        assert!(endpoint.managed_path.is_some());
        endpoint.apply(attributes(json!({"url": "http://b"}))).unwrap();
        assert_eq!((endpoint.url.as_str(), endpoint.managed_path), ("http://b", None));
    }

    #[test]
    fn urls_are_expanded() {
        assert_eq!(expand_url("http://a/v3", None, "u").as_deref(), Some("http://a/v3"));
        assert_eq!(expand_url("http://a/$(project_id)s", Some("p"), "u").as_deref(), Some("http://a/p"));
        assert_eq!(expand_url("http://a/%(tenant_id)s", None, "u"), None);
        assert_eq!(expand_url("http://a/%(user_id)s/100%%", None, "u").as_deref(), Some("http://a/u/100%"));
    }

    #[test]
    fn a_url_must_be_one_that_can_be_expanded() {
        for good in ["http://a", "http://a/$(tenant_id)s", "http://%(public_endpoint)s/%(user_id)s", "http://a/%%20"] {
            assert!(check_url(good).is_ok(), "{good}");
        }
        for bad in ["http://a/$(x)s", "http://a/$(tenant_id)", "http://a/%(tenant_id)d", "http://a/%20", "http://a/%"] {
            assert!(check_url(bad).is_err(), "{bad}");
            assert_eq!(expand_url(bad, Some("p"), "u"), None, "{bad}");
        }
    }
}
