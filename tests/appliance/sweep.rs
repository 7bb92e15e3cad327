//! Every endpoint of every service: without a token, with too little privilege, with what nobody has.
//!
//! The rows are data ([`http_kit::App::rows`]), so nothing can be forgotten: an endpoint that is added is swept, and
//! without a line in `sweep/expected.txt` it fails.
//!
//! Who is let through is asked in a way that does nothing: a [`Probe`] rides on a request of a real token through the whole
//! of the appliance in this process, up to where the row's rule would be enforced, and is told the decision there, about
//! something of the project `own`. So it does not matter what is there and what a body would have to hold, and each
//! row's rule is asked with the policy in force, scopes included. That handlers which enforce their rule themselves do so,
//! and about the right thing, is what the requests without a probe are for: strangers and readers, with the ids of real
//! things.

mod personas;
mod strangers;
mod table;

use std::collections::BTreeSet;

use http_body_util::Full;
use http_kit::Bytes;
use http_kit::testing::Probe;
use personas::{Cast, PERSONAS};
use table::Expected;

use http_kit::BodyKind;
use http_kit::service::RowInfo;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::world::{World, until};

/// No object has it.
const NOBODY: &str = "7b7f6a52-0000-4000-8000-00000000dead";

/// Asks for a row, with `NOBODY` for each id.
async fn ask(client: &Client, row: &RowInfo) -> Answer {
    ask_at(client, row, &row.example_path(NOBODY)).await
}

/// Asks for a row, at this path.
async fn ask_at(client: &Client, row: &RowInfo, path: &str) -> Answer {
    let body = match row.action {
        Some(action) => json!({ action: Value::Null }),
        None => json!({}),
    };
    let service = if row.prefix.starts_with("/volume") { "volume" } else { "compute" };
    let version = row.since.map(|since| format!("{service} {since}"));
    let client = match version {
        Some(version) => client.speaking(&version),
        None => client.clone(),
    };
    let call = client.call(row.method.clone(), path);
    let with_body = matches!(row.method.as_str(), "POST" | "PUT" | "PATCH");
    let call = match row.body {
        BodyKind::Stream => call.bytes("application/octet-stream", "x"),
        BodyKind::Buffered if row.method == "PATCH" && row.path.starts_with("/images") => {
            call.bytes("application/openstack-images-v2.1-json-patch", "[]")
        }
        BodyKind::Buffered if with_body => call.json(&body),
        BodyKind::Buffered => call,
    };
    call.send().await
}

