//! Whether guests run on the CPU, or are emulated.

use std::path::Path;

use kit::config::Config;

use super::{Facts, Finding};

const CHECK: &str = "virtualisation";

/// The module that the CPU's maker needs.
fn module(facts: &dyn Facts) -> &'static str {
    let cpu = facts.read(Path::new("/proc/cpuinfo")).unwrap_or_default();
    if cpu.contains("AuthenticAMD") { "kvm_amd" } else { "kvm_intel" }
}

/// Whether KVM really works.
pub(super) fn check(facts: &dyn Facts, config: &Config) -> Finding {
    let Some(why) = facts.kvm_obstacle() else { return Finding::ok(CHECK, "KVM works") };
    let found = format!("guests are emulated (TCG), ten to fifty times slower: {why}");
    match config.compute.virt_type.as_str() {
        "qemu" => return Finding::ok(CHECK, "guests are emulated, as compute.virt_type says"),
        "kvm" => {
            let mend = "set compute.virt_type = \"auto\", or make KVM work";
            return Finding::fail(CHECK, format!("compute.virt_type is kvm, but {why}")).mend(mend);
        }
        _ => {}
    }
    if why.contains("vmx") {
        let mend = "switch VT-x or AMD-V on in the firmware; in a VM, nested virtualisation on its host";
        return Finding::warn(CHECK, found).mend(mend);
    }
    if why.contains("No such") {
        return Finding::warn(CHECK, found).safely(&["modprobe", module(facts)]);
    }
    Finding::warn(CHECK, found).mend("ls -l /dev/kvm; dmesg | grep -i kvm")
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::super::testing::Fake;
    use super::*;

    #[test]
    fn kvm_works_or_it_is_said_what_to_do() {
        let mut config = Config::default();
        let host = |why: Option<&str>| Fake { kvm: why.map(str::to_owned), ..Fake::default() };
        assert_eq!(check(&host(None), &config).level, Level::Ok);
        let no_flag = check(&host(Some("the CPU has neither vmx nor svm")), &config);
        assert_eq!((no_flag.level, no_flag.fix), (Level::Warn, None));
        let amd = host(Some("/dev/kvm does not work: No such file or directory"))
            .with("/proc/cpuinfo", "vendor_id: AuthenticAMD");
        assert_eq!(check(&amd, &config).fix.unwrap(), ["modprobe", "kvm_amd"]);
        let broken = check(&host(Some("/dev/kvm does not work: Permission denied")), &config);
        assert_eq!((broken.level, broken.fix), (Level::Warn, None));
        config.compute.virt_type = "qemu".to_owned();
        assert_eq!(check(&host(Some("no")), &config).level, Level::Ok);
        config.compute.virt_type = "kvm".to_owned();
        assert_eq!(check(&host(Some("no")), &config).level, Level::Fail);
    }
}
