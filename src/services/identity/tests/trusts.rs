//! Trusts: what they give, how often, to whom, and what ends them.

use kit::{Clock as _, FaultKind};
use serde_json::{Value, json};

use super::{Cloud, Member, message, names};

/// Alice, a member of her project, who trusts Bob.
struct Scene {
    cloud: Cloud,
    alice: Member,
    bob: Member,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let cloud = Cloud::start().await;
        let (alice, bob) = (cloud.member("alice", "member").await, cloud.member("bob", "reader").await);
        let token = cloud.token("alice", Some(alice.scope.clone())).await;
        Self { cloud, alice, bob, token }
    }

    fn body(&self, more: Value) -> Value {
        let mut trust = json!({
            "trustor_user_id": self.alice.user, "trustee_user_id": self.bob.user, "project_id": self.alice.project,
            "impersonation": true, "roles": [{"name": "member"}],
        });
        trust.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "trust": trust })
    }

    async fn trust(&self, more: Value) -> Value {
        let answer = self.cloud.call(&self.token, "POST", "/OS-TRUST/trusts", self.body(more)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["trust"].clone()
    }

    /// The answer to `user`, who wants a token by `trust`.
    async fn login(&self, user: &str, trust: &Value) -> http_kit::testing::Answer {
        self.cloud.login(user, Some(json!({"OS-TRUST:trust": {"id": trust["id"]}}))).await
    }

    async fn token_by(&self, user: &str, trust: &Value) -> String {
        let answer = self.login(user, trust).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.header("x-subject-token").to_owned()
    }
}

