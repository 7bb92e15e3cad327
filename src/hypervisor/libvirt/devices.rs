//! Disks and interfaces that come and go, as blocking calls.
//!
//! A guest that runs has two definitions: the live one and the one that it is started from next. Each change is made
//! to both, each only where it is missing, so that a change that was interrupted is completed when it is repeated.
//!
//! Unplugging is asked for, not done: the guest's system has to let go of the device, and only then does QEMU
//! remove it. [`Session::detach_disk`] and [`Session::detach_interface`] ask and answer whether the device is still
//! there; the driver waits and repeats. Libvirt's plain detach would block a worker for 5 s; by alias it does not.

use kit::ids::ServerId;
use virt::domain::Domain;
use virt::error::{Error, ErrorNumber};
use virt::sys;

use super::error::{Failure, Outcome};
use super::session::Session;
use super::xml;
use super::xml::read::{self, PresentDisk, PresentInterface};
use crate::error::DriverError;
use crate::spec::{Disk, DiskKey, Interface};

const LIVE: u32 = sys::VIR_DOMAIN_AFFECT_LIVE;
const CONFIG: u32 = sys::VIR_DOMAIN_AFFECT_CONFIG;

impl Session {
    /// Gives the guest a disk.
    pub fn attach_disk(&self, id: &ServerId, disk: &Disk) -> Outcome<()> {
        disk.validate()?;
        let domain = self.get(id)?;
        let device = xml::disk(disk);
        for flags in definitions(&domain)? {
            let present: Vec<PresentDisk> = definition(&domain, flags)?.disks().collect();
            if disk.is_among(present.iter().map(PresentDisk::parts)).map_err(Failure::Conflict)? {
                continue;
            }
            if flags == LIVE && !disk.bus.hotpluggable() {
                return Err(DriverError::Unsupported("attaching a disk on this bus to a running guest").into());
            }
            domain.attach_device_flags(&device, flags)?;
        }
        Ok(())
    }

    /// Takes a disk from the guest's next start, and asks the guest for it if it runs and `ask` says so.
    /// Answers whether the guest still has it.
    pub fn detach_disk(&self, id: &ServerId, key: &DiskKey, ask: bool) -> Outcome<bool> {
        let Some(domain) = self.find(id)? else { return Ok(false) };
        let find = |flags| -> Outcome<Option<PresentDisk>> {
            Ok(definition(&domain, flags)?.disks().find(|disk| key.matches(&disk.target, &disk.serial)))
        };
        if let Some(disk) = find(CONFIG)? {
            let device = format!(
                "<disk type='file' device='disk'><source file='/'/><target dev='{}'/></disk>",
                disk.target.replace(['\'', '<', '&'], "")
            );
            forgive_missing(domain.detach_device_flags(&device, CONFIG))?;
        }
        release(&domain, ask, || Ok(find(LIVE)?.map(|disk| disk.alias)))
    }

    /// Gives the guest an interface.
    pub fn attach_interface(&self, id: &ServerId, interface: &Interface) -> Outcome<()> {
        interface.validate()?;
        let domain = self.get(id)?;
        let device = xml::interface(interface);
        for flags in definitions(&domain)? {
            let present: Vec<PresentInterface> = definition(&domain, flags)?.interfaces().collect();
            if !interface.is_among(present.iter().map(PresentInterface::parts)).map_err(Failure::Conflict)? {
                domain.attach_device_flags(&device, flags)?;
            }
        }
        Ok(())
    }

    /// Takes an interface from the guest, as [`Session::detach_disk`] does.
    pub fn detach_interface(&self, id: &ServerId, mac: &str, ask: bool) -> Outcome<bool> {
        let Some(domain) = self.find(id)? else { return Ok(false) };
        let find = |flags| -> Outcome<Option<PresentInterface>> {
            Ok(definition(&domain, flags)?.interfaces().find(|interface| interface.mac.eq_ignore_ascii_case(mac)))
        };
        if let Some(interface) = find(CONFIG)? {
            let device = format!(
                "<interface type='ethernet'><mac address='{}'/></interface>",
                interface.mac.replace(['\'', '<', '&'], "")
            );
            forgive_missing(domain.detach_device_flags(&device, CONFIG))?;
        }
        release(&domain, ask, || Ok(find(LIVE)?.map(|interface| interface.alias)))
    }
}

/// Which definitions there are: the live one first, as it is the one that may refuse.
fn definitions(domain: &Domain) -> Outcome<Vec<u32>> {
    Ok(if domain.is_active()? { vec![LIVE, CONFIG] } else { vec![CONFIG] })
}

/// The live definition, or the one for the next start.
fn definition(domain: &Domain, flags: u32) -> Outcome<read::Domain> {
    let which = if flags == LIVE { 0 } else { sys::VIR_DOMAIN_XML_INACTIVE };
    Ok(read::Domain::parse(&domain.get_xml_desc(which)?)?)
}

/// Asks a running guest for the device that `find` finds, if it is to be asked. Answers whether it still has it.
fn release(domain: &Domain, ask: bool, find: impl Fn() -> Outcome<Option<String>>) -> Outcome<bool> {
    if !domain.is_active()? {
        return Ok(false);
    }
    let alias = match find() {
        Ok(Some(alias)) => alias,
        Ok(None) => return Ok(false),
        Err(_) if !domain.is_active()? => return Ok(false),
        Err(failure) => return Err(failure),
    };
    if !ask {
        return Ok(true);
    }
    match alias::detach(domain, &alias) {
        // QEMU's words for: the guest was asked before and has not answered yet.
        Err(error) if error.message().contains("already in the process of unplug") => Ok(true),
        Err(_) if !domain.is_active()? || find()?.is_none() => Ok(false),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(find()?.is_some()),
    }
}

/// A device that is gone already was taken away.
fn forgive_missing(result: Result<u32, Error>) -> Outcome<()> {
    match result {
        Err(error) if error.code() != ErrorNumber::DeviceMissing => Err(error.into()),
        _ => Ok(()),
    }
}

#[expect(unsafe_code, reason = "the virt crate does not wrap virDomainDetachDeviceAlias")]
mod alias {
    use std::ffi::CString;

    use super::{Domain, Error, LIVE, sys};

    /// Asks the running guest for the device that libvirt calls `alias`, without waiting for it.
    pub fn detach(domain: &Domain, alias: &str) -> Result<(), Error> {
        let alias = CString::new(alias).unwrap_or_default();
        // SAFETY: the domain is allocated for as long as it is borrowed; `alias` is a C string that outlives the call.
        let result = unsafe { sys::virDomainDetachDeviceAlias(domain.as_ptr(), alias.as_ptr(), LIVE) };
        if result < 0 { Err(Error::last_error()) } else { Ok(()) }
    }
}
