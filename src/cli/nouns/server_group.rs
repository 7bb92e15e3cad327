//! `cloudbox server-group`: server groups: VMs that shall be together, or apart.

use super::resource::{Kind, NAME, Resource, columns, create, delete, list, opt, show};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Server groups.
pub static SERVER_GROUP: Noun = kind(
    ("server group", "server-group"),
    Service::Compute,
    ("/os-server-groups", "/os-server-groups"),
    ("server_groups", Some("server_group")),
    ByName::No,
);

use crate::cli::output::Column;

const LIST: &[Column] = columns! {
    "Name": "/name", "Policy": "/policy", "Members": "/members", "Project": "/project_id" wide, "Id": "/id",
};

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &SERVER_GROUP,
    about: "Server groups: VMs that shall be together, or apart",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[opt("all-projects", Kind::Flag("true"), "Those of all projects")]),
        show(),
        create(&[
            NAME,
            opt(
                "policy",
                Kind::Choice(&["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]),
                "Together, or apart",
            )
            .needed(),
        ]),
        delete(),
    ],
};
