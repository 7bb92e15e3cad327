//! `cloudbox status`: how a cloud is. The API is cloudbox's own, `GET /cloudbox/v1/status`.

use std::fmt::Write as _;

use clap::Args;
use serde_json::Value;

use super::catalog::Service;
use super::output::{size, table, text};
use super::problem::{Problem, Result};
use super::session::Session;

/// How the cloud is: its parts, queues, running workflows and capacity. Ends with 1 where something is wrong
#[derive(Debug, Args)]
pub struct Status {}

impl Status {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done, and that something is wrong with the cloud.
    pub async fn run(self, session: &Session) -> Result<()> {
        let status = session.client.get(Service::Cloudbox, "/status").await?;
        if session.out.is_data() {
            session.out.show(&status, &[])?;
        } else {
            session.out.raw(&render(&status))?;
        }
        let wrong = wrong(&status);
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Problem::failed(wrong.join("; ")).hint("`cloudbox doctor` on the host may know what to do")),
        }
    }
}

fn each<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// What is wrong, in short sentences.
fn wrong(status: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for part in each(status, "/parts") {
        if text(part, "/state") != "running" {
            wrong.push(format!("{} is {}", text(part, "/name"), text(part, "/state").replace('_', " ")));
        }
        wrong.extend(each(part, "/reasons").map(|reason| text(reason, "")));
    }
    let stuck = each(status, "/workflows/running").filter(|run| text(run, "/state") == "stuck").count();
    if stuck > 0 {
        wrong.push(format!("{stuck} of the workflows can neither go on nor be taken back"));
    }
    let down = each(status, "/hosts").filter(|host| text(host, "/up") == "no" && text(host, "/disabled") == "no");
    wrong.extend(down.map(|host| format!("the host {} is not heard of", text(host, "/host"))));
    wrong
}

/// The whole of it for people.
fn render(status: &Value) -> String {
    let mut told = String::new();
    // Writing to a text cannot fail.
    let _ = writeln!(
        told,
        "cloudbox {} on {}, up {}; database {} (log {})\n",
        text(status, "/version"),
        text(status, "/host"),
        duration(number(status, "/uptime_seconds")),
        size(number(status, "/database/size_bytes")),
        size(number(status, "/database/log_bytes")),
    );
    told += &table(&["Part", "State", "Restarts", "What is wrong"], each(status, "/parts").map(part));
    told.push('\n');
    told += &table(
        &["Queue", "Workers", "Waiting", "Served", "Failed", "Refused", "Waited", "Took"],
        each(status, "/queues").map(queue),
    );
    told.push('\n');
    if each(status, "/workflows/running").next().is_some() {
        let rows = each(status, "/workflows/running")
            .map(|run| ["/kind", "/subject", "/step", "/state", "/since"].map(|pointer| text(run, pointer)).to_vec());
        told += &table(&["Workflow", "On", "Step", "State", "Since"], rows);
        told.push('\n');
    }
    if each(status, "/workflows/ended").next().is_some() {
        let rows = each(status, "/workflows/ended")
            .map(|kind| ["/kind", "/done", "/undone", "/stuck"].map(|pointer| text(kind, pointer)).to_vec());
        told += &table(&["Workflow", "Done", "Taken back", "Stuck"], rows);
        told.push('\n');
    }
    told + &table(&["Host", "State", "Servers", "vCPUs", "Memory", "Disk"], each(status, "/hosts").map(host))
}

fn part(part: &Value) -> Vec<String> {
    let reasons = each(part, "/reasons").map(|reason| text(reason, "")).collect::<Vec<_>>().join("; ");
    let running = text(part, "/state") == "running";
    let reasons = if reasons.is_empty() && !running { text(part, "/last_error") } else { reasons };
    let state = if running && !reasons.is_empty() { "degraded".to_owned() } else { text(part, "/state") };
    vec![text(part, "/name"), state, text(part, "/restarts"), reasons]
}

fn queue(queue: &Value) -> Vec<String> {
    let host = text(queue, "/host");
    let name = if host.is_empty() { text(queue, "/topic") } else { format!("{}.{host}", text(queue, "/topic")) };
    let waiting = format!("{} of {}", number(queue, "/depth"), number(queue, "/capacity"));
    let mut row = vec![name, text(queue, "/workers"), waiting];
    row.extend(["/served", "/failed", "/refused"].map(|pointer| text(queue, pointer)));
    row.extend(["/mean_wait_micros", "/mean_service_micros"].map(|pointer| micros(number(queue, pointer))));
    row
}

