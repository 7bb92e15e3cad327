//! Keeping what is and what is to be together: at the start, at each heartbeat, at each event.
//!
//! At the start, in this order:
//! 1. workflows that the last process left are resumed;
//! 2. the host registers; conductor answers with the servers that belong here, and casts anew what it had asked for;
//! 3. guests that should run and do not are started: the host was rebooted;
//! 4. guests and directories of servers that conductor does not know are removed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bus::Target;
use bus::topics::compute_types::Instance;
use bus::topics::conductor::{GetInstance, HostRegistered, RegisterHost};
use hypervisor::Event;
use kit::ids::ServerId;
use kit::{Fault, FaultKind, PowerState, RequestContext};
use workflow::Journal as _;

use crate::agent::{ComputeAgent, NAME};
use crate::disks::{DiskError, blocking, remove_directory};
use crate::guest::paths::check_id;
use crate::journal::BusJournal;
use crate::owner::{Job, Operation};
use crate::power::should_run;
use crate::work::{gone_is_fine, patiently};

/// How often the host says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often unused images are looked for.
const SWEEP: Duration = Duration::from_secs(86_400);

/// See the module's documentation.
pub(crate) async fn start(agent: &Arc<ComputeAgent>) -> Result<(), Fault> {
    let journal = BusJournal::of(agent);
    let records = patiently(|| journal.unfinished()).await?;
    let mut resumed = HashSet::new();
    for record in records {
        let id = ServerId::new(&record.subject);
        // Only a start after one that failed half-way finds something being done already.
        if agent.is_owned(&id) && !resumed.contains(&id) {
            continue;
        }
        resumed.insert(id.clone());
        queue(agent, &id, Operation::Resume(Box::new(record)));
    }
    let registered = patiently(|| register(agent, true)).await?;
    let guests: HashMap<ServerId, PowerState> = agent.driver.list().await?.into_iter().collect();
    for instance in &registered.instances {
        settle(agent, instance, guests.get(&instance.id).copied(), true);
    }
    let mut known: HashSet<ServerId> = registered.instances.into_iter().map(|instance| instance.id).collect();
    known.extend(resumed);
    remove_unknown(agent, guests.into_keys().collect(), &known).await
}

/// Says that the host is there, and what it offers.
async fn register(agent: &ComputeAgent, starting: bool) -> Result<HostRegistered, Fault> {
    let inventory = crate::host::inventory(agent).await?;
    let register = RegisterHost { host: agent.host.clone(), inventory, starting };
    agent.client.call(&RequestContext::service(NAME), Target::Any, register).await
}

fn queue(agent: &Arc<ComputeAgent>, id: &ServerId, operation: Operation) {
    let job = Job { context: RequestContext::service(NAME), operation };
    if let Err(fault) = agent.submit(id, job) {
        tracing::warn!(server_id = %id, error = %fault.chain(), "a server is not looked after now");
    }
}

/// Has a server and its guest brought together, where they are not.
fn settle(agent: &Arc<ComputeAgent>, instance: &Instance, guest: Option<PowerState>, starting: bool) {
    if agent.is_owned(&instance.id) {
        return;
    }
    let off = matches!(guest, None | Some(PowerState::Shutdown | PowerState::Crashed | PowerState::NoState));
    let seen = guest.unwrap_or(PowerState::NoState);
    if starting && off && should_run(instance) {
        tracing::info!(server_id = %instance.id, "a guest that should run does not");
        queue(agent, &instance.id, Operation::Revive);
    } else if instance.task_state.is_none() && seen != instance.power_state && guest.is_some() {
        queue(agent, &instance.id, Operation::Sync);
    }
}

/// Removes guests and directories of servers that conductor does not know.
async fn remove_unknown(
    agent: &Arc<ComputeAgent>,
    guests: HashSet<ServerId>,
    known: &HashSet<ServerId>,
) -> Result<(), Fault> {
    let instances = agent.paths.instances();
    let mut found = guests;
    found.extend(blocking(move || directories(&instances)).await?);
    for id in found.difference(known) {
        let asked = GetInstance { server_id: id.clone() };
        match agent.client.call(&RequestContext::service(NAME), Target::Any, asked).await {
            Ok(instance) => {
                tracing::warn!(server_id = %id, host = ?instance.host, "a guest here belongs to a server elsewhere");
            }
            Err(fault) if fault.kind() == FaultKind::NotFound => {
                tracing::warn!(server_id = %id, "a guest without a server is removed");
                gone_is_fine(agent.driver.remove(id).await)?;
                remove_directory(agent.paths.instance(id)).await?;
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

/// The servers that have a directory.
fn directories(instances: &std::path::Path) -> Result<Vec<ServerId>, DiskError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(instances).map_err(DiskError::io("listing the guests"))? {
        let name = entry.map_err(DiskError::io("listing the guests"))?.file_name();
        let id = ServerId::new(name.to_string_lossy());
        found.extend(check_id(&id).is_ok().then_some(id));
    }
    Ok(found)
}

/// Registers again and again.
pub(crate) async fn heartbeat(agent: &Arc<ComputeAgent>) {
    let mut beat = tokio::time::interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        if let Err(fault) = check(agent).await {
            tracing::warn!(error = %fault.chain(), "a heartbeat failed");
        }
    }
}

/// One heartbeat: what the answer and the guests disagree about is looked at.
async fn check(agent: &Arc<ComputeAgent>) -> Result<(), Fault> {
    let registered = register(agent, false).await?;
    let guests: HashMap<ServerId, PowerState> = agent.driver.list().await?.into_iter().collect();
    for instance in &registered.instances {
        settle(agent, instance, guests.get(&instance.id).copied(), false);
    }
    Ok(())
}

/// Follows the hypervisor's events. What a guest does now is asked by its owner, after what it is doing itself.
pub(crate) async fn follow(agent: &Arc<ComputeAgent>) {
    let mut events = agent.driver.events();
    while let Some(event) = events.next().await {
        match event {
            Event::Guest { server_id, .. } => queue(agent, &server_id, Operation::Sync),
            Event::Lost => {
                if let Err(fault) = check(agent).await {
                    tracing::warn!(error = %fault.chain(), "what guests do is not known until the next heartbeat");
                }
            }
        }
    }
    // The driver is closed: there is nothing to follow until the agent stops.
    std::future::pending::<()>().await;
}

/// Removes unused images every day.
pub(crate) async fn sweep_daily(agent: &Arc<ComputeAgent>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        if let Err(error) = agent.images.sweep(agent.paths.instances()).await {
            tracing::warn!(error = %Fault::from(error).chain(), "unused images could not be removed");
        }
    }
}
