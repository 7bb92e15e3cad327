//! What is refused at start, the sweep, and the generated documentation.

use std::sync::Arc;

use http_kit::testing::{KnownTokens, open_without_token};
use http_kit::{App, BuildError, Endpoint, Limits, Overrides, Reply, Request, Rule, Service, compatibility, dialect};
use kit::{Fault, SystemClock};

use crate::common::{ALL, Toy, app_with};

async fn answer(_: Arc<()>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::no_content())
}

fn build(tables: &'static [&'static [Endpoint<()>]]) -> Result<App, BuildError> {
    let service = Service::new(&dialect::NOVA, Arc::new(()), tables).authenticator(Arc::new(KnownTokens::usual()));
    App::new(Limits::default(), Arc::new(SystemClock)).mount(service).build()
}

#[test]
fn contradictions_stop_the_start() {
    static UNKNOWN: &[&[Endpoint<()>]] = &[&[Endpoint::get("/a", "no:such:rule", &answer)]];
    assert!(matches!(build(UNKNOWN), Err(BuildError::UnknownRule { rule: "no:such:rule", .. })));
    static TWICE: &[&[Endpoint<()>]] =
        &[&[Endpoint::get("/a/{x}", "", &answer)], &[Endpoint::get("/a/{y}", "", &answer).since(2, 5)]];
    assert!(matches!(build(TWICE), Err(BuildError::Ambiguous { .. })));
    static DISJOINT: &[&[Endpoint<()>]] =
        &[&[Endpoint::get("/a", "", &answer).until(2, 4), Endpoint::get("/a", "", &answer).since(2, 5)]];
    assert!(build(DISJOINT).is_ok());
    static SCHEMA: &[&[Endpoint<()>]] = &[&[Endpoint::post("/a", "", &answer).schema("{\"type\": 1}")]];
    assert!(matches!(build(SCHEMA), Err(BuildError::Schema { .. })));
    let nobody = Service::new(&dialect::NOVA, Arc::new(()), DISJOINT);
    let app = App::new(Limits::default(), Arc::new(SystemClock)).mount(nobody).build();
    assert!(matches!(app, Err(BuildError::NoAuthenticator { service: "nova" })));
}

#[test]
fn an_override_of_no_rule_stops_the_start() {
    static RULES: &[Rule] = &[Rule::new("a", "@", "")];
    let build = |file: &str| {
        let service = Service::<()>::new(&dialect::NOVA, Arc::new(()), &[]).rules(RULES);
        App::new(Limits::default(), Arc::new(SystemClock))
            .policy(Overrides::parse(file).unwrap())
            .mount(service)
            .build()
    };
    assert!(build("a: '!'").is_ok());
    assert!(matches!(build("b: '!'"), Err(BuildError::Overrides(_))));
    assert!(matches!(build("a: rule:b"), Err(BuildError::Policy { .. })));
}

#[tokio::test]
async fn no_row_answers_without_a_token() {
    let app = app_with(&ALL, Limits::default(), &Arc::new(Toy::default()));
    assert_eq!(app.rows().count(), 6 * 16 + 3);
    assert_eq!(open_without_token(&app).await, Vec::<String>::new());
}

#[test]
fn the_tables_document_themselves() {
    let app = app_with(&[&dialect::NOVA], Limits::default(), &Arc::new(Toy::default()));
    insta::assert_snapshot!(compatibility::markdown(&app));
}
