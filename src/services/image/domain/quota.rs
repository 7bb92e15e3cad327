//! Quotas: what a project may have of images, as unified limits say (`openstack registered limit`, `openstack limit`).
//!
//! A resource for which nothing is registered has no limit, as in a Glance that is not told to use Keystone's limits.
//! Sizes are in whole MiB.

use std::collections::BTreeMap;

use kit::Fault;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// All bytes that the project's images have in stores, in MiB.
    SizeTotal,
    /// All bytes that are staged for imports, in MiB.
    StageTotal,
    /// How many images there are.
    CountTotal,
    /// How many images receive their bytes, one way or the other.
    CountUploading,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SizeTotal, Self::StageTotal, Self::CountTotal, Self::CountUploading];

    /// The name of the limit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SizeTotal => "image_size_total",
            Self::StageTotal => "image_stage_total",
            Self::CountTotal => "image_count_total",
            Self::CountUploading => "image_count_uploading",
        }
    }
}

/// The limits of one project, by name; −1 and what is not in it are without end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits(pub BTreeMap<String, i64>);

impl Limits {
    /// The limit of `resource`; −1: none.
    pub fn of(&self, resource: Resource) -> i64 {
        self.0.get(resource.as_str()).copied().unwrap_or(-1)
    }

    /// Whether the project `owner`, which has `usage` of `resource`, may have `more` of it. Asked for nothing more,
    /// it must not be over its limit already.
    ///
    /// # Errors
    /// 413 where it may not.
    pub fn check(&self, owner: &str, resource: Resource, usage: i64, more: i64) -> Result<(), Fault> {
        let limit = self.of(resource);
        if limit < 0 || usage.saturating_add(more) <= limit {
            return Ok(());
        }
        Err(Fault::too_large(format!(
            "Project {owner} is over a limit for [Resource {} is over limit of {limit} due to current usage {usage} \
             and delta {more}]",
            resource.as_str()
        )))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_limit_is_reached_and_not_passed(limit in -1_i64..20, usage in 0_i64..20, more in 0_i64..20) {
            let limits = Limits([("image_count_total".to_owned(), limit)].into());
            let fits = limits.check("p", Resource::CountTotal, usage, more).is_ok();
            prop_assert_eq!(fits, limit < 0 || usage + more <= limit);
            prop_assert!(limits.check("p", Resource::SizeTotal, usage, more).is_ok());
        }
    }

    #[test]
    fn a_refusal_says_what_is_used_up() {
        let limits = Limits([("image_size_total".to_owned(), 3)].into());
        let fault = limits.check("p", Resource::SizeTotal, 3, 1).unwrap_err();
        assert_eq!(fault.kind(), kit::FaultKind::PayloadTooLarge);
        assert!(fault.message().contains("image_size_total is over limit of 3 due to current usage 3 and delta 1"));
    }
}
