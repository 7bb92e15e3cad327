//! Hosts that register, and casts that a crash has lost: they are sent again from the state in the database.

use std::time::Duration;

use bus::topics::compute_agent::{BuildInstance, RebootInstance, StartInstance, StopInstance, TerminateInstance};
use bus::topics::compute_types::{Instance, RebootKind, TaskState};
use bus::topics::conductor::{HostRegistered, RegisterHost};
use bus::{Client, Target};
use kit::ids::{HostId, ServerId};
use kit::{Fault, RequestContext};

use super::{Conductor, db};
use crate::db::{block_devices, instances};

/// How long a host may take to begin a build before it is told again.
const PATIENCE: Duration = Duration::from_secs(60);

impl Conductor {
    pub(super) async fn register_host(
        &self,
        context: &RequestContext,
        message: RegisterHost,
    ) -> Result<HostRegistered, Fault> {
        let RegisterHost { host, inventory, starting } = message;
        self.placement.register(&host, inventory, starting).await?;
        if !starting {
            return Ok(HostRegistered::default());
        }
        tracing::info!(%host, "a compute host has started");
        let on = host.clone();
        let (servers, journaled) = self
            .store
            .read(move |conn| {
                let journals = db::journals(conn, &on)?;
                let servers = instances::on_host(conn, &on)?.into_iter().map(|row| {
                    let devices = block_devices::of_instance(conn, &row.id)?;
                    Ok(row.into_instance(devices))
                });
                let subjects: Vec<String> = journals.into_iter().map(|journal| journal.subject).collect();
                Ok::<_, store::Error>((servers.collect::<Result<Vec<Instance>, store::Error>>()?, subjects))
            })
            .await
            .map_err(Fault::from)?;
        // What has a journal, the agent resumes by itself.
        for server in servers.iter().filter(|server| !journaled.iter().any(|subject| subject == server.id.as_str())) {
            if let Some(task) = server.task_state {
                tracing::info!(%host, server_id = %server.id, %task, "the host is told again");
                report(&host, &server.id, tell(&self.client, context, &host, &server.id, task));
            }
        }
        Ok(HostRegistered { instances: servers })
    }

    /// Tells hosts again to begin the builds that they have not begun for long.
    pub(super) async fn tell_again(&self) -> Result<(), Fault> {
        let before = self.clock.now() - PATIENCE;
        let waiting = self.store.read(move |conn| db::not_begun(conn, before)).await.map_err(Fault::from)?;
        let context = RequestContext::service("conductor");
        for (server_id, host) in waiting {
            tracing::info!(%host, %server_id, "the host is told again");
            report(&host, &server_id, tell(&self.client, &context, &host, &server_id, TaskState::Scheduling));
        }
        Ok(())
    }
}

/// Casts what `task` is about.
fn tell(
    client: &Client,
    context: &RequestContext,
    host: &HostId,
    server_id: &ServerId,
    task: TaskState,
) -> Result<(), Fault> {
    let (target, server_id) = (Target::host(host), server_id.clone());
    match task {
        TaskState::Scheduling | TaskState::BlockDeviceMapping | TaskState::Networking | TaskState::Spawning => {
            client.cast(context, target, BuildInstance { server_id })
        }
        TaskState::PoweringOn => client.cast(context, target, StartInstance { server_id }),
        TaskState::PoweringOff => client.cast(context, target, StopInstance { server_id }),
        TaskState::Rebooting => client.cast(context, target, RebootInstance { server_id, kind: RebootKind::Soft }),
        TaskState::RebootingHard => client.cast(context, target, RebootInstance { server_id, kind: RebootKind::Hard }),
        TaskState::Deleting => client.cast(context, target, TerminateInstance { server_id }),
    }
}

fn report(host: &HostId, server_id: &ServerId, told: Result<(), Fault>) {
    if let Err(fault) = told {
        tracing::warn!(%host, %server_id, error = %fault.chain(), "a host could not be told");
    }
}
