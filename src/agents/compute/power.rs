//! Starting, stopping, rebooting; starting again after a reboot of the host; telling conductor what a guest does.
//!
//! Short work, and none of it leaves anything to take back: where a crash cuts it off, the row says what was asked, and
//! conductor asks again.

use std::time::Duration;

use bus::topics::compute_types::{Instance, RebootKind, TaskState, VmState};
use bus::topics::conductor::{InstanceChange, PowerStateChanged};
use bus::topics::network::BindPort;
use futures_util::future::try_join_all;
use hypervisor::{DomainSpec, Reboot};
use kit::{Clock as _, Fault, FaultKind, PowerState, SystemClock, crash};

use crate::guest::record::Record;
use crate::guest::spec::{Parts, connected, domain};
use crate::owner::Operation;
use crate::work::{Work, gone_is_fine, patiently};

/// How often a guest is started after a reboot of the host, while the services are not all there.
const REVIVALS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

const STARTING: &[Option<TaskState>] = &[Some(TaskState::PoweringOn)];
const STOPPING: &[Option<TaskState>] = &[Some(TaskState::PoweringOff)];
const REBOOTING: &[Option<TaskState>] = &[Some(TaskState::Rebooting), Some(TaskState::RebootingHard)];

/// Does `operation`.
pub(crate) async fn run(work: &Work, operation: Operation) {
    match operation {
        Operation::Start => perform(work, "compute_start_instance", STARTING, start).await,
        Operation::Stop => perform(work, "compute_stop_instance", STOPPING, stop).await,
        Operation::Reboot(RebootKind::Soft) => perform(work, "compute_reboot_instance", REBOOTING, soft_reboot).await,
        Operation::Reboot(RebootKind::Hard) => perform(work, "compute_reboot_instance", REBOOTING, hard_reboot).await,
        Operation::Revive => revive(work).await,
        Operation::Sync => sync(work).await,
        // The owner hands these to their own modules.
        Operation::Build
        | Operation::Resume(_)
        | Operation::Terminate
        | Operation::Attach(_)
        | Operation::Snapshot
        | Operation::Detach(_) => {}
    }
}

/// Does `act` if the server's task still asks for it, and writes down what came of it.
async fn perform(
    work: &Work,
    event: &str,
    tasks: &[Option<TaskState>],
    act: impl AsyncFn(&Work, &Instance) -> Result<InstanceChange, Fault>,
) {
    let instance = match patiently(|| work.instance()).await {
        Ok(instance) => instance,
        Err(fault) => {
            tracing::warn!(event, error = %fault.chain(), "a server cannot be read");
            return;
        }
    };
    if !tasks.contains(&instance.task_state) {
        tracing::info!(event, task_state = ?instance.task_state, "the server is not to have this done any more");
        return;
    }
    crash::point(event, "act", "before");
    let done = match act(work, &instance).await {
        Ok(change) => {
            crash::point(event, "act", "after");
            work.update(tasks, InstanceChange { task_state: Some(None), ..change }).await.map(|_| ())
        }
        Err(fault) => Err(fault),
    };
    crash::point(event, "record", "after");
    work.report(event, done.as_ref().err());
    if let Err(fault) = done {
        work.failed(&fault, None).await;
    }
}

fn running() -> InstanceChange {
    InstanceChange {
        vm_state: Some(VmState::Active),
        power_state: Some(PowerState::Running),
        ..InstanceChange::default()
    }
}

async fn start(work: &Work, instance: &Instance) -> Result<InstanceChange, Fault> {
    let (spec, change) = describe(work, instance).await?;
    work.agent.driver.ensure_running(&spec).await?;
    Ok(InstanceChange { network_info: change, ..running() })
}

async fn stop(work: &Work, _instance: &Instance) -> Result<InstanceChange, Fault> {
    gone_is_fine(work.agent.driver.stop(&work.server_id, grace(work)).await)?;
    Ok(InstanceChange {
        vm_state: Some(VmState::Stopped),
        power_state: Some(PowerState::Shutdown),
        ..InstanceChange::default()
    })
}

