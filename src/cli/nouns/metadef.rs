//! `cloudbox metadef`: the catalogue of what images, flavors and VMs can say of themselves.

use super::resource::{
    Answer, Arg, Body, Call, Kind, Resource, bare, call, columns, get, json_file, list, operand, opt,
};
use crate::cli::catalog::Service;
use crate::cli::output::Column;
use crate::cli::resolve::{ByName, Noun, kind};

/// Namespaces of metadata definitions, which are called by their names.
pub static METADEF: Noun = kind(
    ("namespace of metadata definitions", "metadef"),
    Service::Image,
    ("/metadefs/namespaces", "/metadefs/namespaces"),
    ("namespaces", None),
    ByName::No,
);

const LIST: &[Column] = columns! {
    "Namespace": "/namespace", "Title": "/display_name", "Visible": "/visibility", "Protected": "/protected" wide,
    "Project": "/owner" wide,
};
const SHOW: &[Column] = columns! {
    "Namespace": "/namespace", "Title": "/display_name", "Description": "/description", "Visible": "/visibility",
    "Protected": "/protected", "Resource types": "/resource_type_associations", "Project": "/owner",
};
const WHICH: Arg = operand("NAMESPACE", Kind::Text, "Its name");
const ONE: &[&str] = &["/metadefs/namespaces/{NAMESPACE}"];
const KINDS: &[&str] = &["/metadefs/namespaces/{NAMESPACE}/resource_types"];
const NAME_AND_TEXT: &[Column] = columns! { "Name": "/name", "Description": "/description" };

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &METADEF,
    about: "Metadata definitions: what images, flavors and VMs can say of themselves",
    list: LIST,
    show: SHOW,
    verbs: &[
        list(&[
            opt("visibility", Kind::Choice(&["public", "private"]), "Only those that all see, or not all"),
            opt("resource-type", Kind::Text, "Only for this type: OS::Nova::Flavor, …").field("resource_types"),
        ]),
        call("show", "Show a namespace", &[WHICH], get(ONE, Answer::One("", SHOW))),
        call(
            "create",
            "Create a namespace, with all that a file says is in it",
            &[opt("file", Kind::Parsed("FILE", json_file), "A file with the namespace as JSON")
                .field("whole")
                .needed()],
            Call {
                method: "POST",
                paths: &["/metadefs/namespaces"],
                body: Body::Field("whole"),
                answer: Answer::One("", SHOW),
            },
        ),
        call("delete", "Delete a namespace and all in it", &[WHICH], bare("DELETE", ONE)),
        call(
            "properties",
            "Show the properties of a namespace",
            &[WHICH],
            get(&["/metadefs/namespaces/{NAMESPACE}/properties"], Answer::Fields("properties")),
        ),
        call(
            "objects",
            "List the objects of a namespace",
            &[WHICH],
            get(&["/metadefs/namespaces/{NAMESPACE}/objects"], Answer::Many("objects", NAME_AND_TEXT)),
        ),
        call(
            "tags",
            "List the tags of a namespace",
            &[WHICH],
            get(&["/metadefs/namespaces/{NAMESPACE}/tags"], Answer::Many("tags", columns! { "Name": "/name" })),
        ),
        call(
            "resource-types",
            "List what there are definitions for",
            &[],
            get(&["/metadefs/resource_types"], Answer::Many("resource_types", columns! { "Name": "/name" })),
        ),
        call(
            "add-resource-type",
            "Say that a namespace is for a type of things",
            &[
                WHICH,
                operand("TYPE", Kind::Text, "Which: OS::Nova::Flavor, …").field("name"),
                opt("prefix", Kind::Text, "What its properties begin with there: hw_, …"),
            ],
            Call { method: "POST", paths: KINDS, body: Body::Said, answer: Answer::Nothing },
        ),
        call(
            "remove-resource-type",
            "Say that a namespace is not for a type of things",
            &[WHICH, operand("TYPE", Kind::Text, "Which")],
            bare("DELETE", &["/metadefs/namespaces/{NAMESPACE}/resource_types/{TYPE}"]),
        ),
    ],
};
