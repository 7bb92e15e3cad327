//! What servers want of a host, with all looked up that the filters compare: they do no I/O.

use bus::topics::scheduler::RequestSpec;
use kit::ids::HostId;
use kit::{Fault, Timestamp};
use store::Connection;

use super::filters::ImageNeeds;
use crate::db::server_groups;
use crate::placement::db;
use crate::placement::group::Group;
use crate::placement::resource::Amounts;

/// What each of the servers of one request wants.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// As it was asked.
    pub(crate) spec: RequestSpec,
    /// What it takes.
    pub(crate) amounts: Amounts,
    /// What its image says.
    pub(crate) image: ImageNeeds,
    /// Its server group.
    pub(crate) group: Option<Group>,
    /// The hosts of the servers that the hint `same_host` names, where there is one.
    pub(crate) same_host: Option<Vec<HostId>>,
    /// The hosts of the servers that the hint `different_host` names.
    pub(crate) different_host: Vec<HostId>,
    /// Now.
    pub(crate) now: Timestamp,
}

impl Wanted {
    /// What `spec` asks for, as long as it names no other server or group.
    pub(crate) fn new(spec: RequestSpec, now: Timestamp) -> Self {
        Self {
            amounts: Amounts::of(&spec.flavor, spec.root_is_local),
            image: ImageNeeds::of(&spec.image_properties),
            group: None,
            same_host: None,
            different_host: Vec::new(),
            spec,
            now,
        }
    }

    /// Whether it names other servers or a group, which have to be looked up.
    pub(crate) fn names_others(&self) -> bool {
        self.spec.group_id.is_some() || ["same_host", "different_host"].iter().any(|h| self.spec.hints.contains_key(*h))
    }

    /// Looks up what it names.
    pub(crate) fn look_up(mut self, conn: &Connection) -> Result<Self, Fault> {
        if let Some(id) = &self.spec.group_id
            && let Some(group) = server_groups::get(conn, id)?
        {
            self.group = Group::new(&group, db::hosts_of_group(conn, id)?);
        }
        if let Some(servers) = self.spec.hints.get("same_host") {
            self.same_host = Some(db::hosts_of_servers(conn, servers)?);
        }
        if let Some(servers) = self.spec.hints.get("different_host") {
            self.different_host = db::hosts_of_servers(conn, servers)?;
        }
        Ok(self)
    }
}
