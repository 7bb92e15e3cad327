//! `cloudbox flavor`: flavors: sizes of VMs.

use super::resource::{Answer, Arg, Body, Call, Kind, Resource, bare, call, columns, get, operand, opt, set};
use crate::cli::resolve::{FLAVOR, PROJECT};

const WHICH: Arg = operand("FLAVOR", Kind::Ref(&FLAVOR), "Name or id");
const FOR: Arg = operand("PROJECT", Kind::Ref(&PROJECT), "The project").field("tenant");
const ACTION: &[&str] = &["/flavors/{FLAVOR}/action"];
const SPECS: &[&str] = &["/flavors/{FLAVOR}/os-extra_specs"];

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &FLAVOR,
    about: "Flavors: sizes of VMs",
    list: &[],
    show: &[],
    verbs: &[
        set("PUT", &[opt("description", Kind::Text, "What it is for").needed()]),
        call(
            "access",
            "List the projects that may use a private flavor",
            &[WHICH],
            get(
                &["/flavors/{FLAVOR}/os-flavor-access"],
                Answer::Many("flavor_access", columns! { "Project": "/tenant_id", "Flavor": "/flavor_id" }),
            ),
        ),
        call(
            "allow",
            "Let a project use a private flavor",
            &[WHICH, FOR],
            Call { method: "POST", paths: ACTION, body: Body::Under("addTenantAccess"), answer: Answer::Nothing },
        ),
        call(
            "deny",
            "Let a project not use a private flavor any more",
            &[WHICH, FOR],
            Call { method: "POST", paths: ACTION, body: Body::Under("removeTenantAccess"), answer: Answer::Nothing },
        ),
        call("properties", "Show a flavor's extra specs", &[WHICH], get(SPECS, Answer::Fields("extra_specs"))),
        call(
            "set-property",
            "Set extra specs of a flavor",
            &[WHICH, operand("KEY=VALUE", Kind::Pairs, "What to set").field("extra_specs")],
            Call { method: "POST", paths: SPECS, body: Body::Said, answer: Answer::Fields("extra_specs") },
        ),
        call(
            "unset-property",
            "Remove an extra spec of a flavor",
            &[WHICH, operand("KEY", Kind::Text, "Which")],
            bare("DELETE", &["/flavors/{FLAVOR}/os-extra_specs/{KEY}"]),
        ),
    ],
};
