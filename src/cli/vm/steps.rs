//! How far a new VM is: the sixteen steps of its boot, where the cloud tells them; its status alone on other clouds.
//!
//! It reads what `vm trace` shows. On a terminal they are one line that changes, elsewhere a line each.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use serde_json::Value;

use super::{state, trace};
use crate::cli::output::text;
use crate::cli::problem::{Problem, Result};
use crate::cli::session::Session;
use crate::cli::wait::Look;

/// The steps of one VM, and which of them were told.
pub(super) struct Steps<'a> {
    session: &'a Session,
    id: String,
    name: String,
    /// The cloud has none, or not for this user.
    none: Cell<bool>,
    told: RefCell<BTreeSet<String>>,
}

impl<'a> Steps<'a> {
    /// Those of `server`.
    pub(super) fn of(session: &'a Session, server: &Value) -> Self {
        let (id, name) = (text(server, "/id"), text(server, "/name"));
        Self { session, id, name, none: Cell::new(false), told: RefCell::default() }
    }

    /// How `server` is on its way to running.
    ///
    /// # Errors
    /// When it has failed: with the step where it did.
    pub(super) async fn look(&self, server: Value) -> Result<Look> {
        let steps = self.read().await;
        self.tell(&steps);
        match state::look(server, "ACTIVE") {
            // Where steps are told, a line each, no other line is wanted.
            Ok(Look::Working(task)) if self.session.out.is_live() || steps.is_empty() => {
                Ok(Look::Working(at(&steps, &task)))
            }
            Ok(Look::Working(_)) => Ok(Look::Working(String::new())),
            Err(problem) => Err(blamed(problem, &steps)),
            done => done,
        }
    }

    async fn read(&self) -> Vec<Value> {
        if self.none.get() {
            return Vec::new();
        }
        match trace::of(self.session, &self.id).await {
            Ok(trace) => trace::steps(&trace).into_iter().cloned().collect(),
            // It is no matter of the boot.
            Err(_) => {
                self.none.set(true);
                Vec::new()
            }
        }
    }

    /// A line for each step that is new, where there is no line that changes.
    fn tell(&self, steps: &[Value]) {
        let out = self.session.out;
        if out.is_live() {
            return;
        }
        for step in steps.iter().filter(|step| is_done(step)) {
            if self.told.borrow_mut().insert(text(step, "/step")) {
                out.note(&format!("{}: {}", self.name, line(step)));
            }
        }
    }
}

fn is_done(step: &Value) -> bool {
    text(step, "/result") != "-"
}

/// A step on a line: `B7 hosts are filtered (1.2 ms)`.
fn line(step: &Value) -> String {
    let took = step
        .get("micros")
        .and_then(Value::as_u64)
        .map_or_else(String::new, |micros| format!(" ({})", trace::duration(micros)));
    let failed = match text(step, "/result").as_str() {
        "ok" => String::new(),
        result => format!(": {result}"),
    };
    format!("{} {}{took}{failed}", text(step, "/step"), text(step, "/description"))
}

/// Where it is, beside the task that its status tells.
fn at(steps: &[Value], task: &str) -> String {
    match steps.iter().rposition(is_done).and_then(|last| Some((last + 1, steps.get(last)?))) {
        Some((number, step)) => format!("{task} ({number}/{}: {})", steps.len(), text(step, "/description")),
        None => task.to_owned(),
    }
}

/// `problem` with the step that failed: the last that began, as what it fails takes those around it down.
fn blamed(problem: Problem, steps: &[Value]) -> Problem {
    let failed = steps.iter().filter(|step| !matches!(text(step, "/result").as_str(), "ok" | "-"));
    let Some(step) = failed.max_by_key(|step| text(step, "/started_at")) else { return problem };
    let place = format!("{} ({} → {})", text(step, "/step"), text(step, "/from"), text(step, "/to"));
    let text = format!("{problem}\n  at step {place}, {}: {}", text(step, "/description"), text(step, "/result"));
    Problem { text, ..problem }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(name: &str, at: u64, result: &str) -> Value {
        let what = format!("what {name} does");
        let (started, micros) = if result == "-" {
            (Value::Null, Value::Null)
        } else {
            (json!(format!("2026-11-22T10:00:00.{at:06}Z")), json!(1_500))
        };
        json!({"step": name, "from": "compute", "to": "network", "description": what, "started_at": started,
               "micros": micros, "result": result})
    }

    #[test]
    fn it_is_at_the_last_step_that_is_done() {
        let steps = [step("B1", 1, "ok"), step("B2", 2, "ok"), step("B3", 0, "-")];
        assert_eq!(at(&steps, "networking"), "networking (2/3: what B2 does)");
        assert_eq!(at(&steps[2..], "scheduling"), "scheduling");
        assert_eq!(at(&[], "spawning"), "spawning");
        assert_eq!(line(&steps[0]), "B1 what B1 does (1.5 ms)");
    }

    #[test]
    fn a_failure_names_its_step() {
        let steps = [step("B7", 1, "no port"), step("B12", 5, "no port"), step("B13", 6, "ok"), step("B14", 0, "-")];
        let problem = blamed(Problem::failed("VM web failed: no port").hint("look"), &steps);
        assert_eq!(problem.text, "VM web failed: no port\n  at step B12 (compute → network), what B12 does: no port");
        assert_eq!(problem.hint.as_deref(), Some("look"));
        let other = blamed(Problem::failed("VM web failed: no port"), &[]);
        assert_eq!(other.text, "VM web failed: no port");
    }
}
