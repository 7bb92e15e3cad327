//! Whether an operation is accepted in a server's present state, and what it makes of the task state.
//!
//! ```text
//!              start ┌─────────┐ stop
//!  stopped ─────────▶│powering-│◀──────── active, error
//!                    │ on/off  │
//!  active ──reboot──▶ rebooting     active, stopped, paused, suspended, error ──hard──▶ rebooting_hard
//!  active, stopped, paused, suspended ──createImage──▶ image_snapshot_pending ─▶ … ─▶ as before
//!  any state, any task ──delete──▶ deleting
//! ```
//! Refusals say what Nova says.

use bus::topics::compute_types::{TaskState, VmState};
use kit::Fault;
use kit::ids::{HostId, ServerId};

use crate::db::instances::InstanceRow;

/// What can be asked of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `os-start`.
    Start,
    /// `os-stop`.
    Stop,
    /// `reboot` with `SOFT`.
    SoftReboot,
    /// `reboot` with `HARD`.
    HardReboot,
    /// `DELETE`.
    Delete,
    /// A volume.
    AttachVolume,
    /// A volume.
    DetachVolume,
    /// `createImage`.
    CreateImage,
}

/// What holds for an operation.
struct Rule {
    /// The name in a refusal.
    name: &'static str,
    /// The states in which it is accepted; any when empty.
    vm_states: &'static [VmState],
    /// The tasks, beside none at all, that it may interrupt.
    tasks: Tasks,
    /// The task that it sets.
    task: Option<TaskState>,
    /// The name of the instance action.
    action: &'static str,
}

enum Tasks {
    Any,
    None,
    Also(&'static [TaskState]),
}

const ATTACHABLE: &[VmState] =
    &[VmState::Active, VmState::Paused, VmState::Stopped, VmState::Suspended, VmState::Resized, VmState::SoftDeleted];

impl Operation {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Start,
        Self::Stop,
        Self::SoftReboot,
        Self::HardReboot,
        Self::Delete,
        Self::AttachVolume,
        Self::DetachVolume,
        Self::CreateImage,
    ];

    fn rule(self) -> Rule {
        let rule = |name, vm_states, tasks, task, action| Rule { name, vm_states, tasks, task, action };
        use TaskState as T;
        use VmState as V;
        match self {
            Self::Start => rule("start", &[V::Stopped], Tasks::None, Some(T::PoweringOn), "start"),
            Self::Stop => rule("stop", &[V::Active, V::Error], Tasks::None, Some(T::PoweringOff), "stop"),
            Self::SoftReboot => rule("reboot", &[V::Active], Tasks::None, Some(T::Rebooting), "reboot"),
            Self::HardReboot => rule(
                "reboot",
                &[V::Active, V::Stopped, V::Paused, V::Suspended, V::Error],
                Tasks::Also(&[T::Rebooting, T::RebootingHard]),
                Some(T::RebootingHard),
                "reboot",
            ),
            Self::Delete => rule("delete", &[], Tasks::Any, Some(T::Deleting), "delete"),
            Self::AttachVolume => rule("attach_volume", ATTACHABLE, Tasks::None, None, "attach_volume"),
            Self::DetachVolume => rule("detach_volume", ATTACHABLE, Tasks::None, None, "detach_volume"),
            Self::CreateImage => rule(
                "createImage",
                &[V::Active, V::Stopped, V::Paused, V::Suspended],
                Tasks::None,
                Some(T::ImageSnapshotPending),
                "createImage",
            ),
        }
    }

