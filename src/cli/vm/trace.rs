//! `vm trace`: the sixteen steps of a boot, with who did them and how long they took.
//!
//! The API is cloudbox's own, `GET /servers/{id}/cloudbox-trace`.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value;

use crate::cli::output::{self, text};
use crate::cli::problem::{Kind, Problem, Result};
use crate::cli::resolve::VM;
use crate::cli::session::Session;

/// The options of `vm trace`.
#[derive(Debug, Args)]
pub struct Trace {
    /// Name or id
    vm: String,
}

impl Trace {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let id = VM.find_id(&session.client, &self.vm).await?;
        let trace = of(session, &id).await?;
        if session.out.is_data() {
            return session.out.show(&trace, &[]);
        }
        session.out.raw(&render(&trace))
    }
}

/// The trace of the VM with this id.
///
/// # Errors
/// When the cloud has none, or does not show it.
pub(super) async fn of(session: &Session, id: &str) -> Result<Value> {
    let answer = session.client.get(VM.service, &format!("{}/cloudbox-trace", VM.path_of(id))).await;
    let mut answer = answer.map_err(|problem| match problem.kind {
        Kind::NotFound => Problem::not_found("this cloud keeps no trace of it")
            .hint("traces are cloudbox's own; other clouds have none"),
        _ => problem,
    })?;
    Ok(answer.get_mut("trace").map(Value::take).unwrap_or_default())
}

/// The steps of `trace`, in their order.
pub(super) fn steps(trace: &Value) -> Vec<&Value> {
    trace.get("steps").and_then(Value::as_array).into_iter().flatten().collect()
}

/// The steps as a table, and the sum of it.
fn render(trace: &Value) -> String {
    let steps = steps(trace);
    let begin = |step: &Value| text(step, "/started_at").parse::<Timestamp>().ok().map(Timestamp::as_microsecond);
    let first = steps.iter().filter_map(|step| begin(step)).min();
    let rows = steps.iter().map(|step| {
        let offset = begin(step).zip(first).and_then(|(at, first)| u64::try_from(at - first).ok());
        vec![
            text(step, "/step"),
            text(step, "/service"),
            format!("{} → {}", text(step, "/from"), text(step, "/to")),
            kind(&text(step, "/kind")),
            offset.map_or("-".to_owned(), |offset| format!("+{}", duration(offset))),
            step.get("micros").and_then(Value::as_u64).map_or("-".to_owned(), duration),
            text(step, "/description"),
            // The last: a failure may be long.
            text(step, "/result"),
        ]
    });
    let table = output::table(&["Step", "Service", "From → to", "How", "Start", "Took", "What", "Result"], rows);
    format!("{table}\n{}\n", sum(&steps, first, begin))
}

fn sum(steps: &[&Value], first: Option<i64>, begin: impl Fn(&Value) -> Option<i64>) -> String {
    let end = |step: &&Value| Some(begin(step)? + i64::try_from(step.get("micros")?.as_u64()?).ok()?);
    let Some((last, first)) = steps.iter().filter_map(end).max().zip(first) else {
        return "Nothing was recorded.".to_owned();
    };
    let count = |wanted: fn(&str) -> bool| steps.iter().filter(|step| wanted(&text(step, "/result"))).count();
    let failed = match count(|result| result != "ok" && result != "-") {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    let took = duration(u64::try_from(last - first).unwrap_or_default());
    format!(
        "{} of {} steps{failed}, {took} from the first to the end of the last; - was not needed.",
        count(|result| result != "-"),
        steps.len()
    )
}

fn kind(kind: &str) -> String {
    if kind == "rest" { "REST".to_owned() } else { kind.to_owned() }
}

/// Microseconds for people.
pub(super) fn duration(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(name: &str, (service, from, to): (&str, &str, &str), kind: &str, done: Option<(&str, u64, &str)>) -> Value {
        json!({
            "step": name, "service": service, "from": from, "to": to, "kind": kind, "description": "what it is",
            "started_at": done.map(|done| done.0), "micros": done.map(|done| done.1), "result": done.map_or("-", |done| done.2),
        })
    }

    #[test]
    fn the_steps_are_a_table() {
        let trace = json!({"server_id": "7", "request_id": "req-1", "steps": [
            step("B1", ("identity", "client", "identity"), "rest", Some(("2026-11-22T10:00:00.000000Z", 41_250, "ok"))),
            step("B6", ("scheduler", "queue", "scheduler"), "call", Some(("2026-11-22T10:00:00.050000Z", 12, "ok"))),
            step("B14", ("compute", "compute", "volume"), "call", None),
            step("B16", ("compute", "compute", "hypervisor"), "local", Some(("2026-11-22T10:00:01.500000Z", 2_345_678, "no KVM"))),
        ]});
        insta::assert_snapshot!(render(&trace), @r"
        STEP  SERVICE    FROM → TO             HOW    START     TOOK     WHAT        RESULT
        B1    identity   client → identity     REST   +0 µs     41.2 ms  what it is  ok
        B6    scheduler  queue → scheduler     call   +50.0 ms  12 µs    what it is  ok
        B14   compute    compute → volume      call   -         -        what it is  -
        B16   compute    compute → hypervisor  local  +1.50 s   2.34 s   what it is  no KVM

        3 of 4 steps, 1 failed, 3.84 s from the first to the end of the last; - was not needed.
        ");
    }

    #[test]
    fn a_server_without_a_trace_says_so() {
        let trace = json!({"steps": [step("B1", ("identity", "client", "identity"), "rest", None)]});
        assert!(render(&trace).ends_with("\nNothing was recorded.\n"));
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(
            [0, 999, 1_000, 999_999, 1_000_000, 61_239_999].map(duration),
            ["0 µs", "999 µs", "1.0 ms", "999.9 ms", "1.00 s", "61.23 s"]
        );
    }
}
