//! Which of the hosts that can take a server is best: a list of weighers, each a name, a factor and a measure.
//!
//! As in Nova the measures of all candidates are brought to the range from 0 to 1, multiplied and added up; the first of the
//! best wins.

use super::wanted::Wanted;
use crate::placement::group::Policy;
use crate::placement::resource::Class;
use crate::placement::view::HostState;

/// One weigher.
pub(crate) struct Weigher {
    /// Its name.
    #[cfg_attr(not(test), expect(dead_code, reason = "a row of data is named"))]
    pub(crate) name: &'static str,
    /// What a host with the highest measure gains; negative where low is good.
    pub(crate) factor: f64,
    /// The measure.
    pub(crate) measure: fn(host: &HostState, wanted: &Wanted) -> f64,
}

/// All weighers, with Nova's default factors.
pub(crate) static WEIGHERS: &[Weigher] = &[
    Weigher { name: "ram", factor: 1.0, measure: |host, _| free(host, Class::MemoryMb) },
    Weigher { name: "cpu", factor: 1.0, measure: |host, _| free(host, Class::Vcpu) },
    Weigher { name: "disk", factor: 1.0, measure: |host, _| free(host, Class::DiskGb) },
    Weigher { name: "io_ops", factor: -1.0, measure: |host, _| f64::from(host.standing.building) },
    Weigher { name: "build_failure", factor: -1_000_000.0, measure: |host, _| f64::from(host.standing.failed_builds) },
    Weigher { name: "soft_affinity", factor: 1.0, measure: |host, wanted| members(host, wanted, Policy::SoftAffinity) },
    Weigher {
        name: "soft_anti_affinity",
        factor: -1.0,
        measure: |host, wanted| members(host, wanted, Policy::SoftAntiAffinity),
    },
];

/// The best of `hosts`.
pub(crate) fn best<'h>(hosts: &[&'h HostState], wanted: &Wanted) -> Option<&'h HostState> {
    let mut scores = vec![0.0; hosts.len()];
    for weigher in WEIGHERS {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for host in hosts {
            let measure = (weigher.measure)(host, wanted);
            least = least.min(measure);
            most = most.max(measure);
        }
        // Alike in this, they gain nothing by it.
        if most > least {
            for (score, host) in scores.iter_mut().zip(hosts) {
                *score += weigher.factor * ((weigher.measure)(host, wanted) - least) / (most - least);
            }
        }
    }
    let mut best: Option<(f64, &'h HostState)> = None;
    for (score, host) in scores.into_iter().zip(hosts) {
        if best.is_none_or(|(top, _)| score > top) {
            best = Some((score, host));
        }
    }
    best.map(|(_, host)| host)
}

#[expect(clippy::cast_precision_loss, reason = "a measure to compare by")]
fn free(host: &HostState, class: Class) -> f64 {
    host.resource(class).free() as f64
}

fn members(host: &HostState, wanted: &Wanted, policy: Policy) -> f64 {
    let group = wanted.group.as_ref().filter(|group| group.policy == policy);
    group.map_or(0.0, |group| f64::from(group.on(host.name())))
}
