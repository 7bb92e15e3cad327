//! What guests left behind that are gone: domains, devices, namespaces and files without a row in the database.

use std::path::Path;

use kit::config::Config;

use super::facts::{Known, running};
use super::{Facts, Finding, has_networks, runs_guests};

const CHECK: &str = "leftovers";

/// Everything that is left over, or that there is nothing.
pub(super) fn check(facts: &dyn Facts, config: &Config) -> Vec<Finding> {
    let Some(known) = facts.known(&config.data_dir.0.join("cloudbox.db")) else {
        return vec![Finding::ok(CHECK, "there is no cloud yet that could have left any")];
    };
    let mut findings = Vec::new();
    if runs_guests(config) {
        findings.extend(domains(facts, config, &known));
        findings.extend(files(facts, config, &known));
    }
    if has_networks(config) {
        findings.extend(devices(facts, config, &known));
    }
    match findings.is_empty() {
        true => vec![Finding::ok(CHECK, "none")],
        false => findings,
    }
}

/// Domains of this cloud that no server stands for.
fn domains(facts: &dyn Facts, config: &Config, known: &Known) -> Vec<Finding> {
    let uri = config.compute.hypervisor.as_str();
    let owner = facts.read(&config.data_dir.0.join("cloud-id")).unwrap_or_default();
    let owner = owner.trim();
    if uri.starts_with("qemu:///embed") || owner.is_empty() {
        return Vec::new();
    }
    let listed = facts.run("virsh", &["--connect", uri, "list", "--all", "--uuid"]).unwrap_or_default().stdout;
    let strangers = listed.split_whitespace().filter(|id| !known.servers.contains(*id));
    let ours = strangers.filter(|id| {
        let shown = facts.run("virsh", &["--connect", uri, "dumpxml", id]).unwrap_or_default();
        shown.stdout.contains(owner)
    });
    let finding = |id: &str| {
        Finding::warn(CHECK, format!("the domain {id} belongs to no server"))
            .mend(format!("virsh --connect {uri} destroy {id}; virsh --connect {uri} undefine --nvram {id}"))
    };
    ours.map(finding).collect()
}

/// Directories of servers and files of volumes that are gone.
fn files(facts: &dyn Facts, config: &Config, known: &Known) -> Vec<Finding> {
    let data_dir = &config.data_dir.0;
    let unknown = |directory: &str, known: &std::collections::BTreeSet<String>| -> Vec<Finding> {
        let directory = data_dir.join(directory);
        let names = facts.names(&directory).into_iter();
        let left = names.filter(|name| is_uuid(name) && !known.contains(name));
        let finding = |name: String| {
            let path = directory.join(name);
            Finding::warn(CHECK, format!("{} belongs to nothing", path.display()))
                .mend(format!("rm -r {}", path.display()))
        };
        left.map(finding).collect()
    };
    let mut findings = unknown("instances", &known.servers);
    findings.extend(unknown("volumes", &known.volumes));
    findings
}

fn is_uuid(name: &str) -> bool {
    name.len() == 36 && uuid::Uuid::try_parse(name).is_ok()
}

