//! People who come by an identity provider: with its token, or with a browser.

use http_kit::testing::{Answer, call};
use serde_json::{Value, json};

use super::{Cloud, id, message};
use crate::oidc::testing::{CLIENT, TestProvider, now};

const DASHBOARD: &str = "https://dashboard.test/auth/websso/";
const AUTH: &str = "/OS-FEDERATION/identity_providers/acme/protocols/openid/auth";
const WEBSSO: &str = "/auth/OS-FEDERATION/identity_providers/acme/protocols/openid/websso";

fn rules() -> Value {
    json!([{
        "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-email"}],
        "local": [{"user": {"id": "{0}", "name": "{0}", "email": "{1}"}}],
    }])
}

/// A cloud and a provider that it knows, with `rules` between them.
async fn cloud(rules: Value, version: &str) -> (Cloud, TestProvider) {
    let provider = TestProvider::start().await;
    provider.say(json!({"sub": "bob", "email": "bob@example.com"}));
    let cloud = Cloud::start_with(|config| {
        config.oidc = [("acme".to_owned(), provider.config())].into();
        config.trusted_dashboards = vec![DASHBOARD.replace("dashboard", "Dashboard")];
    })
    .await;
    let mapping = json!({"mapping": {"rules": rules, "schema_version": version}});
    cloud.admin(201, "PUT", "/OS-FEDERATION/mappings/map", mapping).await;
    let body = json!({"identity_provider": {"enabled": true, "remote_ids": [provider.url]}});
    cloud.admin(201, "PUT", "/OS-FEDERATION/identity_providers/acme", body).await;
    let path = "/OS-FEDERATION/identity_providers/acme/protocols/openid";
    cloud.admin(201, "PUT", path, json!({"protocol": {"mapping_id": "map"}})).await;
    (cloud, provider)
}

async fn change_mapping(cloud: &Cloud, rules: Value, version: &str) {
    let mapping = json!({"mapping": {"rules": rules, "schema_version": version}});
    cloud.admin(200, "PATCH", "/OS-FEDERATION/mappings/map", mapping).await;
}

async fn with_bearer(cloud: &Cloud, method: &str, path: &str, token: &str) -> Answer {
    let header = format!("Bearer {token}");
    let headers = [("authorization", header.as_str())];
    call(&cloud.app, "", method, &format!("/identity/v3{path}"), &headers, &Value::Null).await.unwrap()
}

/// The answer to the provider's token of its user.
async fn come(cloud: &Cloud, provider: &TestProvider) -> Answer {
    with_bearer(cloud, "POST", AUTH, &provider.token(now())).await
}

/// The token that comes of it, and what it says.
async fn login(cloud: &Cloud, provider: &TestProvider) -> (String, Value) {
    let answer = come(cloud, provider).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    (answer.header("x-subject-token").to_owned(), answer.json()["token"].clone())
}

async fn domain_of_acme(cloud: &Cloud) -> String {
    let acme = cloud.admin(200, "GET", "/OS-FEDERATION/identity_providers/acme", Value::Null).await;
    acme["identity_provider"]["domain_id"].as_str().unwrap().to_owned()
}

async fn rescope(cloud: &Cloud, method: &str, token: &str, scope: Value) -> Answer {
    let auth = json!({"auth": {"identity": {"methods": [method], method: {"id": token}}, "scope": scope}});
    cloud.call("", "POST", "/auth/tokens", auth).await
}

