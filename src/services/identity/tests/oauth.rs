//! What users lend by OAuth 1.0a, and clients of OAuth 2.0.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_kit::testing::{Answer, call};
use serde_json::{Value, json};

use super::{Cloud, Member, id, message, names};
use crate::domain::oauth1::sign;

const AT: i64 = 1_795_354_234;

/// A consumer or a token, and its secret.
#[derive(Clone)]
struct Pair(String, String);

/// A signed request; `path` may have a query.
struct Signed<'a> {
    path: &'a str,
    consumer: &'a Pair,
    token: Option<&'a Pair>,
    more: Vec<(&'a str, &'a str)>,
    nonce: &'a str,
    at: i64,
    algorithm: &'a str,
}

impl<'a> Signed<'a> {
    fn new(path: &'a str, consumer: &'a Pair, token: Option<&'a Pair>, nonce: &'a str) -> Self {
        Self { path, consumer, token, more: Vec::new(), nonce, at: AT, algorithm: "HMAC-SHA1" }
    }

    fn header(&self) -> String {
        let at = self.at.to_string();
        let mut parameters = vec![
            ("oauth_consumer_key", self.consumer.0.as_str()),
            ("oauth_nonce", self.nonce),
            ("oauth_timestamp", &at),
            ("oauth_version", "1.0"),
        ];
        parameters.extend(self.token.map(|token| ("oauth_token", token.0.as_str())));
        parameters.extend(&self.more);
        let (path, query) = self.path.split_once('?').unwrap_or((self.path, ""));
        let url = format!("http://cloud.test/identity/v3{path}");
        let secret = self.token.map_or("", |token| token.1.as_str());
        sign(&parameters, (&self.consumer.1, secret), self.algorithm, &url, query)
    }

    async fn send(&self, cloud: &Cloud, headers: &[(&str, &str)], body: &Value) -> Answer {
        let header = self.header();
        let headers: Vec<_> = headers.iter().copied().chain([("authorization", header.as_str())]).collect();
        call(&cloud.app, "", "POST", &format!("/identity/v3{}", self.path), &headers, body).await.unwrap()
    }
}

fn pair(answer: &Answer) -> Pair {
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/x-www-form-urlencoded");
    let form = http_kit::Query::parse(&answer.text());
    assert!(form.has("oauth_expires_at"));
    Pair(form.get("oauth_token").unwrap().to_owned(), form.get("oauth_token_secret").unwrap().to_owned())
}

async fn consumer(cloud: &Cloud) -> Pair {
    let made = cloud.admin(201, "POST", "/OS-OAUTH1/consumers", json!({"consumer": {"description": "d"}})).await;
    Pair(id(&made["consumer"]), made["consumer"]["secret"].as_str().unwrap().to_owned())
}

async fn request_token(cloud: &Cloud, consumer: &Pair, project: &str, nonce: &str) -> Pair {
    let headers = [("requested-project-id", project)];
    pair(&Signed::new("/OS-OAUTH1/request_token", consumer, None, nonce).send(cloud, &headers, &Value::Null).await)
}

async fn agree(cloud: &Cloud, token: &Pair, by: &str, roles: Value) -> Answer {
    cloud.call(by, "PUT", &format!("/OS-OAUTH1/authorize/{}", token.0), json!({ "roles": roles })).await
}

async fn access_token(cloud: &Cloud, consumer: &Pair, token: &Pair, verifier: &str, nonce: &str) -> Answer {
    let mut request = Signed::new("/OS-OAUTH1/access_token", consumer, Some(token), nonce);
    request.more.push(("oauth_verifier", verifier));
    request.send(cloud, &[], &Value::Null).await
}

/// An administrator of a project, and what it has lent of that to a consumer.
struct Lent {
    admin: Member,
    token: String,
    consumer: Pair,
    access: Pair,
}

async fn lend(cloud: &Cloud, role: &str) -> Lent {
    let admin = cloud.member("boss", "admin").await;
    let token = cloud.token("boss", Some(admin.scope.clone())).await;
    let consumer = consumer(cloud).await;
    let request = request_token(cloud, &consumer, &admin.project, "a1").await;
    let agreed = agree(cloud, &request, &token, json!([{ "name": role }])).await;
    assert_eq!(agreed.status, 200, "{}", agreed.text());
    let verifier = agreed.json()["token"]["oauth_verifier"].as_str().unwrap().to_owned();
    let access = pair(&access_token(cloud, &consumer, &request, &verifier, "a2").await);
    Lent { admin, token, consumer, access }
}

