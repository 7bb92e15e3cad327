//! `cloudbox security-group-rule`: rules of security groups.

use super::resource::{Kind, Resource, columns, delete, list, opt, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, SECURITY_GROUP, kind};

/// Security group rules.
pub static SECURITY_GROUP_RULE: Noun = kind(
    ("security group rule", "security-group-rule"),
    Service::Network,
    ("/security-group-rules", "/security-group-rules"),
    ("security_group_rules", Some("security_group_rule")),
    ByName::No,
);

use crate::cli::output::Column;

const LIST: &[Column] = columns! {
    "Direction": "/direction", "Ethertype": "/ethertype", "Protocol": "/protocol", "From port": "/port_range_min",
    "To port": "/port_range_max", "Remote": "/remote_ip_prefix", "Remote group": "/remote_group_id" wide,
    "Group": "/security_group_id" wide, "Id": "/id",
};

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &SECURITY_GROUP_RULE,
    about: "Rules of security groups",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[
            opt("group", Kind::Ref(&SECURITY_GROUP), "Only of this group").field("security_group_id"),
            opt("direction", Kind::Choice(&["ingress", "egress"]), "Only this way"),
        ]),
        show(),
        delete(),
    ],
};