async fn soft_reboot(work: &Work, instance: &Instance) -> Result<InstanceChange, Fault> {
    let driver = &work.agent.driver;
    if driver.power_state(&work.server_id).await? != Some(PowerState::Running) {
        return hard_reboot(work, instance).await;
    }
    driver.reboot(&work.server_id, Reboot::Soft { grace: grace(work) }).await?;
    Ok(running())
}

/// Takes the guest's power away, and starts it from what is known about the server now.
async fn hard_reboot(work: &Work, instance: &Instance) -> Result<InstanceChange, Fault> {
    gone_is_fine(work.agent.driver.destroy(&work.server_id).await)?;
    crash::point("compute_reboot_instance", "destroy", "after");
    start(work, instance).await
}

fn grace(work: &Work) -> Duration {
    Duration::from_secs(work.agent.config.shutdown_timeout_secs)
}

/// The server's domain, its ports wired; and its interfaces, where they are not as conductor has them.
async fn describe(
    work: &Work,
    instance: &Instance,
) -> Result<(DomainSpec, Option<Vec<bus::topics::compute_types::Vif>>), Fault> {
    let agent = &work.agent;
    let bind = |port_id| BindPort { port_id, server_id: instance.id.clone(), host: agent.host.clone() };
    let ports = instance.network_info.iter().map(|vif| bind(vif.port_id.clone()));
    let vifs = try_join_all(ports.map(|port| work.insist(port))).await?;
    let record = Record::of(agent.paths.instance(&instance.id)).await?;
    let spec = domain(&Parts {
        instance,
        vifs: &vifs,
        record: &record,
        volumes: &connected(instance),
        paths: &agent.paths,
        cache: agent.cache_mode(),
    })?;
    let changed = (vifs != instance.network_info).then_some(vifs);
    Ok((spec, changed))
}

/// Starts a guest that should run and does not: the host was rebooted.
async fn revive(work: &Work) {
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=REVIVALS {
        let fault = match try_revive(work).await {
            Ok(()) => return,
            Err(fault) => fault,
        };
        if attempt == REVIVALS || !fault.is_transient() {
            tracing::error!(error = %fault.chain(), "a guest could not be started again");
            return work.failed(&fault, Some(VmState::Error)).await;
        }
        tracing::warn!(attempt, error = %fault.chain(), "a guest is not started again yet");
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2);
    }
}

async fn try_revive(work: &Work) -> Result<(), Fault> {
    let instance = match work.instance().await {
        Err(fault) if fault.kind() == FaultKind::NotFound => return Ok(()),
        answer => answer?,
    };
    if !should_run(&instance) {
        return Ok(());
    }
    let change = start(work, &instance).await?;
    work.update(&[None], change).await?;
    tracing::info!("a guest has been started again");
    Ok(())
}

/// Whether the server was last seen running and nothing else has been asked since.
pub(crate) fn should_run(instance: &Instance) -> bool {
    instance.vm_state == VmState::Active && instance.task_state.is_none() && instance.power_state == PowerState::Running
}

/// Tells conductor what the guest does, where that is not what it knows. While there is a task, its end tells.
///
/// It is over when that is on record: the next look would otherwise take what is on its way for untold, or what was told before
/// for the latest.
async fn sync(work: &Work) {
    match try_sync(work).await {
        Err(fault) if fault.kind() == FaultKind::NotFound => {}
        Err(fault) => tracing::warn!(error = %fault.chain(), "what a guest does is not known"),
        Ok(()) => {}
    }
}

async fn try_sync(work: &Work) -> Result<(), Fault> {
    let server_id = work.server_id.clone();
    let instance = patiently(|| work.instance()).await?;
    let power_state = work.agent.driver.power_state(&server_id).await?.unwrap_or(PowerState::NoState);
    let known = instance.task_state.is_some() || instance.power_state == power_state;
    if known || matches!(instance.vm_state, VmState::Building | VmState::Deleted) {
        return Ok(());
    }
    work.insist(PowerStateChanged { server_id, power_state, at: SystemClock.now() }).await
}
