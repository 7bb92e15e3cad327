//! Stopping dead at a named point: for tests of what a process that is killed leaves behind.
//!
//! Wherever an operation has just changed something that outlives the process, or is about to, it passes a [`point`]. The
//! workflow engine passes one before and after each step and each undo, so that a new step has its points by itself.
//! Two environment variables, for tests only, read once:
//! * `CLOUDBOX_CRASH_AT=server.build/spawn/after`: the process kills itself (SIGKILL) when it comes to this point;
//! * `CLOUDBOX_CRASH_LOG=FILE`: each point that is passed is written to the file, a line each: what there is to crash at.
//!
//! Without them a point costs one load from memory.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use rustix::process::{Signal, getpid, kill_process};

static PLAN: LazyLock<Option<Plan>> = LazyLock::new(Plan::from_environment);

struct Plan {
    at: Option<String>,
    log: Option<File>,
}

impl Plan {
    fn from_environment() -> Option<Self> {
        let at = std::env::var("CLOUDBOX_CRASH_AT").ok();
        let log = std::env::var_os("CLOUDBOX_CRASH_LOG").and_then(|path| open(Path::new(&path)));
        if at.is_none() && log.is_none() {
            return None;
        }
        tracing::warn!(at, "this process is a test of crashes");
        Some(Self { at, log })
    }

    fn pass(&self, point: &str) {
        if let Some(mut log) = self.log.as_ref()
            && let Err(error) = log.write_all(format!("{point}\n").as_bytes())
        {
            tracing::warn!(%error, point, "a point is not in the log");
        }
        if self.at.as_deref() == Some(point) {
            die();
        }
    }
}

fn open(path: &Path) -> Option<File> {
    match File::options().append(true).create(true).open(path) {
        Ok(file) => Some(file),
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "the log of points cannot be written");
            None
        }
    }
}

/// Ends this process as a power cut would: nothing runs any more, nothing is flushed.
fn die() -> ! {
    if let Err(error) = kill_process(getpid(), Signal::KILL) {
        tracing::error!(%error, "this process cannot kill itself");
    }
    std::process::abort()
}

/// Passes the point `kind/step/when`, such as `server.build/spawn/after`.
pub fn point(kind: &str, step: &str, when: &str) {
    if let Some(plan) = &*PLAN {
        plan.pass(&format!("{kind}/{step}/{when}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_that_are_passed_are_written_down() {
        let file = std::env::temp_dir().join(format!("points-{}", uuid::Uuid::new_v4()));
        let plan = Plan { at: Some("a/c/before".to_owned()), log: open(&file) };
        plan.pass("a/b/before");
        plan.pass("a/b/after");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "a/b/before\na/b/after\n");
        std::fs::remove_file(file).unwrap();
        // Nothing is asked of this process.
        point("a", "c", "before");
    }
}
