//! Passwords: what they cost, what is asked of them, how they are changed.

use kit::config::SecurityCompliance;
use serde_json::{Value, json};

use super::{Cloud, message, names};

const DAY: u64 = 86_400;

/// A cloud with such rules for passwords.
async fn ruled(change: impl FnOnce(&mut SecurityCompliance)) -> Cloud {
    Cloud::start_with(|config| {
        // What is asked takes days; a token should last as long.
        config.token_ttl_secs = 30 * DAY;
        change(&mut config.security_compliance);
    })
    .await
}

/// The user's own change; the status and the message.
async fn change(cloud: &Cloud, id: &str, old: &str, new: &str) -> (u16, String) {
    let body = json!({"user": {"original_password": old, "password": new}});
    let answer = cloud.call("", "POST", &format!("/users/{id}/password"), body).await;
    (answer.status, message(&answer))
}

async fn status(cloud: &Cloud, user: &str, password: &str) -> u16 {
    cloud.login_with(user, password, None).await.status
}

#[tokio::test]
async fn whoever_is_refused_costs_one_hash() {
    let cloud = ruled(|rules| {
        rules.lockout_failure_attempts = 1;
        rules.disable_user_account_days_inactive = 1;
    })
    .await;
    for name in ["alice", "disabled", "locked", "nopassword"] {
        cloud.user(name).await;
    }
    let users = cloud.admin(200, "GET", "/users", Value::Null).await;
    let id = |name: &str| {
        let users = users["users"].as_array().unwrap();
        users.iter().find(|user| user["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
    };
    for (name, change) in [("disabled", json!({"enabled": false})), ("nopassword", json!({"password": null}))] {
        cloud.admin(200, "PATCH", &format!("/users/{}", id(name)), json!({ "user": change })).await;
    }
    assert_eq!(status(&cloud, "locked", "wrong").await, 401);
    for (user, password, expected) in [
        ("alice", "wrong", 401),
        ("nobody", "wrong", 401),
        ("disabled", "disabled", 401),
        ("locked", "locked", 401),
        ("nopassword", "nopassword", 401),
    ] {
        let before = cloud.service.passwords.runs();
        let answer = cloud.login_with(user, password, None).await;
        assert_eq!((answer.status, cloud.service.passwords.runs() - before), (expected, 1), "{user}");
        assert_eq!(message(&answer), "The request you have made requires authentication.", "{user}");
    }
}

#[tokio::test]
async fn a_password_is_hashed_anew_when_the_settings_change() {
    let cloud = Cloud::start().await;
    let alice = cloud.user("alice").await;
    let hash = |store: store::Store, id: String| async move {
        store.read(move |db| crate::db::passwords::get(db, &id)).await.unwrap().hash.unwrap()
    };
    let before = hash((*cloud.store).clone(), alice.clone()).await;
    let mut config = super::config();
    config.passwords.passes = 1;
    let stricter =
        crate::IdentityService::new(cloud.store.clone(), cloud.clock.clone(), config, cloud.store.directory());
    let wanted = alice.clone();
    let found = move |db: &store::Connection| crate::db::users::find(db, &wanted);
    let login = |password: &str| stricter.check_password("alice", found.clone(), kit::Secret::new(password), None);
    assert!(login("wrong").await.is_err());
    assert_eq!(hash((*cloud.store).clone(), alice.clone()).await, before);
    assert!(login("alice").await.is_ok());
    let after = hash((*cloud.store).clone(), alice.clone()).await;
    assert!(after.starts_with("$argon2id$v=19$m=19456,t=1,p=1$"), "{after}");
    assert!(login("alice").await.is_ok());
    assert_eq!(hash((*cloud.store).clone(), alice).await, after, "only once");
}

#[tokio::test]
async fn a_password_expires_and_can_still_be_changed() {
    let cloud = ruled(|rules| rules.password_expires_days = 2).await;
    let alice = cloud.user("alice").await;
    let path = format!("/users/{alice}");
    let end = "2026-11-24T13:30:34.000000";
    assert_eq!(cloud.admin(200, "GET", &path, Value::Null).await["user"]["password_expires_at"], end);
    let token = cloud.login("alice", None).await;
    assert_eq!(token.json()["token"]["user"]["password_expires_at"], end);
    cloud.advance(2 * DAY);
    let refused = cloud.login("alice", None).await;
    let expired = format!("The password is expired and needs to be changed for user: {alice}.");
    assert_eq!((refused.status, message(&refused)), (401, expired));
    let wrong = cloud.login_with("alice", "wrong", None).await;
    assert_eq!(message(&wrong), "The request you have made requires authentication.", "only who knows it learns that");
    assert_eq!(change(&cloud, &alice, "alice", "alice2").await.0, 204);
    assert_eq!(status(&cloud, "alice", "alice2").await, 201);
    cloud.advance(2 * DAY);
    assert_eq!(status(&cloud, "alice", "alice2").await, 401);
    cloud.admin(200, "PATCH", &path, json!({"user": {"options": {"ignore_password_expiry": true}}})).await;
    assert_eq!(status(&cloud, "alice", "alice2").await, 201);
}

#[tokio::test]
async fn users_are_found_by_when_their_password_ends() {
    let cloud = ruled(|rules| rules.password_expires_days = 2).await;
    let _ = (cloud.user("early").await, cloud.advance(DAY), cloud.user("late").await);
    let forever = json!({"user": {"name": "forever", "password": "x", "options": {"ignore_password_expiry": true}}});
    cloud.admin(201, "POST", "/users", forever).await;
    for (asked, expected) in [
        ("lt:2026-11-24T13:30:35Z", vec!["admin", "early"]),
        ("lte:2026-11-24T13:30:34Z", vec!["admin", "early"]),
        ("gt:2026-11-24T13:30:34Z", vec!["late"]),
        ("gte:2026-11-24T13:30:34Z", vec!["admin", "early", "late"]),
        ("eq:2026-11-25T13:30:34Z", vec!["late"]),
        ("2026-11-25T13:30:34Z", vec!["late"]),
        ("neq:2026-11-25T13:30:34Z", vec!["admin", "early"]),
        ("gt:2026-11-24T13:30:34Z&password_expires_at=lt:2026-11-25T00:00:00Z", vec![]),
    ] {
        let found = cloud.admin(200, "GET", &format!("/users?password_expires_at={asked}"), Value::Null).await;
        assert_eq!(names(&found["users"]), expected, "{asked}");
    }
    for (asked, expected) in [
        ("xx:2026-11-24T13:30:35Z", "The given operator xx is not valid."),
        ("lt:soon", "Timestamp not in expected format."),
    ] {
        let path = format!("/users?password_expires_at={asked}");
        let answer = cloud.call(&cloud.admin, "GET", &path, Value::Null).await;
        assert_eq!((answer.status, message(&answer).starts_with(expected)), (400, true), "{}", answer.text());
    }
}

#[tokio::test]
async fn the_last_passwords_are_barred() {
    let cloud = ruled(|rules| rules.unique_last_password_count = 2).await;
    let alice = cloud.user("alice").await;
    let barred = "The new password cannot be identical to a previous password. The total number which includes the new \
                  password must be unique is 2.";
    assert_eq!(change(&cloud, &alice, "alice", "alice").await, (400, barred.to_owned()));
    assert_eq!(change(&cloud, &alice, "alice", "second").await.0, 204);
    assert_eq!(change(&cloud, &alice, "second", "alice").await, (400, barred.to_owned()));
    assert_eq!(change(&cloud, &alice, "second", "third").await.0, 204);
    assert_eq!(change(&cloud, &alice, "third", "alice").await.0, 204, "two others have been between");
    // An administrator may set any; it counts from then on.
    let reset = json!({"user": {"password": "third"}});
    cloud.admin(200, "PATCH", &format!("/users/{alice}"), reset).await;
    assert_eq!(change(&cloud, &alice, "third", "alice").await.0, 400);
    let kept = "SELECT count(*) FROM identity_old_passwords";
    let kept = cloud.store.read(move |db| store::query::one(db, kept, [], |row| row.get::<_, i64>(0))).await.unwrap();
    assert_eq!(kept, 1, "no more than needed");
    cloud.admin(204, "DELETE", &format!("/users/{alice}"), Value::Null).await;
    let kept = "SELECT count(*) FROM identity_old_passwords";
    let kept = cloud.store.read(move |db| store::query::one(db, kept, [], |row| row.get::<_, i64>(0))).await.unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn without_a_history_none_is_kept() {
    let cloud = Cloud::start().await;
    let alice = cloud.user("alice").await;
    assert_eq!(change(&cloud, &alice, "alice", "alice").await.0, 204);
    let kept = "SELECT count(*) FROM identity_old_passwords";
    let kept = cloud.store.read(move |db| store::query::one(db, kept, [], |row| row.get::<_, i64>(0))).await.unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn a_password_is_kept_for_its_minimum_age_and_may_be_locked() {
    let cloud = ruled(|rules| rules.minimum_password_age = 2).await;
    let alice = cloud.user("alice").await;
    assert_eq!(change(&cloud, &alice, "alice", "second").await.0, 204, "an administrator chose the first");
    cloud.advance(DAY);
    let (status, text) = change(&cloud, &alice, "second", "third").await;
    assert!(
        status == 400 && text.contains("it must be used for 2 day(s)") && text.contains("again in 1 day(s)"),
        "{text}"
    );
    cloud.advance(DAY);
    assert_eq!(change(&cloud, &alice, "second", "third").await.0, 204);
    cloud.advance(2 * DAY);
    let lock = json!({"user": {"options": {"lock_password": true}}});
    cloud.admin(200, "PATCH", &format!("/users/{alice}"), lock).await;
    let (status, text) = change(&cloud, &alice, "third", "fourth").await;
    assert!(status == 400 && text.contains("policy disallowing password changes"), "{text}");
}

#[tokio::test]
async fn new_passwords_must_match_and_no_answer_repeats_one() {
    let cloud = ruled(|rules| {
        r"^(?=.*\d)(?=.*[a-zA-Z]).{7,}$".clone_into(&mut rules.password_regex);
        "seven characters, a letter, a digit".clone_into(&mut rules.password_regex_description);
    })
    .await;
    let make = |password: Value| json!({"user": {"name": "alice", "password": password}});
    let refused = "The password does not match the requirements: seven characters, a letter, a digit.";
    let answer = cloud.call(&cloud.admin, "POST", "/users", make(json!("hunter"))).await;
    assert_eq!((answer.status, message(&answer).as_str()), (400, refused));
    let answer = cloud.call(&cloud.admin, "POST", "/users", make(Value::Null)).await;
    assert_eq!(message(&answer), "Password validation error: Password must be a string type.");
    let made = cloud.admin(201, "POST", "/users", make(json!("hunter22"))).await;
    let id = super::id(&made["user"]);
    assert_eq!(change(&cloud, &id, "hunter22", "hunter").await, (400, refused.to_owned()));
    let patch = json!({"user": {"password": "hunter"}});
    assert_eq!(cloud.call(&cloud.admin, "PATCH", &format!("/users/{id}"), patch).await.status, 400);
    for (path, body) in [
        ("/users", json!({"user": {"password": "hunter22"}})),
        ("/users", json!({"user": {"name": "", "password": "hunter22"}})),
        ("/users", json!({"user": {"name": "x", "password": ["hunter22"]}})),
        ("/auth/tokens", json!({"auth": {"identity": {"password": {"user": {"password": "hunter22"}}}}})),
    ] {
        let answer = cloud.call(&cloud.admin, "POST", path, body.clone()).await;
        assert!(answer.status == 400 && !answer.text().contains("hunter22"), "{body}: {}", answer.text());
    }
}

#[tokio::test]
async fn failures_lock_a_user_out_for_a_while() {
    let cloud = ruled(|rules| {
        rules.lockout_failure_attempts = 2;
        rules.lockout_duration = 5;
    })
    .await;
    let alice = cloud.user("alice").await;
    let path = format!("/users/{alice}");
    let lock = async || {
        for _ in 0..2 {
            assert_eq!(status(&cloud, "alice", "wrong").await, 401);
        }
    };
    lock().await;
    assert_eq!(status(&cloud, "alice", "alice").await, 401);
    assert_eq!(change(&cloud, &alice, "alice", "new").await.0, 401, "nor can it be changed then");
    cloud.advance(5);
    assert_eq!(status(&cloud, "alice", "alice").await, 201);
    assert_eq!(status(&cloud, "alice", "wrong").await, 401);
    assert_eq!(status(&cloud, "alice", "alice").await, 201, "counted from the start again");
    lock().await;
    cloud.admin(200, "PATCH", &path, json!({"user": {"enabled": true}})).await;
    assert_eq!(status(&cloud, "alice", "alice").await, 201, "an administrator ends it");
    let ignore = json!({"user": {"options": {"ignore_lockout_failure_attempts": true}}});
    cloud.admin(200, "PATCH", &path, ignore).await;
    lock().await;
    assert_eq!(status(&cloud, "alice", "alice").await, 201);
}

#[tokio::test]
async fn many_guesses_at_once_are_no_more_than_one_after_the_other() {
    let cloud = ruled(|rules| rules.lockout_failure_attempts = 3).await;
    let alice = cloud.user("alice").await;
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (service, id) = (cloud.service.clone(), alice.clone());
        guesses.spawn(async move {
            let find = move |db: &store::Connection| crate::db::users::find(db, &id);
            service.check_password("alice", find, kit::Secret::new("wrong"), None).await.is_ok()
        });
    }
    assert!(guesses.join_all().await.into_iter().all(|accepted| !accepted));
    let failures = cloud.store.read(move |db| crate::db::passwords::failures(db, &alice)).await.unwrap();
    assert_eq!(failures.count, 3, "what came out after the third was not looked at");
    assert_eq!(status(&cloud, "alice", "alice").await, 401);
}

#[tokio::test]
async fn what_an_administrator_set_has_to_be_changed_first() {
    let cloud = ruled(|rules| rules.change_password_upon_first_use = true).await;
    assert_eq!(cloud.login("admin", None).await.status, 201, "not the one of the first start");
    let alice = cloud.user("alice").await;
    assert!(message(&cloud.login("alice", None).await).starts_with("The password is expired"));
    assert_eq!(change(&cloud, &alice, "alice", "own").await.0, 204);
    assert_eq!(status(&cloud, "alice", "own").await, 201);
    cloud.admin(200, "PATCH", &format!("/users/{alice}"), json!({"user": {"password": "reset"}})).await;
    assert_eq!(status(&cloud, "alice", "reset").await, 401);
    let exempt = json!({"options": {"ignore_change_password_upon_first_use": true}, "password": "again"});
    cloud.admin(200, "PATCH", &format!("/users/{alice}"), json!({ "user": exempt })).await;
    assert_eq!(status(&cloud, "alice", "again").await, 201);
}

#[tokio::test]
async fn who_does_not_log_in_for_long_is_disabled() {
    let cloud = ruled(|rules| rules.disable_user_account_days_inactive = 3).await;
    let (alice, bob) = (cloud.user("alice").await, cloud.user("bob").await);
    let exempt = json!({"user": {"options": {"ignore_user_inactivity": true}}});
    let admin = super::id(&cloud.admin(200, "GET", "/users?name=admin", Value::Null).await["users"][0]);
    cloud.admin(200, "PATCH", &format!("/users/{admin}"), exempt).await;
    cloud.advance(2 * DAY);
    let token = cloud.token("bob", None).await;
    cloud.advance(DAY);
    assert_eq!(status(&cloud, "alice", "alice").await, 401);
    assert!(cloud.service.passwords.runs() > 0);
    cloud.service.keep_house().await.unwrap();
    let enabled =
        async |id: &str| cloud.admin(200, "GET", &format!("/users/{id}"), Value::Null).await["user"]["enabled"].clone();
    assert_eq!((enabled(&alice).await, enabled(&bob).await), (json!(false), json!(true)));
    assert!(cloud.validate(&token).await.is_ok());
    cloud.advance(3 * DAY);
    cloud.service.keep_house().await.unwrap();
    assert!(cloud.validate(&token).await.is_err(), "its tokens end with it");
    cloud.admin(200, "PATCH", &format!("/users/{alice}"), json!({"user": {"enabled": true}})).await;
    cloud.service.keep_house().await.unwrap();
    assert_eq!(status(&cloud, "alice", "alice").await, 201, "an administrator brings a user back");
    let no_longer = json!({"user": {"options": {"ignore_user_inactivity": null}}});
    cloud.admin(200, "PATCH", &format!("/users/{admin}"), no_longer).await;
    cloud.advance(5 * DAY);
    cloud.service.keep_house().await.unwrap();
    assert_eq!(status(&cloud, "admin", cloud.password.expose()).await, 201, "the last administrator is let be");
}

#[tokio::test]
async fn changing_a_password_says_what_is_wrong_to_who_knows_it() {
    let cloud = Cloud::start().await;
    let alice = cloud.user("alice").await;
    let nobody = "The request you have made requires authentication.".to_owned();
    assert_eq!(change(&cloud, "nobody", "x", "y").await, (401, nobody.clone()));
    assert_eq!(change(&cloud, &alice, "wrong", "new").await, (401, nobody.clone()));
    assert_eq!(change(&cloud, &alice, "alice", &"x".repeat(4097)).await.0, 403);
    let extra = json!({"user": {"original_password": "alice", "password": "new", "name": "eve"}});
    assert_eq!(cloud.call("", "POST", &format!("/users/{alice}/password"), extra).await.status, 400);
    assert_eq!(cloud.call("", "GET", &format!("/users/{alice}/password"), Value::Null).await.status, 405);
    cloud.admin(200, "PATCH", &format!("/users/{alice}"), json!({"user": {"enabled": false}})).await;
    let disabled = format!("The account is disabled for user: {alice}.");
    assert_eq!(change(&cloud, &alice, "alice", "new").await, (401, disabled));
    assert_eq!(change(&cloud, &alice, "wrong", "new").await, (401, nobody));
}

#[tokio::test]
async fn of_two_changes_at_once_one_holds() {
    let cloud = Cloud::start().await;
    let alice = cloud.user("alice").await;
    let (one, two) = tokio::join!(change(&cloud, &alice, "alice", "one"), change(&cloud, &alice, "alice", "two"));
    let mut statuses = [one.0, two.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401]);
    let winner = if one.0 == 204 { "one" } else { "two" };
    assert_eq!(status(&cloud, "alice", winner).await, 201);
}

#[tokio::test]
async fn a_user_can_be_left_without_a_password() {
    let cloud = Cloud::start().await;
    let alice = cloud.user("alice").await;
    cloud.admin(200, "PATCH", &format!("/users/{alice}"), json!({"user": {"password": null}})).await;
    assert_eq!(status(&cloud, "alice", "alice").await, 401);
    assert_eq!(status(&cloud, "alice", "").await, 401);
}
