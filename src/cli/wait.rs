//! Waiting for what the cloud does after it has answered.

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::time::Instant;

use super::output::text;
use super::problem::{Kind, Problem, Result};
use super::progress::Progress;

/// The shortest and the longest time between two looks.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// Whether to wait, and for how long.
#[derive(Debug, Clone, Args)]
pub struct Wait {
    /// Wait until it is done: this is the default
    #[arg(long, overrides_with = "no_wait")]
    wait: bool,
    /// Do not wait until it is done
    #[arg(long, overrides_with = "wait")]
    no_wait: bool,
    /// The longest time to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub timeout: u64,
}

impl Wait {
    /// Whether to wait.
    #[must_use]
    pub fn wanted(&self) -> bool {
        !self.no_wait
    }
}

/// How far something is.
#[derive(Debug, PartialEq)]
pub enum Look {
    /// Not there yet, but at this; what was told elsewhere is empty here.
    Working(String),
    /// There.
    Done(Value),
}

/// Looks until it is done.
///
/// # Errors
/// What `look` answers, or that it took longer than `wait` says.
pub async fn until(wait: &Wait, mut progress: Progress, look: impl AsyncFn() -> Result<Look>) -> Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(wait.timeout);
    let mut pause = PAUSES.0;
    loop {
        let state = match look().await? {
            Look::Working(state) => state,
            Look::Done(value) => {
                let status = text(&value, "/status").to_lowercase();
                progress.done(if status.is_empty() { "gone" } else { &status });
                return Ok(value);
            }
        };
        progress.state(&state);
        if Instant::now() + pause > deadline {
            let at = if state.is_empty() { String::new() } else { format!(", still at {state}") };
            let text = format!("not done after {} s{at}", wait.timeout);
            return Err(Problem::failed(text).hint("it goes on; --timeout SECONDS waits longer"));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 5 / 4).min(PAUSES.1);
    }
}

/// Whether `answer` says that the thing is gone.
///
/// # Errors
/// What else went wrong, and what `failed` says of a thing that is still there.
pub fn gone(answer: Result<Value>, failed: impl Fn(&Value) -> Result<Look>) -> Result<Look> {
    match answer {
        Err(problem) if problem.kind == Kind::NotFound => Ok(Look::Done(Value::Null)),
        Err(problem) => Err(problem),
        Ok(value) => failed(&value),
    }
}

/// How a thing with a `status` (an image, a volume) is on its way to `wanted`.
///
/// # Errors
/// When its status is one of failure.
pub fn status(what: &str, value: Value, wanted: &str) -> Result<Look> {
    if text(&value, "/status").to_lowercase() == wanted {
        return Ok(Look::Done(value));
    }
    under_way(what, &value)
}

/// At what a thing with a `status` is that is not where it shall be.
///
/// # Errors
/// When its status is one of failure.
pub fn under_way(what: &str, value: &Value) -> Result<Look> {
    let status = text(value, "/status").to_lowercase();
    if status.starts_with("error") || status == "killed" {
        Err(Problem::failed(format!("{what} {} ended as {status}", text(value, "/name"))))
    } else {
        Ok(Look::Working(status))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use serde_json::json;

    use super::*;
    use crate::cli::output::{Format, Output};

    fn progress() -> Progress {
        Progress::spinner(Output::new(Format::Table, true, true), "it")
    }

    fn wait(timeout: u64) -> Wait {
        Wait { wait: true, no_wait: false, timeout }
    }

    #[tokio::test]
    async fn it_looks_until_it_is_done() {
        let looks = Cell::new(0);
        let wait = wait(60);
        let done = until(&wait, progress(), async || {
            looks.set(looks.get() + 1);
            Ok(if looks.get() == 3 {
                Look::Done(json!({"status": "ACTIVE"}))
            } else {
                Look::Working("spawning".to_owned())
            })
        });
        assert_eq!(done.await.unwrap(), json!({"status": "ACTIVE"}));
    }

    #[tokio::test]
    async fn it_does_not_wait_for_ever() {
        let never = until(&wait(0), progress(), async || Ok(Look::Working("scheduling".to_owned()))).await;
        assert_eq!(never.unwrap_err().text, "not done after 0 s, still at scheduling");
    }

    #[test]
    fn what_cannot_be_found_is_gone() {
        let working = |_: &Value| Ok(Look::Working("deleting".to_owned()));
        assert_eq!(gone(Err(Problem::not_found("no")), working).unwrap(), Look::Done(Value::Null));
        assert_eq!(gone(Err(Problem::not_allowed("no")), working).unwrap_err().kind, Kind::NotAllowed);
        assert_eq!(gone(Ok(json!({})), working).unwrap(), Look::Working("deleting".to_owned()));
    }

    #[test]
    fn a_failure_is_not_waited_for() {
        let volume = |state: &str| json!({"name": "v", "status": state});
        assert_eq!(status("volume", volume("creating"), "available").unwrap(), Look::Working("creating".to_owned()));
        assert!(matches!(status("volume", volume("available"), "available").unwrap(), Look::Done(_)));
        assert_eq!(status("volume", volume("error"), "available").unwrap_err().text, "volume v ended as error");
    }
}
