//! Doing what a description says.

use clap::ArgMatches;
use hyper::Method;
use serde_json::{Value, json};

use super::line::WHICH;
use super::resource::{Answer, Body, Call, Does, Resource, Verb};
use super::said::Said;
use crate::cli::output::{Column, column, text};
use crate::cli::problem::{Problem, Result};
use crate::cli::session::Session;

const FIELDS: &[Column] =
    &[column("Name", |field| text(field, "/name")), column("Value", |field| text(field, "/value"))];

/// Does `verb` of `resource`, as `matches` says.
///
/// # Errors
/// What keeps it from being done.
pub(super) async fn run(
    resource: &'static Resource,
    verb: &'static Verb,
    matches: &ArgMatches,
    session: &Session,
) -> Result<()> {
    let (noun, client) = (resource.noun, &session.client);
    if let Does::Delete = verb.does {
        let names: Vec<String> = matches.get_many::<String>(WHICH).into_iter().flatten().cloned().collect();
        let delete = async |name: &str| noun.delete(client, &noun.find_exactly(client, name).await?).await;
        return session.each(&names, delete).await;
    }
    let which = matches.try_get_one::<String>(WHICH).ok().flatten();
    let said = Said::read(verb.args, matches, session).await?;
    match verb.does {
        Does::List => {
            let path = format!("{}{}", noun.list, said.query());
            session.out.list(&client.list(noun.service, &path, noun.many).await?, resource.list)
        }
        Does::Show => session.out.show(&noun.find(client, which.map_or("", String::as_str)).await?, resource.show),
        Does::Create => {
            let made = client.post(noun.service, noun.path, &wrapped(noun.one, said.body())).await?;
            session.out.show(&noun.unwrap(made), resource.show)
        }
        Does::Change(method) => {
            if said.is_empty() {
                return Err(Problem::usage("there is nothing to change")
                    .hint(format!("`cloudbox {} {} --help` says what can be", noun.command, verb.name)));
            }
            let id = noun.find_id(client, which.map_or("", String::as_str)).await?;
            let body = wrapped(noun.one, said.body());
            let changed = client.send(as_method(method), noun.service, &noun.path_of(&id), Some(&body)).await?;
            session.out.show(&noun.unwrap(changed), resource.show)
        }
        Does::Call(call) => other(resource, &call, said, session).await,
        Does::Delete => Ok(()),
    }
}

async fn other(resource: &Resource, call: &Call, mut said: Said, session: &Session) -> Result<()> {
    let Some(mut path) = said.path(call.paths) else {
        return Err(Problem::usage("this does not say on what").hint("--help says what goes together"));
    };
    let body = match call.body {
        Body::None => None,
        Body::Fixed(text) => Some(serde_json::from_str(text).unwrap_or_default()),
        Body::Said => Some(said.body()),
        Body::Under(key) => Some(wrapped(Some(key), said.body())),
        Body::Field(field) => said.body().get(field).cloned(),
        Body::Several(key) => Some(json!({ key: [said.body()] })),
    };
    let method = as_method(call.method);
    if method == Method::GET {
        path.push_str(&said.query());
    } else if body.is_none() && !said.is_empty() {
        return Err(Problem::usage(format!("{} does not go with the rest", said.names().join(", ")))
            .hint("--help says what goes together"));
    }
    let service = resource.noun.service;
    if let Answer::Many(key, columns) = call.answer {
        return session.out.list(&session.client.list(service, &path, key).await?, columns);
    }
    let answer = session.client.send(method, service, &path, body.as_ref()).await?;
    let below = |key: &str| answer.get(key).cloned().unwrap_or_else(|| answer.clone());
    match call.answer {
        Answer::Nothing | Answer::Many(..) => Ok(()),
        Answer::One(key, columns) => session.out.show(&below(key), columns),
        Answer::Only(key, columns) => session.out.show(below(key).get(0).unwrap_or(&answer), columns),
        Answer::Fields(key) => fields(&below(key), session),
    }
}

/// The fields of an object, each in a row.
fn fields(object: &Value, session: &Session) -> Result<()> {
    if session.out.is_data() {
        return session.out.show(object, &[]);
    }
    let rows = object.as_object().into_iter().flatten().map(|(name, value)| json!({ "name": name, "value": value }));
    session.out.list(&rows.collect::<Vec<_>>(), FIELDS)
}

fn wrapped(key: Option<&str>, body: Value) -> Value {
    match key {
        Some(key) => json!({ key: body }),
        None => body,
    }
}

fn as_method(name: &'static str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap_or_default()
}
