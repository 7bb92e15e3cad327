//! Reservations that no server knows of: the process died after compute had asked for one and before it wrote that down.
//!
//! Compute is asked about each that is older than this process; where there is no such server, or it has no such volume, the
//! reservation is ended.

use std::time::Duration;

use bus::Target;
use bus::topics::conductor::GetInstance;
use kit::{Fault, FaultKind, RequestContext, Timestamp};

use crate::Volumes;
use crate::db::attachments;
use crate::domain::volume::Attachment;

/// How often compute is asked, while it is not there.
const ATTEMPTS: u32 = 8;
/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(250);

impl Volumes {
    /// Ends what was reserved before `start` and is nobody's.
    pub(crate) async fn end_orphans(&self, start: Timestamp) {
        let mut pause = PAUSE;
        for attempt in 1..=ATTEMPTS {
            match self.try_end_orphans(start).await {
                Ok(()) => return,
                Err(fault) if fault.is_transient() && attempt < ATTEMPTS => tokio::time::sleep(pause).await,
                Err(fault) => {
                    tracing::error!(error = %fault.chain(), "reservations that may be nobody's are kept until the next start");
                    return;
                }
            }
            pause = pause.saturating_mul(2);
        }
    }

    async fn try_end_orphans(&self, start: Timestamp) -> Result<(), Fault> {
        let reserved = self.store.read(attachments::reserved).await.map_err(Fault::from)?;
        let context = RequestContext::service("volume");
        for attachment in reserved.into_iter().filter(|attachment| attachment.created_at < start) {
            if self.is_orphan(&context, &attachment).await? {
                tracing::info!(volume_id = %attachment.volume_id, "a reservation that no server knows of is ended");
                self.detach(&context, &attachment.id).await?;
            }
        }
        Ok(())
    }

    /// One that names no server was made through this service's own API, and is its maker's.
    async fn is_orphan(&self, context: &RequestContext, attachment: &Attachment) -> Result<bool, Fault> {
        let Some(server_id) = attachment.server_id.clone() else { return Ok(false) };
        match self.client.call(context, Target::Any, GetInstance { server_id }).await {
            Ok(instance) => {
                let mut devices = instance.block_devices.iter();
                Ok(!devices.any(|device| device.volume_id.as_ref() == Some(&attachment.volume_id)))
            }
            Err(fault) if fault.kind() == FaultKind::NotFound => Ok(true),
            Err(fault) => Err(fault),
        }
    }
}
