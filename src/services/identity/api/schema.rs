//! What Keystone's JSON schemas have in common, as text that they are put together of.

/// A boolean; Keystone takes some words for one.
macro_rules! boolean {
    () => {
        r#"{"type": ["boolean", "string", "null"], "enum": [true, "True", "TRUE", "true", false, "False", "FALSE",
            "false", "", "1", "0", "y", "Y", "n", "N", "on", "ON", "off", "OFF", "yes", "no"]}"#
    };
}

/// The name of a domain or project.
macro_rules! short_name {
    () => {
        r#"{"type": "string", "minLength": 1, "maxLength": 64, "pattern": "[\\S]+"}"#
    };
}

/// The name of a user or role.
macro_rules! long_name {
    () => {
        r#"{"type": "string", "minLength": 1, "maxLength": 255, "pattern": "[\\S]+"}"#
    };
}

/// A description.
macro_rules! text_or_null {
    () => {
        r#"{"type": ["string", "null"]}"#
    };
}

/// An id that may be null.
macro_rules! id_or_null {
    () => {
        r#"{"type": ["string", "null"], "minLength": 1, "maxLength": 64, "pattern": "^[a-zA-Z0-9-]+$"}"#
    };
}

/// An id that must be there.
macro_rules! plain_id {
    () => {
        r#"{"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-zA-Z0-9-]+$"}"#
    };
}

/// Options of a project, domain or role.
macro_rules! immutable_option {
    () => {
        r#"{"type": "object", "properties": {"immutable": {"type": ["boolean", "null"]}},
            "additionalProperties": false}"#
    };
}

/// How much a limit allows; -1 is without end.
macro_rules! amount {
    () => {
        r#"{"type": "integer", "minimum": -1, "maximum": 2147483647}"#
    };
}

/// One tag.
macro_rules! tag {
    () => {
        r#"{"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^,/]*$"}"#
    };
}

/// All tags.
macro_rules! tags {
    () => {
        concat!(r#"{"type": "array", "maxItems": 80, "uniqueItems": true, "items": "#, $crate::api::schema::tag!(), "}")
    };
}

/// What domains and projects have in common, for domains are projects.
macro_rules! project_properties {
    () => {
        concat!(
            r#""description": "#,
            $crate::api::schema::text_or_null!(),
            r#", "enabled": "#,
            $crate::api::schema::boolean!(),
            r#", "name": "#,
            $crate::api::schema::short_name!(),
            r#", "options": "#,
            $crate::api::schema::immutable_option!(),
            r#", "tags": "#,
            $crate::api::schema::tags!()
        )
    };
}

pub(crate) use {
    amount, boolean, id_or_null, immutable_option, long_name, plain_id, project_properties, short_name, tag, tags,
    text_or_null,
};
