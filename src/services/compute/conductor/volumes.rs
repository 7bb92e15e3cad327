//! Volumes that were being attached or detached when the process died, before the host wrote down that it had begun.
//!
//! A server has no task meanwhile: what was asked for shows in the mapping and in the volume's status.

use bus::Target;
use bus::topics::compute_agent::{AttachVolume, DetachVolume};
use bus::topics::compute_types::{BlockDestination, BlockDevice, Instance, VmState};
use bus::topics::conductor::JournalRecord;
use bus::topics::volume::GetVolume;
use kit::ids::{AttachmentId, HostId, VolumeId};
use kit::{Fault, RequestContext};

use super::Conductor;

impl Conductor {
    /// Has the host go on with the server's volumes, where it has no journal of them.
    pub(super) async fn tell_volumes(
        &self,
        context: &RequestContext,
        host: &HostId,
        server: &Instance,
        journals: &[JournalRecord],
    ) {
        if matches!(server.vm_state, VmState::Building | VmState::Deleted | VmState::Error) {
            return;
        }
        for device in server.block_devices.iter().filter(|device| device.destination == BlockDestination::Volume) {
            let (Some(volume_id), Some(attachment_id)) = (&device.volume_id, &device.attachment_id) else { continue };
            if journals.iter().any(|journal| journal.body.contains(volume_id.as_str())) {
                continue;
            }
            let told = self.tell_volume(context, host, server, device, volume_id, attachment_id).await;
            if let Err(fault) = told {
                tracing::warn!(%host, server_id = %server.id, %volume_id, error = %fault.chain(), "a volume stays as it is");
            }
        }
    }

    async fn tell_volume(
        &self,
        context: &RequestContext,
        host: &HostId,
        server: &Instance,
        device: &BlockDevice,
        volume_id: &VolumeId,
        attachment_id: &AttachmentId,
    ) -> Result<(), Fault> {
        let (server_id, attachment_id, target) = (server.id.clone(), attachment_id.clone(), Target::host(host));
        if device.connection.is_none() {
            tracing::info!(%host, %server_id, %volume_id, "the host is told again to attach a volume");
            let device_name = device.device_name.clone().unwrap_or_default();
            let (volume_id, block_device_id) = (volume_id.clone(), device.id);
            let attach = AttachVolume { server_id, volume_id, block_device_id, attachment_id, device_name };
            return self.client.cast(context, target, attach);
        }
        let volume = self.client.call(context, Target::Any, GetVolume { volume_id: volume_id.clone() }).await?;
        if volume.status != "detaching" {
            return Ok(());
        }
        tracing::info!(%host, %server_id, %volume_id, "the host is told again to detach a volume");
        self.client.cast(context, target, DetachVolume { server_id, volume_id: volume_id.clone(), attachment_id })
    }
}
