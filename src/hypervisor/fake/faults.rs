//! What is planned to go wrong, and what was asked for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kit::ids::ServerId;

/// How many calls are remembered.
const CALLS_KEPT: usize = 10_000;

/// A verb of [`Driver`](crate::Driver).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are the driver's")]
pub enum Verb {
    Capabilities,
    Resources,
    Usage,
    EnsureRunning,
    Define,
    Start,
    Stop,
    Reboot,
    Destroy,
    Remove,
    Pause,
    Resume,
    PowerState,
    List,
    ConsoleLog,
    Vnc,
    Serial,
    AttachDisk,
    DetachDisk,
    AttachInterface,
    DetachInterface,
    CopyDisk,
    StopCopying,
}

/// How a verb goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// It fails, and nothing happened.
    Fail,
    /// It takes effect, and fails all the same: what a lost answer looks like.
    FailAfterwards,
    /// The hypervisor cannot be reached.
    Disconnect,
    /// It never answers.
    Hang,
    /// It panics.
    Panic,
}

/// What is planned to go wrong.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Plans>);

#[derive(Debug, Default)]
struct Plans {
    misbehaviours: HashMap<Verb, (Misbehaviour, usize)>,
    delays: HashMap<Verb, Duration>,
    calls: Vec<(Verb, Option<ServerId>)>,
}

/// What happens to one call.
pub(super) struct Plan {
    /// How long it waits first.
    pub delay: Duration,
    /// How it goes wrong.
    pub misbehaviour: Option<Misbehaviour>,
}

impl Faults {
    /// The next `times` calls of `verb` go wrong; `usize::MAX` is always.
    pub fn plan(&self, verb: Verb, misbehaviour: Misbehaviour, times: usize) {
        self.lock().misbehaviours.insert(verb, (misbehaviour, times));
    }

    /// Every call of `verb` takes that long from now on.
    pub fn delay(&self, verb: Verb, delay: Duration) {
        self.lock().delays.insert(verb, delay);
    }

    /// Nothing goes wrong from now on, and nothing is slow.
    pub fn clear(&self) {
        let mut plans = self.lock();
        plans.misbehaviours.clear();
        plans.delays.clear();
    }

    /// What was asked for.
    pub(super) fn calls(&self) -> Vec<(Verb, Option<ServerId>)> {
        self.lock().calls.clone()
    }

    /// Notes a call, and says what happens to it.
    pub(super) fn next(&self, verb: Verb, id: Option<&ServerId>) -> Plan {
        let mut plans = self.lock();
        if plans.calls.len() < CALLS_KEPT {
            plans.calls.push((verb, id.cloned()));
        }
        let misbehaviour = match plans.misbehaviours.get_mut(&verb) {
            Some((misbehaviour, times)) if *times > 0 => {
                *times = if *times == usize::MAX { *times } else { *times - 1 };
                Some(*misbehaviour)
            }
            _ => None,
        };
        Plan { delay: plans.delays.get(&verb).copied().unwrap_or_default(), misbehaviour }
    }

    fn lock(&self) -> MutexGuard<'_, Plans> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
