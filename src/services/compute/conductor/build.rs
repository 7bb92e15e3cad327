//! Builds that failed: on another host, or in ERROR with the reason.

use bus::Target;
use bus::topics::conductor::BuildFailed;
use bus::topics::scheduler::{RequestSpec, SelectDestinations};
use kit::ids::{HostId, ServerId};
use kit::{Fault, RequestContext};
use store::Connection;

use super::{Conductor, db};
use crate::db::{block_devices, hosts, instances};
use crate::lifecycle::remove::let_volumes_go;
use crate::lifecycle::schedule;
use crate::placement;

/// What a failed build leads to.
enum Next {
    /// Nothing: the server is not being built there any more.
    Nothing,
    /// It is in ERROR.
    Failed,
    /// Another host is looked for.
    Elsewhere(Box<RequestSpec>),
}

impl Conductor {
    pub(super) async fn build_failed(&self, context: &RequestContext, message: BuildFailed) -> Result<(), Fault> {
        let BuildFailed { server_id, host, fault, retry } = message;
        tracing::warn!(request_id = %context.request_id, %server_id, %host, error = %fault, retry, "a build failed");
        let (now, most) = (self.clock.now(), if retry { self.max_attempts as usize } else { 0 });
        let (id, on, why) = (server_id.clone(), host.clone(), fault.clone());
        let next = self.store.write(move |conn| give_back(conn, &id, &on, &why, most, now)).await?;
        self.placement.left(&host).await;
        let spec = match next {
            Next::Nothing => return Ok(()),
            Next::Failed => {
                let_volumes_go(&self.store, &self.client, &server_id).await;
                return Ok(());
            }
            Next::Elsewhere(spec) => spec,
        };
        let context = context.clone().without_deadline();
        let message = SelectDestinations { servers: vec![server_id.clone()], spec: *spec };
        let Err(none) = self.client.call(&context, Target::Any, message).await else { return Ok(()) };
        self.give_up(server_id, &fault, &none).await
    }

    /// No other host takes the server: it says why the build failed, and why nobody else takes it.
    async fn give_up(&self, server_id: ServerId, fault: &Fault, none: &Fault) -> Result<(), Fault> {
        let now = self.clock.now();
        let reason = Fault::no_valid_host(format!(
            "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance \
             {server_id}. The last failure: {fault} Elsewhere: {none}"
        ));
        let id = server_id.clone();
        self.store
            .write(move |conn| {
                let Some(row) = instances::get(conn, &id)? else { return Ok(()) };
                instances::fail_unscheduled(conn, &id, &row.request_id, &reason, now)?;
                Ok::<_, Fault>(())
            })
            .await?;
        let_volumes_go(&self.store, &self.client, &server_id).await;
        Ok(())
    }
}

/// Takes the server off its host; it goes elsewhere where it has not failed on `most` hosts yet, else into ERROR.
fn give_back(
    conn: &Connection,
    server_id: &ServerId,
    host: &HostId,
    fault: &Fault,
    most: usize,
    now: kit::Timestamp,
) -> Result<Next, Fault> {
    if !db::leave_host(conn, server_id, host, now)? {
        return Ok(Next::Nothing);
    }
    placement::db::free(conn, server_id)?;
    hosts::count_failed_build(conn, host, true)?;
    let excluded = db::add_failed_attempt(conn, server_id, host)?;
    let Some(row) = instances::get(conn, server_id)? else { return Ok(Next::Nothing) };
    if excluded.len() < most {
        let devices = block_devices::of_instance(conn, server_id)?;
        let spec = RequestSpec { excluded, ..schedule::request_spec(&row, &devices) };
        return Ok(Next::Elsewhere(Box::new(spec)));
    }
    let exceeded = Fault::no_valid_host(format!(
        "Exceeded maximum number of retries. Exceeded max scheduling attempts {most} for instance {server_id}. \
         The last failure: {fault}"
    ));
    let reason = if most == 0 { fault } else { &exceeded };
    instances::fail_unscheduled(conn, server_id, &row.request_id, reason, now)?;
    Ok(Next::Failed)
}
