//! `cloudbox image`: what a description is enough for.

use super::resource::{Answer, Kind, Resource, call, columns, get, operand};
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
        call("usage", "Show how much of what is limited is used", &[], get(&["/info/usage"], Answer::Fields("usage"))),
    ],
};
