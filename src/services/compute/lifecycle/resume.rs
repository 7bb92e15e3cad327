//! What a crash cut off between a row and its cast, for servers without a host: they are scheduled or removed now.
//!
//! Servers on a host are taken up when the host's agent registers: conductor reads their task from the database.

use std::time::Duration;

use bus::topics::compute_types::TaskState;
use kit::{Fault, RequestContext};

use super::{remove, schedule};
use crate::Compute;
use crate::db::{block_devices, instances};

/// How long after the start, so that the hosts have registered; a request that was just accepted is not one of these.
const PAUSE: Duration = Duration::from_secs(5);

/// Takes up what was there at the start, once.
pub(crate) async fn run(compute: &Compute) {
    run_after(compute, PAUSE).await;
}

/// As [`run`], after a pause of one's own.
pub(crate) async fn run_after(compute: &Compute, pause: Duration) {
    let found = async {
        let scheduling = compute.store.read(|db| instances::without_host(db, TaskState::Scheduling)).await?;
        let deleting = compute.store.read(|db| instances::without_host(db, TaskState::Deleting)).await?;
        Ok::<_, store::Error>((scheduling, deleting))
    };
    let (scheduling, deleting) = match found.await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(error = %Fault::from(error).chain(), "unfinished servers could not be read");
            return;
        }
    };
    if scheduling.is_empty() && deleting.is_empty() {
        return;
    }
    tokio::time::sleep(pause).await;
    let context = RequestContext::service("compute-api");
    for row in deleting {
        if let Err(fault) = remove::without_host(compute, &context, &row.id).await {
            tracing::error!(server_id = %row.id, error = %fault.chain(), "a server's deletion was not finished");
        }
    }
    for row in scheduling {
        let id = row.id.clone();
        match compute.store.read(move |db| block_devices::of_instance(db, &id)).await {
            Ok(devices) => {
                tracing::info!(server_id = %row.id, "a server is scheduled again");
                let spec = schedule::request_spec(&row, &devices);
                schedule::run(compute, &context, std::slice::from_ref(&row), spec).await;
            }
            Err(error) => tracing::error!(error = %Fault::from(error).chain(), "a server's disks could not be read"),
        }
    }
}
