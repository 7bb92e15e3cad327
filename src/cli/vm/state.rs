//! How a server is on its way, and why it did not get there.

use serde_json::Value;

use crate::cli::output::text;
use crate::cli::problem::{Problem, Result};
use crate::cli::wait::Look;

/// How `server` is on its way to `wanted` (`ACTIVE`, `SHUTOFF`).
///
/// # Errors
/// When it has failed, with the server's own fault; or when it has come to rest elsewhere.
pub fn look(server: Value, wanted: &str) -> Result<Look> {
    let (status, task) = (text(&server, "/status"), text(&server, "/OS-EXT-STS:task_state"));
    match (status.as_str(), task.as_str()) {
        ("ERROR", _) => Err(failure(&server)),
        (status, "") if status == wanted => Ok(Look::Done(server)),
        // A server that is being built has no task for a moment between two of them.
        ("BUILD" | "REBOOT" | "HARD_REBOOT", "") => Ok(Look::Working(status.to_lowercase())),
        (status, "") => {
            Err(Problem::failed(format!("VM {} ended as {status}, not as {wanted}", text(&server, "/name"))))
        }
        (_, task) => Ok(Look::Working(task.replace('_', " "))),
    }
}

/// Why `server` has failed.
#[must_use]
pub fn failure(server: &Value) -> Problem {
    let (name, id) = (text(server, "/name"), text(server, "/id"));
    let fault = text(server, "/fault/message");
    let fault = if fault.is_empty() { "the server has no fault".to_owned() } else { fault };
    let mut report = format!("VM {name} failed: {fault}");
    let details = text(server, "/fault/details");
    if !details.is_empty() && details != fault && !details.contains("Traceback") {
        report = format!("{report}\n  {}", details.trim().replace('\n', "\n  "));
    }
    Problem::failed(report)
        .hint(format!("`cloudbox vm trace {id}` shows how far it came, `cloudbox vm delete {id}` removes it"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn server(status: &str, task: Option<&str>) -> Value {
        json!({"id": "7", "name": "web", "status": status, "OS-EXT-STS:task_state": task})
    }

    #[test]
    fn a_server_is_done_when_nothing_is_done_to_it_any_more() {
        let at = |status, task, wanted| look(server(status, task), wanted).unwrap();
        assert_eq!(
            at("BUILD", Some("block_device_mapping"), "ACTIVE"),
            Look::Working("block device mapping".to_owned())
        );
        assert_eq!(at("BUILD", None, "ACTIVE"), Look::Working("build".to_owned()));
        assert_eq!(at("ACTIVE", Some("powering-off"), "SHUTOFF"), Look::Working("powering-off".to_owned()));
        assert_eq!(at("REBOOT", None, "ACTIVE"), Look::Working("reboot".to_owned()));
        assert!(matches!(at("SHUTOFF", None, "SHUTOFF"), Look::Done(_)));
        let elsewhere = look(server("SHUTOFF", None), "ACTIVE").unwrap_err();
        assert_eq!(elsewhere.text, "VM web ended as SHUTOFF, not as ACTIVE");
    }

    #[test]
    fn a_failure_tells_the_fault() {
        let mut server = server("ERROR", None);
        server["fault"] = json!({"code": 500, "message": "No valid host was found.", "details": "RamFilter: 1 -> 0 hosts\n512 MB short"});
        let problem = look(server.clone(), "ACTIVE").unwrap_err();
        insta::assert_snapshot!(problem.text, @r"
        VM web failed: No valid host was found.
          RamFilter: 1 -> 0 hosts
          512 MB short
        ");
        server["fault"] = json!({"message": "Gone.", "details": "Traceback (most recent call last)"});
        assert_eq!(failure(&server).text, "VM web failed: Gone.");
        server["fault"] = Value::Null;
        assert_eq!(failure(&server).text, "VM web failed: the server has no fault");
    }
}
