//! Identity: how fast somebody gets a token, is looked up in a list, and is allowed something.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Params, Version};
use http_kit::policy::Scopes;
use http_kit::{Overrides, Policy, Target};
use kit::config::PasswordHashing;
use kit::{RequestContext, Secret};
use serde_json::{Value, json};

use crate::client::Client;
use crate::cloud::Cloud;
use crate::figure::{Goal, Report};

/// How long a rate is measured for.
const WHILE: Duration = Duration::from_secs(5);

const CLIENTS: usize = 16;

pub async fn measure(report: &mut Report) {
    if report.wants("identity: policy check") {
        policy_check(report);
    }
    let wanted = ["password tokens", "application credential tokens", "list of 1,000 users"];
    if !wanted.iter().any(|name| report.wants(&format!("identity: {name}"))) {
        return;
    }
    let cloud = Cloud::start().await;
    let mut client = cloud.client().await;
    let user = json!({ "user": { "name": "bench", "password": "bench" } });
    let made = client.must(201, "POST", "/identity/v3/users", &user).await;
    let id = made["user"]["id"].as_str().expect("an id").to_owned();
    if report.wants("identity: password tokens") {
        passwords(report, &cloud).await;
    }
    if report.wants("identity: application credential tokens") {
        application_credentials(report, &cloud, &mut client, &id).await;
    }
    if report.wants("identity: list of 1,000 users") {
        users(report, &cloud, &mut client).await;
    }
    cloud.appliance.stop().await;
}

/// Passwords that are hashed, with nothing around it, on all processors, per second.
fn bare_hashes() -> f64 {
    let settings = PasswordHashing::default();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let begun = Instant::now();
    let count: u32 = std::thread::scope(|scope| {
        let hash = || {
            let params =
                Params::new(settings.memory_kib, settings.passes, settings.lanes, Some(32)).expect("parameters");
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let (mut count, mut digest) = (0, [0; 32]);
            while begun.elapsed() < WHILE {
                argon2.hash_password_into(b"bench", b"somesaltsomesalt", &mut digest).expect("a hash");
                count += 1;
            }
            count
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(hash)).collect();
        workers.into_iter().map(|worker| worker.join().expect("it hashes")).sum()
    });
    f64::from(count) / begun.elapsed().as_secs_f64()
}

/// Tokens per second that `CLIENTS` get with `body`.
async fn token_rate(cloud: &Cloud, body: &Value) -> f64 {
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (url, body) = (cloud.appliance.public_url().to_owned(), body.clone());
        tasks.spawn(async move {
            let mut client = Client::connect(&url, "").await;
            let mut count = 0_u32;
            while begun.elapsed() < WHILE {
                let (status, _, _) = client.send("POST", "/identity/v3/auth/tokens", &body).await;
                assert_eq!(status, 201);
                count += 1;
            }
            count
        });
    }
    let count: u32 = tasks.join_all().await.into_iter().sum();
    f64::from(count) / begun.elapsed().as_secs_f64()
}

async fn passwords(report: &mut Report, cloud: &Cloud) {
    let user = json!({ "name": "bench", "domain": { "id": "default" }, "password": "bench" });
    let body = json!({ "auth": { "identity": { "methods": ["password"], "password": { "user": user } } } });
    // Either side of it, because the machine is not the same all the time.
    let before = bare_hashes();
    let rate = token_rate(cloud, &body).await;
    let bare = f64::midpoint(before, bare_hashes());
    report.add("identity: password tokens", rate, "/s", Goal::None);
    report.add("identity: password tokens per bare hash on all cores", rate / bare, "", Goal::AtLeast(0.9));
}

async fn application_credentials(report: &mut Report, cloud: &Cloud, client: &mut Client, user: &str) {
    let token = client.must(200, "GET", "/identity/v3/auth/tokens", &Value::Null).await;
    let project = token["token"]["project"]["id"].as_str().expect("a project");
    let roles = client.must(200, "GET", "/identity/v3/roles?name=member", &Value::Null).await;
    let role = roles["roles"][0]["id"].as_str().expect("a role");
    let grant = format!("/identity/v3/projects/{project}/users/{user}/roles/{role}");
    client.must(204, "PUT", &grant, &Value::Null).await;
    let who = json!({ "id": user, "password": "bench" });
    let body = json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": who } },
        "scope": { "project": { "id": project } },
    } });
    let (status, token, _) = client.send("POST", "/identity/v3/auth/tokens", &body).await;
    assert_eq!(status, 201);
    let mut own = Client::connect(cloud.appliance.public_url(), &token.expect("a token")).await;
    let path = format!("/identity/v3/users/{user}/application_credentials");
    let made = own.must(201, "POST", &path, &json!({ "application_credential": { "name": "bench" } })).await;
    let made = &made["application_credential"];
    let credential = json!({ "id": made["id"], "secret": made["secret"] });
    let identity = json!({ "methods": ["application_credential"], "application_credential": credential });
    let rate = token_rate(cloud, &json!({ "auth": { "identity": identity } })).await;
    report.add("identity: application credential tokens, 16 clients", rate, "/s", Goal::AtLeast(3_000.0));
}

async fn users(report: &mut Report, cloud: &Cloud, client: &mut Client) {
    for number in 0..1_000 {
        let user = json!({ "user": { "name": format!("user{number}"), "email": "user@example.com" } });
        client.must(201, "POST", "/identity/v3/users", &user).await;
    }
    let taken = cloud.read_ms("/identity/v3/users", 50).await;
    report.add("identity: list of 1,000 users, median", taken, "ms", Goal::AtMost(15.0));
}

/// A rule of several alternatives, the last of which holds.
fn policy_check(report: &mut Report) {
    let policy = Policy::compile(&[identity::RULES], Scopes::ANY, &Overrides::none()).expect("a policy");
    let caller = std::sync::Arc::new(http_kit::testing::identity("project", "user", &["member", "reader"]));
    let context = RequestContext::anonymous().with_user(caller, Secret::new("token"));
    let target = Target::new().with("target.user.id", "user").with("target.user.domain_id", "default");
    let count = 1_000_000;
    let begun = Instant::now();
    for _ in 0..count {
        assert!(std::hint::black_box(&policy).allows("identity:get_user", &context, std::hint::black_box(&target)));
    }
    let micros = begun.elapsed().as_secs_f64() * 1e6 / f64::from(count);
    report.add("identity: policy check", micros, "µs", Goal::AtMost(2.0));
}
