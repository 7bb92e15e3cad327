//! `cloudbox identity-provider`: identity providers whose users may log in.

use super::resource::{
    Answer, Arg, Body, Call, DESCRIPTION, Kind, Resource, bare, call, columns, delete, get, list, operand, opt, set,
    show,
};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, DOMAIN, Noun, kind};

/// Identity providers.
pub static IDENTITY_PROVIDER: Noun = kind(
    ("identity provider", "identity-provider"),
    Service::Identity,
    ("/OS-FEDERATION/identity_providers", "/OS-FEDERATION/identity_providers"),
    ("identity_providers", Some("identity_provider")),
    ByName::No,
);

use crate::cli::output::Column;

const LIST: &[Column] =
    columns! { "Id": "/id", "Enabled": "/enabled", "Remote ids": "/remote_ids", "Domain": "/domain_id" };
const PROTOCOLS: &[Column] = columns! { "Id": "/id", "Mapping": "/mapping_id" };
const PROTOCOL: &[&str] = &["/OS-FEDERATION/identity_providers/{PROVIDER}/protocols/{PROTOCOL}"];
const PROVIDER: Arg = operand("PROVIDER", Kind::Ref(&IDENTITY_PROVIDER), "The provider");
const HOW: Arg = operand("PROTOCOL", Kind::Text, "How: openid, …");
const MAPPED: Arg = opt("mapping", Kind::Text, "What makes users of this cloud of them").field("mapping_id").needed();
const ON: Arg = opt("enable", Kind::Flag("true"), "Let its users log in").field("enabled");
const OFF: Arg = opt("disable", Kind::Flag("false"), "Let them not log in").field("enabled");

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &IDENTITY_PROVIDER,
    about: "Identity providers whose users may log in",
    list: LIST,
    show: columns! {
        "Id": "/id", "Enabled": "/enabled", "Remote ids": "/remote_ids", "Domain": "/domain_id",
        "Authorization lasts": "/authorization_ttl", "Description": "/description",
    },
    verbs: &[
        list(&[]),
        show(),
        call(
            "create",
            "Create one",
            &[
                operand("ID", Kind::Text, "What it shall be called"),
                opt("remote-id", Kind::Texts, "What it calls itself; may be given more than once").field("remote_ids"),
                DESCRIPTION,
                opt("domain", Kind::Ref(&DOMAIN), "The domain of its users [default: a new one]").field("domain_id"),
                ON,
                OFF,
            ],
            Call {
                method: "PUT",
                paths: &["/OS-FEDERATION/identity_providers/{ID}"],
                body: Body::Under("identity_provider"),
                answer: Answer::One("identity_provider", LIST),
            },
        ),
        set(
            "PATCH",
            &[
                opt("remote-id", Kind::Texts, "What it calls itself from now on").field("remote_ids"),
                DESCRIPTION,
                ON,
                OFF,
            ],
        ),
        delete(),
        call(
            "protocols",
            "List how one logs in at it",
            &[PROVIDER],
            get(&["/OS-FEDERATION/identity_providers/{PROVIDER}/protocols"], Answer::Many("protocols", PROTOCOLS)),
        ),
        call("add-protocol", "Let users log in at it", &[PROVIDER, HOW, MAPPED], protocol("PUT")),
        call("set-protocol", "Change how they log in", &[PROVIDER, HOW, MAPPED], protocol("PATCH")),
        call("remove-protocol", "Let users not log in so any more", &[PROVIDER, HOW], bare("DELETE", PROTOCOL)),
    ],
};

/// A change of a protocol.
const fn protocol(method: &'static str) -> Call {
    Call { method, paths: PROTOCOL, body: Body::Under("protocol"), answer: Answer::One("protocol", PROTOCOLS) }
}