fn path(trust: &Value) -> String {
    format!("/OS-TRUST/trusts/{}", trust["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_trust_gives_its_roles_to_its_trustee() {
    let scene = Scene::new().await;
    let (cloud, alice, bob) = (&scene.cloud, &scene.alice, &scene.bob);
    let made = scene.trust(json!({"expires_at": "2026-11-22T14:00:00.5Z", "color": "red"})).await;
    let fields: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields.join(" "),
        "color deleted_at expires_at id impersonation links project_id redelegated_trust_id redelegation_count \
         remaining_uses roles roles_links trustee_user_id trustor_user_id"
    );
    assert_eq!(made["expires_at"], json!("2026-11-22T14:00:00.500000Z"));
    assert_eq!(names(&made["roles"]), ["member"]);
    assert_eq!(made["links"]["self"], json!(format!("http://cloud.test/identity/v3{}", path(&made))));
    let answer = scene.login("bob", &made).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let token = &answer.json()["token"];
    assert_eq!(token["user"]["id"], json!(alice.user), "it impersonates");
    assert_eq!(names(&token["roles"]), ["member", "reader"]);
    assert_eq!(token["project"]["id"], json!(alice.project));
    assert_eq!(token["expires_at"], json!("2026-11-22T14:00:00.000000Z"), "no longer than the trust");
    assert_eq!(
        token["OS-TRUST:trust"],
        json!({"id": made["id"], "trustor_user": {"id": alice.user}, "trustee_user": {"id": bob.user},
               "impersonation": true})
    );
    let own = scene.trust(json!({"impersonation": false})).await;
    let answer = scene.login("bob", &own).await.json();
    assert_eq!(answer["token"]["user"]["id"], json!(bob.user));
    assert_eq!(names(&answer["token"]["roles"]), ["member", "reader"]);
    assert_eq!(scene.login("alice", &own).await.status, 403, "it is not for the trustor");
    let admin = cloud.login("admin", Some(json!({"OS-TRUST:trust": {"id": made["id"]}}))).await;
    assert_eq!(admin.status, 403, "nor for anybody else");
    assert_eq!(scene.login("bob", &json!({"id": "nope"})).await.status, 401);
}

#[tokio::test]
async fn it_is_shown_to_those_whom_it_concerns() {
    let scene = Scene::new().await;
    let cloud = &scene.cloud;
    let made = scene.trust(json!({})).await;
    let bob = cloud.token("bob", Some(scene.bob.scope.clone())).await;
    let carol = cloud.member("carol", "member").await;
    let carol = cloud.token("carol", Some(carol.scope)).await;
    let one = path(&made);
    for (token, status) in [(&scene.token, 200), (&bob, 200), (&cloud.admin, 200), (&carol, 403)] {
        let answer = cloud.call(token, "GET", &one, Value::Null).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(cloud.call(token, "GET", &format!("{one}/roles"), Value::Null).await.status, status);
    }
    assert_eq!(cloud.call(&bob, "GET", &one, Value::Null).await.json()["trust"], made);
    let roles = cloud.call(&bob, "GET", &format!("{one}/roles"), Value::Null).await.json();
    assert_eq!((&roles["roles"], &roles["links"]), (&made["roles"], &made["roles_links"]));
    let member = made["roles"][0]["id"].as_str().unwrap();
    let role = cloud.call(&bob, "GET", &format!("{one}/roles/{member}"), Value::Null).await.json();
    assert_eq!(role["role"], made["roles"][0]);
    assert_eq!(cloud.call(&bob, "HEAD", &format!("{one}/roles/{member}"), Value::Null).await.status, 200);
    assert_eq!(cloud.call(&bob, "GET", &format!("{one}/roles/nope"), Value::Null).await.status, 404);
    let by = |key: &str, user: &str| format!("/OS-TRUST/trusts?{key}={user}");
    for (token, path, expected) in [
        (&scene.token, by("trustor_user_id", &scene.alice.user), Some(1)),
        (&bob, by("trustee_user_id", &scene.bob.user), Some(1)),
        (&bob, by("trustor_user_id", &scene.bob.user), Some(0)),
        (&bob, by("trustor_user_id", &scene.alice.user), None),
        (&bob, "/OS-TRUST/trusts".to_owned(), None),
        (&cloud.admin, "/OS-TRUST/trusts".to_owned(), Some(1)),
    ] {
        let answer = cloud.call(token, "GET", &path, Value::Null).await;
        let count = answer.json()["trusts"].as_array().map(Vec::len);
        assert_eq!((answer.status, count), (if expected.is_some() { 200 } else { 403 }, expected), "{path}");
    }
    let listed = cloud.call(&cloud.admin, "GET", "/OS-TRUST/trusts", Value::Null).await.json();
    let mut brief = made.clone();
    for field in ["roles", "roles_links"] {
        brief.as_object_mut().unwrap().remove(field);
    }
    assert_eq!(listed["trusts"][0], brief);
    assert_eq!(cloud.call(&bob, "DELETE", &one, Value::Null).await.status, 403);
    assert_eq!(cloud.call(&scene.token, "DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(cloud.call(&scene.token, "GET", &one, Value::Null).await.status, 404);
}

#[tokio::test]
async fn nobody_trusts_with_what_is_not_his() {
    let scene = Scene::new().await;
    let cloud = &scene.cloud;
    let member = cloud.role("member").await;
    for (status, more, expected) in [
        (403, json!({"trustor_user_id": scene.bob.user}), "identity:create_trust"),
        (403, json!({"roles": []}), "At least one role should be specified"),
        (404, json!({"trustee_user_id": "nope"}), "Could not find user: nope."),
        (404, json!({"project_id": "nope"}), "Could not find project: nope."),
        (404, json!({"project_id": scene.bob.project}), member.as_str()),
        (404, json!({"roles": [{"name": "admin"}]}), "Could not find role"),
        (404, json!({"roles": [{"id": "nope"}]}), "Could not find role: nope."),
        (404, json!({"project_id": null}), "Could not find role"),
        (400, json!({"expires_at": "2020-01-01T00:00:00Z"}), "The 'expires_at' must not be before now."),
        (400, json!({"remaining_uses": 0}), "0"),
        (400, json!({"remaining_uses": 1, "allow_redelegation": true}), "remaining_uses must not be set"),
        (403, json!({"redelegation_count": 4, "allow_redelegation": true}), "You are not authorized"),
        (400, json!({"impersonation": "yes"}), "boolean"),
    ] {
        let answer = cloud.call(&scene.token, "POST", "/OS-TRUST/trusts", scene.body(more)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(message(&answer).contains(expected), "{}", answer.text());
    }
}

#[tokio::test]
async fn uses_are_counted_however_many_come_at_once() {
    let scene = Scene::new().await;
    let made = scene.trust(json!({"remaining_uses": 3})).await;
    let first = scene.token_by("bob", &made).await;
    let shown = scene.cloud.call(&scene.token, "GET", &path(&made), Value::Null).await.json();
    assert_eq!(shown["trust"]["remaining_uses"], json!(2));
    let (a, b, c, d) = tokio::join!(
        scene.login("bob", &made),
        scene.login("bob", &made),
        scene.login("bob", &made),
        scene.login("bob", &made)
    );
    let statuses = [a.status, b.status, c.status, d.status];
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 2, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 401, 403].contains(status)), "{statuses:?}");
    assert_eq!(scene.login("bob", &made).await.status, 401);
    assert_eq!(scene.cloud.call(&scene.token, "GET", &path(&made), Value::Null).await.status, 404);
    assert!(scene.cloud.validate(&first).await.is_ok(), "a token that was got is not taken back");
}

#[tokio::test]
async fn its_token_makes_no_other_token_and_no_application_credential() {
    let scene = Scene::new().await;
    let made = scene.trust(json!({})).await;
    let token = scene.token_by("bob", &made).await;
    let exchange = json!({"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}});
    let answer = scene.cloud.call("", "POST", "/auth/tokens", exchange).await;
    assert_eq!(answer.status, 403);
    assert!(message(&answer).contains("Using trust-scoped token to create another token."));
    let path = format!("/users/{}/application_credentials", scene.alice.user);
    let body = json!({"application_credential": {"name": "backdoor"}});
    assert_eq!(scene.cloud.call(&token, "POST", &path, body).await.status, 403);
}

#[tokio::test]
async fn it_is_handed_on_as_far_as_it_allows() {
    let scene = Scene::new().await;
    let cloud = &scene.cloud;
    let carol = cloud.member("carol", "reader").await;
    let dave = cloud.member("dave", "reader").await;
    let first = scene.trust(json!({"allow_redelegation": true, "redelegation_count": 1})).await;
    assert_eq!(first["redelegation_count"], json!(1));
    let bobs = scene.token_by("bob", &first).await;
    let on = |trustee: &str, more: Value| {
        let mut body = scene.body(json!({"trustee_user_id": trustee, "roles": [{"name": "member"}]}));
        body["trust"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let answer = cloud.call(&bobs, "POST", "/OS-TRUST/trusts", on(&carol.user, json!({}))).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let second = answer.json()["trust"].clone();
    assert_eq!((&second["redelegated_trust_id"], &second["redelegation_count"]), (&first["id"], &json!(0)));
    let more_roles = json!({"roles": [{"name": "reader"}]});
    assert_eq!(cloud.call(&bobs, "POST", "/OS-TRUST/trusts", on(&carol.user, more_roles)).await.status, 403);
    let carols = scene.token_by("carol", &second).await;
    let identity = cloud.validate(&carols).await.unwrap();
    assert_eq!(identity.user.id.as_str(), scene.alice.user);
    assert!(identity.has_role("member"));
    let deeper = cloud.call(&carols, "POST", "/OS-TRUST/trusts", on(&dave.user, json!({}))).await;
    assert_eq!(deeper.status, 403, "{}", deeper.text());
    cloud.advance(1);
    cloud.admin(200, "PATCH", &format!("/users/{}", scene.bob.user), json!({"user": {"enabled": false}})).await;
    assert!(cloud.validate(&carols).await.is_err(), "everybody of the chain must be there");
    assert_eq!(scene.login("carol", &second).await.status, 403);
    assert_eq!(cloud.call(&scene.token, "DELETE", &path(&first), Value::Null).await.status, 204);
    let gone = cloud.call(&cloud.admin, "GET", &path(&second), Value::Null).await;
    assert_eq!(gone.status, 404, "what was made from it goes with it");
}

#[tokio::test]
async fn whatever_takes_the_ground_from_under_it_ends_its_tokens() {
    for what in ["delete", "grant", "disable alice", "delete alice", "password", "disable bob", "role", "project"] {
        let scene = Scene::new().await;
        let cloud = &scene.cloud;
        let role = super::id(&cloud.admin(201, "POST", "/roles", json!({"role": {"name": "extra"}})).await["role"]);
        let grant = format!("/projects/{}/users/{}/roles/{role}", scene.alice.project, scene.alice.user);
        cloud.admin(204, "PUT", &grant, Value::Null).await;
        let made = scene.trust(json!({"roles": [{"id": role}, {"name": "reader"}]})).await;
        let token = scene.token_by("bob", &made).await;
        assert!(cloud.validate(&token).await.unwrap().has_role("extra"));
        cloud.advance(1);
        let alice = format!("/users/{}", scene.alice.user);
        let off = json!({"user": {"enabled": false}});
        match what {
            "delete" => drop(cloud.call(&scene.token, "DELETE", &path(&made), Value::Null).await),
            "grant" => drop(cloud.admin(204, "DELETE", &grant, Value::Null).await),
            "disable alice" => drop(cloud.admin(200, "PATCH", &alice, off).await),
            "delete alice" => drop(cloud.admin(204, "DELETE", &alice, Value::Null).await),
            "password" => drop(cloud.admin(200, "PATCH", &alice, json!({"user": {"password": "new"}})).await),
            "disable bob" => drop(cloud.admin(200, "PATCH", &format!("/users/{}", scene.bob.user), off).await),
            "role" => drop(cloud.admin(204, "DELETE", &format!("/roles/{role}"), Value::Null).await),
            _ => {
                let project = format!("/projects/{}", scene.alice.project);
                cloud.admin(204, "DELETE", &project, Value::Null).await;
            }
        }
        assert_eq!(cloud.validate(&token).await.unwrap_err().kind(), FaultKind::Unauthorized, "{what}");
        let again = scene.login("bob", &made).await.status;
        assert!(if what == "password" { again == 201 } else { [401, 403].contains(&again) }, "{what}: {again}");
    }
}

#[tokio::test]
async fn an_expired_trust_is_forgotten_in_the_end() {
    let scene = Scene::new().await;
    let cloud = &scene.cloud;
    let ends = cloud.clock.now() + jiff::SignedDuration::from_hours(1);
    scene.trust(json!({ "expires_at": ends.to_string() })).await;
    scene.trust(json!({})).await;
    let keep = kit::config::RetentionConfig { expired_delegations_days: 2, ..kit::config::RetentionConfig::default() };
    cloud.clock.advance(std::time::Duration::from_secs(2 * 86_400));
    assert_eq!(cloud.service.forget(&keep).await.unwrap(), 0, "it ended less than two days ago");
    cloud.clock.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(cloud.service.forget(&keep).await.unwrap(), 1, "the one without an end stays");
}
