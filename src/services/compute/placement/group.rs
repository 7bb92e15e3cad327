//! Server groups as far as hosts are concerned: who may go where.

use std::collections::HashMap;

use kit::ids::HostId;

use crate::db::server_groups::ServerGroup;

/// A server group's policy, and where its members are.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Its id.
    pub(crate) id: String,
    /// What it asks for.
    pub(crate) policy: Policy,
    members: HashMap<HostId, u32>,
}

/// What a server group asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// All on one host.
    Affinity,
    /// At most so many on each host.
    AntiAffinity(u32),
    /// Together where possible.
    SoftAffinity,
    /// Apart where possible.
    SoftAntiAffinity,
}

impl Group {
    /// `group` with members on `hosts`; nothing where its policy is not known.
    pub(crate) fn new(group: &ServerGroup, hosts: Vec<(HostId, u32)>) -> Option<Self> {
        let most = group.rules.get("max_server_per_host").and_then(|most| u32::try_from(*most).ok()).unwrap_or(1);
        let policy = match group.policy.as_str() {
            "affinity" => Policy::Affinity,
            "anti-affinity" => Policy::AntiAffinity(most),
            "soft-affinity" => Policy::SoftAffinity,
            "soft-anti-affinity" => Policy::SoftAntiAffinity,
            _ => return None,
        };
        Some(Self { id: group.id.clone(), policy, members: hosts.into_iter().collect() })
    }

    /// The same group with its members elsewhere.
    pub(crate) fn with_hosts(&self, hosts: Vec<(HostId, u32)>) -> Self {
        Self { members: hosts.into_iter().collect(), ..self.clone() }
    }

    /// How many members are on `host`.
    pub(crate) fn on(&self, host: &HostId) -> u32 {
        self.members.get(host).copied().unwrap_or(0)
    }

    /// Whether one more may go to `host`. What is only preferred is always allowed.
    pub(crate) fn allows(&self, host: &HostId) -> bool {
        match self.policy {
            Policy::Affinity => self.members.is_empty() || self.on(host) > 0,
            Policy::AntiAffinity(most) => self.on(host) < most,
            Policy::SoftAffinity | Policy::SoftAntiAffinity => true,
        }
    }

    /// One more is on `host`.
    pub(crate) fn add(&mut self, host: &HostId) {
        *self.members.entry(host.clone()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn group(policy: &str, rules: &[(&str, i64)]) -> Group {
        let group = ServerGroup {
            id: "g".into(),
            name: "g".into(),
            project_id: "p".into(),
            user_id: "u".into(),
            policy: policy.into(),
            rules: rules.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect::<BTreeMap<_, _>>(),
            members: Vec::new(),
        };
        Group::new(&group, vec![("a".into(), 1)]).unwrap()
    }

    #[test]
    fn hard_policies_forbid_and_soft_ones_do_not() {
        let allowed = |group: &Group| (group.allows(&"a".into()), group.allows(&"b".into()));
        assert_eq!(allowed(&group("affinity", &[])), (true, false));
        assert_eq!(allowed(&group("anti-affinity", &[])), (false, true));
        assert_eq!(allowed(&group("anti-affinity", &[("max_server_per_host", 2)])), (true, true));
        assert_eq!(allowed(&group("soft-affinity", &[])), (true, true));
        assert_eq!(allowed(&group("soft-anti-affinity", &[])), (true, true));
    }

    #[test]
    fn an_empty_group_can_begin_anywhere() {
        let mut group = group("affinity", &[]).with_hosts(Vec::new());
        assert!(group.allows(&"a".into()) && group.allows(&"b".into()));
        group.add(&"b".into());
        assert!(!group.allows(&"a".into()) && group.allows(&"b".into()));
    }
}
