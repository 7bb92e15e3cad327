//! What guests have used: one call of libvirt for all of them, and the reading of what it answers.
//!
//! This module is one of four with `unsafe`: the `virt` crate does not give out the values of such an answer.

use std::collections::HashMap;

use kit::ids::ServerId;

use super::error::Outcome;
use super::session::Session;
use crate::capabilities::GuestUsage;

impl Session {
    /// What each of our guests that run has used.
    pub fn usage(&self) -> Outcome<Vec<(ServerId, GuestUsage)>> {
        let running: Vec<_> = self.domains()?.into_iter().filter(|guest| guest.is_active().unwrap_or(false)).collect();
        let mut all = Vec::with_capacity(running.len());
        for (uuid, counters) in records::of(&running)? {
            all.push((ServerId::new(uuid.hyphenated().to_string()), usage(&counters)));
        }
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(all)
    }
}

/// Libvirt's counters by name: `cpu.time`, `block.0.rd.bytes`.
type Counters = HashMap<String, u64>;

/// The counters as ours: those of disks and of interfaces are added up.
fn usage(counters: &Counters) -> GuestUsage {
    let get = |name: &str| counters.get(name).copied().unwrap_or_default();
    let sum = |kind: &str, name: &str| {
        let each = (0..get(&format!("{kind}.count"))).map(|number| get(&format!("{kind}.{number}.{name}")));
        each.fold(0_u64, u64::saturating_add)
    };
    GuestUsage {
        cpu_nanos: get("cpu.time"),
        vcpus: get("vcpu.current"),
        memory_bytes: get("balloon.current").saturating_mul(1024),
        resident_bytes: get("balloon.rss").saturating_mul(1024),
        disk_read_bytes: sum("block", "rd.bytes"),
        disk_reads: sum("block", "rd.reqs"),
        disk_written_bytes: sum("block", "wr.bytes"),
        disk_writes: sum("block", "wr.reqs"),
        received_bytes: sum("net", "rx.bytes"),
        received_packets: sum("net", "rx.pkts"),
        sent_bytes: sum("net", "tx.bytes"),
        sent_packets: sum("net", "tx.pkts"),
    }
}

#[expect(unsafe_code, reason = "the virt crate does not read the records of virDomainListGetStats")]
mod records {
    use std::ffi::CStr;

    use uuid::Uuid;
    use virt::domain::Domain;
    use virt::error::Error;
    use virt::sys;

    use super::Counters;

    const WANTED: sys::virDomainStatsTypes = sys::VIR_DOMAIN_STATS_CPU_TOTAL
        | sys::VIR_DOMAIN_STATS_BALLOON
        | sys::VIR_DOMAIN_STATS_VCPU
        | sys::VIR_DOMAIN_STATS_INTERFACE
        | sys::VIR_DOMAIN_STATS_BLOCK;

    /// The counters of `domains`, which are all of one connection; of those that are gone by now, nothing.
    pub fn of(domains: &[Domain]) -> Result<Vec<(Uuid, Counters)>, Error> {
        if domains.is_empty() {
            return Ok(Vec::new());
        }
        let mut list: Vec<sys::virDomainPtr> = domains.iter().map(Domain::as_ptr).collect();
        list.push(std::ptr::null_mut());
        let mut records: *mut sys::virDomainStatsRecordPtr = std::ptr::null_mut();
        // SAFETY: the domains are allocated for as long as they are borrowed; the list ends with a null, as libvirt
        // wants it, and outlives the call; `records` is written before it answers with 0 or more.
        let found = unsafe {
            sys::virDomainListGetStats(
                list.as_mut_ptr(),
                WANTED,
                &raw mut records,
                sys::VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
            )
        };
        let Ok(found) = usize::try_from(found) else { return Err(Error::last_error()) };
        let mut all = Vec::with_capacity(found);
        for number in 0..found {
            // SAFETY: libvirt wrote `found` pointers to records that are valid until the list is freed below.
            let record = unsafe { &**records.add(number) };
            if let Some(uuid) = uuid_of(record.dom) {
                all.push((uuid, counters(record)));
            }
        }
        // SAFETY: the list is libvirt's own, is freed once, and nothing above keeps a reference into it.
        unsafe { sys::virDomainStatsRecordListFree(records) };
        Ok(all)
    }

    fn uuid_of(domain: sys::virDomainPtr) -> Option<Uuid> {
        let mut bytes = [0_u8; 16];
        // SAFETY: the record's domain is valid as long as the record; libvirt writes VIR_UUID_BUFLEN (16) bytes.
        let result = unsafe { sys::virDomainGetUUID(domain, bytes.as_mut_ptr()) };
        (result == 0).then(|| Uuid::from_bytes(bytes))
    }

    fn counters(record: &sys::virDomainStatsRecord) -> Counters {
        let count = usize::try_from(record.nparams).unwrap_or_default();
        if record.params.is_null() {
            return Counters::new();
        }
        // SAFETY: libvirt says that there are `nparams` parameters at `params`, valid as long as the record.
        let parameters = unsafe { std::slice::from_raw_parts(record.params, count) };
        parameters.iter().filter_map(|parameter| Some((name(parameter), value(parameter)?))).collect()
    }

    fn name(parameter: &sys::virTypedParameter) -> String {
        // SAFETY: libvirt ends the name with a null byte within its 80.
        unsafe { CStr::from_ptr(parameter.field.as_ptr()) }.to_string_lossy().into_owned()
    }

    /// Its number; nothing for what is no natural number.
    fn value(parameter: &sys::virTypedParameter) -> Option<u64> {
        // SAFETY: the type says which of the union's fields was written.
        match u32::try_from(parameter.type_).ok()? {
            sys::VIR_TYPED_PARAM_UINT => Some(unsafe { parameter.value.ui }.into()),
            sys::VIR_TYPED_PARAM_ULLONG => Some(unsafe { parameter.value.ul }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_and_interfaces_are_added_up() {
        let told = [
            ("cpu.time", 7),
            ("vcpu.current", 2),
            ("balloon.current", 4),
            ("block.count", 2),
            ("block.0.rd.bytes", 10),
            ("block.1.rd.bytes", 5),
            ("block.0.wr.reqs", u64::MAX),
            ("block.1.wr.reqs", 1),
            ("block.2.rd.bytes", 1_000),
            ("net.count", 1),
            ("net.0.tx.pkts", 3),
        ];
        let counters = told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let expected = GuestUsage {
            cpu_nanos: 7,
            vcpus: 2,
            memory_bytes: 4096,
            disk_read_bytes: 15,
            disk_writes: u64::MAX,
            sent_packets: 3,
            ..GuestUsage::default()
        };
        assert_eq!(usage(&counters), expected);
        assert_eq!(usage(&Counters::new()), GuestUsage::default());
    }
}
