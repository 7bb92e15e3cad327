//! Hosts that register, and casts that a crash has lost: they are sent again from the state in the database.

use std::sync::PoisonError;
use std::time::Duration;

use bus::topics::compute_agent::{
    BuildInstance, RebootInstance, SnapshotInstance, StartInstance, StopInstance, TerminateInstance,
};
use bus::topics::compute_types::{Instance, RebootKind, TaskState};
use bus::topics::conductor::{HostRegistered, JournalRecord, RegisterHost};
use bus::{Client, Target};
use kit::ids::{HostId, ServerId};
use kit::{Fault, RequestContext};

use super::db::Waiting;
use super::{Conductor, db};
use crate::db::{block_devices, instances};

/// How long a host may take to begin a build before it is told again.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take for anything else. Being told twice does no harm, the second time there is nothing to do.
const LONG_PATIENCE: Duration = Duration::from_secs(600);

impl Conductor {
    pub(super) async fn register_host(
        &self,
        context: &RequestContext,
        message: RegisterHost,
    ) -> Result<HostRegistered, Fault> {
        let RegisterHost { host, inventory, starting } = message;
        self.placement.register(&host, inventory, starting).await?;
        let on = host.clone();
        let (servers, journals) = self
            .store
            .read(move |conn| {
                let journals = db::journals(conn, &on)?;
                let servers = instances::on_host(conn, &on)?.into_iter().map(|row| {
                    let devices = block_devices::of_instance(conn, &row.id)?;
                    Ok(row.into_instance(devices))
                });
                Ok::<_, store::Error>((servers.collect::<Result<Vec<Instance>, store::Error>>()?, journals))
            })
            .await
            .map_err(Fault::from)?;
        if starting {
            tracing::info!(%host, "a compute host has started");
            for server in &servers {
                match server.task_state {
                    // What has a journal, the agent resumes by itself.
                    Some(task) if is_journaled(&journals, &server.id, task) => {}
                    Some(task) => {
                        tracing::info!(%host, server_id = %server.id, %task, "the host is told again");
                        report(&host, &server.id, tell(&self.client, context, &host, &server.id, task));
                    }
                    None => self.tell_volumes(context, &host, server, &journals).await,
                }
            }
        }
        Ok(HostRegistered { instances: servers })
    }

    /// Tells hosts again what they have not begun, or not ended, for long.
    pub(super) async fn tell_again(&self) -> Result<(), Fault> {
        let waiting = self.store.read(db::waiting).await.map_err(Fault::from)?;
        let context = RequestContext::service("conductor");
        for Waiting { server_id, host, task, .. } in self.due(waiting) {
            tracing::info!(%host, %server_id, %task, "the host is told again");
            report(&host, &server_id, tell(&self.client, &context, &host, &server_id, task));
        }
        Ok(())
    }

    /// Those that have waited too long since they changed or the host was last told again; for them that is now.
    fn due(&self, mut waiting: Vec<Waiting>) -> Vec<Waiting> {
        let now = self.clock.now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|server_id, _| waiting.iter().any(|server| server.server_id == *server_id));
        waiting.retain(|server| {
            let patience = if server.task == TaskState::Scheduling { PATIENCE } else { LONG_PATIENCE };
            let since = told.get(&server.server_id).map_or(server.since, |told| server.since.max(*told));
            since + patience < now
        });
        told.extend(waiting.iter().map(|server| (server.server_id.clone(), now)));
        waiting
    }
}

/// Whether the host has begun what `task` is about. A server that is deleted may have a journal of something else.
fn is_journaled(journals: &[JournalRecord], id: &ServerId, task: TaskState) -> bool {
    let kind = match task {
        TaskState::Deleting => "server.delete",
        TaskState::Scheduling | TaskState::BlockDeviceMapping | TaskState::Networking | TaskState::Spawning => {
            "server.build"
        }
        TaskState::ImageSnapshotPending
        | TaskState::ImageSnapshot
        | TaskState::ImagePendingUpload
        | TaskState::ImageUploading => "server.snapshot",
        TaskState::PoweringOn | TaskState::PoweringOff | TaskState::Rebooting | TaskState::RebootingHard => {
            return false;
        }
    };
    journals.iter().any(|journal| journal.kind == kind && journal.subject == id.as_str())
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
        TaskState::ImageSnapshotPending
        | TaskState::ImageSnapshot
        | TaskState::ImagePendingUpload
        | TaskState::ImageUploading => client.cast(context, target, SnapshotInstance { server_id }),
        TaskState::Deleting => client.cast(context, target, TerminateInstance { server_id }),
    }
}

fn report(host: &HostId, server_id: &ServerId, told: Result<(), Fault>) {
    if let Err(fault) = told {
        tracing::warn!(%host, %server_id, error = %fault.chain(), "a host could not be told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_journal_of_the_same_work_speaks_for_a_task() {
        let journal = |kind: &str| {
            let (id, host) = ("w1".into(), "a".into());
            JournalRecord { id, host, kind: kind.to_owned(), subject: "s1".to_owned(), body: String::new() }
        };
        let (build, delete) = ([journal("server.build")], [journal("server.delete")]);
        assert!(is_journaled(&build, &"s1".into(), TaskState::Spawning));
        assert!(!is_journaled(&build, &"s1".into(), TaskState::Deleting), "it takes the build back, no more");
        assert!(is_journaled(&delete, &"s1".into(), TaskState::Deleting));
        assert!(!is_journaled(&delete, &"s2".into(), TaskState::Deleting));
        assert!(!is_journaled(&[journal("server.attach_volume")], &"s1".into(), TaskState::PoweringOff));
    }
}