/// Devices and namespaces of networks, ports and routers that are gone. A cloud that runs removes them by itself.
fn devices(facts: &dyn Facts, config: &Config, known: &Known) -> Vec<Finding> {
    let prefix = config.network.device_prefix.as_str();
    // The first ten digits of an id are in a device's name.
    let digits = |id: &str| id.chars().filter(|c| *c != '-').take(10).collect::<String>();
    let short: std::collections::BTreeSet<String> = known.devices.iter().map(|id| digits(id)).collect();
    let runs = running(facts, &config.data_dir.0).is_some();
    let finding = |found: String, words: [&str; 4]| match runs {
        true => Finding::warn(CHECK, found).mend(words.join(" ")),
        false => Finding::warn(CHECK, found).safely(&words),
    };
    let kinds = ["br", "tp", "sv", "gw", "gp", "rt"];
    let mut findings = Vec::new();
    for name in facts.names(Path::new("/sys/class/net")) {
        let Some(rest) = name.strip_prefix(prefix) else { continue };
        let id = kinds.iter().find_map(|kind| rest.strip_prefix(kind)).filter(|id| is_short(id));
        if id.is_some_and(|id| !short.contains(id)) {
            findings.push(finding(format!("the device {name} belongs to nothing"), ["ip", "link", "delete", &name]));
        }
    }
    for name in facts.names(Path::new("/run/netns")) {
        let Some(rest) = name.strip_prefix(prefix) else { continue };
        let id = ["dhcp-", "router-"].iter().find_map(|kind| rest.strip_prefix(kind));
        if id.is_some_and(|id| !known.devices.contains(id)) {
            findings
                .push(finding(format!("the namespace {name} belongs to nothing"), ["ip", "netns", "delete", &name]));
        }
    }
    findings
}

fn is_short(id: &str) -> bool {
    id.len() == 10 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::super::testing::Fake;
    use super::*;

    const SERVER: &str = "11111111-2222-4333-8444-555555555555";
    const GONE: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

    fn host() -> Fake {
        let one = |id: &str| [id.to_owned()].into();
        let known = Known { servers: one(SERVER), volumes: one(SERVER), devices: one(SERVER) };
        Fake { known: Some(known), ..Fake::default() }.with("/var/lib/cloudbox/cloud-id", "our-cloud\n")
    }

    #[test]
    fn a_clean_host_has_none() {
        let config = Config::default();
        assert_eq!(check(&Fake::default(), &config)[0].level, Level::Ok);
        let clean = host()
            .directory("/var/lib/cloudbox/instances", &[SERVER])
            .directory("/sys/class/net", &["eth0", "cbtp1111111122", "cbx"])
            .directory("/run/netns", &[&format!("cbdhcp-{SERVER}"), "others"]);
        assert_eq!(check(&clean, &config), [Finding::ok(CHECK, "none")]);
    }

    #[test]
    fn each_is_named_with_what_removes_it() {
        let config = Config::default();
        let dirty = host()
            .directory("/var/lib/cloudbox/instances", &[SERVER, GONE, "lost+found"])
            .directory("/var/lib/cloudbox/volumes", &[GONE])
            .directory("/sys/class/net", &["cbtpaaaaaaaabb"])
            .directory("/run/netns", &[&format!("cbrouter-{GONE}")]);
        let found = check(&dirty, &config);
        assert!(found.iter().all(|finding| finding.level == Level::Warn));
        let mends: Vec<_> = found.iter().filter_map(|finding| finding.mend.clone()).collect();
        assert_eq!(
            mends,
            [
                format!("rm -r /var/lib/cloudbox/instances/{GONE}"),
                format!("rm -r /var/lib/cloudbox/volumes/{GONE}"),
                "ip link delete cbtpaaaaaaaabb".to_owned(),
                format!("ip netns delete cbrouter-{GONE}"),
            ]
        );
        assert_eq!(found.iter().filter(|finding| finding.fix.is_some()).count(), 2, "no file is removed by itself");
        let runs = dirty.with("/var/lib/cloudbox/cloudbox.lock", "7").with("/proc/7/comm", "cloudbox");
        assert!(check(&runs, &config).iter().all(|finding| finding.fix.is_none()));
    }

    #[test]
    fn only_our_own_domains_count() {
        let config = Config::default();
        let answer = |text: &str| host().ran("virsh", true, text);
        assert_eq!(check(&answer(&format!("{SERVER}\n")), &config), [Finding::ok(CHECK, "none")]);
        assert_eq!(check(&answer(&format!("{GONE}\n")), &config), [Finding::ok(CHECK, "none")], "it names no owner");
        let ours = check(&answer(&format!("{GONE} our-cloud\n")), &config);
        assert!(ours.iter().any(|finding| finding.found.contains(GONE)), "{ours:?}");
    }
}
