//! The trail from its queue to the API.

use std::sync::Arc;

use http_kit::audit::{Event, Party};
use http_kit::testing::{KnownTokens, call};
use http_kit::{App, Limits, Rule, Service, dialect};
use kit::config::AuditConfig;
use kit::{ManualClock, Timestamp};
use serde_json::{Value, json};
use store::Store;
use tokio_util::sync::CancellationToken;

use super::*;

struct World {
    directory: tempfile::TempDir,
    store: Store,
    admin: Arc<Admin>,
    app: App,
}

fn event(number: u32) -> Event {
    let party = |id: &str| Party { id: Some(format!("{id}-id")), name: Some(id.to_owned()) };
    Event {
        at: Timestamp::from_second(1_000 + i64::from(number)).unwrap(),
        action: if number.is_multiple_of(2) { "create" } else { "update/os-start" }.to_owned(),
        status: if number.is_multiple_of(3) { 403 } else { 202 },
        initiator: party(if number.is_multiple_of(2) { "alice" } else { "bob" }),
        project: party("demo"),
        domain: Party::default(),
        address: Some([192, 0, 2, 7].into()),
        agent: Some("toy/1".to_owned()),
        target_type: "service/compute/servers".to_owned(),
        target: Party { id: Some(format!("server-{number}")), name: None },
        service: "compute".into(),
        service_name: "nova".into(),
        request_id: format!("req-{number}").into(),
        path: "/compute/v2.1/servers".to_owned(),
    }
}

/// How a quiet cloud is.
fn status() -> StatusSource {
    let amount = |total| status::Amount { total, sellable: 4 * total, used: 1 };
    let host = status::Host {
        host: "host-1".to_owned(),
        up: true,
        disabled: false,
        servers: 1,
        vcpus: amount(2),
        memory_mb: amount(1024),
        disk_gb: amount(10),
    };
    let status = Status {
        version: "1.2.3".to_owned(),
        host: "host-1".to_owned(),
        started_at: Timestamp::from_second(1_000).unwrap(),
        uptime_seconds: 1_000,
        parts: Vec::new(),
        queues: Vec::new(),
        workflows: status::Workflows { running: Vec::new(), ended: Vec::new() },
        hosts: vec![host],
        database: status::Database {
            size_bytes: 4096,
            log_bytes: 0,
            waiting_writes: 0,
            waiting_reads: 0,
            commits: 1,
            failed_commits: 0,
        },
    };
    Arc::new(move || {
        let status = status.clone();
        Box::pin(async move { Ok(status) })
    })
}

impl World {
    fn new(change: impl FnOnce(&mut AuditConfig, &std::path::Path)) -> Self {
        static RULES: &[Rule] = &[Rule::new("os_compute_api:servers:create", "rule:project_member_or_admin", "Make.")];
        let directory = tempfile::tempdir().unwrap();
        let mut config = AuditConfig::default();
        change(&mut config, directory.path());
        let store = Store::open(&directory.path().join("t.db"), &[MIGRATIONS], store::Options::default()).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(2_000).unwrap()));
        let builder = App::new(Limits::default(), clock.clone()).public_url("http://cloud.test");
        let admin = Admin::new(store.clone(), clock, config, "host-1", builder.policies(), status());
        let nova = Service::new(&dialect::NOVA, Arc::new(()), &[]).rules(RULES);
        let tokens = Arc::new(KnownTokens::usual());
        let app = builder.mount(nova).mount(admin.rest().authenticator(tokens)).build().unwrap();
        Self { directory, store, admin, app }
    }

    /// Records `count` events and waits until all are written.
    async fn record(&self, count: u32) {
        let stop = CancellationToken::new();
        let running = tokio::spawn(self.admin.clone().run(stop.clone()));
        let auditor = self.admin.auditor();
        for number in 0..count {
            auditor.record(event(number)).await;
        }
        stop.cancel();
        running.await.unwrap();
    }

    async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        let answer = call(&self.app, token, "GET", &format!("/cloudbox/v1{path}"), &[], &Value::Null).await.unwrap();
        (answer.status, answer.json())
    }

    /// The ids of the targets on a page.
    async fn targets(&self, query: &str) -> Vec<String> {
        let (status, body) = self.get("admin", &format!("/audit?{query}")).await;
        assert_eq!(status, 200, "{body}");
        let events = body["events"].as_array().unwrap().iter();
        events.map(|event| event["target"]["id"].as_str().unwrap().trim_start_matches("server-").to_owned()).collect()
    }
}

#[tokio::test]
async fn a_record_is_shown_as_cadf() {
    let world = World::new(|_, _| {});
    world.record(1).await;
    let (_, mut body) = world.get("admin", "/audit").await;
    body["events"][0]["id"] = json!("(an id)");
    insta::assert_snapshot!(serde_json::to_string_pretty(&body).unwrap());
}

