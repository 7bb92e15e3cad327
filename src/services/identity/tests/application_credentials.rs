//! Application credentials and access rules: what they give, what they must not be used for, what ends them.

use kit::{Basis, FaultKind};
use serde_json::{Value, json};

use super::{Cloud, Member, message, names};

/// A member's own token, and where its application credentials are.
struct Owner {
    member: Member,
    token: String,
    path: String,
}

impl Owner {
    async fn new(cloud: &Cloud, name: &str) -> Self {
        let member = cloud.member(name, "member").await;
        let token = cloud.token(name, Some(member.scope.clone())).await;
        let path = format!("/users/{}/application_credentials", member.user);
        Self { member, token, path }
    }

    async fn make(&self, cloud: &Cloud, body: Value) -> Value {
        let body = json!({ "application_credential": body });
        let answer = cloud.call(&self.token, "POST", &self.path, body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["application_credential"].clone()
    }
}

fn by_id(made: &Value) -> Value {
    json!({"auth": {"identity": {"methods": ["application_credential"], "application_credential": {
        "id": made["id"], "secret": made["secret"]}}}})
}

#[tokio::test]
async fn an_application_logs_in_with_a_part_of_what_its_user_holds() {
    let cloud = Cloud::start().await;
    let owner = Owner::new(&cloud, "alice").await;
    let made = owner.make(&cloud, json!({"name": "ci", "description": "d", "roles": [{"name": "reader"}]})).await;
    let fields: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields.join(" "),
        "description expires_at id links name project_id roles secret system unrestricted user_id"
    );
    assert_eq!((&made["project_id"], &made["unrestricted"]), (&json!(owner.member.project), &json!(false)));
    assert_eq!(made["secret"].as_str().unwrap().len(), 86);
    let link = format!("http://cloud.test/identity/v3/application_credentials/{}", made["id"].as_str().unwrap());
    assert_eq!(made["links"]["self"], json!(link));
    let answer = cloud.call("", "POST", "/auth/tokens", by_id(&made)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let token = &answer.json()["token"];
    assert_eq!(token["methods"], json!(["application_credential"]));
    assert_eq!(names(&token["roles"]), ["reader"]);
    assert_eq!(token["project"]["id"], json!(owner.member.project));
    assert_eq!(token["application_credential"], json!({"id": made["id"], "name": "ci", "restricted": true}));
    let by_name = json!({"auth": {"identity": {"methods": ["application_credential"], "application_credential": {
        "name": "ci", "secret": made["secret"], "user": {"name": "alice", "domain": {"id": "default"}}}}}});
    assert_eq!(cloud.call("", "POST", "/auth/tokens", by_name).await.status, 201);
    let shown = cloud.call(&owner.token, "GET", &format!("{}?name=ci", owner.path), Value::Null).await.json();
    let mut expected = made.clone();
    expected.as_object_mut().unwrap().remove("secret");
    assert_eq!(shown["application_credentials"], json!([expected]), "the secret is shown once");
    let one = format!("{}/{}", owner.path, made["id"].as_str().unwrap());
    let shown = cloud.call(&owner.token, "GET", &one, Value::Null).await.json();
    assert_eq!(shown["application_credential"], expected);
}

#[tokio::test]
async fn without_roles_it_gets_all_of_the_tokens_and_a_chosen_secret_holds() {
    let cloud = Cloud::start().await;
    let owner = Owner::new(&cloud, "alice").await;
    let made = owner.make(&cloud, json!({"name": "ci", "secret": "open sesame", "unrestricted": true})).await;
    assert_eq!(made["secret"], json!("open sesame"));
    for _ in 0..2 {
        let answer = cloud.call("", "POST", "/auth/tokens", by_id(&made)).await;
        assert_eq!(names(&answer.json()["token"]["roles"]), ["member", "reader"]);
        assert_eq!(answer.json()["token"]["application_credential"]["restricted"], json!(false));
    }
    let implied = owner.make(&cloud, json!({"name": "implied", "roles": [{"name": "member"}]})).await;
    assert_eq!(names(&implied["roles"]), ["member", "reader"], "what a role implies comes with it");
}

#[tokio::test]
async fn a_wrong_login_is_refused_as_keystone_refuses_it() {
    let cloud = Cloud::start().await;
    let owner = Owner::new(&cloud, "alice").await;
    let made = owner.make(&cloud, json!({"name": "ci"})).await;
    let mut scoped = by_id(&made);
    scoped["auth"]["scope"] = json!("unscoped");
    let login = |data: Value| json!({"auth": {"identity": {"methods": ["application_credential"], "application_credential": data}}});
    let alice = json!({"name": "alice", "domain": {"id": "default"}});
    for (status, body, expected) in [
        (401, scoped, "Error authenticating with application credential: Application credentials cannot request"),
        (401, login(json!({"id": made["id"], "secret": "wrong"})), "The request you have made requires"),
        (401, login(json!({"id": made["id"]})), "The request you have made requires"),
        (404, login(json!({"id": "nope", "secret": "x"})), "Could not find Application Credential: nope."),
        (401, login(json!({"name": "nope", "secret": "x", "user": alice})), "The request you have made requires"),
        (400, login(json!({"secret": "x"})), "Expecting to find name or ID in application credential."),
        (400, login(json!({"name": "ci", "secret": "x"})), "Expecting to find user in application credential."),
        (400, login(json!({"name": "ci", "user": {"name": "alice"}})), "Expecting to find domain in user."),
    ] {
        let answer = cloud.call("", "POST", "/auth/tokens", body).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(message(&answer).starts_with(expected), "{}", answer.text());
    }
}

#[tokio::test]
async fn nobody_hands_on_what_is_not_there_to_give() {
    let cloud = Cloud::start().await;
    let owner = Owner::new(&cloud, "alice").await;
    owner.make(&cloud, json!({"name": "taken"})).await;
    for (status, body, expected) in [
        (400, json!({"name": "a", "roles": [{"name": "admin"}]}), "Invalid application credential: Cannot create"),
        (400, json!({"name": "a", "roles": [{"id": "nope"}]}), "Invalid application credential: Cannot create"),
        (404, json!({"name": "a", "roles": [{"name": "nope"}]}), "Could not find role: nope."),
        (400, json!({"name": "a", "expires_at": "2020-01-01T00:00:00Z"}), "The 'expires_at' must not be before now."),
        (400, json!({"name": "a", "expires_at": "soon"}), "Timestamp not in expected format."),
        (404, json!({"name": "a", "access_rules": [{"id": "nope"}]}), "Could not find Access Rule: nope."),
        (409, json!({"name": "taken"}), "Conflict occurred attempting to store application_credential"),
        (400, json!({}), "'name' is a required property"),
        (400, json!({"name": "a", "color": "red"}), "Additional properties are not allowed"),
    ] {
        let body = json!({ "application_credential": body });
        let answer = cloud.call(&owner.token, "POST", &owner.path, body).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(message(&answer).contains(expected), "{}", answer.text());
    }
    let body = json!({"application_credential": {"name": "a"}});
    let unscoped = cloud.token("alice", Some(json!("unscoped"))).await;
    assert_eq!(cloud.call(&unscoped, "POST", &owner.path, body.clone()).await.status, 403);
    assert_eq!(cloud.call(&cloud.admin, "POST", &owner.path, body).await.status, 403, "for oneself only");
    assert_eq!(cloud.call(&cloud.admin, "GET", &owner.path, Value::Null).await.status, 200);
}

#[tokio::test]
async fn whose_it_is_counts_not_whose_the_path_says() {
    let cloud = Cloud::start().await;
    let (alice, bob) = (Owner::new(&cloud, "alice").await, Owner::new(&cloud, "bob").await);
    let made = alice.make(&cloud, json!({"name": "ci"})).await;
    let id = made["id"].as_str().unwrap();
    for method in ["GET", "DELETE"] {
        for path in [&alice.path, &bob.path] {
            assert_eq!(cloud.call(&bob.token, method, &format!("{path}/{id}"), Value::Null).await.status, 403);
        }
        assert_eq!(cloud.call(&bob.token, method, &format!("{}/nope", bob.path), Value::Null).await.status, 404);
    }
    assert_eq!(cloud.call(&bob.token, "GET", &alice.path, Value::Null).await.status, 403);
}

#[tokio::test]
async fn a_restricted_one_manages_none_and_its_token_keeps_its_bounds() {
    let cloud = Cloud::start().await;
    let owner = Owner::new(&cloud, "alice").await;
    let body = json!({"application_credential": {"name": "more"}});
    for unrestricted in [false, true] {
        let name = format!("ci-{unrestricted}");
        let made = owner.make(&cloud, json!({"name": name, "unrestricted": unrestricted})).await;
        let token = cloud.call("", "POST", "/auth/tokens", by_id(&made)).await;
        let token = token.header("x-subject-token").to_owned();
        let answer = cloud.call(&token, "POST", &owner.path, body.clone()).await;
        assert_eq!(answer.status, if unrestricted { 201 } else { 403 }, "{}", answer.text());
        assert_eq!(cloud.call(&token, "GET", &owner.path, Value::Null).await.status, 200);
        let exchange = |scope: Option<Value>| {
            let mut auth = json!({"identity": {"methods": ["token"], "token": {"id": token}}});
            if let Some(scope) = scope {
                auth["scope"] = scope;
            }
            json!({ "auth": auth })
        };
        let wider = cloud.call("", "POST", "/auth/tokens", exchange(Some(owner.member.scope.clone()))).await;
        assert_eq!(wider.status, 403, "{}", wider.text());
        let same = cloud.call("", "POST", "/auth/tokens", exchange(None)).await;
        assert_eq!(same.json()["token"]["application_credential"]["id"], made["id"], "{}", same.text());
        assert_eq!(same.json()["token"]["methods"], json!(["application_credential", "token"]));
    }
}

#[tokio::test]
async fn its_token_ends_with_it() {
    let cloud = Cloud::start().await;
    let owner = Owner::new(&cloud, "alice").await;
    let made = owner.make(&cloud, json!({"name": "soon", "expires_at": "2026-11-22T13:40:00"})).await;
    assert_eq!(made["expires_at"], json!("2026-11-22T13:40:00.000000"));
    let answer = cloud.call("", "POST", "/auth/tokens", by_id(&made)).await;
    assert_eq!(answer.json()["token"]["expires_at"], json!("2026-11-22T13:40:00.000000Z"));
    cloud.advance(600);
    assert!(cloud.validate(answer.header("x-subject-token")).await.is_err());
    assert_eq!(cloud.call("", "POST", "/auth/tokens", by_id(&made)).await.status, 401);
}

#[tokio::test]
async fn whatever_takes_the_ground_from_under_it_ends_it() {
    let cloud = Cloud::start().await;
    for (number, what) in ["delete", "grant", "disable", "password", "project", "role"].iter().enumerate() {
        let name = format!("user{number}");
        let role = json!({"role": {"name": format!("role{number}")}});
        let role = super::id(&cloud.admin(201, "POST", "/roles", role).await["role"]);
        let owner = Owner::new(&cloud, &name).await;
        let grant = format!("/projects/{}/users/{}/roles/{role}", owner.member.project, owner.member.user);
        cloud.admin(204, "PUT", &grant, Value::Null).await;
        let owner = Owner { token: cloud.token(&name, Some(owner.member.scope.clone())).await, ..owner };
        let made = owner.make(&cloud, json!({"name": "ci", "roles": [{"id": role}]})).await;
        let token = cloud.call("", "POST", "/auth/tokens", by_id(&made)).await;
        let token = token.header("x-subject-token").to_owned();
        assert!(cloud.validate(&token).await.unwrap().has_role(&format!("role{number}")));
        cloud.advance(1);
        let user = format!("/users/{}", owner.member.user);
        match *what {
            "delete" => {
                let one = format!("{}/{}", owner.path, made["id"].as_str().unwrap());
                assert_eq!(cloud.call(&owner.token, "DELETE", &one, Value::Null).await.status, 204);
            }
            // Another role is enough: whoever loses one on a project loses what was made of them.
            "grant" => drop(cloud.admin(204, "DELETE", &owner.member.grant, Value::Null).await),
            "disable" => drop(cloud.admin(200, "PATCH", &user, json!({"user": {"enabled": false}})).await),
            "password" => drop(cloud.admin(200, "PATCH", &user, json!({"user": {"password": "new"}})).await),
            "project" => {
                let path = format!("/projects/{}", owner.member.project);
                cloud.admin(204, "DELETE", &path, Value::Null).await;
            }
            _ => drop(cloud.admin(204, "DELETE", &format!("/roles/{role}"), Value::Null).await),
        }
        assert_eq!(cloud.validate(&token).await.unwrap_err().kind(), FaultKind::Unauthorized, "{what}");
        let again = cloud.call("", "POST", "/auth/tokens", by_id(&made)).await.status;
        let expected = match *what {
            "password" => 201,
            "role" => 401,
            _ => 404,
        };
        assert_eq!(again, expected, "{what}");
    }
}

#[tokio::test]
async fn access_rules_are_the_only_way_in() {
    let cloud = Cloud::start().await;
    let owner = Owner::new(&cloud, "alice").await;
    let rule = json!({"service": "identity", "method": "GET", "path": "/v3/auth/projects"});
    let body = json!({"name": "ci", "access_rules": [rule]});
    let made = owner.make(&cloud, body).await;
    let id = made["access_rules"][0]["id"].as_str().unwrap().to_owned();
    let same = owner.make(&cloud, json!({"name": "same", "access_rules": [rule.clone(), {"id": id}]})).await;
    assert_eq!(same["access_rules"], made["access_rules"], "one rule, however often it is written");
    let token = cloud.call("", "POST", "/auth/tokens", by_id(&made)).await;
    assert_eq!(token.json()["token"]["application_credential"]["access_rules"], made["access_rules"]);
    let token = token.header("x-subject-token").to_owned();
    let Basis::ApplicationCredential(basis) = cloud.validate(&token).await.unwrap().basis.clone() else {
        panic!("another basis");
    };
    assert_eq!(basis.access_rules.unwrap()[0].id, id);
    assert_eq!(cloud.call(&token, "GET", "/auth/projects", Value::Null).await.status, 200);
    assert_eq!(cloud.call(&token, "GET", "/auth/domains", Value::Null).await.status, 401);
    assert_eq!(cloud.call(&token, "GET", &owner.path, Value::Null).await.status, 401);

    let rules = format!("/users/{}/access_rules", owner.member.user);
    let one = format!("{rules}/{id}");
    let listed = cloud.call(&owner.token, "GET", &format!("{rules}?service=identity"), Value::Null).await.json();
    let mut expected = made["access_rules"][0].clone();
    expected["links"] = json!({"self": format!("http://cloud.test/identity/v3/access_rules/{id}")});
    assert_eq!(listed["access_rules"], json!([expected]));
    assert_eq!(cloud.call(&owner.token, "GET", &one, Value::Null).await.json()["access_rule"], expected);
    let used = cloud.call(&owner.token, "DELETE", &one, Value::Null).await;
    assert_eq!((used.status, message(&used).as_str()), (403, "May not delete access rule in use"));
    for made in [&made, &same] {
        let path = format!("{}/{}", owner.path, made["id"].as_str().unwrap());
        assert_eq!(cloud.call(&owner.token, "DELETE", &path, Value::Null).await.status, 204);
    }
    assert_eq!(cloud.call(&owner.token, "DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(cloud.call(&owner.token, "GET", &one, Value::Null).await.status, 404);
    let other = cloud.member("bob", "member").await;
    let bob = cloud.token("bob", Some(other.scope)).await;
    assert_eq!(cloud.call(&bob, "GET", &rules, Value::Null).await.status, 403);
}
