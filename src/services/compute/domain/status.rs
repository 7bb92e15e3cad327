//! A server's `status`, from what it is and what is being done to it.

use bus::topics::compute_types::{TaskState, VmState};

/// Which status shows for a state; a row without a task holds for every task that has no row of its own.
const TABLE: &[(VmState, Option<TaskState>, &str)] = &[
    (VmState::Active, None, "ACTIVE"),
    (VmState::Active, Some(TaskState::Rebooting), "REBOOT"),
    (VmState::Active, Some(TaskState::RebootingHard), "HARD_REBOOT"),
    (VmState::Building, None, "BUILD"),
    (VmState::Stopped, None, "SHUTOFF"),
    (VmState::Resized, None, "VERIFY_RESIZE"),
    (VmState::Paused, None, "PAUSED"),
    (VmState::Suspended, None, "SUSPENDED"),
    (VmState::Rescued, None, "RESCUE"),
    (VmState::Error, None, "ERROR"),
    (VmState::Deleted, None, "DELETED"),
    (VmState::SoftDeleted, None, "SOFT_DELETED"),
    (VmState::Shelved, None, "SHELVED"),
    (VmState::ShelvedOffloaded, None, "SHELVED_OFFLOADED"),
];

/// What clients see as `status`.
#[must_use]
pub fn of(vm_state: VmState, task_state: Option<TaskState>) -> &'static str {
    let row = |task: Option<TaskState>| TABLE.iter().find(|row| row.0 == vm_state && row.1 == task);
    task_state.and_then(|task| row(Some(task))).or_else(|| row(None)).map_or("UNKNOWN", |row| row.2)
}

/// The states behind the statuses that a client filters by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct States {
    /// One of these.
    pub vm_states: Vec<VmState>,
    /// And one of these tasks; any when empty.
    pub task_states: Vec<TaskState>,
}

/// The states that show as one of `statuses`, in any case; none when no state does.
/// As Nova has it, a status without a task of its own (`ACTIVE`) stands for every task.
#[must_use]
pub fn states<'s>(statuses: impl IntoIterator<Item = &'s str>) -> Option<States> {
    let mut states = States::default();
    let mut any_task = false;
    for status in statuses {
        for (vm_state, task, _) in TABLE.iter().filter(|row| row.2.eq_ignore_ascii_case(status)) {
            if !states.vm_states.contains(vm_state) {
                states.vm_states.push(*vm_state);
            }
            match task {
                Some(task) => states.task_states.push(*task),
                None => any_task = true,
            }
        }
    }
    if any_task {
        states.task_states.clear();
    }
    (!states.vm_states.is_empty()).then_some(states)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_status() {
        for vm_state in VmState::ALL {
            assert_ne!(of(*vm_state, None), "UNKNOWN");
            for task in TaskState::ALL {
                assert_ne!(of(*vm_state, Some(*task)), "UNKNOWN");
            }
        }
    }

    #[test]
    fn tasks_show_only_where_nova_shows_them() {
        assert_eq!(of(VmState::Active, Some(TaskState::Rebooting)), "REBOOT");
        assert_eq!(of(VmState::Active, Some(TaskState::PoweringOff)), "ACTIVE");
        assert_eq!(of(VmState::Building, Some(TaskState::Spawning)), "BUILD");
        assert_eq!(of(VmState::Error, Some(TaskState::Deleting)), "ERROR");
    }

    #[test]
    fn a_status_leads_back_to_its_states() {
        let reboot = states(["reboot"]).unwrap();
        assert_eq!((reboot.vm_states, reboot.task_states), (vec![VmState::Active], vec![TaskState::Rebooting]));
        let both = states(["ACTIVE", "REBOOT"]).unwrap();
        assert_eq!((both.vm_states, both.task_states), (vec![VmState::Active], vec![]));
        assert_eq!(states(["bogus"]), None);
    }
}
