//! Copies of disks of guests that are on, as blocking calls.
//!
//! Libvirt's backup in push mode: QEMU copies what the disk held when the copy began, and sets aside what the guest writes over
//! meanwhile. The guest's definition does not change, so that a process that dies leaves nothing but the job and its file.

use std::ffi::CString;
use std::path::Path;

use kit::ids::ServerId;
use virt::domain::Domain;
use virt::error::{Error, ErrorNumber};
use virt::sys;

use super::error::{Failure, Outcome, is_no_domain};
use super::session::Session;
use super::xml::{self, read};
use crate::driver::Quiesce;
use crate::spec::DiskKey;

/// How long a guest's agent may take to answer, in seconds.
const AGENT_WAIT: i32 = 30;

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copying {
    /// It goes on.
    UnderWay,
    /// All is there.
    Done,
    /// The guest is off.
    GuestOff,
}

impl Session {
    /// Begins a copy of a disk to the file `to`. One that an earlier caller left is ended.
    pub fn begin_copy(&self, id: &ServerId, key: &DiskKey, to: &Path, quiesce: Quiesce) -> Outcome<Copying> {
        let domain = self.get(id)?;
        if !domain.is_active()? {
            return Ok(Copying::GuestOff);
        }
        end_copy(&domain)?;
        let disks: Vec<_> = read::Domain::parse(&domain.get_xml_desc(0)?)?.disks().collect();
        let disk = disks.iter().find(|disk| key.matches(&disk.target, &disk.serial));
        let disk = disk.ok_or_else(|| Failure::Conflict(format!("it has no {key}")))?;
        let wanted = xml::backup(disks.iter().map(|disk| disk.target.as_str()), &disk.target, to);
        match std::fs::remove_file(to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let quiet = quiet(&domain, quiesce)?;
        let begun = calls::begin(&domain, &wanted);
        if quiet {
            thaw(&domain);
        }
        match begun {
            Err(_) if !domain.is_active()? => Ok(Copying::GuestOff),
            begun => Ok(begun.map(|()| Copying::UnderWay)?),
        }
    }

    /// How far the copy is that was begun last.
    pub fn look_at_copy(&self, id: &ServerId) -> Outcome<Copying> {
        let domain = self.get(id)?;
        if is_under_way(&domain)? {
            return Ok(Copying::UnderWay);
        }
        match calls::ended(&domain) {
            Ok((sys::VIR_DOMAIN_JOB_COMPLETED, _)) => Ok(Copying::Done),
            _ if !domain.is_active()? => Ok(Copying::GuestOff),
            Ok((kind, why)) => Err(Failure::other(why.unwrap_or_else(|| format!("it ended as {kind}")))),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends a copy that is under way. Whoever had the guest's file systems stop may have died before they went on.
    pub fn stop_copying(&self, id: &ServerId) -> Outcome<()> {
        let Some(domain) = self.find(id)? else { return Ok(()) };
        if !domain.is_active()? {
            return Ok(());
        }
        end_copy(&domain)?;
        if read::Domain::parse(&domain.get_xml_desc(0)?)?.has_agent() {
            thaw(&domain);
        }
        Ok(())
    }
}

fn is_under_way(domain: &Domain) -> Outcome<bool> {
    match domain.get_job_info() {
        Ok(job) => Ok(u32::try_from(job.r#type) != Ok(sys::VIR_DOMAIN_JOB_NONE)),
        Err(error) if is_no_domain(&error) => Err(Failure::NoGuest),
        Err(error) if error.code() == ErrorNumber::OperationInvalid => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Ends a copy, if there is one. Libvirt answers when it has ended.
fn end_copy(domain: &Domain) -> Outcome<()> {
    if !is_under_way(domain)? {
        return Ok(());
    }
    match calls::abort(domain) {
        Err(_) if !is_under_way(domain)? => Ok(()),
        ended => Ok(ended?),
    }
}

/// Has the guest be quiet, as far as it is asked to; whether it is.
fn quiet(domain: &Domain, quiesce: Quiesce) -> Outcome<bool> {
    match quiesce {
        Quiesce::No => Ok(false),
        Quiesce::Try => match calls::freeze(domain) {
            Ok(()) => Ok(true),
            Err(error) => {
                tracing::warn!(%error, "a guest is copied though its agent does not answer");
                Ok(false)
            }
        },
        Quiesce::Must => match calls::freeze(domain) {
            Ok(()) => Ok(true),
            Err(error) => Err(Failure::Conflict(format!("its agent does not answer: {}", error.message()))),
        },
    }
}

/// Has the guest's file systems go on.
fn thaw(domain: &Domain) {
    if let Err(error) = calls::thaw(domain) {
        tracing::warn!(%error, "a guest's file systems may stand still: its agent does not answer");
    }
}

#[expect(unsafe_code, reason = "the virt crate does not wrap backups, nor freezing and thawing")]
mod calls {
    use std::ffi::{CStr, c_int};
    use std::ptr;

    use super::{AGENT_WAIT, CString, Domain, Error, sys};

    fn answer(result: c_int) -> Result<(), Error> {
        if result < 0 { Err(Error::last_error()) } else { Ok(()) }
    }

    /// Begins the backup that `xml` describes.
    pub fn begin(domain: &Domain, xml: &str) -> Result<(), Error> {
        let xml = CString::new(xml).unwrap_or_default();
        // SAFETY: the domain is allocated for as long as it is borrowed; `xml` is a C string that outlives the call; no
        // checkpoint is asked for.
        answer(unsafe { sys::virDomainBackupBegin(domain.as_ptr(), xml.as_ptr(), ptr::null(), 0) })
    }

    /// How the last job ended, and why, where it failed. (The virt crate's own call takes libvirt's memory for Rust's.)
    pub fn ended(domain: &Domain) -> Result<(sys::virDomainJobType, Option<String>), Error> {
        let flags = sys::VIR_DOMAIN_JOB_STATS_COMPLETED | sys::VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED;
        let (mut kind, mut params, mut count) = (0, ptr::null_mut(), 0);
        // SAFETY: the domain is allocated for as long as it is borrowed; the others are places that libvirt writes to.
        answer(unsafe { sys::virDomainGetJobStats(domain.as_ptr(), &mut kind, &mut params, &mut count, flags) })?;
        let mut text = ptr::null();
        // SAFETY: `params` are the `count` parameters that libvirt has just allocated; the text is one of them.
        let found = unsafe { sys::virTypedParamsGetString(params, count, c"errmsg".as_ptr(), &mut text) };
        // SAFETY: where it was found it is a C string, copied before it is freed.
        let why = (found == 1).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned());
        // SAFETY: they are libvirt's to free, once; no pointer into them is left.
        unsafe { sys::virTypedParamsFree(params, count) };
        Ok((sys::virDomainJobType::try_from(kind).unwrap_or(sys::VIR_DOMAIN_JOB_NONE), why))
    }

    /// Ends the job that is under way.
    pub fn abort(domain: &Domain) -> Result<(), Error> {
        // SAFETY: the domain is allocated for as long as it is borrowed.
        answer(unsafe { sys::virDomainAbortJob(domain.as_ptr()) })
    }

    /// Has the guest's agent freeze all file systems, and waits [`AGENT_WAIT`] seconds for it.
    pub fn freeze(domain: &Domain) -> Result<(), Error> {
        // SAFETY: the domain is allocated for as long as it is borrowed.
        answer(unsafe { sys::virDomainAgentSetResponseTimeout(domain.as_ptr(), AGENT_WAIT, 0) })?;
        // SAFETY: the domain is allocated for as long as it is borrowed; no mount points are named.
        answer(unsafe { sys::virDomainFSFreeze(domain.as_ptr(), ptr::null_mut(), 0, 0) })
    }

    /// Has the guest's agent thaw them.
    pub fn thaw(domain: &Domain) -> Result<(), Error> {
        // SAFETY: as for freezing.
        answer(unsafe { sys::virDomainFSThaw(domain.as_ptr(), ptr::null_mut(), 0, 0) })
    }
}