#[tokio::test]
async fn records_are_found_by_who_what_when_and_what_came_of_it() {
    let world = World::new(|_, _| {});
    world.record(12).await;
    for (query, expected) in [
        ("limit=3", "11 10 9"),
        ("user=alice&limit=2", "10 8"),
        ("user=bob-id&limit=2", "11 9"),
        ("outcome=failure", "9 6 3 0"),
        ("outcome=success&action=create", "10 8 4 2"),
        ("action=update&outcome=failure", "9 3"),
        ("action=update/os-start&outcome=failure", "9 3"),
        ("action=upd", ""),
        ("project=demo&request_id=req-7", "7"),
        ("project=other", ""),
        ("since=1970-01-01T00:16:49Z", "11 10 9"),
        ("until=1970-01-01T00:16:42Z", "1 0"),
        ("service=nova&target=server-5", "5"),
    ] {
        assert_eq!(world.targets(query).await.join(" "), expected, "{query}");
    }
    for wrong in ["outcome=maybe", "since=yesterday", "limit=0", "usr=alice", "marker=x"] {
        assert_eq!(world.get("admin", &format!("/audit?{wrong}")).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn pages_lead_to_the_end() {
    let world = World::new(|_, _| {});
    world.record(7).await;
    let (mut seen, mut path) = (0, "/audit?limit=3&project=demo".to_owned());
    loop {
        let (_, body) = world.get("admin", &path).await;
        seen += body["events"].as_array().unwrap().len();
        let Some(next) = body["next"].as_str() else { break };
        path = next.strip_prefix("http://cloud.test/cloudbox/v1").unwrap().to_owned();
    }
    assert_eq!(seen, 7);
}

#[tokio::test]
async fn only_an_administrator_may_look() {
    let world = World::new(|_, _| {});
    for path in ["/audit", "/policy", "/status"] {
        assert_eq!(world.get("", path).await.0, 401);
        assert_eq!(world.get("member", path).await.0, 403);
        assert_eq!(world.get("admin", path).await.0, 200);
    }
}

#[tokio::test]
async fn the_table_is_bounded_by_number_and_by_age() {
    let world = World::new(|config, _| config.keep_rows = 5);
    world.record(1_200).await;
    assert_eq!(world.targets("").await, ["1199", "1198", "1197", "1196", "1195"]);
    assert_eq!(world.admin.recorder.lost(), 0);
    let world = World::new(|config, _| config.keep_days = 0);
    world.record(3).await;
    assert!(world.targets("").await.is_empty(), "all are older than no day");
}

#[tokio::test]
async fn a_file_gets_each_record_as_a_line() {
    let world = World::new(|config, directory| config.file = directory.join("audit.json"));
    world.record(3).await;
    let text = std::fs::read_to_string(world.directory.path().join("audit.json")).unwrap();
    let ids: Vec<Value> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["target"]["id"].clone()).collect();
    assert_eq!(ids, ["server-0", "server-1", "server-2"]);
    assert!(world.admin.condition().reasons.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_waited_for_and_what_is_lost_is_told() {
    let world = World::new(|_, _| {});
    let auditor = world.admin.auditor();
    for number in 0..2048 {
        auditor.record(event(number)).await;
    }
    assert_eq!(world.admin.recorder.lost(), 0);
    auditor.record(event(0)).await;
    assert_eq!(world.admin.recorder.lost(), 1);
    assert!(world.admin.condition().reasons.contains("audit records were lost"));
    world.store.close().await;
}

#[tokio::test]
async fn the_policy_is_shown_and_explained() {
    let world = World::new(|_, _| {});
    let (_, body) = world.get("admin", "/policy?rule=servers:create").await;
    insta::assert_snapshot!(body["rules"].to_string());
    let ask = async |rule: &str, roles: &[&str], target: Value| {
        let domain = json!({ "id": "default" });
        let body = json!({
            "rule": rule, "user": { "id": "u1", "domain": domain }, "project": { "id": "p1", "domain": domain },
            "roles": roles, "target": target,
        });
        let answer = call(&world.app, "admin", "POST", "/cloudbox/v1/policy/check", &[], &body).await.unwrap();
        (answer.status, answer.json())
    };
    let (status, body) = ask("servers:create", &["member", "reader"], Value::Null).await;
    assert_eq!((status, &body["explanation"]["allowed"]), (200, &json!(true)), "{body}");
    assert_eq!(body["explanation"]["rule"], "os_compute_api:servers:create");
    let (_, body) = ask("servers:create", &["reader"], Value::Null).await;
    assert_eq!(body["explanation"]["allowed"], false);
    let (_, body) = ask("servers:create", &["member"], json!({ "project_id": "p2" })).await;
    assert_eq!(body["explanation"]["allowed"], false);
    assert_eq!(ask("create", &["member"], Value::Null).await.0, 200, "one rule alone ends so");
    assert_eq!(ask("servers:fly", &["member"], Value::Null).await.0, 404);
    assert_eq!(ask("list", &["member"], Value::Null).await.0, 400, "several do");
}

#[tokio::test]
async fn the_status_and_the_metrics_are_for_administrators_and_readers_of_the_system() {
    let world = World::new(|_, _| {});
    let (_, body) = world.get("admin", "/status").await;
    assert_eq!((&body["version"], &body["hosts"][0]["vcpus"]["sellable"]), (&json!("1.2.3"), &json!(8)));
    let identity = |roles: &[&str], scope: Option<kit::Scope>| {
        let known = http_kit::testing::identity("p", "u", roles);
        let scope = scope.unwrap_or_else(|| known.scope.clone());
        Arc::new(kit::Identity { scope, ..known })
    };
    assert!(world.admin.may_read_metrics(identity(&["admin"], None)));
    assert!(world.admin.may_read_metrics(identity(&["reader"], Some(kit::Scope::System))));
    assert!(!world.admin.may_read_metrics(identity(&["reader"], None)));
    assert!(!world.admin.may_read_metrics(identity(&["member", "reader"], None)));
}