fn login() -> Value {
    json!({"auth": {"identity": {"methods": ["oauth1"], "oauth1": {}}}})
}

#[tokio::test]
async fn a_consumer_tells_its_secret_once() {
    let cloud = Cloud::start().await;
    let body = json!({"consumer": {"description": "d", "color": "red"}});
    let mut made = cloud.admin(201, "POST", "/OS-OAUTH1/consumers", body).await["consumer"].clone();
    let id = id(&made);
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    assert_eq!(secret.as_str().unwrap().len(), 32);
    let path = format!("/OS-OAUTH1/consumers/{id}");
    let links = json!({"self": format!("http://cloud.test/identity/v3{path}")});
    let expected = json!({"id": id, "description": "d", "color": "red", "links": links});
    assert_eq!(made, expected);
    assert_eq!(cloud.admin(200, "GET", &path, Value::Null).await["consumer"], expected);
    assert_eq!(cloud.admin(200, "GET", "/OS-OAUTH1/consumers", Value::Null).await["consumers"], json!([expected]));
    let changed = cloud.admin(200, "PATCH", &path, json!({"consumer": {"description": null}})).await;
    assert_eq!((&changed["consumer"]["description"], &changed["consumer"]["color"]), (&Value::Null, &json!("red")));
    cloud.admin(400, "PATCH", &path, json!({"consumer": {"secret": "x"}})).await;
    cloud.admin(400, "PATCH", &path, json!({"consumer": {"id": "x"}})).await;
    cloud.admin(400, "PATCH", &path, json!({"consumer": {}})).await;
    cloud.admin(201, "POST", "/OS-OAUTH1/consumers", json!({})).await;
    cloud.admin(204, "DELETE", &path, Value::Null).await;
    let gone = cloud.call(&cloud.admin, "GET", &path, Value::Null).await;
    assert_eq!((gone.status, message(&gone).as_str()), (404, "Consumer not found"));
}

