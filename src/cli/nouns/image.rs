//! `cloudbox image`: what a description is enough for.

use super::resource::{Answer, Body, Call, Kind, Resource, bare, call, columns, get, operand, opt};
use crate::cli::resolve::IMAGE;

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &IMAGE,
    about: "Images that VMs boot from",
    list: &[],
    show: &[],
    verbs: &[
        call(
            "tasks",
            "List what was done to an image: imports, copies",
            &[operand("IMAGE", Kind::Ref(&IMAGE), "Name or id")],
            get(&["/images/{IMAGE}/tasks"], Answer::Many("tasks", super::image_task::LIST)),
        ),
        call(
            "stores",
            "List where images can be kept",
            &[],
            get(
                &["/info/stores"],
                Answer::Many(
                    "stores",
                    columns! { "Id": "/id", "Default": "/default", "Read only": "/read-only", "Description": "/description" },
                ),
            ),
        ),
        call(
            "copy",
            "Copy an image into other stores",
            &[
                operand("IMAGE", Kind::Ref(&IMAGE), "Name or id"),
                operand("STORE", Kind::Texts, "Into which").field("stores"),
                opt("method", Kind::Flag("\"copy-image\""), "").field("method/name").hidden(),
            ],
            Call { method: "POST", paths: &["/images/{IMAGE}/import"], body: Body::Said, answer: Answer::Nothing },
        ),
        call(
            "remove-copy",
            "Remove an image from one of several stores",
            &[operand("IMAGE", Kind::Ref(&IMAGE), "Name or id"), operand("STORE", Kind::Text, "From which")],
            bare("DELETE", &["/stores/{STORE}/{IMAGE}"]),
        ),
        call("usage", "Show how much of what is limited is used", &[], get(&["/info/usage"], Answer::Fields("usage"))),
    ],
};
