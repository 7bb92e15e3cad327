//! `cloudbox service-provider`: service providers: other clouds that users of this one may log in to.

use super::resource::{
    Answer, Arg, Body, Call, DESCRIPTION, Kind, Resource, call, columns, delete, list, operand, opt, set, show,
};
use crate::cli::catalog::Service;
use crate::cli::resolve::{ByName, Noun, kind};

/// Service providers.
pub static SERVICE_PROVIDER: Noun = kind(
    ("service provider", "service-provider"),
    Service::Identity,
    ("/OS-FEDERATION/service_providers", "/OS-FEDERATION/service_providers"),
    ("service_providers", Some("service_provider")),
    ByName::No,
);

use crate::cli::output::Column;

const LIST: &[Column] = columns! { "Id": "/id", "Enabled": "/enabled", "Auth URL": "/auth_url", "SP URL": "/sp_url" };
const SHOW: &[Column] = columns! {
    "Id": "/id", "Enabled": "/enabled", "Auth URL": "/auth_url", "SP URL": "/sp_url", "Relay state": "/relay_state_prefix",
    "Description": "/description",
};
const AUTH_URL: Arg = opt("auth-url", Kind::Text, "Where one gets a token there").field("auth_url");
const SP_URL: Arg = opt("sp-url", Kind::Text, "Where it takes what this cloud says of a user").field("sp_url");
const RELAY: Arg = opt("relay-state-prefix", Kind::Text, "What its relay state begins with [default: ss:mem:]");
const ON: Arg = opt("enable", Kind::Flag("true"), "Let users log in to it").field("enabled");
const OFF: Arg = opt("disable", Kind::Flag("false"), "Let nobody log in to it").field("enabled");

/// All of it.
pub static RESOURCE: Resource = Resource {
    noun: &SERVICE_PROVIDER,
    about: "Service providers: other clouds that users of this one may log in to",
    list: LIST,
    show: SHOW,
    verbs: &[
        list(&[]),
        show(),
        call(
            "create",
            "Create one",
            &[
                operand("ID", Kind::Text, "What it shall be called"),
                AUTH_URL.needed(),
                SP_URL.needed(),
                RELAY,
                DESCRIPTION,
                ON,
                OFF,
            ],
            Call {
                method: "PUT",
                paths: &["/OS-FEDERATION/service_providers/{ID}"],
                body: Body::Under("service_provider"),
                answer: Answer::One("service_provider", SHOW),
            },
        ),
        set("PATCH", &[AUTH_URL, SP_URL, RELAY, DESCRIPTION, ON, OFF]),
        delete(),
    ],
};
