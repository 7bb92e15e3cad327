//! The versions of the cloud's APIs: which one is asked for, and what a cloud that does not have it cannot do.
//!
//! Compute is asked for the version that this was written for; volume for what a path needs. A cloud that does not have it says so, and is
//! asked once which it has: that is kept beside the token, and from then on the nearest version is asked for that both have.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::catalog::Service;
use super::problem::{Problem, Result};

/// A version of an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u16, u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// It is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoVersion;

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> std::result::Result<Self, NoVersion> {
        let (major, minor) = text.split_once('.').ok_or(NoVersion)?;
        Ok(Self(major.parse().map_err(|_| NoVersion)?, minor.parse().map_err(|_| NoVersion)?))
    }
}

/// The versions that a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    least: Version,
    most: Version,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.least, self.most)
    }
}

impl FromStr for Range {
    type Err = NoVersion;

    fn from_str(text: &str) -> std::result::Result<Self, NoVersion> {
        let (least, most) = text.split_once(' ').ok_or(NoVersion)?;
        Ok(Self { least: least.parse()?, most: most.parse()? })
    }
}

impl Range {
    /// What a service's version document says: Nova's has one version in it, Cinder's and placement's a list.
    #[must_use]
    pub fn of_document(document: &Value) -> Option<Self> {
        let one = document.get("version").into_iter();
        let several = document.get("versions").and_then(Value::as_array).into_iter().flatten();
        let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str)?.parse().ok();
        let range = |entry: &Value| {
            let most = text(entry, "version").or_else(|| text(entry, "max_version"));
            Some(Self { least: text(entry, "min_version")?, most: most? })
        };
        one.chain(several).find_map(range)
    }
}

/// What a version is needed for.
struct Need {
    service: Service,
    /// What is in the path.
    path: &'static str,
    /// What is in the body; anything where this is empty.
    body: &'static str,
    since: Version,
    what: &'static str,
}

const fn need(
    service: Service,
    (path, body): (&'static str, &'static str),
    since: Version,
    what: &'static str,
) -> Need {
    Need { service, path, body, since, what }
}

/// What not every version has.
static NEEDS: &[Need] = &[
    need(Service::Compute, ("/os-keypairs", "/keypair/type"), Version(2, 2), "types of keys"),
    need(Service::Compute, ("/remote-consoles", ""), Version(2, 6), "consoles"),
    need(Service::Compute, ("/servers", "/server/description"), Version(2, 19), "descriptions of VMs"),
    need(Service::Compute, ("/tags/", ""), Version(2, 26), "tags of VMs"),
    need(Service::Compute, ("/servers", "/server/tags"), Version(2, 52), "tags of new VMs"),
    need(Service::Compute, ("/os-services/", "/status"), Version(2, 53), "services by their ids"),
    need(Service::Compute, ("/flavors", "/flavor/description"), Version(2, 55), "descriptions of flavors"),
    need(
        Service::Compute,
        ("/os-server-groups", "/server_group/policy"),
        Version(2, 64),
        "the policy of a server group",
    ),
    need(Service::Compute, ("/action", "/lock/locked_reason"), Version(2, 73), "the reason for a lock"),
    need(Service::Compute, ("/action", "/createImage"), Version(2, 45), "images of VMs"),
    need(Service::Placement, ("/traits", ""), Version(1, 6), "traits"),
    need(Service::Volume, ("/volumes/summary", ""), Version(3, 12), "sums of volumes"),
    need(Service::Volume, ("/attachments", ""), Version(3, 27), "attachments"),
];

/// The version of `service` that this was written for: of compute, the flavor is in the server, failed actions
/// say why, and keypairs are still made by Nova.
fn ours(service: Service) -> Option<Version> {
    (service == Service::Compute).then_some(Version(2, 84))
}

/// The version to ask `service` for; `None` is the first of all. `theirs` is what the cloud has, where that is known.
///
/// # Errors
/// When the cloud is too old for what is asked of it.
pub fn to_ask(service: Service, path: &str, body: Option<&Value>, theirs: Option<&Range>) -> Result<Option<Version>> {
    let said = |need: &&Need| {
        let in_body = need.body.is_empty() || body.is_some_and(|body| body.pointer(need.body).is_some());
        need.service == service && path.contains(need.path) && in_body
    };
    let need = NEEDS.iter().filter(said).max_by_key(|need| need.since);
    let Some(wish) = ours(service).max(need.map(|need| need.since)) else { return Ok(None) };
    let Some(theirs) = theirs else { return Ok(Some(wish)) };
    match need {
        Some(need) if need.since > theirs.most => Err(too_old(service, need, theirs)),
        _ => Ok(Some(wish.min(theirs.most).max(theirs.least))),
    }
}

fn too_old(service: Service, need: &Need, theirs: &Range) -> Problem {
    let text =
        format!("this cloud is too old for {}: that needs version {} of {}", need.what, need.since, service.name());
    Problem::failed(text).hint(format!("it has the versions from {} to {}", theirs.least, theirs.most))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_of_nova_and_of_cinder() {
        let nova = json!({"version": {"id": "v2.1", "version": "2.96", "min_version": "2.1"}});
        assert_eq!(Range::of_document(&nova).unwrap().to_string(), "2.1 2.96");
        let cinder = json!({"versions": [{"id": "v2.0", "version": "", "min_version": ""}, {"version": "3.70", "min_version": "3.0"}]});
        assert_eq!(Range::of_document(&cinder).unwrap().to_string(), "3.0 3.70");
        assert_eq!(Range::of_document(&json!({"version": {"version": "2"}})), None);
    }

    #[test]
    fn the_nearest_that_both_have_is_asked_for() {
        let ask = |service, path, theirs: Option<&str>| {
            let theirs = theirs.map(|theirs| theirs.parse::<Range>().unwrap());
            to_ask(service, path, None, theirs.as_ref()).unwrap().map(|version| version.to_string())
        };
        assert_eq!(ask(Service::Compute, "/servers", None).unwrap(), "2.84");
        assert_eq!(ask(Service::Compute, "/servers", Some("2.1 2.96")).unwrap(), "2.84");
        assert_eq!(ask(Service::Compute, "/servers", Some("2.1 2.60")).unwrap(), "2.60");
        assert_eq!(ask(Service::Compute, "/servers", Some("2.90 2.96")).unwrap(), "2.90");
        assert_eq!(ask(Service::Volume, "/volumes/detail", None), None);
        assert_eq!(ask(Service::Volume, "/attachments/detail", None).unwrap(), "3.27");
        assert_eq!(ask(Service::Network, "/networks", None), None);
    }

    #[test]
    fn a_cloud_too_old_for_it_says_what_it_has() {
        let theirs = "2.1 2.60".parse::<Range>().unwrap();
        let lock = |body: Value| to_ask(Service::Compute, "/servers/7/action", Some(&body), Some(&theirs));
        assert_eq!(lock(json!({"lock": {}})).unwrap(), Some(Version(2, 60)));
        let problem = lock(json!({"lock": {"locked_reason": "audit"}})).unwrap_err();
        assert_eq!(problem.text, "this cloud is too old for the reason for a lock: that needs version 2.73 of compute");
        assert_eq!(problem.hint.unwrap(), "it has the versions from 2.1 to 2.60");
    }

    #[test]
    fn nothing_is_newer_than_what_this_was_written_for() {
        let ours = ours(Service::Compute).unwrap();
        assert!(NEEDS.iter().filter(|need| need.service == Service::Compute).all(|need| need.since <= ours));
    }
}
