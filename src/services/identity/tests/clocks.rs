//! Clocks that are set back, and keys that go away under live tokens.

use std::time::Duration;

use kit::FaultKind;
use serde_json::{Value, json};

use super::Cloud;
use crate::IdentityService;

const HOUR: Duration = Duration::from_secs(3600);

async fn set_password(cloud: &Cloud, user: &str, password: &str) {
    cloud.admin(200, "PATCH", &format!("/users/{user}"), json!({"user": {"password": password}})).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_neither_revives_nor_refuses_tokens() {
    let cloud = Cloud::start().await;
    let alice = cloud.user("alice").await;
    let before = cloud.token("alice", None).await;
    cloud.clock.set_back(HOUR);
    assert!(cloud.validate(&before).await.is_ok(), "issued in what is the future now");
    set_password(&cloud, &alice, "second").await;
    assert_eq!(cloud.validate(&before).await.unwrap_err().kind(), FaultKind::Unauthorized);
    let fresh = cloud.login_with("alice", "second", None).await;
    assert_eq!(fresh.status, 201, "{}", fresh.text());
    let fresh = fresh.header("x-subject-token").to_owned();
    assert!(cloud.validate(&fresh).await.is_ok());
    cloud.clock.advance(HOUR * 2 - Duration::from_secs(10));
    assert!(cloud.validate(&before).await.is_err());
    set_password(&cloud, &alice, "third").await;
    assert_eq!(cloud.login_with("alice", "third", None).await.status, 201);
}

#[tokio::test]
async fn so_it_is_over_a_restart() {
    let cloud = Cloud::start().await;
    let alice = cloud.user("alice").await;
    let before = kit::Secret::new(cloud.token("alice", None).await);
    cloud.service.keep_house().await.unwrap();
    cloud.clock.set_back(HOUR);
    let again =
        IdentityService::new(cloud.store.clone(), cloud.clock.clone(), super::config(), cloud.store.directory());
    again.bootstrap(super::URL, "RegionOne").await.unwrap();
    assert!(again.validate(&before).await.is_ok());
    let (moment, id) = (again.moment(), alice.clone());
    again
        .write(move |db| {
            let mut user = crate::db::users::get(db, &id)?;
            user.apply(crate::domain::attributes::Attributes::default(), true, moment)?;
            crate::db::users::update(db, &user)
        })
        .await
        .unwrap();
    assert!(again.validate(&before).await.is_err());
}

#[tokio::test]
async fn a_revocation_outlives_a_clock_that_was_ahead_for_a_while() {
    let cloud = Cloud::start().await;
    let token = cloud.token("admin", None).await;
    let headers = [("X-Subject-Token", token.as_str())];
    let path = "/identity/v3/auth/tokens";
    http_kit::testing::call(&cloud.app, &cloud.admin, "DELETE", path, &headers, &Value::Null).await.unwrap();
    cloud.clock.advance(HOUR * 24);
    cloud.service.keep_house().await.unwrap();
    cloud.clock.set_back(HOUR * 24);
    cloud.service.keep_house().await.unwrap();
    assert!(cloud.validate(&token).await.is_err());
    assert!(cloud.validate(&cloud.admin).await.is_ok(), "its key is still there");
}

#[tokio::test]
async fn a_key_that_goes_away_under_a_live_token_ends_it_and_nothing_else() {
    let cloud = Cloud::start().await;
    let now = kit::Clock::now(&*cloud.clock);
    crate::rotate_keys(cloud.store.directory(), now, false).unwrap();
    cloud.service.keep_house().await.unwrap();
    assert!(cloud.validate(&cloud.admin).await.is_ok(), "an old key still opens");
    let sealed_anew = cloud.token("admin", None).await;
    crate::rotate_keys(cloud.store.directory(), now, true).unwrap();
    cloud.service.keep_house().await.unwrap();
    for token in [&cloud.admin, &sealed_anew] {
        let answer = cloud.call(token, "GET", "/auth/projects", Value::Null).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    let token = cloud.token("admin", None).await;
    assert!(cloud.validate(&token).await.is_ok());
}
