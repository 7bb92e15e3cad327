//! Failed logins are limited, over REST: who asks too often is told when to come back.

use std::net::IpAddr;

use http_kit::testing::{Answer, call_from};
use serde_json::json;

use super::{Cloud, message};

async fn login(cloud: &Cloud, from: &str, user: &str, password: &str) -> Answer {
    let user = json!({"name": user, "domain": {"id": "default"}, "password": password});
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}});
    let from: IpAddr = from.parse().unwrap();
    call_from(&cloud.app, Some(from), "", "POST", "/identity/v3/auth/tokens", &[], &body).await.unwrap()
}

async fn limited() -> Cloud {
    Cloud::start_with(|config| {
        config.login_limits.user_burst = 3;
        config.login_limits.source_burst = 6;
        config.login_limits.source_per_minute = 1;
        config.login_limits.user_per_minute = 1;
    })
    .await
}

#[tokio::test]
async fn guessing_is_refused_where_it_comes_from() {
    let cloud = limited().await;
    let alice = cloud.user("alice").await;
    for user in ["alice", "nobody"] {
        for _ in 0..3 {
            assert_eq!(login(&cloud, "127.0.0.1", user, "wrong").await.status, 401, "loopback counts like any other");
        }
        let runs = cloud.service.passwords.runs();
        let refused = login(&cloud, "127.0.0.1", user, user).await;
        assert_eq!((refused.status, message(&refused).as_str()), (429, "Too many failed logins, try again later."));
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(cloud.service.passwords.runs(), runs, "what is refused costs nothing");
    }
    // The source has failed six times by now: others are refused from there, and no one from elsewhere.
    assert_eq!(login(&cloud, "127.0.0.1", "admin", cloud.password.expose()).await.status, 429);
    assert_eq!(login(&cloud, "192.0.2.7", "alice", "alice").await.status, 201);
    let body = json!({"user": {"original_password": "wrong", "password": "x"}});
    let path = format!("/identity/v3/users/{alice}/password");
    let from = "127.0.0.1".parse().ok();
    let answer = call_from(&cloud.app, from, "", "POST", &path, &[], &body).await.unwrap();
    assert_eq!(answer.status, 429, "nor can it be guessed by changing it");
}

#[tokio::test]
async fn who_knows_the_password_is_never_held_up() {
    let cloud = limited().await;
    cloud.user("alice").await;
    for _ in 0..12 {
        assert_eq!(login(&cloud, "192.0.2.1", "alice", "alice").await.status, 201);
    }
    for number in 0..6 {
        assert_eq!(login(&cloud, "192.0.2.1", &format!("user{number}"), "guess").await.status, 401);
    }
    assert_eq!(login(&cloud, "192.0.2.1", "user7", "guess").await.status, 429);
    assert_eq!(login(&cloud, "192.0.2.1", "alice", "alice").await.status, 201, "who works there goes on working");
}
