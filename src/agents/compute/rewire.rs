//! Guests whose network device somebody deleted.
//!
//! The network agent makes a tap anew when it is gone; the guest's QEMU still holds the old one, which leads nowhere. A tap
//! that nobody has open has no carrier: where that is so with a guest that runs, its interface is taken out and put in
//! again, as if by hand. The guest sees a new card with the same address.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bus::topics::compute_types::Instance;
use kit::{Clock as _, Fault, PowerState, RequestContext, SystemClock};
use tokio_util::sync::CancellationToken;

use crate::agent::{ComputeAgent, NAME};
use crate::disks::blocking;
use crate::owner::{Job, Operation};
use crate::power::{describe, should_run};
use crate::work::Work;

/// How long a guest may take to let go of a card.
const PATIENCE: Duration = Duration::from_secs(20);

/// Has guests plugged in again whose device is open to nobody.
pub(crate) async fn look(agent: &Arc<ComputeAgent>, instances: &[Instance]) -> Result<(), Fault> {
    // Nobody ever has a make-believe guest's tap open.
    if agent.config.hypervisor == "fake" {
        return Ok(());
    }
    let candidates = instances.iter().filter(|instance| should_run(instance) && !agent.is_owned(&instance.id));
    let devices: Vec<_> = candidates
        .flat_map(|instance| instance.network_info.iter().map(|vif| (instance.id.clone(), vif.device.clone())))
        .filter_map(|(id, device)| Some((id, device?)))
        .collect();
    let cut_off = blocking(move || Ok(devices.into_iter().filter(|(_, device)| is_unplugged(device)).collect::<Vec<_>>()));
    for (id, device) in cut_off.await? {
        tracing::warn!(server_id = %id, device, "a guest is not plugged into its network any more");
        agent.submit(&id, Job { context: RequestContext::service(NAME), operation: Operation::Rewire })?;
    }
    Ok(())
}

/// Whether the device is there, up, and open to nobody.
fn is_unplugged(device: &str) -> bool {
    // Of a device that is down the kernel does not say: an error.
    let carrier = std::fs::read_to_string(Path::new("/sys/class/net").join(device).join("carrier"));
    carrier.is_ok_and(|text| text.trim() == "0")
}

/// Plugs the guest into its devices again.
pub(crate) async fn rewire(work: &Work, interrupt: &CancellationToken) {
    match interrupt.run_until_cancelled(plug(work)).await {
        Some(Ok(0)) | None => {}
        Some(Ok(_)) => work.agent.conditions.repaired("a guest was plugged into its network again", SystemClock.now()),
        Some(Err(fault)) => {
            tracing::error!(error = %fault.chain(), "a guest cannot be plugged into its network again: reboot it");
        }
    }
}

async fn plug(work: &Work) -> Result<usize, Fault> {
    let (instance, driver) = (work.instance().await?, &work.agent.driver);
    if !should_run(&instance) || driver.power_state(&work.server_id).await? != Some(PowerState::Running) {
        return Ok(0);
    }
    // Binding has the network agent make whatever is missing.
    let (spec, _) = describe(work, &instance).await?;
    let mut plugged = 0;
    for interface in spec.interfaces.iter().filter(|interface| is_unplugged(&interface.tap)) {
        driver.detach_interface(&work.server_id, &interface.mac, PATIENCE).await?;
        driver.attach_interface(&work.server_id, interface).await?;
        tracing::info!(device = interface.tap, "a guest has been plugged into its network again");
        plugged += 1;
    }
    Ok(plugged)
}
