//! Topic `conductor`: the database, for compute agents, which have none.
//!
//! One file per concern: `instances` what agents read and change about servers, `build` what becomes of failed builds, `power`
//! what guests do by themselves, `hosts` registration and what is told again, `records` events, spans and journals.
//!
//! Invariants: a server leaves its host and gives its allocation back in one transaction; a server that is being deleted is
//! never built again; an agent's message may come twice.

mod build;
mod db;
mod hosts;
mod instances;
mod power;
mod records;
#[cfg(test)]
mod tests;
mod volumes;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::topics::conductor::{self as topic, TOPIC};
use bus::{Bus, Client, ServerHandle};
use kit::ids::ServerId;
use kit::{SharedClock, Timestamp};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::placement::Placement;

/// How often lost casts are looked for.
const ROUND: Duration = Duration::from_secs(30);

/// The database, for agents.
pub(crate) struct Conductor {
    store: Store,
    clock: SharedClock,
    client: Client,
    placement: Arc<Placement>,
    /// On how many hosts a build is tried.
    max_attempts: u32,
    /// When hosts were last told again about a server that still waits.
    told: Mutex<HashMap<ServerId, Timestamp>>,
}

/// Adds a handler for each message: a method of the conductor, with or without the context.
macro_rules! handlers {
    ($server:expr, $conductor:expr; $($message:ident => $method:ident($($context:ident)?),)+) => {{
        let mut server = $server;
        $({
            let conductor = Arc::clone($conductor);
            server = server.on(move |_context, message: topic::$message| {
                let conductor = Arc::clone(&conductor);
                async move { conductor.$method($(handlers!(@ $context _context),)? message).await }
            });
        })+
        server
    }};
    (@ context $value:ident) => { &$value };
}

impl Conductor {
    /// A conductor over `store`. It does no I/O.
    pub(crate) fn new(
        store: Store,
        bus: &Bus,
        clock: SharedClock,
        placement: Arc<Placement>,
        max_attempts: u32,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            clock,
            client: bus.client("conductor"),
            placement,
            max_attempts,
            told: Mutex::default(),
        })
    }

    /// Answers the topic.
    pub(crate) fn serve(self: &Arc<Self>, bus: &Bus) -> ServerHandle {
        handlers!(bus.server(TOPIC), self;
            GetInstance => get_instance(),
            UpdateInstance => update_instance(),
            UpdateBlockDevice => update_block_device(),
            BuildFailed => build_failed(context),
            OperationFailed => operation_failed(context),
            InstanceDeleted => instance_deleted(context),
            VolumeDetached => volume_detached(),
            PowerStateChanged => power_state_changed(context),
            RegisterHost => register_host(context),
            ReportEvent => report_event(),
            ReportSpans => report_spans(),
            SaveJournal => save_journal(),
            FinishJournal => finish_journal(),
            UnfinishedJournals => unfinished_journals(),
        )
        .start()
    }

    /// Looks for lost casts until `stop`.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        let mut round = tokio::time::interval(ROUND);
        round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = round.tick() => {}
            }
            if let Err(fault) = self.tell_again().await {
                tracing::error!(error = %fault.chain(), "lost casts could not be looked for");
            }
        }
    }
}