    /// The name of the instance action that it leaves.
    #[must_use]
    pub fn action(self) -> &'static str {
        self.rule().action
    }

    /// The task that it sets; none for what leaves the task state alone.
    #[must_use]
    pub fn task(self) -> Option<TaskState> {
        self.rule().task
    }

    /// Whether a server that never ran can take it.
    fn needs_launch(self) -> bool {
        self != Self::Delete
    }

    /// Whether it is accepted.
    ///
    /// # Errors
    /// Why it is not.
    pub fn check(self, vm_state: VmState, task_state: Option<TaskState>, launched: bool) -> Result<(), Refusal> {
        let rule = self.rule();
        if !rule.vm_states.is_empty() && !rule.vm_states.contains(&vm_state) {
            return Err(Refusal::VmState(vm_state));
        }
        let allowed = match (task_state, rule.tasks) {
            (None, _) | (_, Tasks::Any) => true,
            (Some(_), Tasks::None) => false,
            (Some(task), Tasks::Also(tasks)) => tasks.contains(&task),
        };
        match task_state {
            Some(task) if !allowed => Err(Refusal::TaskState(task)),
            _ if self.needs_launch() && !launched => Err(Refusal::NotLaunched),
            _ => Ok(()),
        }
    }

    /// The host that is to do it to the server, where it is accepted and there is one.
    ///
    /// # Errors
    /// A 409 in Nova's words where it is not accepted.
    pub fn accept(self, row: &InstanceRow) -> Result<Option<HostId>, Fault> {
        let checked = self.check(row.vm_state, row.task_state, row.launched_at.is_some());
        checked.map_err(|refusal| self.refused(&row.id, refusal))?;
        Ok(row.host.clone())
    }

    /// The refusal in Nova's words: a 409.
    #[must_use]
    pub fn refused(self, server_id: &ServerId, refusal: Refusal) -> Fault {
        let name = self.rule().name;
        let (attribute, state) = match refusal {
            Refusal::VmState(state) => ("vm_state", state.as_str()),
            Refusal::TaskState(task) => ("task_state", task.as_str()),
            Refusal::NotLaunched => {
                return Fault::conflict(format!("Instance {server_id} is in an invalid state for '{name}'"));
            }
        };
        Fault::conflict(format!("Cannot '{name}' instance {server_id} while it is in {attribute} {state}"))
    }
}

/// Why an operation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// What the server is.
    VmState(VmState),
    /// What is being done to it.
    TaskState(TaskState),
    /// It never ran.
    NotLaunched,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    #[test]
    fn the_table() {
        let accepted = |operation: Operation| {
            let vm_states: Vec<_> = VmState::ALL
                .iter()
                .filter(|state| operation.check(**state, None, true).is_ok())
                .map(|s| s.as_str())
                .collect();
            format!("{operation:?}: {}", vm_states.join(" "))
        };
        let table: Vec<_> = Operation::ALL.iter().map(|operation| accepted(*operation)).collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        Start: stopped
        Stop: active error
        SoftReboot: active
        HardReboot: active stopped paused suspended error
        Delete: building active stopped paused suspended rescued resized shelved shelved_offloaded soft-delete deleted error
        AttachVolume: active stopped paused suspended resized soft-delete
        DetachVolume: active stopped paused suspended resized soft-delete
        CreateImage: active stopped paused suspended
        ");
    }

    #[test]
    fn refusals_are_novas() {
        let id = ServerId::new("s1");
        let refusal = Operation::Start.check(VmState::Active, None, true).unwrap_err();
        assert_eq!(
            Operation::Start.refused(&id, refusal).message(),
            "Cannot 'start' instance s1 while it is in vm_state active"
        );
        let refusal = Operation::Stop.check(VmState::Active, Some(TaskState::PoweringOff), true).unwrap_err();
        assert_eq!(
            Operation::Stop.refused(&id, refusal).message(),
            "Cannot 'stop' instance s1 while it is in task_state powering-off"
        );
    }

    proptest! {
        #[test]
        fn a_server_that_is_being_deleted_takes_nothing_else(
            operation in select(Operation::ALL), vm_state in select(VmState::ALL),
        ) {
            let accepted = operation.check(vm_state, Some(TaskState::Deleting), true).is_ok();
            prop_assert_eq!(accepted, operation == Operation::Delete);
        }

        #[test]
        fn what_is_accepted_during_a_task_is_accepted_without_one(
            operation in select(Operation::ALL), vm_state in select(VmState::ALL), task in select(TaskState::ALL),
            launched: bool,
        ) {
            if operation.check(vm_state, Some(task), launched).is_ok() {
                prop_assert!(operation.check(vm_state, None, launched).is_ok());
            }
        }
    }
}
