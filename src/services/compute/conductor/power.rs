//! What becomes of a server whose guest changed its power state by itself.
//!
//! The table is Nova's (`_sync_instance_power_state`), with two differences: a guest that has shut itself down needs no
//! host to stop it, the server is stopped at once; and so is one whose guest is not there any more (undefined by
//! somebody else's hand), where Nova would show ACTIVE for ever. It can be started, which makes the guest anew.

use bus::topics::compute_types::{TaskState, VmState};
use kit::PowerState;

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Nothing: something is being done to the server, and ends with a state of its own.
    Ignore,
    /// The power state is recorded, no more.
    Record,
    /// The server is stopped now.
    Stopped,
    /// The host is told to stop the guest.
    Stop,
}

/// The reaction to a guest that is now in `power` while its server is in `vm_state` and `task`.
pub(crate) fn react(vm_state: VmState, task: Option<TaskState>, power: PowerState) -> Reaction {
    if task.is_some() {
        return Reaction::Ignore;
    }
    match (vm_state, power) {
        (VmState::Active | VmState::Paused, PowerState::Shutdown | PowerState::NoState) => Reaction::Stopped,
        (VmState::Active | VmState::Paused, PowerState::Crashed) | (VmState::Active, PowerState::Suspended) => {
            Reaction::Stop
        }
        (VmState::Stopped, PowerState::Running | PowerState::Paused | PowerState::Suspended) => Reaction::Stop,
        // A guest may be paused from outside for a moment.
        _ => Reaction::Record,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        const POWERS: [PowerState; 6] = [
            PowerState::NoState,
            PowerState::Running,
            PowerState::Paused,
            PowerState::Shutdown,
            PowerState::Crashed,
            PowerState::Suspended,
        ];
        let line = |vm_state: &VmState| {
            let cells: Vec<_> = POWERS.iter().map(|power| format!("{:?}", react(*vm_state, None, *power))).collect();
            format!("{vm_state}: {}", cells.join(" "))
        };
        let table: Vec<_> = VmState::ALL.iter().map(line).collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        building: Record Record Record Record Record Record
        active: Stopped Record Record Stopped Stop Stop
        stopped: Record Stop Stop Record Record Stop
        paused: Stopped Record Record Stopped Stop Record
        suspended: Record Record Record Record Record Record
        rescued: Record Record Record Record Record Record
        resized: Record Record Record Record Record Record
        shelved: Record Record Record Record Record Record
        shelved_offloaded: Record Record Record Record Record Record
        soft-delete: Record Record Record Record Record Record
        deleted: Record Record Record Record Record Record
        error: Record Record Record Record Record Record
        ");
    }

    #[test]
    fn a_task_comes_first() {
        for task in TaskState::ALL {
            assert_eq!(react(VmState::Active, Some(*task), PowerState::Shutdown), Reaction::Ignore);
        }
    }
}
