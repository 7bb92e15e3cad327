//! What is put on record, and what the policy says to a probe.

use std::sync::{Arc, Mutex};

use http_kit::audit::{Auditor, Event};
use http_kit::endpoint::BoxFuture;
use http_kit::testing::{KnownTokens, Probe, call};
use http_kit::{App, Endpoint, Limits, Reply, Request, Service, Target, dialect};
use kit::{Fault, SystemClock};
use serde_json::{Value, json};

use crate::common::{ENDPOINTS, RULES, Toy};

#[derive(Default)]
struct Book(Mutex<Vec<Event>>);

impl Auditor for Book {
    fn record(&self, event: Event) -> BoxFuture<'_, ()> {
        self.0.lock().unwrap().push(event);
        Box::pin(std::future::ready(()))
    }
}

async fn log_in(_: Arc<Toy>, request: Request) -> Result<Reply, Fault> {
    if request.query().has("right") {
        request.trail().initiator(&http_kit::testing::identity("project", "u1", &[]));
        return Ok(Reply::created(json!({ "token": { "id": "not this" } })));
    }
    request.trail().claimed(None, Some("mallory\n"));
    Err(Fault::unauthorized("no"))
}

async fn make(_: Arc<Toy>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::json(json!({ "toy": { "id": "t1", "name": "bear", "secret": "hunter2" } })))
}

static MORE: &[Endpoint<Toy>] = &[
    Endpoint::get("/login", "", &log_in).unauthenticated().authenticates(),
    Endpoint::post("/boxes/{box_id}/toys", "toys:create", &make).success(201),
    Endpoint::delete("/boxes/{box_id}", "toys:admin", &make),
];

fn app() -> (App, Arc<Book>) {
    static TABLES: &[&[Endpoint<Toy>]] = &[ENDPOINTS, MORE];
    let book = Arc::new(Book::default());
    let toys = Service::new(&dialect::NOVA, Arc::new(Toy::default()), TABLES);
    let app = App::new(Limits::default(), Arc::new(SystemClock))
        .auditor(book.clone())
        .mount(toys.rules(RULES).authenticator(Arc::new(KnownTokens::usual())))
        .build()
        .unwrap();
    (app, book)
}

#[tokio::test]
async fn what_changes_something_is_recorded_whatever_comes_of_it() {
    let (app, book) = app();
    for (token, method, path, body) in [
        ("member", "POST", "/boxes/b1/toys?key=hunter2", json!({ "password": "hunter2" })),
        ("member", "DELETE", "/boxes/b1", Value::Null),
        ("", "DELETE", "/boxes/b1", Value::Null),
        ("member", "POST", "/toys/x/action", json!({ "wind": "hunter2" })),
        ("member", "POST", "/toys/x/action", json!({ "hunter2": 1 })),
        ("member", "POST", "/checked", json!({ "toy": { "hunter2": 1 } })),
        ("member", "GET", "/toys", Value::Null),
        ("member", "POST", "/nowhere", Value::Null),
        ("", "GET", "/login?right=1", Value::Null),
        ("", "GET", "/login", Value::Null),
    ] {
        let headers = [("user-agent", "toy/1")];
        call(&app, token, method, &format!("/compute/v2.1{path}"), &headers, &body).await.unwrap();
    }
    let book = book.0.lock().unwrap();
    let line = |event: &Event| {
        let party = |party: &http_kit::audit::Party| {
            format!("{}/{}", party.id.as_deref().unwrap_or("-"), party.name.as_deref().unwrap_or("-"))
        };
        format!(
            "{} {} {} by {} of {} on {} {}",
            event.action,
            event.status,
            event.path,
            party(&event.initiator),
            party(&event.project),
            event.target_type,
            party(&event.target)
        )
    };
    insta::assert_snapshot!(book.iter().map(line).collect::<Vec<_>>().join("\n"), @"
    create 201 /compute/v2.1/boxes/b1/toys by member-user/member-user of project/project on service/compute/boxes/toys t1/bear
    delete 403 /compute/v2.1/boxes/b1 by member-user/member-user of project/project on service/compute/boxes b1/-
    delete 401 /compute/v2.1/boxes/b1 by -/- of -/- on service/compute/boxes b1/-
    update/wind 202 /compute/v2.1/toys/x/action by member-user/member-user of project/project on service/compute/toys x/-
    update 400 /compute/v2.1/toys/x/action by member-user/member-user of project/project on service/compute/toys x/-
    create 400 /compute/v2.1/checked by member-user/member-user of project/project on service/compute/checked -/-
    authenticate 201 /compute/v2.1/login by u1/u1 of project/project on service/compute/login -/-
    authenticate 401 /compute/v2.1/login by -/mallory of -/- on service/compute/login -/-
    ");
    assert!(book.iter().all(|event| event.agent.as_deref() == Some("toy/1")));
    assert!(!format!("{:?}", *book).contains("hunter2"));
}

#[tokio::test]
async fn a_probe_is_told_the_decision_and_nothing_is_done() {
    let (app, book) = app();
    let ask = async |token: &str, target: Target| {
        let request = hyper::Request::builder().method("POST").uri("/compute/v2.1/boxes/b1/toys");
        let request = request.header("x-auth-token", token).extension(Probe(target));
        let request = request.body(http_body_util::Full::new(http_kit::Bytes::new())).unwrap();
        app.answer(request).await.status().as_u16()
    };
    assert_eq!(ask("member", Target::project("project")).await, 200);
    assert_eq!(ask("member", Target::project("other")).await, 403);
    assert_eq!(ask("reader", Target::project("project")).await, 403);
    assert_eq!(ask("nobody", Target::project("project")).await, 401);
    assert!(book.0.lock().unwrap().iter().all(|event| event.target.name.is_none()), "no toy was made");
}
