//! Registered limits (what applies by default) and limits (what applies to one project or domain instead), and whether a
//! limit fits into the tree.

use kit::Fault;
use serde::Deserialize;

/// What applies to a resource of a service, in a region or everywhere, where no limit says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct RegisteredLimit {
    #[serde(skip)]
    pub(crate) id: String,
    pub(crate) service_id: String,
    #[serde(default)]
    pub(crate) region_id: Option<String>,
    pub(crate) resource_name: String,
    pub(crate) default_limit: i64,
    #[serde(default)]
    pub(crate) description: Option<String>,
}

/// What applies to one project or domain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Limit {
    #[serde(skip)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) project_id: Option<String>,
    #[serde(default)]
    pub(crate) domain_id: Option<String>,
    pub(crate) service_id: String,
    #[serde(default)]
    pub(crate) region_id: Option<String>,
    pub(crate) resource_name: String,
    pub(crate) resource_limit: i64,
    #[serde(default)]
    pub(crate) description: Option<String>,
}

impl Limit {
    /// Whether both are about the same resource.
    pub(crate) fn same_resource(&self, other: &Self) -> bool {
        (&self.service_id, &self.region_id, &self.resource_name)
            == (&other.service_id, &other.region_id, &other.resource_name)
    }

    /// 403: it is more than what is above it has, or less than what is below it has.
    fn unfit(&self) -> Fault {
        let (level, id) = match (&self.project_id, &self.domain_id) {
            (Some(project), _) => ("project_id", project.as_str()),
            (None, domain) => ("domain_id", domain.as_deref().unwrap_or_default()),
        };
        Fault::forbidden(format!(
            "Invalid resource limit: The resource limit ({level}: {id}, resource_name: {}, resource_limit: {}, \
             service_id: {}, region_id: {}) doesn't satisfy current hierarchy model..",
            self.resource_name,
            self.resource_limit,
            self.service_id,
            self.region_id.as_deref().unwrap_or("None")
        ))
    }

    /// Whether it lies between the limits `below` it and the one `above` it.
    ///
    /// # Errors
    /// 403 where it does not.
    pub(crate) fn check_fits(&self, above: Option<i64>, below: &[i64]) -> Result<(), Fault> {
        let own = amount(self.resource_limit);
        let fits = above.is_none_or(|above| own <= amount(above)) && below.iter().all(|below| amount(*below) <= own);
        if fits { Ok(()) } else { Err(self.unfit()) }
    }
}

/// How much a limit allows; −1 is without end. (Keystone compares it as the number it is, so that nothing fits below
/// what has no limit.)
fn amount(limit: i64) -> i64 {
    if limit < 0 { i64::MAX } else { limit }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(resource_limit: i64) -> Limit {
        Limit {
            id: String::new(),
            project_id: None,
            domain_id: Some("d".to_owned()),
            service_id: "s".to_owned(),
            region_id: None,
            resource_name: "cores".to_owned(),
            resource_limit,
            description: None,
        }
    }

    #[test]
    fn a_limit_lies_between_those_above_and_below() {
        limit(5).check_fits(Some(5), &[5, 0]).unwrap();
        limit(5).check_fits(Some(-1), &[]).unwrap();
        limit(-1).check_fits(None, &[-1, 7]).unwrap();
        let fault = limit(6).check_fits(Some(5), &[]).unwrap_err();
        assert!(fault.message().starts_with("Invalid resource limit: The resource limit (domain_id: d, "));
        assert!(limit(-1).check_fits(Some(5), &[]).is_err());
        assert!(limit(4).check_fits(None, &[3, 5]).is_err());
        assert!(limit(4).check_fits(None, &[-1]).is_err());
        assert!(limit(1).check_fits(Some(0), &[]).is_err());
    }

    proptest! {
        #[test]
        fn what_fits_above_has_all_below_it(own in -1_i64..9, above in -1_i64..9) {
            prop_assert_eq!(limit(own).check_fits(Some(above), &[]).is_ok(), limit(above).check_fits(None, &[own]).is_ok());
        }
    }
}