#[tokio::test]
async fn a_bearer_becomes_a_user_of_the_providers_domain() {
    let (cloud, provider) = cloud(rules(), "1.0").await;
    let (token, said) = login(&cloud, &provider).await;
    let domain = domain_of_acme(&cloud).await;
    let user = said["user"].clone();
    assert_eq!(said["methods"], json!(["openid"]));
    let federation = json!({"groups": [], "identity_provider": {"id": "acme"}, "protocol": {"id": "openid"}});
    let expected =
        json!({"id": user["id"], "name": "bob", "domain": {"id": domain, "name": domain}, "OS-FEDERATION": federation});
    assert_eq!(user, expected);
    assert!(said.get("roles").is_none() && said.get("project").is_none());
    let shown = cloud.admin(200, "GET", &format!("/users/{}", id(&user)), Value::Null).await;
    assert_eq!((&shown["user"]["email"], &shown["user"]["name"]), (&json!("bob@example.com"), &json!("bob")));
    let there = json!([{"idp_id": "acme", "protocols": [{"protocol_id": "openid", "unique_id": "bob"}]}]);
    assert_eq!(shown["user"]["federated"], there);
    for (query, count) in [("idp_id=acme", 1), ("protocol_id=openid&unique_id=bob", 1), ("unique_id=x&idp_id=acme", 0)]
    {
        let found = cloud.admin(200, "GET", &format!("/users?{query}"), Value::Null).await;
        assert_eq!(found["users"].as_array().unwrap().len(), count, "{query}");
    }
    // The same again, by the other verb and by the method, and nothing more.
    let again = with_bearer(&cloud, "GET", AUTH, &provider.token(now())).await;
    assert_eq!(again.json()["token"]["user"]["id"], user["id"]);
    let auth = json!({"auth": {"identity": {"methods": ["openid"],
        "openid": {"identity_provider": "acme", "protocol": "openid"}}}});
    let header = format!("Bearer {}", provider.token(now()));
    let headers = [("authorization", header.as_str())];
    let by_method = call(&cloud.app, "", "POST", "/identity/v3/auth/tokens", &headers, &auth).await.unwrap();
    assert_eq!((by_method.status, &by_method.json()["token"]["user"]["id"]), (201, &user["id"]));
    assert!(cloud.validate(&token).await.is_ok());
    let users = cloud.admin(200, "GET", &format!("/users?domain_id={domain}"), Value::Null).await;
    assert_eq!(users["users"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_is_not_vouched_for_is_refused() {
    let (cloud, provider) = cloud(rules(), "1.0").await;
    let issuer = provider.issuer();
    let mut claims = provider.claims(now());
    claims["aud"] = json!("other");
    for token in [issuer.sign(&claims), "nonsense".to_owned(), cloud.admin.clone()] {
        let answer = with_bearer(&cloud, "POST", AUTH, &token).await;
        assert_eq!(
            (answer.status, message(&answer).as_str()),
            (401, "The request you have made requires authentication.")
        );
    }
    assert_eq!(cloud.call("", "POST", AUTH, Value::Null).await.status, 401);
    let nowhere = AUTH.replace("acme", "nowhere");
    assert_eq!(with_bearer(&cloud, "POST", &nowhere, &provider.token(now())).await.status, 401);
    provider.say(json!({"sub": "bob"}));
    assert_eq!(come(&cloud, &provider).await.status, 401, "no rule applies");
    provider.say(json!({"sub": "bob", "email": "b"}));
    let path = "/OS-FEDERATION/identity_providers/acme";
    cloud.admin(200, "PATCH", path, json!({"identity_provider": {"remote_ids": ["https://other"]}})).await;
    assert_eq!(come(&cloud, &provider).await.status, 403);
    provider.go_away(true);
    let body = json!({"identity_provider": {"remote_ids": []}});
    cloud.admin(200, "PATCH", path, body).await;
    assert_eq!(come(&cloud, &provider).await.status, 201, "its keys are known");
}

#[tokio::test]
async fn a_token_is_exchanged_for_one_with_a_scope() {
    let (cloud, provider) = cloud(rules(), "1.0").await;
    let (token, said) = login(&cloud, &provider).await;
    let (project, role) = (cloud.project("web").await, cloud.role("member").await);
    let scope = json!({"project": {"id": project}});
    assert_eq!(rescope(&cloud, "token", &token, scope.clone()).await.status, 401);
    let grant = format!("/projects/{project}/users/{}/roles/{role}", id(&said["user"]));
    cloud.admin(204, "PUT", &grant, Value::Null).await;
    let scoped = rescope(&cloud, "token", &token, scope.clone()).await;
    let body = scoped.json()["token"].clone();
    assert_eq!((scoped.status, &body["methods"]), (201, &json!(["openid", "token"])), "{}", scoped.text());
    assert_eq!(body["user"]["OS-FEDERATION"]["identity_provider"]["id"], "acme");
    assert_eq!(body["project"]["id"], json!(project));
    assert_eq!(body["expires_at"], said["expires_at"]);
    for method in ["mapped", "openid"] {
        assert_eq!(rescope(&cloud, method, &token, scope.clone()).await.status, 201, "{method}");
        assert_eq!(rescope(&cloud, method, &cloud.admin, scope.clone()).await.status, 401, "{method}");
    }
    let projects = cloud.call(&token, "GET", "/OS-FEDERATION/projects", Value::Null).await.json();
    assert_eq!(projects["projects"][0]["id"], json!(project));
}

#[tokio::test]
async fn whatever_ends_a_provider_ends_its_tokens() {
    for what in ["disable", "protocol", "provider"] {
        let (cloud, provider) = cloud(rules(), "1.0").await;
        let (token, said) = login(&cloud, &provider).await;
        let path = "/OS-FEDERATION/identity_providers/acme";
        match what {
            "disable" => {
                cloud.admin(200, "PATCH", path, json!({"identity_provider": {"enabled": false}})).await;
                let refused = come(&cloud, &provider).await;
                assert_eq!((refused.status, message(&refused).as_str()), (403, "Identity Provider acme is disabled"));
            }
            "protocol" => {
                cloud.admin(204, "DELETE", &format!("{path}/protocols/openid"), Value::Null).await;
                assert_eq!(come(&cloud, &provider).await.status, 404);
            }
            _ => {
                cloud.admin(204, "DELETE", path, Value::Null).await;
                assert_eq!(come(&cloud, &provider).await.status, 404);
            }
        }
        assert!(cloud.validate(&token).await.is_err(), "{what}");
        let left = if what == "disable" { 200 } else { 404 };
        cloud.admin(left, "GET", &format!("/users/{}", id(&said["user"])), Value::Null).await;
    }
}

#[tokio::test]
async fn a_user_keeps_its_id_and_follows_its_name() {
    let mut rules = rules();
    rules[0]["remote"][1] = json!({"type": "OIDC-name"});
    rules[0]["local"] = json!([{"user": {"id": "{0}", "name": "{1}"}}]);
    let (cloud, provider) = cloud(rules, "1.0").await;
    provider.say(json!({"sub": "s-1", "name": "Bob"}));
    let (_, first) = login(&cloud, &provider).await;
    provider.say(json!({"sub": "s-1", "name": "Robert"}));
    let (_, second) = login(&cloud, &provider).await;
    assert_eq!((&first["user"]["name"], &second["user"]["name"]), (&json!("Bob"), &json!("Robert")));
    assert_eq!(first["user"]["id"], second["user"]["id"]);
    provider.say(json!({"sub": "s-2", "name": "Robert"}));
    let (_, other) = login(&cloud, &provider).await;
    assert_ne!(other["user"]["id"], second["user"]["id"]);
    assert_eq!(other["user"]["name"], "Robert (s-2)", "one name, one user");
}

#[tokio::test]
async fn a_mapping_makes_projects_and_takes_roles_away() {
    let project = |name: &str, role: &str| json!({"name": name, "roles": [{"name": role}]});
    let with = |projects: Value| {
        let mut rules = rules();
        rules[0]["local"] = json!([{"user": {"name": "{0}"}, "projects": projects}]);
        rules
    };
    let (cloud, provider) = cloud(with(json!([project("of {0}", "member"), project("shared", "reader")])), "2.0").await;
    let (token, _) = login(&cloud, &provider).await;
    let names = |projects: &Value| super::names(&projects["projects"]);
    let projects = cloud.call(&token, "GET", "/auth/projects", Value::Null).await.json();
    assert_eq!(names(&projects), ["of bob", "shared"]);
    assert_eq!(projects["projects"][0]["domain_id"], json!(domain_of_acme(&cloud).await));
    let scope = json!({"project": {"name": "of bob", "domain": {"id": domain_of_acme(&cloud).await}}});
    let scoped = rescope(&cloud, "token", &token, scope).await.json();
    assert_eq!(super::names(&scoped["token"]["roles"]), ["member", "reader"]);
    change_mapping(&cloud, with(json!([project("shared", "member")])), "2.0").await;
    login(&cloud, &provider).await;
    let projects = cloud.call(&token, "GET", "/auth/projects", Value::Null).await.json();
    assert_eq!(names(&projects), ["of bob", "shared"], "what was given stays");
    change_mapping(&cloud, with(json!([project("shared", "member")])), "3.0").await;
    login(&cloud, &provider).await;
    let projects = cloud.call(&token, "GET", "/auth/projects", Value::Null).await.json();
    assert_eq!(names(&projects), ["shared"]);
    change_mapping(&cloud, with(json!([project("shared", "nope"), project("new", "member")])), "2.0").await;
    let refused = come(&cloud, &provider).await;
    assert_eq!((refused.status, message(&refused).as_str()), (404, "Could not find role: nope."));
    let all = cloud.admin(200, "GET", "/projects?name=new", Value::Null).await;
    assert_eq!(all["projects"], json!([]), "a login that fails makes nothing");
}

#[tokio::test]
async fn groups_are_those_of_the_last_login() {
    let rules = json!([{
        "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-groups", "whitelist": ["devs", "ops", "gone"]}],
        "local": [{"user": {"name": "{0}"}}, {"groups": "{1}", "domain": {"id": "default"}}],
    }]);
    let (cloud, provider) = cloud(rules, "1.0").await;
    let (project, role) = (cloud.project("web").await, cloud.role("member").await);
    let mut groups = Vec::new();
    for name in ["devs", "ops"] {
        groups.push(id(&cloud.admin(201, "POST", "/groups", json!({"group": {"name": name}})).await["group"]));
    }
    let grant = format!("/projects/{project}/groups/{}/roles/{role}", groups[0]);
    cloud.admin(204, "PUT", &grant, Value::Null).await;
    let scope = json!({"project": {"id": project}});
    provider.say(json!({"sub": "bob", "groups": ["devs", "gone", "other"]}));
    let (token, said) = login(&cloud, &provider).await;
    assert_eq!(said["user"]["OS-FEDERATION"]["groups"], json!([{"id": groups[0]}]));
    let scoped = rescope(&cloud, "token", &token, scope.clone()).await;
    assert_eq!((scoped.status, names(&scoped)), (201, vec!["member".to_owned(), "reader".to_owned()]));
    let scoped = scoped.header("x-subject-token").to_owned();
    assert!(cloud.validate(&scoped).await.is_ok());
    let projects = cloud.call(&token, "GET", "/auth/projects", Value::Null).await.json();
    assert_eq!(projects["projects"][0]["id"], json!(project));
    // At the next login the provider names other groups: tokens of the former one lose what came with them.
    provider.say(json!({"sub": "bob", "groups": ["ops"]}));
    let (again, said) = login(&cloud, &provider).await;
    assert_eq!(said["user"]["OS-FEDERATION"]["groups"], json!([{"id": groups[1]}]));
    assert!(cloud.validate(&scoped).await.is_err());
    assert_eq!(rescope(&cloud, "token", &again, scope.clone()).await.status, 401);
    cloud.admin(204, "DELETE", &format!("/groups/{}", groups[1]), Value::Null).await;
    assert_eq!(cloud.validate(&again).await.unwrap().basis.groups(), Vec::<String>::new());
    // For a while after it, where the provider is set so, they count for what else the user logs in with.
    provider.say(json!({"sub": "bob", "groups": ["devs"]}));
    let path = "/OS-FEDERATION/identity_providers/acme";
    let user = id(&login(&cloud, &provider).await.1["user"]);
    cloud.admin(200, "PATCH", &format!("/users/{user}"), json!({"user": {"password": "secret"}})).await;
    let by_password = || async {
        let user = json!({"id": user, "password": "secret"});
        let identity = json!({"methods": ["password"], "password": {"user": user}});
        cloud.call("", "POST", "/auth/tokens", json!({"auth": {"identity": identity, "scope": scope}})).await
    };
    assert_eq!(by_password().await.status, 401);
    cloud.admin(200, "PATCH", path, json!({"identity_provider": {"authorization_ttl": 5}})).await;
    let answer = by_password().await;
    assert_eq!(answer.status, 201);
    // It can be told of, and handed on, as long.
    let token = answer.header("x-subject-token").to_owned();
    let listed = || async { cloud.call(&token, "GET", "/auth/projects", Value::Null).await.json()["projects"].clone() };
    assert_eq!(listed().await[0]["id"], json!(project));
    let carol = cloud.user("carol").await;
    let role = answer.json()["token"]["roles"][0]["id"].clone();
    let trust = json!({"trust": {
        "trustor_user_id": user, "trustee_user_id": carol, "project_id": project,
        "impersonation": true, "roles": [{"id": role}],
    }});
    let made = cloud.call(&token, "POST", "/OS-TRUST/trusts", trust).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let trusted = || async {
        let identity = json!({"methods": ["password"], "password": {"user": {"id": carol, "password": "carol"}}});
        let scope = json!({"OS-TRUST:trust": {"id": made.json()["trust"]["id"]}});
        cloud.call("", "POST", "/auth/tokens", json!({"auth": {"identity": identity, "scope": scope}})).await.status
    };
    assert_eq!(trusted().await, 201);
    cloud.advance(301);
    assert_eq!(by_password().await.status, 401);
    assert_eq!(listed().await, json!([]));
    assert_eq!(trusted().await, 403);
}

fn names(answer: &Answer) -> Vec<String> {
    super::names(&answer.json()["token"]["roles"])
}

#[tokio::test]
async fn a_mapping_can_name_somebody_who_is_here() {
    let local = |user: Value| json!([{"remote": [{"type": "OIDC-sub"}], "local": [{"user": user}]}]);
    let named = json!({"name": "{0}", "type": "local", "domain": {"id": "default"}});
    let (cloud, provider) = cloud(local(named), "1.0").await;
    assert_eq!(come(&cloud, &provider).await.status, 401, "nobody is made");
    let bob = cloud.user("bob").await;
    let (_, said) = login(&cloud, &provider).await;
    assert_eq!((&said["user"]["id"], said["user"].get("OS-FEDERATION")), (&json!(bob), None));
    assert_eq!(said["methods"], json!(["openid"]));
    change_mapping(
        &cloud,
        local(json!({"id": bob, "type": "local", "domain": {"id": domain_of_acme(&cloud).await}})),
        "1.0",
    )
    .await;
    assert_eq!(come(&cloud, &provider).await.status, 401, "another domain's");
    change_mapping(&cloud, local(json!({"id": bob, "type": "local"})), "1.0").await;
    assert_eq!(come(&cloud, &provider).await.status, 201);
    cloud.admin(200, "PATCH", &format!("/users/{bob}"), json!({"user": {"enabled": false}})).await;
    assert_eq!(come(&cloud, &provider).await.status, 401);
}

/// Follows a login of a browser: where it is sent, and its cookie.
async fn begin(cloud: &Cloud, path: &str) -> (http_kit::Query, String) {
    let answer = cloud.call("", "GET", &format!("{path}?origin={DASHBOARD}"), Value::Null).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    let (_, query) = answer.header("location").split_once('?').unwrap();
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    (http_kit::Query::parse(query), cookie.split(';').next().unwrap().to_owned())
}

async fn come_back(cloud: &Cloud, query: &str, cookie: &str) -> Answer {
    let path = format!("/identity/v3{WEBSSO}?{query}");
    call(&cloud.app, "", "GET", &path, &[("cookie", cookie)], &Value::Null).await.unwrap()
}

#[tokio::test]
async fn a_browser_logs_in_and_goes_back_to_its_dashboard() {
    let (cloud, provider) = cloud(rules(), "1.0").await;
    provider.say(json!({"sub": "bob"}));
    let (query, cookie) = begin(&cloud, WEBSSO).await;
    assert_eq!(query.get("client_id"), Some(CLIENT));
    assert_eq!(
        (query.get("x"), query.get("response_type"), query.get("scope")),
        (Some("y"), Some("code"), Some("openid profile email"))
    );
    assert_eq!(query.get("redirect_uri"), Some(format!("http://cloud.test/identity/v3{WEBSSO}").as_str()));
    assert_eq!(query.get("code_challenge_method"), Some("S256"));
    let (state, nonce) = (query.get("state").unwrap(), query.get("nonce").unwrap());
    provider.log_in(nonce, query.get("code_challenge").unwrap());
    let back = format!("code=code&state={state}");
    let answer = come_back(&cloud, &back, &format!("other=1; {cookie}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-type").starts_with("text/html") && answer.header("cache-control") == "no-store");
    let page = answer.text();
    assert!(page.contains(&format!("action=\"{DASHBOARD}\" method=\"post\"")), "{page}");
    let token = page.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
    let identity = cloud.validate(token).await.unwrap();
    assert_eq!((identity.user.name.as_str(), identity.methods.as_slice()), ("bob", ["openid".to_owned()].as_slice()));
    let shown = cloud.admin(200, "GET", &format!("/users/{}", identity.user.id), Value::Null).await;
    assert_eq!(shown["user"]["email"], "bob@userinfo", "what the token does not say is asked for");
    // The same answer in another browser, with another state, and with what the provider did not issue for it.
    assert_eq!(come_back(&cloud, &back, "").await.status, 401);
    assert_eq!(come_back(&cloud, "code=code&state=other", &cookie).await.status, 401);
    assert_eq!(come_back(&cloud, &format!("error=access_denied&state={state}"), &cookie).await.status, 401);
    assert_eq!(come_back(&cloud, &format!("code=wrong&state={state}"), &cookie).await.status, 401);
    provider.log_in("another nonce", query.get("code_challenge").unwrap());
    assert_eq!(come_back(&cloud, &back, &cookie).await.status, 401);
    cloud.advance(601);
    assert_eq!(come_back(&cloud, &back, &cookie).await.status, 401);
}

#[tokio::test]
async fn only_a_trusted_dashboard_gets_a_token() {
    let (cloud, _provider) = cloud(rules(), "1.0").await;
    for path in [WEBSSO, "/auth/OS-FEDERATION/websso/openid"] {
        begin(&cloud, path).await;
        let missing = cloud.call("", "GET", path, Value::Null).await;
        assert_eq!((missing.status, message(&missing).as_str()), (400, "Request must have an origin query parameter"));
        for origin in ["https://evil.test/", "https://dashboard.test/", "https://dashboard.test/auth/websso/x"] {
            let refused = cloud.call("", "GET", &format!("{path}?origin={origin}"), Value::Null).await;
            assert_eq!(refused.status, 401, "{origin}");
        }
    }
    let unknown =
        cloud.call("", "GET", &format!("/auth/OS-FEDERATION/websso/other?origin={DASHBOARD}"), Value::Null).await;
    assert_eq!(unknown.status, 401);
}

#[tokio::test]
async fn with_several_providers_the_browser_chooses() {
    let (one, two) = (TestProvider::start().await, TestProvider::start().await);
    let cloud = Cloud::start_with(|config| {
        config.oidc = [("acme".to_owned(), one.config()), ("<other>".to_owned(), two.config())].into();
        config.trusted_dashboards = vec![DASHBOARD.to_owned()];
    })
    .await;
    let answer =
        cloud.call("", "GET", &format!("/auth/OS-FEDERATION/websso/openid?origin={DASHBOARD}"), Value::Null).await;
    let page = answer.text();
    assert_eq!(answer.status, 200);
    assert!(page.contains(&format!("{WEBSSO}?origin=")) && page.contains("&lt;other&gt;</a>"), "{page}");
}
