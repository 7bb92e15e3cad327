//! The verbs that concern a whole guest, as blocking calls.

use kit::PowerState;
use kit::ids::ServerId;
use virt::domain::Domain;
use virt::sys;

use super::error::{Failure, Outcome, is_no_domain};
use super::host::memory_used_mb;
use super::session::{Session, power_state};
use super::xml::read;
use crate::capabilities::Resources;
use crate::console;
use crate::driver::{CONSOLE_LOG_MAX, Endpoint};
use crate::spec::DomainSpec;

/// What a guest leaves in libvirt besides its definition; all of it goes with it.
const UNDEFINE: sys::virDomainUndefineFlagsValues = sys::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | sys::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | sys::VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | sys::VIR_DOMAIN_UNDEFINE_NVRAM;

impl Session {
    /// What the host has, and how much of it is used.
    pub fn resources(&self) -> Outcome<Resources> {
        let node = self.connection().get_node_info()?;
        let mut resources = Resources {
            vcpus: node.cpus,
            vcpus_used: 0,
            memory_mb: node.memory / 1024,
            memory_mb_used: memory_used_mb(&std::fs::read_to_string("/proc/meminfo")?),
            running_vms: 0,
        };
        for domain in self.domains()? {
            match domain.get_info() {
                Ok(_) if !domain.is_active().unwrap_or(false) => {}
                Ok(info) => {
                    resources.running_vms += 1;
                    resources.vcpus_used += info.nr_virt_cpu;
                }
                Err(error) if is_no_domain(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(resources)
    }

    /// Defines the guest if it does not run, and starts it.
    pub fn ensure_running(&self, spec: &DomainSpec) -> Outcome<()> {
        spec.validate()?;
        if let Some(domain) = self.find(&spec.server_id)?
            && domain.is_active()?
        {
            return run(&domain);
        }
        run(&self.define(spec)?)
    }

    /// Starts the guest, or resumes it.
    pub fn start(&self, id: &ServerId) -> Outcome<()> {
        run(&self.get(id)?)
    }

    /// Asks the guest to power off. `false`: it is off.
    pub fn ask_to_shut_down(&self, id: &ServerId) -> Outcome<bool> {
        let domain = self.get(id)?;
        if !domain.is_active()? {
            return Ok(false);
        }
        match domain.shutdown() {
            Ok(_) => Ok(true),
            Err(_) if !domain.is_active()? => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the guest has a process.
    pub fn is_active(&self, id: &ServerId) -> Outcome<bool> {
        Ok(self.find(id)?.map(|domain| domain.is_active()).transpose()?.unwrap_or(false))
    }

    /// Takes the guest's power away.
    pub fn destroy(&self, id: &ServerId) -> Outcome<()> {
        destroy(&self.get(id)?)
    }

    /// Takes the guest's power away and starts it again.
    pub fn restart(&self, id: &ServerId) -> Outcome<()> {
        let domain = self.get(id)?;
        destroy(&domain)?;
        run(&domain)
    }

    /// Takes the guest's power away and forgets it.
    pub fn remove(&self, id: &ServerId) -> Outcome<()> {
        let Some(domain) = self.find(id)? else { return Ok(()) };
        let removed = destroy(&domain).and_then(|()| Ok(domain.undefine_flags(UNDEFINE)?));
        match removed {
            Err(_) if self.find(id)?.is_none() => Ok(()),
            other => other,
        }
    }

    /// Freezes the guest.
    pub fn pause(&self, id: &ServerId) -> Outcome<()> {
        let domain = self.get(id)?;
        match power_state(&domain)? {
            PowerState::Paused => Ok(()),
            PowerState::Running => Ok(domain.suspend().map(drop)?),
            state => Err(Failure::Conflict(format!("it is {state:?}"))),
        }
    }

    /// Lets a frozen guest go on.
    pub fn resume(&self, id: &ServerId) -> Outcome<()> {
        let domain = self.get(id)?;
        match power_state(&domain)? {
            PowerState::Running => Ok(()),
            PowerState::Paused => Ok(domain.resume().map(drop)?),
            state => Err(Failure::Conflict(format!("it is {state:?}"))),
        }
    }

    /// The guest's state.
    pub fn power_state(&self, id: &ServerId) -> Outcome<Option<PowerState>> {
        match self.find(id)?.map(|domain| power_state(&domain)).transpose() {
            Err(Failure::NoGuest) => Ok(None),
            other => other,
        }
    }

    /// All of our guests.
    pub fn list(&self) -> Outcome<Vec<(ServerId, PowerState)>> {
        let mut guests = Vec::new();
        for domain in self.domains()? {
            match power_state(&domain) {
                Ok(state) => guests.push((ServerId::new(domain.get_uuid()?.hyphenated().to_string()), state)),
                Err(Failure::NoGuest) => {}
                Err(failure) => return Err(failure),
            }
        }
        guests.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(guests)
    }

    /// The end of what the guest printed.
    pub fn console_log(&self, id: &ServerId, lines: Option<usize>) -> Outcome<Vec<u8>> {
        let domain = read::Domain::parse(&self.get(id)?.get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE)?)?;
        let Some(log) = domain.console_log() else { return Ok(Vec::new()) };
        Ok(console::tail(&log, lines, CONSOLE_LOG_MAX)?)
    }

    /// Where one of the guest's consoles listens, if it is on.
    pub fn endpoint(
        &self,
        id: &ServerId,
        pick: impl FnOnce(&read::Domain) -> Option<Endpoint>,
    ) -> Outcome<Option<Endpoint>> {
        let domain = self.get(id)?;
        if !domain.is_active()? {
            return Ok(None);
        }
        Ok(pick(&read::Domain::parse(&domain.get_xml_desc(0)?)?))
    }
}

/// Starts, resumes or wakes the domain.
fn run(domain: &Domain) -> Outcome<()> {
    match power_state(domain)? {
        PowerState::Running => Ok(()),
        PowerState::Paused => Ok(domain.resume().map(drop)?),
        PowerState::Suspended => Ok(domain.pm_wakeup(0).map(drop)?),
        PowerState::NoState | PowerState::Shutdown | PowerState::Crashed => match domain.create() {
            Ok(_) => Ok(()),
            Err(_) if domain.is_active().unwrap_or(false) => Ok(()),
            Err(error) => Err(error.into()),
        },
    }
}

/// Takes the domain's power away. That it went off by itself meanwhile is as good.
fn destroy(domain: &Domain) -> Outcome<()> {
    if !domain.is_active()? {
        return Ok(());
    }
    match domain.destroy() {
        Ok(()) => Ok(()),
        Err(_) if !domain.is_active()? => Ok(()),
        Err(error) => Err(error.into()),
    }
}
