//! `cloudbox role-assignment`: who has which role where.

use super::group::GROUP;
use super::resource::{Kind, Resource, columns, list, opt};
use super::role::ROLE;
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, DOMAIN, Noun, PROJECT, USER, kind};

/// Role assignments.
pub static ROLE_ASSIGNMENT: Noun = kind(
    ("role assignment", "role-assignment"),
    Service::Identity,
    ("/role_assignments", "/role_assignments"),
    ("role_assignments", Some("role_assignment")),
    ByName::No,
);

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &ROLE_ASSIGNMENT,
    about: "Who has which role where",
    list: columns! {
        "Role": "/role/name", "User": "/user/name", "Group": "/group/name", "Project": "/scope/project/name",
        "Domain": "/scope/domain/name", "System": "/scope/system/all", "Inherited": "/scope/OS-INHERIT:inherited_to" wide,
    },
    show: &[],
    verbs: &[list(&[
        opt("names", Kind::Flag("true"), "").field("include_names").hidden(),
        opt("user", Kind::Ref(&USER), "Only of this user").field("user.id"),
        opt("group", Kind::Ref(&GROUP), "Only of this group").field("group.id"),
        opt("role", Kind::Ref(&ROLE), "Only this role").field("role.id"),
        opt("project", Kind::Ref(&PROJECT), "Only in this project").field("scope.project.id"),
        opt("domain", Kind::Ref(&DOMAIN), "Only in this domain").field("scope.domain.id"),
        opt("system", Kind::Flag("\"all\""), "Only in the whole cloud").field("scope.system"),
        opt("effective", Kind::Flag("true"), "What it comes to: through groups, implied and inherited"),
    ])],
};