fn host(host: &Value) -> Vec<String> {
    let state = match (text(host, "/up").as_str(), text(host, "/disabled").as_str()) {
        (_, "yes") => "disabled",
        ("yes", _) => "up",
        _ => "down",
    };
    let share = |of: &str, unit: &str| {
        format!("{} of {}{unit}", number(host, &format!("/{of}/used")), number(host, &format!("/{of}/sellable")))
    };
    vec![
        text(host, "/host"),
        state.to_owned(),
        text(host, "/servers"),
        share("vcpus", ""),
        share("memory_mb", " MiB"),
        share("disk_gb", " GiB"),
    ]
}

/// `1d 2h`, `2h 3m`, `3m 4s`.
fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}m {}s", seconds % 60),
        (0, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// Microseconds in milliseconds.
fn micros(micros: u64) -> String {
    format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn amount(used: u64) -> Value {
        json!({ "total": 8, "sellable": 32, "used": used })
    }

    fn status() -> Value {
        json!({
            "version": "1.2.3", "host": "one", "uptime_seconds": 93_784,
            "parts": [
                { "name": "compute", "state": "running", "restarts": 0, "last_error": null, "reasons": [], "repairs": [] },
                { "name": "compute-agent", "state": "running", "restarts": 0, "last_error": null,
                  "reasons": ["libvirt is not reachable"], "repairs": [] },
                { "name": "image", "state": "backing_off", "restarts": 3, "last_error": "no", "reasons": [], "repairs": [] },
            ],
            "queues": [{ "topic": "compute", "host": "one", "workers": 16, "depth": 1, "capacity": 4096, "served": 12,
                "failed": 1, "refused": 0, "mean_wait_micros": 30, "mean_service_micros": 12_345 }],
            "workflows": {
                "running": [{ "id": "w", "kind": "server.build", "subject": "s", "step": "spawn", "state": "stuck",
                    "since": "2026-11-22T18:40:00Z" }],
                "ended": [{ "kind": "server.build", "done": 5, "undone": 1, "stuck": 0 }],
            },
            "hosts": [{ "host": "one", "up": true, "disabled": false, "servers": 2, "vcpus": amount(2),
                "memory_mb": amount(3), "disk_gb": amount(4) },
                { "host": "two", "up": false, "disabled": false, "servers": 0, "vcpus": amount(0),
                "memory_mb": amount(0), "disk_gb": amount(0) }],
            "database": { "size_bytes": 1_048_576, "log_bytes": 0 },
        })
    }

    #[test]
    fn it_is_told_in_tables() {
        insta::assert_snapshot!(render(&status()), @r"
        cloudbox 1.2.3 on one, up 1d 2h; database 1.0 MiB (log 0 B)

        PART           STATE        RESTARTS  WHAT IS WRONG
        compute        running      0
        compute-agent  degraded     0         libvirt is not reachable
        image          backing_off  3         no

        QUEUE        WORKERS  WAITING    SERVED  FAILED  REFUSED  WAITED   TOOK
        compute.one  16       1 of 4096  12      1       0        0.03 ms  12.34 ms

        WORKFLOW      ON  STEP   STATE  SINCE
        server.build  s   spawn  stuck  2026-11-22T18:40:00Z

        WORKFLOW      DONE  TAKEN BACK  STUCK
        server.build  5     1           0

        HOST  STATE  SERVERS  VCPUS    MEMORY       DISK
        one   up     2        2 of 32  3 of 32 MiB  4 of 32 GiB
        two   down   0        0 of 32  0 of 32 MiB  0 of 32 GiB
        ");
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(
            wrong(&status()),
            [
                "libvirt is not reachable",
                "image is backing off",
                "1 of the workflows can neither go on nor be taken back",
                "the host two is not heard of",
            ]
        );
        assert_eq!(wrong(&json!({})), [""; 0]);
    }

    #[test]
    fn times_are_short() {
        assert_eq!([59, 3_600, 93_784].map(duration), ["0m 59s", "1h 0m", "1d 2h"]);
        assert_eq!(micros(12_345), "12.34 ms");
    }
}
