//! `cloudbox image-cache`: images of far stores that are kept near.

use super::resource::{Answer, Arg, Body, Call, Kind, Resource, bare, call, columns, get, operand};
use crate::cli::catalog::Service;
use crate::cli::output::Column;
use crate::cli::resolve::{ByName, IMAGE, Noun, kind};

/// Images that are kept near.
pub static IMAGE_CACHE: Noun =
    kind(("cached image", "image-cache"), Service::Image, ("/cache", "/cache"), ("cached_images", None), ByName::No);

const LIST: &[Column] = columns! {
    "Image": "/image_id", "Hits": "/hits", "Size": "/size", "Last used": "/last_accessed", "Kept since": "/last_modified",
};
const ONE: &[&str] = &["/cache/{IMAGE}"];
const WHICH: Arg = operand("IMAGE", Kind::Ref(&IMAGE), "Name or id");

const fn empty(path: &'static [&'static str]) -> Call {
    Call { method: "POST", paths: path, body: Body::None, answer: Answer::Nothing }
}

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &IMAGE_CACHE,
    about: "The image cache: images of far stores that are kept near",
    list: LIST,
    show: LIST,
    verbs: &[
        call("list", "List what is kept", &[], get(&["/cache"], Answer::Many("cached_images", LIST))),
        call(
            "queued",
            "List what is to be fetched",
            &[],
            get(&["/cache"], Answer::Many("queued_images", columns! { "Image": "" })),
        ),
        call("add", "Fetch an image soon", &[WHICH], bare("PUT", ONE)),
        call("delete", "Keep an image no longer", &[WHICH], bare("DELETE", ONE)),
        call("clear", "Keep none", &[], bare("DELETE", &["/cache"])),
        call("clean", "Remove what was fetched by half and left", &[], empty(&["/cache/clean"])),
        call("prune", "Remove what was not used for long, until it fits", &[], empty(&["/cache/prune"])),
    ],
};
