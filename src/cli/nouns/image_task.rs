//! `cloudbox image-task`: what the image service does by and by.

use super::resource::{Kind, Resource, columns, list, opt, show};
use crate::cli::catalog::Service;
use crate::cli::output::Column;
use crate::cli::resolve::{ByName, Noun, kind};

/// Tasks of the image service.
pub static IMAGE_TASK: Noun =
    kind(("image task", "image-task"), Service::Image, ("/tasks", "/tasks"), ("tasks", None), ByName::No);

/// What a list of tasks shows.
pub(super) const LIST: &[Column] = columns! {
    "Type": "/type", "Status": "/status", "Message": "/message" wide, "Image": "/image_id" wide, "Created": "/created_at",
    "Id": "/id",
};

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &IMAGE_TASK,
    about: "Tasks of the image service: imports, copies",
    list: LIST,
    show: columns! {
        "Id": "/id", "Type": "/type", "Status": "/status", "Message": "/message", "Image": "/image_id", "Input": "/input",
        "Result": "/result", "Project": "/owner", "Created": "/created_at", "Changed": "/updated_at", "Kept until": "/expires_at",
    },
    verbs: &[
        list(&[
            opt("status", Kind::Choice(&["pending", "processing", "success", "failure"]), "Only of this status"),
            opt("type", Kind::Text, "Only of this type: import, …"),
        ]),
        show(),
    ],
};
