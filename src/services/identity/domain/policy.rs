//! Policies that identity keeps for others, and which of them holds for an endpoint.
//!
//! The most particular association counts: of the endpoint itself; of its service in its region or, from there
//! upwards, in the next region that has one; of its service.

use kit::Fault;

use super::Object;
use super::attributes::Attributes;
use super::catalog::{Endpoint, Region};

/// A policy: a text of some type that only its readers understand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Policy {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) blob: String,
    pub(crate) extra: Object,
}

impl Policy {
    /// A policy of `attributes`.
    pub(crate) fn new(id: String, mut attributes: Attributes) -> Self {
        attributes.drop(&["id", "links"]);
        Self {
            id,
            kind: attributes.text("type").unwrap_or_default(),
            blob: attributes.text("blob").unwrap_or_default(),
            extra: attributes.rest(),
        }
    }

    /// Changes it as `attributes` say.
    ///
    /// # Errors
    /// 400 where its id were to change.
    pub(crate) fn apply(&mut self, mut attributes: Attributes) -> Result<(), Fault> {
        attributes.same("id", &self.id, "policy ID")?;
        attributes.drop(&["links"]);
        if let Some(kind) = attributes.text("type") {
            self.kind = kind;
        }
        if let Some(blob) = attributes.text("blob") {
            self.blob = blob;
        }
        self.extra.extend(attributes.rest());
        Ok(())
    }
}

/// What a policy is associated with. Each has one policy at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// An endpoint.
    Endpoint(String),
    /// All endpoints of a service.
    Service(String),
    /// The endpoints of a service in a region and those below it.
    ServiceInRegion(String, String),
}

impl Place {
    /// As the database keeps it: endpoint, service, region.
    pub(crate) fn columns(&self) -> [Option<&str>; 3] {
        match self {
            Self::Endpoint(endpoint) => [Some(endpoint), None, None],
            Self::Service(service) => [None, Some(service), None],
            Self::ServiceInRegion(service, region) => [None, Some(service), Some(region)],
        }
    }

    /// How particular it is for `endpoint`, less being more; none where it is not for it at all. `regions` are the
    /// endpoint's own and those above it, from there upwards.
    fn distance(&self, endpoint: &Endpoint, regions: &[&str]) -> Option<usize> {
        match self {
            Self::Endpoint(id) => (*id == endpoint.id).then_some(0),
            Self::ServiceInRegion(service, region) if *service == endpoint.service_id => {
                regions.iter().position(|above| above == region).map(|steps| steps.saturating_add(1))
            }
            Self::Service(service) => (*service == endpoint.service_id).then_some(usize::MAX),
            Self::ServiceInRegion(..) => None,
        }
    }

    /// Whether it is for `endpoint`.
    pub(crate) fn covers(&self, endpoint: &Endpoint, regions: &[Region]) -> bool {
        self.distance(endpoint, &upwards(endpoint, regions)).is_some()
    }
}

/// A policy's id, and what it is associated with.
pub(crate) type Association = (String, Place);

/// The id of the policy that holds for `endpoint`.
pub(crate) fn holding_for<'a>(
    endpoint: &Endpoint,
    regions: &[Region],
    associations: &'a [Association],
) -> Option<&'a str> {
    let regions = upwards(endpoint, regions);
    let fitting = associations.iter().filter_map(|(policy, place)| Some((place.distance(endpoint, &regions)?, policy)));
    fitting.min_by_key(|(distance, _)| *distance).map(|(_, policy)| policy.as_str())
}

/// The region of `endpoint` and those above it. The regions are a tree: there are no circles.
fn upwards<'a>(endpoint: &'a Endpoint, regions: &'a [Region]) -> Vec<&'a str> {
    let parent = |id: &&str| {
        let region = regions.iter().find(|region| region.id == *id)?;
        region.parent_region_id.as_deref()
    };
    std::iter::successors(endpoint.region_id.as_deref(), parent).take(regions.len()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn attributes(value: Value) -> Attributes {
        Attributes::new(value.as_object().unwrap().clone())
    }

    fn region(id: &str, parent: Option<&str>) -> Region {
        Region::new(id.to_owned(), attributes(json!({ "parent_region_id": parent })))
    }

    #[test]
    fn the_most_particular_policy_holds() {
        let given = json!({"service_id": "s", "interface": "public", "url": "http://a", "region_id": "city"});
        let endpoint = Endpoint::new("e".to_owned(), attributes(given));
        let regions = [region("land", None), region("city", Some("land")), region("street", Some("city"))];
        let text = str::to_owned;
        let mut associations = vec![
            ("of another service".to_owned(), Place::Service(text("t"))),
            ("of a region below".to_owned(), Place::ServiceInRegion(text("s"), text("street"))),
            ("of another service there".to_owned(), Place::ServiceInRegion(text("t"), text("city"))),
            ("of another endpoint".to_owned(), Place::Endpoint(text("f"))),
        ];
        assert_eq!(holding_for(&endpoint, &regions, &associations), None);
        for (name, place) in [
            ("of the service", Place::Service(text("s"))),
            ("of the land", Place::ServiceInRegion(text("s"), text("land"))),
            ("of the city", Place::ServiceInRegion(text("s"), text("city"))),
            ("of the endpoint", Place::Endpoint(text("e"))),
        ] {
            assert!(place.covers(&endpoint, &regions), "{name}");
            associations.insert(0, (name.to_owned(), place));
            assert_eq!(holding_for(&endpoint, &regions, &associations), Some(name));
        }
        let nowhere = Endpoint { region_id: None, id: "x".to_owned(), ..endpoint };
        assert_eq!(holding_for(&nowhere, &regions, &associations), Some("of the service"));
    }
}
