//! The choice itself: hosts through the filters, the best of what is left, or why nothing is.

use kit::Fault;
use kit::ids::HostId;

use super::filters::FILTERS;
use super::wanted::Wanted;
use super::weighers;
use crate::placement::view::{HostState, View};

/// Why there is no host: how many hosts each filter left, up to the one that left none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoHost {
    hosts: usize,
    steps: Vec<(&'static str, usize)>,
    missing: String,
}

impl NoHost {
    /// As the server's fault says it.
    pub(crate) fn fault(&self) -> Fault {
        if self.hosts == 0 {
            return Fault::no_valid_host("No valid host was found. No compute host has registered yet.");
        }
        let total = self.hosts;
        let steps: Vec<String> =
            self.steps.iter().map(|(name, left)| format!("{name}: {left} of {total} hosts left")).collect();
        Fault::no_valid_host(format!("No valid host was found. {}; {}.", steps.join("; "), self.missing))
    }
}

/// A host for each of `count` servers; what each takes is taken in the view, or, where one finds none, nothing.
pub(crate) fn pick(view: &mut View, wanted: &Wanted, count: usize) -> Result<Vec<HostId>, NoHost> {
    let mut wanted = wanted.clone();
    let mut picked = Vec::with_capacity(count);
    for _ in 0..count {
        match one(view.hosts(), &wanted) {
            Ok(host) => {
                if let Some(state) = view.get_mut(&host) {
                    state.take(&wanted.amounts);
                }
                if let Some(group) = &mut wanted.group {
                    group.add(&host);
                }
                picked.push(host);
            }
            Err(none) => {
                for host in &picked {
                    if let Some(state) = view.get_mut(host) {
                        state.give_back(&wanted.amounts);
                    }
                }
                return Err(none);
            }
        }
    }
    Ok(picked)
}

fn one(all: &[HostState], wanted: &Wanted) -> Result<HostId, NoHost> {
    let mut hosts: Vec<&HostState> = all.iter().collect();
    let mut steps = Vec::with_capacity(FILTERS.len());
    for filter in FILTERS.iter().filter(|filter| (filter.applies)(wanted)) {
        // `any` ends at the first that passes: the hosts as they came are needed only where none does.
        if !hosts.iter().any(|host| (filter.passes)(host, wanted)) {
            steps.push((filter.name, 0));
            let missing = (filter.missing)(wanted, &hosts);
            return Err(NoHost { hosts: all.len(), steps, missing });
        }
        hosts.retain(|host| (filter.passes)(host, wanted));
        steps.push((filter.name, hosts.len()));
    }
    match weighers::best(&hosts, wanted) {
        Some(best) => Ok(best.name().clone()),
        None => Err(NoHost { hosts: all.len(), steps, missing: "nothing is left to weigh".to_owned() }),
    }
}