fn rows(world: &World) -> Vec<RowInfo> {
    let rows: Vec<RowInfo> = world.appliance().api().rows().cloned().collect();
    assert!(rows.len() > 200, "only {} rows", rows.len());
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_changes_is_open_to_readers_or_users_without_a_role_that_counts() {
    let world = World::start().await;
    world.admin.post("/identity/v3/roles", json!({ "role": { "name": "guest" } })).await.expect(201);
    for role in ["guest", "reader"] {
        let client = world.person(role, role).await;
        for row in rows(&world).into_iter().filter(|row| !row.unauthenticated) {
            let changes = matches!(row.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE");
            let answer = ask(&client, &row).await;
            assert!(answer.status < 500, "{role}: {}: {}", row.name(), answer.text());
            if changes {
                let refused = matches!(answer.status, 400 | 403 | 404);
                assert!(refused, "{role}: {}: {} {}", row.name(), answer.status, answer.text());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_the_administrator_nothing_is_refused_and_nothing_breaks() {
    let world = World::start().await;
    let expected = table::read();
    for row in rows(&world).into_iter().filter(|row| !row.unauthenticated) {
        let answer = ask(&world.admin, &row).await;
        // Some things are nobody's to do, and said so in words of their own; some are their owner's alone.
        let admin = PERSONAS.iter().position(|persona| persona.letter == 'A').unwrap();
        let owners = matches!(expected.get(&row.name()), Some(Expected::Rule(_, allowed)) if !allowed[admin]);
        let forbidden = answer.status == 403 && (owners || !answer.text().contains(row.rule));
        let rightly = forbidden || matches!(answer.status, 200..=299 | 300 | 400 | 404 | 405 | 409 | 501);
        assert!(rightly, "{}: {} {}", row.name(), answer.status, answer.text());
        if row.method == "GET" && row.path.contains('{') && answer.status == 404 && row.service != "identity" {
            let body = answer.json();
            assert!(body.is_object(), "{}: {body}", row.name());
        }
    }
}

/// Asks for a row in process, with this token and what rides on the request; the status, and whether a token is asked for.
async fn probe(app: &http_kit::App, row: &RowInfo, token: &str, thing: Option<&http_kit::Target>) -> (u16, bool) {
    let body = row.action.map(|action| json!({ action: Value::Null }).to_string()).unwrap_or_default();
    let mut request = hyper::Request::builder().method(row.method.clone()).uri(row.example_path(NOBODY));
    if !token.is_empty() {
        request = request.header("X-Auth-Token", token);
    }
    if let Some(since) = row.since {
        let service = ["volume", "placement"].into_iter().find(|name| row.prefix.contains(name)).unwrap_or("compute");
        request = request.header("OpenStack-API-Version", format!("{service} {since}"));
    }
    if let Some(thing) = thing {
        request = request.extension(Probe(thing.clone()));
    }
    let response = app.answer(request.body(Full::new(Bytes::from(body))).unwrap()).await;
    (response.status().as_u16(), response.headers().contains_key("WWW-Authenticate"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_persona_may_do_what_openstack_lets_it() {
    let world = World::start_with(|config| config.bus.wire_checked = false).await;
    let cast = Cast::new(&world).await;
    let rows = rows(&world);
    let asking = cast.clients.iter().map(|client| {
        let (app, rows) = (world.appliance().api().clone(), rows.clone());
        let (token, thing) = (client.token.clone().unwrap(), cast.thing());
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for row in &rows {
                answers.push(probe(&app, row, &token, Some(&thing)).await.0);
            }
            answers
        })
    });
    let mut answers = Vec::new();
    for asked in asking.collect::<Vec<_>>() {
        answers.push(asked.await.unwrap());
    }
    let expected = table::read();
    let mut wrong = BTreeSet::new();
    for (index, row) in rows.iter().enumerate() {
        let name = row.name();
        let said: Vec<u16> = answers.iter().map(|of| of[index]).collect();
        for (persona, status) in PERSONAS.iter().zip(&said) {
            assert!(matches!(status, 200 | 403), "{name}: {} was told {status}", persona.name);
        }
        let found = match row.unauthenticated {
            true => Expected::Open,
            false => Expected::Rule(row.rule.to_owned(), said.iter().map(|status| *status == 200).collect()),
        };
        if expected.get(&name) != Some(&found) {
            let line = match &found {
                Expected::Open => format!("open  {name}"),
                Expected::Rule(rule, allowed) => format!("{}  {name}  {rule}", table::letters(allowed)),
            };
            wrong.insert(match expected.get(&name) {
                None => format!("+ {line}"),
                Some(Expected::Rule(rule, allowed)) => {
                    format!("! {line}\n      not {}  {rule}", table::letters(allowed))
                }
                Some(Expected::Open) => format!("! {line}\n      not open"),
            });
        }
    }
    let known: BTreeSet<String> = rows.iter().map(RowInfo::name).collect();
    wrong.extend(expected.keys().filter(|name| !known.contains(*name)).map(|name| format!("- {name}")));
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{} lines of sweep/expected.txt do not hold:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_a_forged_one_and_one_that_has_expired_open_nothing() {
    let mut world = World::start_with(|config| config.identity.token_ttl_secs = 1).await;
    let expired = world.admin.token.clone().unwrap();
    world.restart_with(|config| config.identity.token_ttl_secs = 3600).await;
    until("the token to expire", || async {
        match world.admin.get("/identity/v3/auth/projects").await.status {
            401 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
    let app = world.appliance().api();
    for row in rows(&world).into_iter().filter(|row| !row.unauthenticated) {
        for token in ["", "gAAAAABforged", &expired] {
            assert_eq!(probe(app, &row, token, None).await, (401, true), "{}: {token:?}", row.name());
        }
    }
}
