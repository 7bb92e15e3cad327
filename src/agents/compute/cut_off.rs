//! Guests whose network device somebody deleted.
//!
//! The network agent makes a tap anew when it is gone; the guest's QEMU still holds the old one, which leads nowhere. Nothing
//! mends that while the guest runs: QEMU ends itself ("TUNSETVNETHDRSZ ioctl() failed") when a card on a deleted tap is
//! reset or taken out. So the guest is left alone, and the log and the health endpoint say that it has to be rebooted
//! (hard), which plugs it into the new device.

use std::path::Path;
use std::sync::Arc;

use bus::topics::compute_types::{Instance, VmState};
use kit::{Fault, PowerState};

use crate::agent::ComputeAgent;
use crate::disks::blocking;

const REASON: &str = "a guest has lost its network device and needs a hard reboot";

/// Looks whether guests that run have devices that are open to nobody.
pub(crate) async fn look(agent: &Arc<ComputeAgent>, instances: &[Instance]) -> Result<(), Fault> {
    // Nobody ever has a make-believe guest's tap open.
    if agent.config.hypervisor == "fake" {
        return Ok(());
    }
    let candidates = instances.iter().filter(|instance| has_process(instance) && !agent.is_owned(&instance.id));
    let devices: Vec<_> = candidates
        .flat_map(|instance| instance.network_info.iter().map(|vif| (instance.id.clone(), vif.device.clone())))
        .filter_map(|(id, device)| Some((id, device?)))
        .collect();
    let find = move || Ok(devices.into_iter().filter(|(_, device)| is_open_to_nobody(device)).collect::<Vec<_>>());
    let cut_off = blocking(find).await?;
    let known = agent.conditions.now().reasons.contains(REASON);
    agent.conditions.set(REASON, !cut_off.is_empty());
    for (id, device) in cut_off.iter().filter(|_| !known) {
        tracing::error!(server_id = %id, device, "somebody has deleted a guest's network device: reboot it hard");
    }
    Ok(())
}

/// Whether the server has a guest with a process, as far as is known, and nothing is to be done to it. One that is paused has one, too.
fn has_process(instance: &Instance) -> bool {
    instance.vm_state == VmState::Active
        && instance.task_state.is_none()
        && matches!(instance.power_state, PowerState::Running | PowerState::Paused)
}

/// Whether the device is there and up, and has no carrier: of a tap that says that nobody has it open.
fn is_open_to_nobody(device: &str) -> bool {
    // Of a device that is down the kernel does not say: an error.
    let carrier = std::fs::read_to_string(Path::new("/sys/class/net").join(device).join("carrier"));
    carrier.is_ok_and(|text| text.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_not_cut_off() {
        assert!(!is_open_to_nobody("cb-none"));
        assert!(!is_open_to_nobody("lo"), "the loopback device always has a carrier");
    }
}
