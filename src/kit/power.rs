//! A guest's power state, with Nova's numbers.

use serde::{Deserialize, Serialize};

/// What a guest's virtual machine is doing, as the hypervisor sees it.
///
/// The numbers are Nova's (`OS-EXT-STS:power_state`); clients know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerState {
    /// Not known, or there is no such guest: 0.
    NoState,
    /// Running: 1.
    Running,
    /// Its processors stand still, its memory is kept: 3.
    Paused,
    /// Off: 4.
    Shutdown,
    /// It ended by a failure: 6.
    Crashed,
    /// Its memory is on disk: 7.
    Suspended,
}

impl PowerState {
    /// Nova's number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::NoState => 0,
            Self::Running => 1,
            Self::Paused => 3,
            Self::Shutdown => 4,
            Self::Crashed => 6,
            Self::Suspended => 7,
        }
    }

    /// The state with Nova's number `code`; unknown numbers are [`PowerState::NoState`].
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Running,
            3 => Self::Paused,
            4 => Self::Shutdown,
            6 => Self::Crashed,
            7 => Self::Suspended,
            _ => Self::NoState,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_names_its_state() {
        for code in 0..=7 {
            let state = PowerState::from_code(code);
            assert!(state.code() == code || state == PowerState::NoState);
        }
    }
}
