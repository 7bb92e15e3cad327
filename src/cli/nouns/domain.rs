//! `cloudbox domain`: domains: users, groups and projects that belong together.

use super::resource::{
    Answer, Arg, Body, Call, DESCRIPTION, Kind, NAME, RENAME, Resource, bare, call, columns, create, delete, get,
    json_file, list, operand, opt, set, show,
};
use crate::cli::resolve::DOMAIN;

use crate::cli::output::Column;

const LIST: &[Column] = columns! { "Name": "/name", "Enabled": "/enabled", "Description": "/description", "Id": "/id" };
const WHICH: Arg = operand("DOMAIN", Kind::Ref(&DOMAIN), "Name or id");
const CONFIG: &[&str] = &["/domains/{DOMAIN}/config"];
const ON: Arg = opt("enable", Kind::Flag("true"), "Let its users log in").field("enabled");
const OFF: Arg = opt("disable", Kind::Flag("false"), "Let nobody log in; it can be deleted then").field("enabled");

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &DOMAIN,
    about: "Domains: users, groups and projects that belong together",
    list: LIST,
    show: LIST,
    verbs: &[
        list(&[]),
        show(),
        create(&[NAME, DESCRIPTION, ON, OFF]),
        set("PATCH", &[RENAME, DESCRIPTION, ON, OFF]),
        delete(),
        call(
            "mine",
            "List the domains that you may work in",
            &[],
            get(&["/auth/domains"], Answer::Many("domains", LIST)),
        ),
        call("config", "Show the settings of a domain's own", &[WHICH], get(CONFIG, Answer::Fields("config"))),
        call(
            "set-config",
            "Give a domain settings of its own",
            &[
                WHICH,
                operand("FILE", Kind::Parsed("FILE", json_file), "A file with them as JSON, by group and option")
                    .field("config"),
            ],
            Call { method: "PUT", paths: CONFIG, body: Body::Said, answer: Answer::Fields("config") },
        ),
        call("unset-config", "Take its own settings from a domain", &[WHICH], bare("DELETE", CONFIG)),
    ],
};
