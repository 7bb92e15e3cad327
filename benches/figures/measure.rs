//! The figures.

use std::time::{Duration, Instant};

use bus::topics::identity::{self, ValidateToken};
use bus::{Bus, Options, Target};
use kit::{RequestContext, Secret};
use serde_json::{Value, json};

use crate::cloud::{Cloud, config, server, wait_active};
use crate::figure::{Goal, Report, median_ms};

/// Measures what is wanted.
pub async fn all(report: &mut Report) {
    if report.wants("rpc.call") {
        rpc_call(report).await;
    }
    if report.wants("cold start") {
        cold_start(report).await;
    }
    if report.wants("idle") {
        idle(report).await;
    }
    if report.wants("token") {
        tokens(report).await;
    }
    if report.wants("port") {
        ports(report).await;
    }
    if report.wants("server") {
        servers(report).await;
    }
}

async fn rpc_call(report: &mut Report) {
    let bus = Bus::new(Options::default());
    let validated = std::sync::Arc::new(nobody());
    let answer = move |_, _: ValidateToken| std::future::ready(Ok(validated.clone()));
    let _server = bus.server(identity::TOPIC).on(answer).start();
    let (client, context) = (bus.client("bench"), RequestContext::service("bench"));
    let mut times = Vec::new();
    for _ in 0..20_000 {
        let begun = Instant::now();
        client.call(&context, Target::Any, ValidateToken { token: Secret::new("t") }).await.expect("an answer");
        times.push(begun.elapsed());
    }
    report.add("rpc.call, median", median_ms(times) * 1e3, "µs", Goal::AtMost(20.0));
}

fn nobody() -> kit::Identity {
    let domain = kit::DomainRef { id: "default".into(), name: "Default".to_owned() };
    kit::Identity {
        user: kit::UserRef { id: "u".into(), name: "u".to_owned(), domain },
        scope: kit::Scope::Unscoped,
        roles: Vec::new(),
        methods: Vec::new(),
        audit_ids: Vec::new(),
        issued_at: kit::Timestamp::UNIX_EPOCH,
        expires_at: kit::Timestamp::MAX,
        authentication_micros: 0,
    }
}

async fn cold_start(report: &mut Report) {
    let directory = tempfile::tempdir().expect("a directory");
    let first = cloudbox::appliance::Appliance::start(config(&directory)).await.expect("the cloud starts");
    first.stop().await;
    let begun = Instant::now();
    let again = cloudbox::appliance::Appliance::start(config(&directory)).await.expect("the cloud starts again");
    report.add("cold start until all APIs answer", begun.elapsed().as_secs_f64(), "s", Goal::AtMost(0.3));
    again.stop().await;
}

/// Memory and processor time of a cloud that nobody uses, in a process of its own.
async fn idle(report: &mut Report) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_cloudbox"))
        .args(["serve", "--listen", "127.0.0.1:0", "--hypervisor", "fake", "--network", "fake", "--data-dir"])
        .arg(directory.path())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("cloudbox starts");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let pid = child.id().expect("it runs");
    let before = cpu_ticks(pid);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let ticks = cpu_ticks(pid) - before;
    report.add("idle PSS", pss_mib(pid), "MiB", Goal::AtMost(40.0));
    // A tick is 10 ms on every Linux that there is.
    report.add("idle CPU over 30 s", ticks as f64 * 0.01 / 30.0 * 100.0, "%", Goal::AtMost(0.2));
    child.kill().await.expect("it can be stopped");
}

fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let after_name = stat.rsplit(')').next().expect("a name in parentheses");
    after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("ticks")).sum()
}

fn pss_mib(pid: u32) -> f64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("it runs");
    let line = rollup.lines().find(|line| line.starts_with("Pss:")).expect("a Pss line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).expect("a number") / 1024.0
}

