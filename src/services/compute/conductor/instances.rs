//! What agents read and change about servers.

use bus::Target;
use bus::topics::compute_agent::StopInstance;
use bus::topics::compute_types::{Instance, TaskState, VmState};
use bus::topics::conductor::{
    GetInstance, InstanceChange, InstanceDeleted, OperationFailed, PowerStateChanged, UpdateBlockDevice,
    UpdateInstance, VolumeDetached,
};
use kit::ids::HostId;
use kit::{Fault, RequestContext};

use super::power::{Reaction, react};
use super::{Conductor, db};
use crate::db::{actions, block_devices, faults, hosts, instances, tags};
use crate::placement;

impl Conductor {
    pub(super) async fn get_instance(&self, message: GetInstance) -> Result<Instance, Fault> {
        let id = message.server_id.clone();
        let found = self.store.read(move |conn| instances::get_instance(conn, &id)).await.map_err(Fault::from)?;
        found.ok_or_else(|| Fault::not_found(format!("Instance {} could not be found.", message.server_id)))
    }

    pub(super) async fn update_instance(&self, message: UpdateInstance) -> Result<bool, Fault> {
        let now = self.clock.now();
        let UpdateInstance { server_id, expected, change } = message;
        let built = change.vm_state == Some(VmState::Active) && change.launched_at.is_some();
        let states = change.vm_state.is_some();
        let write = move |conn: &store::Connection| -> Result<(bool, Option<HostId>), Fault> {
            let changed = instances::update(conn, &server_id, &expected, &change, now)?;
            if !(changed && built) {
                return Ok((changed, None));
            }
            db::forget_failed_attempts(conn, &server_id)?;
            let host = instances::get(conn, &server_id)?.and_then(|row| row.host);
            if let Some(host) = &host {
                hosts::count_failed_build(conn, host, false)?;
            }
            Ok((changed, host))
        };
        // What a server is has to be on the disk; how far its task has come can be worked out again.
        let written = if states { self.store.write(write).await } else { self.store.write_relaxed(write).await };
        let (changed, host) = written?;
        if let Some(host) = host {
            self.placement.left(&host).await;
        }
        Ok(changed)
    }

    pub(super) async fn update_block_device(&self, message: UpdateBlockDevice) -> Result<(), Fault> {
        let id = message.id;
        let kept = self.store.write(move |conn| block_devices::update(conn, &message)).await.map_err(Fault::from)?;
        if kept { Ok(()) } else { Err(Fault::not_found(format!("Block device mapping {id} could not be found."))) }
    }

    pub(super) async fn operation_failed(
        &self,
        context: &RequestContext,
        message: OperationFailed,
    ) -> Result<(), Fault> {
        let (now, request_id) = (self.clock.now(), context.request_id.clone());
        tracing::warn!(%request_id, server_id = %message.server_id, error = %message.fault, "an operation on a server failed");
        self.store
            .write(move |conn| {
                let OperationFailed { server_id, fault, vm_state } = message;
                let change = InstanceChange { vm_state, task_state: Some(None), ..InstanceChange::default() };
                if instances::update(conn, &server_id, &[], &change, now)? {
                    faults::insert(conn, &server_id, &fault, now)?;
                    actions::fail(conn, &server_id, &request_id, now)?;
                }
                Ok(())
            })
            .await
    }

    pub(super) async fn instance_deleted(
        &self,
        context: &RequestContext,
        message: InstanceDeleted,
    ) -> Result<(), Fault> {
        let (now, server_id) = (self.clock.now(), message.server_id.clone());
        let host = self
            .store
            .write(move |conn| {
                let host = instances::get(conn, &server_id)?.and_then(|row| row.host);
                if instances::delete(conn, &server_id, now)? {
                    placement::db::free(conn, &server_id)?;
                    tags::delete_all(conn, &server_id)?;
                }
                Ok::<_, Fault>(host)
            })
            .await?;
        if let Some(host) = host {
            tracing::info!(request_id = %context.request_id, server_id = %message.server_id, %host, "a server is gone");
            self.placement.left(&host).await;
        }
        Ok(())
    }

    pub(super) async fn volume_detached(&self, message: VolumeDetached) -> Result<(), Fault> {
        let VolumeDetached { server_id, volume_id } = message;
        self.store
            .write(move |conn| block_devices::delete_volume(conn, &server_id, &volume_id))
            .await
            .map_err(Fault::from)?;
        Ok(())
    }

    pub(super) async fn power_state_changed(
        &self,
        context: &RequestContext,
        message: PowerStateChanged,
    ) -> Result<(), Fault> {
        let (now, asking, server_id) = (self.clock.now(), context.clone(), message.server_id.clone());
        let stop = self.store.write(move |conn| record_power(conn, &asking, &message, now)).await?;
        if let Some(host) = stop {
            tracing::warn!(%server_id, %host, "a guest does what its server is not meant to do, it is stopped");
            self.client.cast(context, Target::host(&host), StopInstance { server_id })?;
        }
        Ok(())
    }
}

/// Records what a guest did by itself; answers the host that has to stop it, where that is so.
fn record_power(
    conn: &store::Connection,
    context: &RequestContext,
    message: &PowerStateChanged,
    now: kit::Timestamp,
) -> Result<Option<HostId>, Fault> {
    let Some(row) = instances::get(conn, &message.server_id)? else { return Ok(None) };
    // What the server was told since then counts: this event is late.
    if message.at < row.updated_at {
        return Ok(None);
    }
    let mut change = InstanceChange { power_state: Some(message.power_state), ..InstanceChange::default() };
    let reaction = react(row.vm_state, row.task_state, message.power_state);
    match reaction {
        Reaction::Ignore => return Ok(None),
        Reaction::Record if row.power_state == message.power_state => return Ok(None),
        Reaction::Record => {}
        Reaction::Stopped => change.vm_state = Some(VmState::Stopped),
        Reaction::Stop => change.task_state = Some(Some(TaskState::PoweringOff)),
    }
    if !instances::update(conn, &row.id, &[None], &change, now)? {
        return Ok(None);
    }
    if matches!(reaction, Reaction::Stop | Reaction::Stopped) {
        actions::insert(conn, &row.id, context, "stop", now)?;
    }
    Ok(row.host.filter(|_| reaction == Reaction::Stop))
}
