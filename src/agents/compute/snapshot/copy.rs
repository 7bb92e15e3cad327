//! The copy: all that the root disk holds, in one file that lies on nothing.

use bus::topics::compute_types::TaskState;
use hypervisor::{DiskKey, DriverError};
use kit::Fault;

use super::{Snapshot, advance};
use crate::agent::NAME;
use crate::disks::{DiskError, blocking, make_private};
use crate::work::{Work, gone_is_fine};

/// Copies the disk: of a guest that is on with the hypervisor's help, otherwise as a file. What an earlier attempt left is replaced.
pub(super) async fn copy(work: &Work, snapshot: &mut Snapshot) -> Result<(), Fault> {
    advance(work, TaskState::ImagePendingUpload).await?;
    let Ok(_turn) = work.agent.copies.acquire().await else {
        return Err(Fault::unavailable("The compute agent is stopping."));
    };
    remove(work, snapshot).await?;
    let timer = work.context.trace.time(NAME, "copy disk");
    let copied = copy_now(work, snapshot).await;
    timer.finish(copied.as_ref().err().map(ToString::to_string));
    copied
}

async fn copy_now(work: &Work, snapshot: &Snapshot) -> Result<(), Fault> {
    let (agent, id) = (&work.agent, &work.server_id);
    let to = agent.paths.snapshot(id);
    let disk = DiskKey::Target(snapshot.disk.clone());
    let live = match agent.driver.copy_disk(id, &disk, &to, snapshot.quiesce()).await {
        Err(DriverError::NotFound { .. }) => false,
        copied => copied?,
    };
    if !live {
        agent.disks.flatten(&agent.paths.file(id, "disk"), &to).await?;
    }
    Ok(blocking(move || make_private(&to)).await?)
}

/// Ends a copy that is under way, and takes it away.
pub(super) async fn remove(work: &Work, _snapshot: &mut Snapshot) -> Result<(), Fault> {
    gone_is_fine(work.agent.driver.stop_copying(&work.server_id).await)?;
    remove_file(work).await
}

/// Takes the copy away; fine where there is none.
pub(super) async fn remove_file(work: &Work) -> Result<(), Fault> {
    let file = work.agent.paths.snapshot(&work.server_id);
    Ok(blocking(move || remove_copy(&file)).await?)
}

/// As [`remove_file`], of any server. Blocking.
pub(crate) fn remove_copy(file: &std::path::Path) -> Result<(), DiskError> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(DiskError::io("removing a copy of a disk")(error))
        }
        _ => Ok(()),
    }
}
