//! What each service says to the same requests.

use std::fmt::Write as _;
use std::sync::Arc;

use http_kit::testing::{Answer, call};
use http_kit::{App, Limits};
use serde_json::{Value, json};

use crate::common::{ALL, Toy, app_with};

fn app() -> App {
    app_with(&ALL, Limits::default(), &Arc::new(Toy::default()))
}

async fn get(app: &App, token: &str, path: &str) -> Answer {
    call(app, token, "GET", path, &[], &Value::Null).await.unwrap()
}

/// One line per service: status, telling headers and body, with the request id replaced.
async fn everywhere(token: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> String {
    let app = app();
    let mut text = String::new();
    for dialect in ALL {
        let answer = call(&app, token, method, &format!("{}{path}", dialect.prefix()), headers, body).await.unwrap();
        let id = answer.header("x-openstack-request-id");
        let body = if id.is_empty() { answer.text() } else { answer.text().replace(id, "REQ") };
        let ids = [id, answer.header("x-compute-request-id")].iter().filter(|id| id.starts_with("req-")).count();
        let _ = write!(text, "{}: {} ids={ids}", dialect.name, answer.status);
        for name in ["www-authenticate", "allow", "retry-after", "openstack-api-version"] {
            if answer.headers.contains_key(name) {
                let _ = write!(text, " {name}={}", answer.header(name));
            }
        }
        let _ = writeln!(text, " {}\n  {}", answer.header("content-type"), body.replace('\n', "\\n"));
    }
    text
}

#[tokio::test]
async fn without_a_token() {
    insta::assert_snapshot!(everywhere("", "GET", "/toys", &[], &Value::Null).await);
}

#[tokio::test]
async fn an_unknown_path_without_a_token() {
    insta::assert_snapshot!(everywhere("", "GET", "/nope", &[], &Value::Null).await);
}

#[tokio::test]
async fn an_unknown_path() {
    insta::assert_snapshot!(everywhere("member", "GET", "/nope", &[], &Value::Null).await);
}

#[tokio::test]
async fn a_wrong_method() {
    insta::assert_snapshot!(everywhere("member", "DELETE", "/toys", &[], &Value::Null).await);
}

#[tokio::test]
async fn a_missing_thing() {
    insta::assert_snapshot!(everywhere("member", "GET", "/toys/missing", &[], &Value::Null).await);
}

#[tokio::test]
async fn something_forbidden() {
    insta::assert_snapshot!(everywhere("member", "GET", "/admin", &[], &Value::Null).await);
}

#[tokio::test]
async fn a_quota() {
    insta::assert_snapshot!(everywhere("member", "GET", "/quota", &[], &Value::Null).await);
}

#[tokio::test]
async fn a_schema() {
    insta::assert_snapshot!(everywhere("member", "POST", "/checked", &[], &json!({ "toy": { "name": "" } })).await);
}

#[tokio::test]
async fn a_microversion_that_is_not_on_offer() {
    let headers = [("OpenStack-API-Version", "compute 2.999, volume 3.999, placement 1.999")];
    insta::assert_snapshot!(everywhere("member", "GET", "/toys", &headers, &Value::Null).await);
}

#[tokio::test]
async fn a_microversion_that_is_none() {
    let headers = [("OpenStack-API-Version", "compute bogus, volume bogus, placement bogus")];
    insta::assert_snapshot!(everywhere("member", "GET", "/toys", &headers, &Value::Null).await);
}

#[tokio::test]
async fn something_that_works() {
    let headers = [("OpenStack-API-Version", "compute latest, volume latest, placement latest")];
    insta::assert_snapshot!(everywhere("member", "GET", "/toys", &headers, &Value::Null).await);
}

#[tokio::test]
async fn pages_are_linked() {
    insta::assert_snapshot!(everywhere("member", "GET", "/pages?limit=2&name=a%20b", &[], &Value::Null).await);
}

#[tokio::test]
async fn the_last_page_and_the_one_before_it() {
    let app = app();
    let links = async |path: &str| get(&app, "member", path).await.json()["links"].clone();
    assert_eq!(links("/compute/v2.1/pages?limit=2&marker=4").await, Value::Null);
    assert_eq!(links("/compute/v2.1/pages").await, Value::Null);
    assert_eq!(links("/network/v2.0/pages").await, Value::Null);
    let next = "http://cloud.test/network/v2.0/pages?limit=2&marker=3";
    let before = get(&app, "member", "/network/v2.0/pages?limit=2&marker=4&page_reverse=True").await.json();
    assert_eq!((&before["ids"], &before["links"][0]["href"]), (&json!([2, 3]), &json!(next)));
    assert_eq!(links("/image/v2/pages?limit=2&marker=4").await, json!(["/v2/pages?limit=2", null]));
}

#[tokio::test]
async fn what_is_not_json_or_nests_too_deeply() {
    let app = app();
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    let answer = call(&app, "member", "POST", "/compute/v2.1/toys", &[], &deep).await.unwrap();
    assert_eq!((answer.status, answer.json()["badRequest"]["message"].as_str()), (400, Some("Malformed request body")));
    let fine = (0..60).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(call(&app, "member", "POST", "/compute/v2.1/toys", &[], &fine).await.unwrap().status, 201);
    let headers = [("content-type", "text/xml")];
    assert_eq!(call(&app, "member", "POST", "/compute/v2.1/toys", &headers, &fine).await.unwrap().status, 415);
}

#[tokio::test]
async fn validation_speaks_as_nova_does() {
    let app = app();
    for (body, expected) in [
        (Value::Null, "None is not of type 'object'"),
        (
            json!({ "toy": { "bogus": 1 } }),
            "Invalid input for field/attribute toy. Value: {'bogus': 1}. 'name' is a required property",
        ),
        (
            json!({ "toy": { "name": "a", "x": 1 } }),
            "Invalid input for field/attribute toy. Value: {'name': 'a', 'x': 1}. Additional properties are not allowed ('x' was unexpected)",
        ),
        (
            json!({ "toy": { "name": "123456789" } }),
            "Invalid input for field/attribute name. Value: 123456789. '123456789' is too long",
        ),
        (
            json!({ "toy": { "name": "a", "size": 0 } }),
            "Invalid input for field/attribute size. Value: 0. 0 is less than the minimum of 1",
        ),
        (
            json!({ "toy": { "name": null } }),
            "Invalid input for field/attribute name. Value: None. None is not of type 'string'",
        ),
    ] {
        let answer = call(&app, "member", "POST", "/compute/v2.1/checked", &[], &body).await.unwrap();
        assert_eq!(answer.json()["badRequest"]["message"], expected, "{body}");
    }
}

#[tokio::test]
async fn actions_are_chosen_by_the_bodys_key() {
    let app = app();
    let act =
        async |body: Value| call(&app, "member", "POST", "/compute/v2.1/toys/1/action", &[], &body).await.unwrap();
    let answer = act(json!({ "wind": { "turns": 3 } })).await;
    assert_eq!((answer.status, answer.json()), (202, json!({ "turns": 3 })));
    assert_eq!(act(json!({ "bogus": null })).await.json()["badRequest"]["message"], "There is no such action: bogus");
    for malformed in [json!({}), json!([]), Value::Null, json!({ "a": 1, "b": 2 })] {
        assert_eq!(act(malformed).await.json()["badRequest"]["message"], "Malformed request body");
    }
}

#[tokio::test]
async fn the_microversion_chooses_the_row() {
    let app = app();
    let at = async |path: &str, version: &str| {
        let headers = [("X-OpenStack-Nova-API-Version", version)];
        call(&app, "member", "GET", &format!("/compute/v2.1{path}"), &headers, &Value::Null).await.unwrap()
    };
    assert_eq!(at("/changed", "2.9").await.json()["version"], "2.9");
    assert_eq!(at("/changed", "2.10").await.json(), json!({ "new": true }));
    assert_eq!(at("/old", "2.35").await.status, 200);
    let gone = at("/old", "2.36").await;
    assert_eq!(
        (gone.status, gone.text()),
        (404, r#"{"itemNotFound": {"code": 404, "message": "The resource could not be found."}}"#.to_owned())
    );
    assert_eq!(gone.header("x-openstack-nova-api-version"), "2.36");
    let vary: Vec<_> = gone.headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["OpenStack-API-Version", "X-OpenStack-Nova-API-Version"]);
}

#[tokio::test]
async fn a_project_in_the_path_must_be_the_callers() {
    let own = "0123456789abcdef0123456789abcdef";
    let tokens = http_kit::testing::KnownTokens::default()
        .with("t", http_kit::testing::identity(own, "u", &["admin", "member", "reader"]));
    static TABLES: &[&[http_kit::Endpoint<Toy>]] = &[crate::common::ENDPOINTS];
    let service = http_kit::Service::new(&http_kit::dialect::CINDER, Arc::new(Toy::default()), TABLES)
        .rules(crate::common::RULES)
        .authenticator(Arc::new(tokens));
    let app = App::new(Limits::default(), Arc::new(kit::SystemClock)).mount(service).build().unwrap();
    assert_eq!(get(&app, "t", &format!("/volume/v3/{own}/toys")).await.status, 200);
    assert_eq!(get(&app, "t", "/volume/v3/toys").await.json()["base"], "http://cloud.test/volume/v3");
    let foreign = get(&app, "t", "/volume/v3/11111111111111111111111111111111/toys").await;
    assert_eq!(
        (foreign.status, foreign.json()["badRequest"]["message"].as_str()),
        (400, Some("Malformed request url"))
    );
    assert_eq!(get(&app, "", &format!("/volume/v3/{own}")).await.status, 401);
    assert_eq!(get(&app, "t", &format!("/volume/v3/{own}")).await.status, 404);
}

#[tokio::test]
async fn slashes_at_the_end_count_but_in_neutron_and_keystone() {
    let app = app();
    assert_eq!(get(&app, "member", "/network/v2.0/toys/").await.status, 200);
    assert_eq!(get(&app, "reader", "/identity/v3/open/").await.status, 200);
    assert_eq!(get(&app, "member", "/compute/v2.1/toys/").await.status, 404);
    assert_eq!(get(&app, "member", "/image/v2/toys/").await.status, 404);
}

#[tokio::test]
async fn a_deferred_row_whose_handler_forgets_its_rule_is_a_500() {
    let app = app();
    assert_eq!(get(&app, "admin", "/compute/v2.1/forgetful").await.status, 500);
    assert_eq!(get(&app, "member", "/compute/v2.1/toys/1").await.status, 200);
    assert_eq!(get(&app, "reader", "/identity/v3/open").await.status, 200);
    assert_eq!(get(&app, "", "/compute/v2.1/open").await.status, 200);
}

#[tokio::test]
async fn the_tokens_validation_is_in_a_traced_rows_trace() {
    assert_eq!(get(&app(), "member", "/compute/v2.1/traced").await.json(), json!({ "spans": ["ValidateToken"] }));
}