#[tokio::test]
async fn a_user_lends_a_role_to_a_consumer() {
    let cloud = Cloud::start().await;
    let Lent { admin, token, consumer, access } = lend(&cloud, "member").await;
    let mut request = Signed::new("/auth/tokens", &consumer, Some(&access), "b1");
    request.algorithm = "HMAC-SHA256";
    let answer = request.send(&cloud, &[], &login()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let said = answer.json()["token"].clone();
    assert_eq!((&said["methods"], &said["user"]["id"]), (&json!(["oauth1"]), &json!(admin.user)));
    assert_eq!((names(&said["roles"]), &said["project"]["id"]), (vec!["member".to_owned()], &json!(admin.project)));
    assert_eq!(said["OS-OAUTH1"], json!({"access_token_id": access.0, "consumer_id": consumer.0}));
    let lent = answer.header("x-subject-token").to_owned();
    assert!(cloud.validate(&lent).await.is_ok());
    let path = format!("/users/{}/OS-OAUTH1/access_tokens", admin.user);
    let one = format!("{path}/{}", access.0);
    let own = format!("http://cloud.test/identity/v3{one}");
    let expected = json!({
        "id": access.0, "consumer_id": consumer.0, "project_id": admin.project, "authorizing_user_id": admin.user,
        "expires_at": "2026-11-23T13:30:34.500000Z", "links": {"self": own, "roles": format!("{own}/roles")},
    });
    let listed = cloud.call(&token, "GET", &path, Value::Null).await.json();
    assert_eq!(listed["access_tokens"], json!([expected]));
    assert_eq!(cloud.call(&token, "GET", &one, Value::Null).await.json()["access_token"], expected);
    let roles = cloud.admin(200, "GET", &format!("{one}/roles"), Value::Null).await;
    assert_eq!(names(&roles["roles"]), ["member"]);
    let role = cloud.role("member").await;
    cloud.admin(200, "GET", &format!("{one}/roles/{role}"), Value::Null).await;
    cloud.admin(404, "GET", &format!("{one}/roles/nope"), Value::Null).await;
    cloud.admin(404, "GET", &one.replace(&admin.user, "nobody"), Value::Null).await;
    cloud.admin(204, "DELETE", &one, Value::Null).await;
    assert!(cloud.validate(&lent).await.is_err(), "what was taken back is gone at once");
    let again = Signed::new("/auth/tokens", &consumer, Some(&access), "b2").send(&cloud, &[], &login()).await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn what_is_lent_is_no_more_than_is_held_and_ends_with_it() {
    for what in ["consumer", "role", "user", "time"] {
        let cloud = Cloud::start().await;
        let Lent { admin, consumer, access, .. } = lend(&cloud, "admin").await;
        let answer = Signed::new("/auth/tokens", &consumer, Some(&access), "b1").send(&cloud, &[], &login()).await;
        let lent = answer.header("x-subject-token").to_owned();
        let exchange = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": lent}}}});
        assert_eq!(cloud.call("", "POST", "/auth/tokens", exchange).await.status, 403, "not lent on");
        match what {
            "consumer" => {
                cloud.admin(204, "DELETE", &format!("/OS-OAUTH1/consumers/{}", consumer.0), Value::Null).await;
            }
            "role" => {
                cloud.admin(204, "DELETE", &admin.grant, Value::Null).await;
            }
            "user" => {
                cloud.admin(204, "DELETE", &format!("/users/{}", admin.user), Value::Null).await;
            }
            _ => cloud.advance(86_400),
        }
        assert!(cloud.validate(&lent).await.is_err(), "{what}");
        let mut request = Signed::new("/auth/tokens", &consumer, Some(&access), "b2");
        request.at += if what == "time" { 86_400 } else { 0 };
        assert!(request.send(&cloud, &[], &login()).await.status >= 400, "{what}");
    }
}

#[tokio::test]
async fn a_wrong_signature_gets_nothing() {
    let cloud = Cloud::start().await;
    let Lent { admin, token, consumer, access } = lend(&cloud, "member").await;
    let project = [("requested-project-id", admin.project.as_str())];
    let forged = Pair(consumer.0.clone(), "0".repeat(32));
    let path = "/OS-OAUTH1/request_token";
    assert_eq!(Signed::new(path, &forged, None, "c1").send(&cloud, &project, &Value::Null).await.status, 401);
    let mut late = Signed::new(path, &consumer, None, "c2");
    late.at -= 700;
    assert_eq!(late.send(&cloud, &project, &Value::Null).await.status, 401);
    let once = Signed::new(path, &consumer, None, "c3");
    assert_eq!(once.send(&cloud, &project, &Value::Null).await.status, 201);
    assert_eq!(once.send(&cloud, &project, &Value::Null).await.status, 401, "a request is good once");
    assert_eq!(Signed::new(path, &consumer, None, "c4").send(&cloud, &[], &Value::Null).await.status, 400);
    let nowhere = [("requested-project-id", "nope")];
    assert_eq!(Signed::new(path, &consumer, None, "c5").send(&cloud, &nowhere, &Value::Null).await.status, 404);
    assert_eq!(cloud.call("", "POST", path, Value::Null).await.status, 400);
    let stolen = Pair(access.0.clone(), "0".repeat(32));
    let login = Signed::new("/auth/tokens", &consumer, Some(&stolen), "c6").send(&cloud, &[], &login()).await;
    assert_eq!(login.status, 401);
    // Whoever agreed to nothing, or tells another verifier, gets nothing either.
    let request = request_token(&cloud, &consumer, &admin.project, "d1").await;
    assert_eq!(access_token(&cloud, &consumer, &request, "AAAAAAAA", "d2").await.status, 401);
    assert_eq!(agree(&cloud, &request, &token, json!([{"name": "service"}])).await.status, 401, "not held");
    assert_eq!(agree(&cloud, &request, &token, json!([{"name": "nope"}])).await.status, 404);
    assert_eq!(agree(&cloud, &request, &token, json!([{"name": "a", "id": "b"}])).await.status, 400);
    let agreed = agree(&cloud, &request, &token, json!([{"name": "member"}])).await.json();
    let verifier = agreed["token"]["oauth_verifier"].as_str().unwrap();
    assert_eq!(access_token(&cloud, &consumer, &request, "AAAAAAAA", "d3").await.status, 401);
    let other = self::consumer(&cloud).await;
    assert_eq!(access_token(&cloud, &other, &request, verifier, "d4").await.status, 401);
    assert_eq!(access_token(&cloud, &consumer, &request, verifier, "d5").await.status, 201);
    assert_eq!(access_token(&cloud, &consumer, &request, verifier, "d6").await.status, 404, "used");
    let late = request_token(&cloud, &consumer, &admin.project, "d7").await;
    cloud.advance(28_801);
    let fresh = cloud.token("boss", Some(admin.scope)).await;
    assert_eq!(agree(&cloud, &late, &fresh, json!([{"name": "member"}])).await.status, 401);
}

#[tokio::test]
async fn no_secret_is_in_the_database() {
    let cloud = Cloud::start().await;
    let Lent { consumer, access, .. } = lend(&cloud, "member").await;
    let bytes: Vec<u8> = std::fs::read_dir(cloud.store.directory())
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.unwrap().path()).ok())
        .flatten()
        .collect();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&consumer.0), "the test looks at the right files");
    assert!(!holds(&consumer.1) && !holds(&access.1));
}

