//! Quotas: what a project may have.

use std::collections::BTreeMap;

use kit::Fault;

/// A resource that is counted, and how much a project may have of it when nothing else is said; -1 is no limit.
pub const DEFAULTS: &[(&str, i64)] = &[
    ("volumes", 10),
    ("per_volume_gigabytes", -1),
    ("snapshots", 10),
    ("gigabytes", 1000),
    ("backups", 10),
    ("backup_gigabytes", 1000),
    ("groups", 10),
];

/// What a project has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many volumes.
    pub volumes: i64,
    /// How many GiB in them.
    pub gigabytes: i64,
}

impl Usage {
    /// How much there is of `resource`.
    pub fn of(self, resource: &str) -> i64 {
        match resource {
            "volumes" => self.volumes,
            "gigabytes" => self.gigabytes,
            _ => 0,
        }
    }
}

/// The limits of a project: its own where it has one.
pub fn limits(own: &BTreeMap<String, i64>) -> Vec<(&'static str, i64)> {
    DEFAULTS.iter().map(|(name, default)| (*name, own.get(*name).copied().unwrap_or(*default))).collect()
}

/// Whether one more volume of `size_gb` GiB is within `limits`.
///
/// # Errors
/// Over quota, in Cinder's words.
pub fn check(limits: &[(&'static str, i64)], usage: Usage, size_gb: i64) -> Result<(), Fault> {
    let limit = |name: &str| limits.iter().find(|(other, _)| *other == name).map_or(-1, |(_, limit)| *limit);
    let exceeds = |limit: i64, wanted: i64| limit >= 0 && wanted > limit;
    let per_volume = limit("per_volume_gigabytes");
    if exceeds(per_volume, size_gb) {
        return Err(Fault::over_quota(format!(
            "VolumeSizeExceedsLimit: Requested volume size {size_gb}G is larger than maximum allowed limit {per_volume}G."
        )));
    }
    let gigabytes = limit("gigabytes");
    if exceeds(gigabytes, usage.gigabytes + size_gb) {
        return Err(Fault::over_quota(format!(
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested {size_gb}G, \
             quota is {gigabytes}G and {}G has been consumed.",
            usage.gigabytes
        )));
    }
    let volumes = limit("volumes");
    if exceeds(volumes, usage.volumes + 1) {
        return Err(Fault::over_quota(format!(
            "VolumeLimitExceeded: Maximum number of volumes allowed ({volumes}) exceeded for quota 'volumes'."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_allowed_and_no_more() {
        let limits = limits(&[("volumes".to_owned(), 2), ("gigabytes".to_owned(), 10)].into());
        assert!(check(&limits, Usage { volumes: 1, gigabytes: 5 }, 5).is_ok());
        let message = |usage, size| check(&limits, usage, size).unwrap_err().message().to_owned();
        assert!(message(Usage { volumes: 1, gigabytes: 5 }, 6).contains("Requested 6G, quota is 10G and 5G"));
        assert!(message(Usage { volumes: 2, gigabytes: 5 }, 1).contains("allowed (2) exceeded"));
        let unlimited = super::limits(&[("volumes".to_owned(), -1), ("gigabytes".to_owned(), -1)].into());
        assert!(check(&unlimited, Usage { volumes: 999, gigabytes: 99_999 }, 5).is_ok());
    }
}
