//! The host: what it can do, and whether KVM is more than a device file.

use std::fs::File;
use std::path::Path;

use virt::connect::Connect;

use super::VirtTypeChoice;
use super::error::{Failure, Outcome};
use super::xml::read::HostCapabilities;
use crate::capabilities::{Capabilities, VirtType};
use crate::error::DriverError;

/// What was learnt of the host when the connection was opened.
pub struct Host {
    /// What it can do.
    pub capabilities: Capabilities,
}

impl Host {
    /// Asks libvirt, the CPU and `/dev/kvm`.
    pub fn learn(connection: &Connect, choice: VirtTypeChoice) -> Outcome<Self> {
        let offered = HostCapabilities::parse(&connection.get_capabilities()?)?;
        let node = connection.get_node_info()?;
        let (virt_type, emulation_reason) = choose(choice, || kvm_obstacle(&offered))?;
        if let Some(reason) = &emulation_reason {
            tracing::warn!(%reason, "guests are emulated, which is slow: KVM cannot be used");
        }
        let capabilities = Capabilities {
            hypervisor_type: "QEMU".to_owned(),
            hypervisor_version: connection.get_hyp_version()?.into(),
            virt_type,
            emulation_reason,
            cpu: offered.cpu(),
            hostname: connection.get_hostname()?,
            vcpus: node.cpus,
            memory_mb: node.memory / 1024,
            supports_disk_hotplug: true,
            supports_interface_hotplug: true,
            supports_events: true,
            supports_surviving_restart: true,
        };
        Ok(Self { capabilities })
    }
}

/// KVM or emulation, and why not KVM.
fn choose(
    choice: VirtTypeChoice,
    obstacle: impl FnOnce() -> Option<String>,
) -> Result<(VirtType, Option<String>), Failure> {
    match choice {
        VirtTypeChoice::Qemu => Ok((VirtType::Qemu, None)),
        VirtTypeChoice::Auto => Ok(obstacle().map_or((VirtType::Kvm, None), |why| (VirtType::Qemu, Some(why)))),
        VirtTypeChoice::Kvm => match obstacle() {
            None => Ok((VirtType::Kvm, None)),
            Some(why) => Err(DriverError::invalid(format!("virt_type is kvm, but {why}")).into()),
        },
    }
}

/// Why KVM cannot be used on this host, whatever libvirt offers: for `cloudbox doctor`.
pub fn kvm_obstacle_here() -> Option<String> {
    let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if !has_extensions(&flags) {
        return Some("the CPU has neither vmx nor svm (virtualisation is off in the firmware, or this is a VM)".into());
    }
    kvm::probe(Path::new("/dev/kvm")).err().map(|error| format!("/dev/kvm does not work: {error}"))
}

/// Why KVM cannot be used. Libvirt offers it wherever the device file is; a guest started on a CPU without
/// the extensions hangs silently, so all four have to agree.
fn kvm_obstacle(offered: &HostCapabilities) -> Option<String> {
    if offered.cpu().arch != "x86_64" {
        return Some("the host's CPU is not x86-64".to_owned());
    }
    if let Some(why) = kvm_obstacle_here() {
        return Some(why);
    }
    (!offered.offers("kvm")).then(|| "libvirt does not offer it".to_owned())
}

/// Whether `/proc/cpuinfo` names Intel's or AMD's virtualisation extensions.
fn has_extensions(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().filter(|line| line.starts_with("flags")).filter_map(|line| line.split_once(':'));
    flags.flat_map(|(_, flags)| flags.split_whitespace()).any(|flag| flag == "vmx" || flag == "svm")
}

#[expect(unsafe_code, reason = "KVM is asked by ioctl")]
mod kvm {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    use super::{File, Path};

    const KVM_GET_API_VERSION: libc::c_ulong = 0xAE00;
    const KVM_CREATE_VM: libc::c_ulong = 0xAE01;

    /// Opens the device, checks the version that every KVM since 2007 has, and makes an empty VM.
    pub fn probe(device: &Path) -> std::io::Result<()> {
        let kvm = File::options().read(true).write(true).open(device)?;
        // SAFETY: the descriptor is open, and the request takes no argument.
        let version = unsafe { libc::ioctl(kvm.as_raw_fd(), KVM_GET_API_VERSION, 0) };
        if version != 12 {
            return Err(std::io::Error::other(format!("API version {version} instead of 12")));
        }
        // SAFETY: as above; the argument is the machine type, 0 the default.
        let vm = unsafe { libc::ioctl(kvm.as_raw_fd(), KVM_CREATE_VM, 0) };
        if vm < 0 {
            return Err(std::io::Error::last_os_error());
        }
        // SAFETY: the kernel just made this descriptor for us; dropping it ends the VM.
        drop(unsafe { OwnedFd::from_raw_fd(vm) });
        Ok(())
    }
}

/// Memory of the host that something uses, in MiB: what is not available without swapping.
pub fn memory_used_mb(meminfo: &str) -> u64 {
    let kib = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|value| value.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0)
    };
    kib("MemTotal").saturating_sub(kib("MemAvailable")) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extensions_are_whole_flags() {
        assert!(has_extensions("processor\t: 0\nflags\t\t: fpu vmx sse\n"));
        assert!(has_extensions("flags\t\t: fpu svm\n"));
        assert!(!has_extensions("flags\t\t: fpu svmx nosvm\nmodel name\t: svm\n"));
        assert!(!has_extensions(""));
    }

    #[test]
    fn auto_falls_back_and_says_why_but_kvm_insists() {
        let why = || Some("no".to_owned());
        assert_eq!(choose(VirtTypeChoice::Auto, why).unwrap(), (VirtType::Qemu, Some("no".to_owned())));
        assert_eq!(choose(VirtTypeChoice::Auto, || None).unwrap(), (VirtType::Kvm, None));
        assert_eq!(choose(VirtTypeChoice::Qemu, why).unwrap(), (VirtType::Qemu, None));
        assert!(choose(VirtTypeChoice::Kvm, why).is_err());
    }

    #[test]
    fn memory_in_use_is_what_is_not_available() {
        let meminfo = "MemTotal:       24682496 kB\nMemFree:  1 kB\nMemAvailable:   24317952 kB\n";
        assert_eq!(memory_used_mb(meminfo), 356);
        assert_eq!(memory_used_mb("nonsense"), 0);
    }

    #[test]
    fn a_file_is_not_kvm() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(kvm::probe(file.path()).is_err());
    }
}
