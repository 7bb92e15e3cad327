//! What the process costs: its start, and its memory and processor time while nobody uses it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use cloudbox::appliance::Appliance;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::client::Client;
use crate::cloud::{config, default_network, lift_quotas, log_in, make_image, ready, server, wait_active};
use crate::figure::{Goal, Report};

const START: &str = "cold start until all APIs answer";
const PSS: &str = "idle PSS";
const CPU: &str = "idle CPU over 30 s";
const BURST: &str = "PSS after a burst of 2,000 servers";

/// The fake guests take no disk; the default network has room for all of them.
const SETTINGS: &str = "[compute]\nbuild_concurrency = 16\ndisk_allocation_ratio = 1000.0\n\
     [network]\ndefault_cidr = \"10.64.0.0/12\"\n";

pub async fn measure(report: &mut Report) {
    if report.wants(START) {
        cold_start(report).await;
    }
    if report.wants_any(&[PSS, CPU, BURST]) {
        a_process(report).await;
    }
}

/// `start` returns when the port is open and every service behind it answers.
async fn cold_start(report: &mut Report) {
    let directory = tempfile::tempdir().expect("a directory");
    let first = Appliance::start(config(&directory)).await.expect("the cloud starts");
    first.stop().await;
    let begun = Instant::now();
    let again = Appliance::start(config(&directory)).await.expect("the cloud starts again");
    report.add(START, begun.elapsed().as_secs_f64(), "s", Goal::AtMost(0.3));
    again.stop().await;
}

/// Starts a cloud on fake drivers in a process of its own. Answers it and its URL, once it is ready.
pub async fn serve(directory: &TempDir, listen: &str) -> (Child, String) {
    let file = directory.path().join("cloudbox.toml");
    std::fs::write(&file, SETTINGS).expect("a configuration");
    let log = directory.path().join("log");
    let child = Command::new(env!("CARGO_BIN_EXE_cloudbox"))
        .args(["serve", "--listen", listen, "--hypervisor", "fake", "--network", "fake", "--config"])
        .arg(&file)
        .arg("--data-dir")
        .arg(directory.path().join("data"))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).expect("a log"))
        .kill_on_drop(true)
        .spawn()
        .expect("cloudbox starts");
    let url = ready(&log).await;
    (child, url)
}

/// A process of its own: idle, then after two thousand servers were built in it.
async fn a_process(report: &mut Report) {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut child, url) = serve(&directory, "127.0.0.1:0").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let pid = child.id().expect("it runs");
    let before = cpu_ticks(pid);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let ticks = cpu_ticks(pid) - before;
    report.add(PSS, pss_mib(pid), "MiB", Goal::AtMost(40.0));
    // A tick is 10 ms on every Linux that there is.
    report.add(CPU, ticks as f64 * 0.01 / 30.0 * 100.0, "%", Goal::AtMost(0.2));
    if report.wants(BURST) {
        let token = log_in(&url, &directory).await;
        let mut client = Client::connect(&url, &token).await;
        lift_quotas(&mut client).await;
        let (image, network) = (make_image(&url, &token, "raw", b"tiny").await, default_network(&mut client).await);
        let body = server(&image, &network, 100);
        for _ in 0..20 {
            client.must(202, "POST", "/compute/v2.1/servers", &body).await;
        }
        wait_active(&mut client, 2_000).await;
        report.add(BURST, pss_mib(pid), "MiB", Goal::None);
    }
    child.kill().await.expect("it can be stopped");
}

fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let after_name = stat.rsplit(')').next().expect("a name in parentheses");
    after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("ticks")).sum()
}

/// The memory of a process, what it shares divided among those who share it.
fn pss_mib(pid: u32) -> f64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("it runs");
    let line = rollup.lines().find(|line| line.starts_with("Pss:")).expect("a Pss line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).expect("a number") / 1024.0
}
