//! Keeping what is and what is to be together: at the start, at each heartbeat, at each event.
//!
//! At the start, in this order:
//! 1. workflows that the last process left are resumed;
//! 2. the host registers; conductor answers with the servers that belong here, and casts anew what it had asked for;
//! 3. guests that should run and do not are started: the host was rebooted;
//! 4. guests and directories of servers that conductor does not know are removed.
//!
//! Without a hypervisor nothing of this can be: it is done as soon as there is one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bus::Target;
use bus::topics::compute_types::Instance;
use bus::topics::conductor::{GetInstance, HostRegistered, RegisterHost};
use hypervisor::{Event, GuestEvent, PauseReason};
use kit::ids::ServerId;
use kit::{Fault, FaultKind, PowerState, RequestContext};
use workflow::Journal as _;

use crate::agent::{ComputeAgent, NAME};
use crate::disks::{DiskError, blocking, remove_directory};
use crate::guest::paths::check_id;
use crate::journal::BusJournal;
use crate::owner::{Job, Operation};
use crate::power::should_run;
use crate::snapshot::remove_copy;
use crate::work::{gone_is_fine, patiently};

/// How often the host says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// The pauses between attempts to take up what was left undone.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often unused images are looked for.
const SWEEP: Duration = Duration::from_secs(86_400);

/// Does what is done at the start, and notes that it has been done.
pub(crate) async fn settle_host(agent: &Arc<ComputeAgent>) -> Result<(), Fault> {
    if !agent.driver.health().connected {
        return Err(Fault::unavailable("The hypervisor cannot be reached."));
    }
    start(agent).await?;
    agent.set_settled();
    Ok(())
}

/// Does it later, where there was no hypervisor at the start: when it comes, again and again until it is done.
pub(crate) async fn settle_late(agent: &Arc<ComputeAgent>) {
    let mut events = agent.driver.events();
    let mut pause = FIRST_PAUSE;
    while !agent.is_settled() {
        if agent.driver.health().connected {
            match settle_host(agent).await {
                Ok(()) => tracing::info!("the host's guests are looked after now"),
                Err(fault) => {
                    tracing::warn!(error = %fault.chain(), "the host's guests are not looked after yet");
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
            }
        } else {
            let _heard_or_not = tokio::time::timeout(HEARTBEAT, events.next()).await;
        }
    }
    std::future::pending::<()>().await;
}

/// See the module's documentation.
async fn start(agent: &Arc<ComputeAgent>) -> Result<(), Fault> {
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
    remove_lost_copies(agent, &registered.instances).await?;
    let guests: HashMap<ServerId, PowerState> = agent.driver.list().await?.into_iter().collect();
    for instance in &registered.instances {
        settle(agent, instance, guests.get(&instance.id).copied(), true);
    }
    let mut known: HashSet<ServerId> = registered.instances.into_iter().map(|instance| instance.id).collect();
    known.extend(resumed);
    remove_unknown(agent, guests.into_keys().collect(), &known).await
}

/// Removes copies of disks that nobody waits for any more: their journal went with a power cut.
async fn remove_lost_copies(agent: &ComputeAgent, instances: &[Instance]) -> Result<(), Fault> {
    let idle = instances.iter().filter(|instance| instance.snapshot_image.is_none() && !agent.is_owned(&instance.id));
    let copies: Vec<_> = idle.map(|instance| agent.paths.snapshot(&instance.id)).collect();
    Ok(blocking(move || copies.iter().try_for_each(|copy| remove_copy(copy))).await?)
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
        if !agent.is_settled() {
            continue;
        }
        if let Err(fault) = check(agent).await {
            tracing::warn!(error = %fault.chain(), "a heartbeat failed");
        }
    }
}

/// One heartbeat: what the answer and the guests disagree about is looked at.
async fn check(agent: &Arc<ComputeAgent>) -> Result<(), Fault> {
    let registered = register(agent, false).await?;
    // It asks the kernel alone: a libvirt that is slow does not keep it waiting.
    let looked = crate::cut_off::look(agent, &registered.instances).await;
    let guests: HashMap<ServerId, PowerState> = agent.driver.list().await?.into_iter().collect();
    for instance in &registered.instances {
        settle(agent, instance, guests.get(&instance.id).copied(), false);
    }
    looked
}

/// After events may have been missed: what each guest does is asked. A whole heartbeat would take longer, and hold up the events after it: for
/// that the hypervisor has to say what it can do, which one that has just been started finds out slowly.
async fn look_again(agent: &Arc<ComputeAgent>) -> Result<(), Fault> {
    for (server_id, _) in agent.driver.list().await? {
        queue(agent, &server_id, Operation::Sync);
    }
    Ok(())
}

/// Follows the hypervisor's events. What a guest does now is asked by its owner, after what it is doing itself.
pub(crate) async fn follow(agent: &Arc<ComputeAgent>) {
    let mut events = agent.driver.events();
    while let Some(event) = events.next().await {
        match event {
            Event::Guest { server_id, kind, .. } => {
                if kind == GuestEvent::Paused(PauseReason::IoError) {
                    tracing::error!(server_id = %server_id, "a guest is paused: its disk cannot be written (is it full?)");
                }
                queue(agent, &server_id, Operation::Sync);
            }
            Event::Lost if !agent.is_settled() => {}
            Event::Lost => {
                if let Err(fault) = look_again(agent).await {
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