async fn tokens(report: &mut Report) {
    let cloud = Cloud::start().await;
    let count = 20_000;
    let mut tasks = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for _ in 0..8 {
        let mut client = cloud.client().await;
        tasks.spawn(async move {
            for _ in 0..count / 8 {
                client.must(200, "HEAD", "/identity/v3/auth/tokens", &Value::Null).await;
            }
        });
    }
    tasks.join_all().await;
    report.add(
        "token validation over HTTP",
        f64::from(count) / begun.elapsed().as_secs_f64(),
        "/s",
        Goal::AtLeast(15_000.0),
    );
    cloud.appliance.stop().await;
}

async fn ports(report: &mut Report) {
    let cloud = Cloud::start().await;
    let network = cloud.network().await;
    let port = json!({ "port": { "network_id": network } });
    let mut tasks = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for _ in 0..8 {
        let (mut client, port) = (cloud.client().await, port.clone());
        tasks.spawn(async move {
            for _ in 0..125 {
                client.must(201, "POST", "/network/v2.0/ports", &port).await;
            }
        });
    }
    tasks.join_all().await;
    report.add("POST port", 1000.0 / begun.elapsed().as_secs_f64(), "/s", Goal::AtLeast(500.0));
    let listed = get_ms(&cloud, "/network/v2.0/ports", 20).await;
    report.add("GET 1,000 ports, median", listed, "ms", Goal::AtMost(15.0));
    cloud.appliance.stop().await;
}

async fn servers(report: &mut Report) {
    let cloud = Cloud::start().await;
    let (image, network) = (cloud.image().await, cloud.network().await);
    let mut client = cloud.client().await;
    client.must(202, "POST", "/compute/v2.1/servers", &server(&image, &network, 1)).await;
    wait_active(&mut client, 1).await;
    let mut times = Vec::new();
    for _ in 0..50 {
        times.push(create_one(&mut client, &image, &network).await);
    }
    report.add("server create → ACTIVE with a port, median", median_ms(times), "ms", Goal::AtMost(10.0));
    let mut have = 51;
    for (count, goal) in [(200, 1.0), (2000, 10.0)] {
        let begun = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (mut client, body) = (cloud.client().await, server(&image, &network, 1));
            tasks.spawn(async move {
                for _ in 0..count / 8 {
                    client.must(202, "POST", "/compute/v2.1/servers", &body).await;
                }
            });
        }
        tasks.join_all().await;
        have += count;
        wait_active(&mut client, have).await;
        report.add(
            &format!("server burst of {count}, all ACTIVE"),
            begun.elapsed().as_secs_f64(),
            "s",
            Goal::AtMost(goal),
        );
    }
    report.add("server burst: PSS afterwards", pss_mib(std::process::id()), "MiB", Goal::AtMost(200.0));
    let thousand = get_ms(&cloud, "/compute/v2.1/servers/detail?limit=1000", 10).await;
    report.add("GET 1,000 servers/detail, median", thousand, "ms", Goal::AtMost(15.0));
    let page = get_ms(&cloud, "/compute/v2.1/servers/detail?limit=20", 50).await;
    report.add("GET servers/detail, a page of 20, median", page, "ms", Goal::AtMost(2.0));
    cloud.appliance.stop().await;
    drop(cloud.directory);
}

async fn create_one(client: &mut crate::client::Client, image: &str, network: &str) -> Duration {
    let begun = Instant::now();
    let made = client.must(202, "POST", "/compute/v2.1/servers", &server(image, network, 1)).await;
    let path = format!("/compute/v2.1/servers/{}", made["server"]["id"].as_str().expect("an id"));
    loop {
        let shown = client.must(200, "GET", &path, &Value::Null).await;
        match shown["server"]["status"].as_str() {
            Some("ACTIVE") => return begun.elapsed(),
            Some("ERROR") => panic!("{shown:#}"),
            _ => tokio::time::sleep(Duration::from_micros(200)).await,
        }
    }
}

async fn get_ms(cloud: &Cloud, path: &str, times: usize) -> f64 {
    let mut client = cloud.client().await;
    client.must(200, "GET", path, &Value::Null).await;
    let mut taken = Vec::new();
    for _ in 0..times {
        let begun = Instant::now();
        client.must(200, "GET", path, &Value::Null).await;
        taken.push(begun.elapsed());
    }
    median_ms(taken)
}
