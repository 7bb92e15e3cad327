//! What a project may have: the resources, their defaults, and when a request is too much.

use std::collections::BTreeMap;

use kit::Fault;

/// A limited resource, Nova's default for it, and the last microversion that shows it.
pub struct Resource {
    /// Its name in a quota set.
    pub name: &'static str,
    /// How many by default; -1 for any number.
    pub default: i64,
    /// The last minor microversion in which quota sets have it.
    pub until: Option<u16>,
}

const fn resource(name: &'static str, default: i64, until: Option<u16>) -> Resource {
    Resource { name, default, until }
}

/// All of them. Neutron's went with 2.36, injected files with 2.57.
pub const RESOURCES: &[Resource] = &[
    resource("instances", 10, None),
    resource("cores", 20, None),
    resource("ram", 51_200, None),
    resource("floating_ips", -1, Some(35)),
    resource("fixed_ips", -1, Some(35)),
    resource("metadata_items", 128, None),
    resource("injected_files", 5, Some(56)),
    resource("injected_file_content_bytes", 10_240, Some(56)),
    resource("injected_file_path_bytes", 255, Some(56)),
    resource("security_groups", -1, Some(35)),
    resource("security_group_rules", -1, Some(35)),
    resource("key_pairs", 100, None),
    resource("server_groups", 10, None),
    resource("server_group_members", 10, None),
];

/// How many of each resource, by name; -1 for any number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits(BTreeMap<String, i64>);

impl Limits {
    /// The defaults, with `overrides` over them in their order.
    #[must_use]
    pub fn with(overrides: impl IntoIterator<Item = (String, i64)>) -> Self {
        let mut limits: BTreeMap<_, _> = RESOURCES.iter().map(|one| (one.name.to_owned(), one.default)).collect();
        for (name, limit) in overrides {
            limits.insert(name, limit);
        }
        Self(limits)
    }

    /// The limit of `resource`; -1 for any number.
    #[must_use]
    pub fn get(&self, resource: &str) -> i64 {
        self.0.get(resource).copied().unwrap_or(-1)
    }

    /// Whether `count` of `resource` is within its limit.
    #[must_use]
    pub fn allows(&self, resource: &str, count: i64) -> bool {
        let limit = self.get(resource);
        limit < 0 || count <= limit
    }
}

/// What a project's servers take, or what a request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Servers.
    pub instances: i64,
    /// Virtual CPUs.
    pub cores: i64,
    /// Memory in MiB.
    pub ram: i64,
}

impl Usage {
    /// By resource, in the order in which Nova checks them.
    #[must_use]
    pub fn by_resource(self) -> [(&'static str, i64); 3] {
        [("instances", self.instances), ("cores", self.cores), ("ram", self.ram)]
    }

    /// That of `count` servers, each of this.
    #[must_use]
    pub fn times(self, count: i64) -> Self {
        Self { instances: self.instances * count, cores: self.cores * count, ram: self.ram * count }
    }
}

/// How many servers, each taking `each`, can be made: as many as fit, from `min` to `max`.
///
/// # Errors
/// A 403 that says what was asked and what there is, when not even `min` fit.
pub fn affordable(limits: &Limits, used: Usage, each: Usage, min: i64, max: i64) -> Result<i64, Fault> {
    let room = used.by_resource().iter().zip(each.by_resource()).fold(max, |room, ((name, used), (_, each))| {
        let limit = limits.get(name);
        if limit < 0 || each == 0 { room } else { room.min((limit - used).max(0) / each) }
    });
    if room >= min {
        return Ok(room);
    }
    let asked = each.times(min);
    let over: Vec<_> = used
        .by_resource()
        .into_iter()
        .zip(asked.by_resource())
        .filter(|((name, used), (_, asked))| !limits.allows(name, used + asked))
        .collect();
    let list = |text: &dyn Fn(&'static str, i64, i64) -> String| {
        over.iter().map(|((name, used), (_, asked))| text(name, *used, *asked)).collect::<Vec<_>>().join(", ")
    };
    let names = list(&|name, _, _| name.to_owned());
    Err(Fault::over_quota(format!(
        "Quota exceeded for {names}: Requested {}, but already used {} of {} {names}",
        list(&|_, _, asked| asked.to_string()),
        list(&|_, used, _| used.to_string()),
        list(&|name, _, _| limits.get(name).to_string()),
    )))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(instances: i64) -> Limits {
        Limits::with([("instances".to_owned(), instances)])
    }

    const EACH: Usage = Usage { instances: 1, cores: 1, ram: 64 };

    #[test]
    fn the_refusal_is_novas() {
        let fault = affordable(&limits(0), Usage::default(), EACH, 1, 1).unwrap_err();
        assert_eq!(fault.message(), "Quota exceeded for instances: Requested 1, but already used 0 of 0 instances");
        let used = Usage { instances: 10, cores: 20, ram: 640 };
        let fault = affordable(&limits(10), used, EACH, 1, 1).unwrap_err();
        assert_eq!(
            fault.message(),
            "Quota exceeded for instances, cores: Requested 1, 1, but already used 10, 20 of 10, 20 instances, cores"
        );
    }

    #[test]
    fn as_many_as_fit_are_made() {
        let used = Usage { instances: 8, cores: 8, ram: 512 };
        assert_eq!(affordable(&limits(10), used, EACH, 1, 5).unwrap(), 2);
        assert_eq!(affordable(&limits(-1), used, EACH, 1, 5).unwrap(), 5);
    }

    proptest! {
        #[test]
        fn what_is_affordable_stays_within_every_limit(
            instances in 0i64..40, used in 0i64..40, cores in 0i64..8, max in 1i64..30,
        ) {
            let used = Usage { instances: used, cores: used, ram: used };
            let each = Usage { instances: 1, cores, ram: 1 };
            if let Ok(count) = affordable(&limits(instances), used, each, 1, max) {
                prop_assert!(count >= 1 && count <= max);
                prop_assert!(used.instances + count <= instances);
                prop_assert!(cores == 0 || used.cores + cores * count <= 20);
            }
        }
    }
}
