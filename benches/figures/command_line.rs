//! What a command costs, from its start to its end: a process of its own that asks a cloud in another one, over loopback, with a login that
//! is kept from the command before.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::figure::{Goal, Report, median_ms};
use crate::process::serve;

/// The words of a command, and whether it has a goal.
const COMMANDS: [(&str, Goal); 4] = [
    ("--version", Goal::None),
    ("vm list", Goal::AtMost(20.0)),
    ("image list", Goal::AtMost(20.0)),
    ("vm show web", Goal::AtMost(20.0)),
];
/// Where the cloud listens, and what that makes of it: on all addresses it is encrypted.
const PLACES: [(&str, &str); 2] = [("127.0.0.1:0", ""), ("0.0.0.0:0", " over TLS")];
const RUNS: usize = 31;

pub async fn measure(report: &mut Report) {
    for (listen, suffix) in PLACES {
        let names = COMMANDS.map(|(words, _)| format!("cloudbox {words}{suffix}"));
        if !names.iter().any(|name| report.wants(name)) {
            continue;
        }
        let directory = tempfile::tempdir().expect("a directory");
        let (mut cloud, url) = serve(&directory, listen).await;
        assert_eq!(url.starts_with("https:"), !suffix.is_empty(), "{url}");
        std::fs::write(directory.path().join("disk"), vec![0; 1 << 20]).expect("a disk");
        for words in ["image create tiny --file disk", "vm create web --key none"] {
            run(&directory, words);
        }
        for ((words, goal), name) in COMMANDS.into_iter().zip(&names) {
            if report.wants(name) && (suffix.is_empty() || words != "--version") {
                run(&directory, words);
                let times = (0..RUNS).map(|_| run(&directory, words)).collect();
                report.add(name, median_ms(times), "ms", goal);
            }
        }
        cloud.kill().await.expect("it can be stopped");
    }
}

/// How long `cloudbox` with these words takes.
fn run(directory: &TempDir, words: &str) -> Duration {
    let begun = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_cloudbox"))
        .arg("--data-dir")
        .arg(directory.path().join("data"))
        .args(words.split(' '))
        .env_clear()
        .env("HOME", directory.path())
        .current_dir(directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("cloudbox starts");
    assert!(status.success(), "cloudbox {words}: {status}");
    begun.elapsed()
}