/// A form with basic authentication of `client`, where there is one.
async fn oauth2(cloud: &Cloud, client: Option<(&str, &str)>, form: &str) -> Answer {
    use http_body_util::{BodyExt as _, Full};
    let mut request = hyper::Request::post("/identity/v3/OS-OAUTH2/token")
        .header("host", "cloud.test")
        .header("content-type", "application/x-www-form-urlencoded");
    if let Some((id, secret)) = client {
        request = request.header("authorization", format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))));
    }
    let request = request.body(Full::new(Bytes::from(form.to_owned()))).unwrap();
    let (head, body) = cloud.app.answer(request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

#[tokio::test]
async fn an_application_credential_is_a_client_of_oauth2() {
    let cloud = Cloud::start().await;
    let member = cloud.member("alice", "member").await;
    let token = cloud.token("alice", Some(member.scope)).await;
    let body = json!({"application_credential": {"name": "app"}});
    let path = format!("/users/{}/application_credentials", member.user);
    let made = cloud.call(&token, "POST", &path, body).await.json()["application_credential"].clone();
    let (client, secret) = (id(&made), made["secret"].as_str().unwrap().to_owned());
    let grant = "grant_type=client_credentials";
    let answer = oauth2(&cloud, Some((&client, &secret)), grant).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.text());
    let said = answer.json();
    assert_eq!(said["token_type"], "Bearer");
    assert!((3_595..=3_600).contains(&said["expires_in"].as_i64().unwrap()), "{said}");
    let identity = cloud.validate(said["access_token"].as_str().unwrap()).await.unwrap();
    assert_eq!(identity.project().unwrap().id.as_str(), member.project);
    let form = format!("{grant}&client_id={client}&client_secret={secret}");
    assert_eq!(oauth2(&cloud, None, &form).await.status, 200);
    for (client, form, status, error) in [
        (Some((client.as_str(), "wrong")), grant, 401, "invalid_client"),
        (None, grant, 401, "invalid_client"),
        (Some((client.as_str(), "")), grant, 401, "invalid_client"),
        (Some(("nope", "x")), grant, 404, "other_error"),
        (Some((client.as_str(), secret.as_str())), "", 400, "invalid_request"),
        (Some((client.as_str(), secret.as_str())), "grant_type=password", 400, "unsupported_grant_type"),
    ] {
        let answer = oauth2(&cloud, client, form).await;
        assert_eq!((answer.status, &answer.json()["error"]), (status, &json!(error)), "{form}: {}", answer.text());
        assert_eq!(answer.header("www-authenticate").is_empty(), status != 401);
    }
    let refused = cloud.call("", "GET", "/OS-OAUTH2/token", Value::Null).await;
    assert_eq!((refused.status, &refused.json()["error"]), (405, &json!("other_error")));
}
