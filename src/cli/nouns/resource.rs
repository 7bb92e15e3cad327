//! What a resource's description is made of. The rest of this module turns it into a command line, a request and an answer.

use serde_json::Value;

use crate::cli::output::Column;
use crate::cli::resolve::Noun;

/// Columns that show fields: `"Title": "/pointer"`, with `wide` behind those that only `-o wide` lists.
macro_rules! columns {
    ($($title:literal: $pointer:literal $($wide:ident)?),* $(,)?) => {
        &[$(columns!(@one $title, $pointer $(, $wide)?)),*]
    };
    (@one $title:literal, $pointer:literal) => {
        $crate::cli::output::column($title, |thing| $crate::cli::output::text(thing, $pointer))
    };
    (@one $title:literal, $pointer:literal, wide) => {
        $crate::cli::output::wide($title, |thing| $crate::cli::output::text(thing, $pointer))
    };
}
pub(super) use columns;

/// A kind of thing: its verbs, and what is shown of it.
#[derive(Debug)]
pub struct Resource {
    /// What it is called and where it is found.
    pub noun: &'static Noun,
    /// A line of help.
    pub about: &'static str,
    /// What a list shows.
    pub list: &'static [Column],
    /// What one shows.
    pub show: &'static [Column],
    /// What can be done.
    pub verbs: &'static [Verb],
}

/// Something that can be done.
#[derive(Debug)]
pub struct Verb {
    /// What it is called.
    pub name: &'static str,
    /// A line of help.
    pub about: &'static str,
    /// What can be said with it.
    pub args: &'static [Arg],
    /// What it does.
    pub does: Does,
}

/// What a verb does.
#[derive(Debug, Clone, Copy)]
pub enum Does {
    /// `GET` of the list; what was said is the query.
    List,
    /// `GET` of one.
    Show,
    /// `POST`; what was said is the body.
    Create,
    /// `PATCH` or `PUT` of one; what was said is the body.
    Change(&'static str),
    /// `DELETE` of several.
    Delete,
    /// Another request.
    Call(Call),
}

/// A request that is none of the usual ones.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Its method.
    pub method: &'static str,
    /// Its path, with what was said in braces: `/groups/{GROUP}/users/{USER}`. Of several the first counts of which all and nothing else was said,
    /// but for what belongs into the body.
    pub paths: &'static [&'static str],
    /// Its body.
    pub body: Body,
    /// Its answer.
    pub answer: Answer,
}

/// The body of a [`Call`].
#[derive(Debug, Clone, Copy)]
pub enum Body {
    /// None.
    None,
    /// This JSON.
    Fixed(&'static str),
    /// What was said.
    Said,
    /// What was said, below this key.
    Under(&'static str),
    /// What was said for this field alone.
    Field(&'static str),
    /// A list below this key, of which what was said is the only one.
    Several(&'static str),
}

/// The answer of a [`Call`].
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// Nothing is shown.
    Nothing,
    /// One thing below this key.
    One(&'static str, &'static [Column]),
    /// The only thing of the list below this key.
    Only(&'static str, &'static [Column]),
    /// A list below this key.
    Many(&'static str, &'static [Column]),
    /// An object below this key whose fields are shown, each in a row with `name` and `value`.
    Fields(&'static str),
}

/// Something that can be said with a verb.
#[derive(Debug, Clone, Copy)]
pub struct Arg {
    /// Its name: of an option as it is typed, of an operand in capitals.
    pub name: &'static str,
    /// Where it goes in the body (`links/parent`) or the query; the name, where this is empty.
    pub field: &'static str,
    /// What it is.
    pub kind: Kind,
    /// A line of help.
    pub help: &'static str,
    /// It must be said.
    pub required: bool,
    /// It is an operand.
    pub positional: bool,
    /// Nobody needs to say it: a flag that always is.
    pub always: bool,
}

/// What can be said.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A text.
    Text,
    /// Texts, one at a time.
    Texts,
    /// A secret: `-` reads it from standard input.
    Secret,
    /// A whole number.
    Number,
    /// Nothing but that it was said, which is this JSON.
    Flag(&'static str),
    /// One of these.
    Choice(&'static [&'static str]),
    /// `KEY=VALUE`, one at a time: an object.
    Pairs,
    /// The id of what is called so.
    Ref(&'static Noun),
    /// The ids of what are called so, one at a time.
    Refs(&'static Noun),
    /// The same as objects: `{"id": …}`.
    RefObjects(&'static Noun),
    /// What this makes of a text that looks like this.
    Parsed(&'static str, fn(&str) -> Result<Value, String>),
    /// What this makes of several.
    ParsedMany(&'static str, fn(&str) -> Result<Value, String>),
}

/// An option.
pub const fn opt(name: &'static str, kind: Kind, help: &'static str) -> Arg {
    Arg { name, field: "", kind, help, required: false, positional: false, always: false }
}

/// An operand, which must be given.
pub const fn operand(name: &'static str, kind: Kind, help: &'static str) -> Arg {
    Arg { name, field: "", kind, help, required: true, positional: true, always: false }
}

impl Arg {
    /// It goes there.
    pub const fn field(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// It must be said.
    pub const fn needed(self) -> Self {
        Self { required: true, ..self }
    }

    /// It is said whether or not somebody does.
    pub const fn hidden(self) -> Self {
        Self { always: true, ..self }
    }

    /// Where it goes.
    pub fn target(&self) -> String {
        if self.field.is_empty() { self.name.to_lowercase().replace('-', "_") } else { self.field.to_owned() }
    }
}

/// The JSON in the file at `path`.
///
/// # Errors
/// When it cannot be read, or is no JSON.
pub fn json_file(path: &str) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{path} is not JSON: {error}"))
}

/// The name of what is made.
pub const NAME: Arg = operand("NAME", Kind::Text, "What it shall be called").field("name");
/// A new name.
pub const RENAME: Arg = opt("name", Kind::Text, "Its new name");
/// What it is for.
pub const DESCRIPTION: Arg = opt("description", Kind::Text, "What it is for");

/// `list`.
pub const fn list(args: &'static [Arg]) -> Verb {
    Verb { name: "list", about: "List them", args, does: Does::List }
}

/// `show`.
pub const fn show() -> Verb {
    Verb { name: "show", about: "Show one", args: &[], does: Does::Show }
}

/// `create`.
pub const fn create(args: &'static [Arg]) -> Verb {
    Verb { name: "create", about: "Create one", args, does: Does::Create }
}

/// `set`, which is a `method` of the service.
pub const fn set(method: &'static str, args: &'static [Arg]) -> Verb {
    Verb { name: "set", about: "Change one", args, does: Does::Change(method) }
}

/// `delete`.
pub const fn delete() -> Verb {
    Verb { name: "delete", about: "Delete some", args: &[], does: Does::Delete }
}

/// Another verb.
pub const fn call(name: &'static str, about: &'static str, args: &'static [Arg], call: Call) -> Verb {
    Verb { name, about, args, does: Does::Call(call) }
}

/// A request without a body and without an answer.
pub const fn bare(method: &'static str, paths: &'static [&'static str]) -> Call {
    Call { method, paths, body: Body::None, answer: Answer::Nothing }
}

/// A request without a body whose answer is shown.
pub const fn get(paths: &'static [&'static str], answer: Answer) -> Call {
    Call { method: "GET", paths, body: Body::None, answer }
}
