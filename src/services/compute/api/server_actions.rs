//! Actions on a server: start, stop, reboot, lock, console log, VNC and serial console.

use std::sync::Arc;

use bus::Target;
use bus::topics::compute_agent::GetConsoleOutput;
use http_kit::{Endpoint, Reply, Request, Target as PolicyTarget};
use kit::{Fault, FaultKind, PowerState};
use serde_json::{Value, json};

use super::{integer, schemas, server};
use crate::Compute;
use crate::db::instance_changes;
use crate::db::instances::InstanceRow;
use crate::domain::console::Opens;
use crate::domain::operation::Operation;
use crate::lifecycle::{self, operate};
use crate::policy::name;

const PATH: &str = "/servers/{server_id}/action";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::action(PATH, "os-start", "os_compute_api:servers:start", &start),
    Endpoint::action(PATH, "os-stop", "os_compute_api:servers:stop", &stop),
    Endpoint::action(PATH, "reboot", "os_compute_api:servers:reboot", &reboot).schema(schemas::REBOOT),
    Endpoint::action(PATH, "lock", "os_compute_api:os-lock-server:lock", &lock).until(2, 72),
    Endpoint::action(PATH, "lock", "os_compute_api:os-lock-server:lock", &lock).since(2, 73).schema(schemas::LOCK_273),
    Endpoint::action(PATH, "unlock", "os_compute_api:os-lock-server:unlock", &unlock),
    Endpoint::action(PATH, "os-getConsoleOutput", "os_compute_api:os-console-output", &console_output)
        .schema(schemas::CONSOLE_OUTPUT),
    Endpoint::action(PATH, "os-getVNCConsole", "os_compute_api:os-remote-consoles", &vnc_console)
        .until(2, 5)
        .schema(schemas::VNC_CONSOLE),
    Endpoint::action(PATH, "os-getSerialConsole", "os_compute_api:os-remote-consoles", &serial_console)
        .until(2, 5)
        .schema(schemas::SERIAL_CONSOLE),
];

async fn operate(compute: &Compute, request: &Request, operation: Operation) -> Result<Reply, Fault> {
    let row = server(compute, request).await?;
    operate::start(compute, &request.context, &row.id, operation).await?;
    Ok(Reply::empty(202))
}

async fn start(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    operate(&compute, &request, Operation::Start).await
}

async fn stop(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    operate(&compute, &request, Operation::Stop).await
}

async fn reboot(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let kind = request.action_value()?.get("type").and_then(Value::as_str).unwrap_or_default();
    let operation = if kind.eq_ignore_ascii_case("hard") { Operation::HardReboot } else { Operation::SoftReboot };
    operate(&compute, &request, operation).await
}

async fn lock(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    let reason = request.action_value()?.get("locked_reason").and_then(Value::as_str).map(str::to_owned);
    // Nova calls the owner's lock the owner's, even when the owner is an administrator.
    let owner = request.context.project_id() == Some(&row.project_id);
    set_lock(&compute, row, Some(if owner { "owner" } else { "admin" }), reason).await
}

async fn unlock(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    if row.locked_by.as_deref() == Some("admin") {
        request.authorize(name::UNLOCK_OVERRIDE, &PolicyTarget::project(&row.project_id))?;
    }
    set_lock(&compute, row, None, None).await
}

async fn set_lock(
    compute: &Compute,
    row: InstanceRow,
    by: Option<&'static str>,
    reason: Option<String>,
) -> Result<Reply, Fault> {
    let now = compute.now();
    compute
        .store
        .write(move |db| instance_changes::set_lock(db, &row.id, by, reason.as_deref(), now))
        .await
        .map_err(Fault::from)?;
    Ok(Reply::empty(202))
}

fn not_ready(row: &InstanceRow) -> Fault {
    Fault::conflict(format!("Instance {} is not ready", row.id))
}

async fn console_output(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = server(&compute, &request).await?;
    let length = request.action_value()?.get("length").and_then(integer);
    let host = row.host.as_ref().ok_or_else(|| not_ready(&row))?;
    let message =
        GetConsoleOutput { server_id: row.id.clone(), lines: length.and_then(|lines| u64::try_from(lines).ok()) };
    let output = compute.client.call(&request.context, Target::host(host), message).await.map_err(|fault| {
        // The guest is not there (yet): Nova's words for it.
        if fault.kind() == FaultKind::NotFound { not_ready(&row) } else { fault }
    })?;
    // Nova takes out what XML could not carry, and so do we.
    let output: String = output.chars().filter(|c| !matches!(u32::from(*c), 0..=8 | 0x0b..=0x1f)).collect();
    Ok(Reply::ok(json!({ "output": output })))
}

/// The URL of the console of the server that the path names.
pub(super) async fn console_url(compute: &Compute, request: &Request, opens: Opens) -> Result<String, Fault> {
    let row = server(compute, request).await?;
    if row.host.is_none() || !matches!(row.power_state, PowerState::Running | PowerState::Paused) {
        return Err(not_ready(&row));
    }
    let token = lifecycle::console::issue(compute, &row.id, opens).await?;
    Ok(opens.url(request.public_url(), &token))
}

/// Other kinds of console than noVNC and the serial one are not offered.
pub(super) fn unavailable(kind: &str) -> Fault {
    Fault::bad_request(format!("Unavailable console type {kind}."))
}

async fn vnc_console(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let kind = request.action_value()?.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind != "novnc" {
        return Err(unavailable(kind));
    }
    let url = console_url(&compute, &request, Opens::Screen).await?;
    Ok(Reply::ok(json!({ "console": { "type": kind, "url": url } })))
}

async fn serial_console(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let url = console_url(&compute, &request, Opens::Serial).await?;
    Ok(Reply::ok(json!({ "console": { "type": "serial", "url": url } })))
}
