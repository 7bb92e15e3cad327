//! Security groups and their rules.

use kit::time::seconds_z;
use serde::Serialize;

use super::StandardView;
use crate::change::security_groups::normalized;
use crate::domain::model::{Rule, SecurityGroup};

/// A group in an answer.
#[derive(Debug, Serialize)]
pub struct SecurityGroupView<'m> {
    id: &'m str,
    name: &'m str,
    stateful: bool,
    tenant_id: &'m str,
    project_id: &'m str,
    shared: bool,
    security_group_rules: Vec<RuleView<'m>>,
    #[serde(flatten)]
    standard: StandardView<'m>,
}

/// A rule in an answer.
#[derive(Debug, Serialize)]
pub struct RuleView<'m> {
    id: &'m str,
    tenant_id: &'m str,
    project_id: &'m str,
    security_group_id: &'m str,
    ethertype: &'m str,
    direction: &'m str,
    protocol: Option<&'m str>,
    port_range_min: Option<u16>,
    port_range_max: Option<u16>,
    remote_ip_prefix: Option<&'m str>,
    remote_address_group_id: Option<&'m str>,
    normalized_cidr: Option<String>,
    remote_group_id: Option<&'m str>,
    /// Shown inside a group only, as Neutron does.
    #[serde(skip_serializing_if = "Option::is_none")]
    standard_attr_id: Option<i64>,
    /// Not known inside a group, as in Neutron.
    belongs_to_default_sg: Option<bool>,
    description: Option<&'m str>,
    tags: [&'static str; 0],
    revision_number: i64,
    created_at: String,
    updated_at: String,
}

impl<'m> SecurityGroupView<'m> {
    /// How `group` looks.
    #[must_use]
    pub fn of(group: &'m SecurityGroup) -> Self {
        let inside = |rule: &'m Rule| RuleView {
            standard_attr_id: Some(rule.number),
            belongs_to_default_sg: None,
            ..RuleView::of(rule)
        };
        Self {
            id: group.id.as_str(),
            name: &group.name,
            stateful: group.stateful,
            tenant_id: group.project_id.as_str(),
            project_id: group.project_id.as_str(),
            shared: false,
            security_group_rules: group.rules.iter().map(inside).collect(),
            standard: StandardView::of(&group.standard),
        }
    }
}

impl<'m> RuleView<'m> {
    /// How `rule` looks by itself.
    #[must_use]
    pub fn of(rule: &'m Rule) -> Self {
        Self {
            id: rule.id.as_str(),
            tenant_id: rule.project_id.as_str(),
            project_id: rule.project_id.as_str(),
            security_group_id: rule.security_group_id.as_str(),
            ethertype: &rule.ethertype,
            direction: &rule.direction,
            protocol: rule.protocol.as_deref(),
            port_range_min: rule.port_range_min,
            port_range_max: rule.port_range_max,
            remote_ip_prefix: rule.remote_ip_prefix.as_deref(),
            remote_address_group_id: None,
            normalized_cidr: rule.remote_ip_prefix.as_deref().and_then(normalized).map(|net| net.to_string()),
            remote_group_id: rule.remote_group_id.as_ref().map(|group| group.as_str()),
            standard_attr_id: None,
            belongs_to_default_sg: Some(rule.in_default_group),
            description: rule.description.as_deref(),
            tags: [],
            revision_number: rule.revision_number,
            created_at: seconds_z(rule.created_at),
            updated_at: seconds_z(rule.updated_at),
        }
    }
}
