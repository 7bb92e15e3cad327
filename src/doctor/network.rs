//! What the host's network needs for guests, what is in their way, and whether the port can be had.

use std::io;
use std::path::Path;

use kit::config::Config;

use super::facts::running;
use super::{Facts, Finding};

/// Kernel settings and other firewalls.
pub(super) fn check(facts: &dyn Facts) -> Vec<Finding> {
    vec![br_netfilter(facts), forwarding(facts), docker(facts), firewalld(facts), ufw(facts)]
}

fn br_netfilter(facts: &dyn Facts) -> Finding {
    const CHECK: &str = "br_netfilter";
    match facts.read(Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables")) {
        Ok(_) => Finding::ok(CHECK, "it is loaded"),
        Err(_) => {
            let found = "it is not loaded: security groups need it; cloudbox loads it at its start where it may";
            Finding::warn(CHECK, found).safely(&["modprobe", "br_netfilter"])
        }
    }
}

fn forwarding(facts: &dyn Facts) -> Finding {
    const CHECK: &str = "forwarding";
    match facts.read(Path::new("/proc/sys/net/ipv4/ip_forward")).as_deref().map(str::trim) {
        Ok("1") => Finding::ok(CHECK, "IPv4 is forwarded"),
        Ok(_) => {
            let found =
                "IPv4 is not forwarded: guests do not reach the outside; cloudbox switches it on once it is a gateway";
            Finding::warn(CHECK, found).safely(&["sysctl", "-w", "net.ipv4.ip_forward=1"])
        }
        Err(error) => Finding::fail(CHECK, format!("it cannot be told whether IPv4 is forwarded: {error}"))
            .mend("mount -t proc proc /proc"),
    }
}

/// Docker drops what it does not know; there is a chain for others, which cloudbox puts its rules into.
fn docker(facts: &dyn Facts) -> Finding {
    const CHECK: &str = "docker";
    let rules = facts.run("iptables", &["-w", "2", "-S"]).map(|ran| ran.stdout).unwrap_or_default();
    if !rules.contains("DOCKER") {
        return Finding::ok(CHECK, "it is not in the way");
    }
    if !rules.contains("-P FORWARD DROP") {
        return Finding::ok(CHECK, "it is there and drops nothing");
    }
    if rules.contains("-A DOCKER-USER") && rules.lines().any(is_way_through) {
        return Finding::ok(CHECK, "it drops what it does not know; guests are let through (DOCKER-USER)");
    }
    Finding::warn(CHECK, "it drops what it does not know, guests' packets too; cloudbox lets them through at its start")
        .mend("systemctl restart cloudbox")
}

fn is_way_through(rule: &str) -> bool {
    rule.starts_with("-A DOCKER-USER") && rule.contains('+') && rule.ends_with("-j ACCEPT")
}

fn firewalld(facts: &dyn Facts) -> Finding {
    const CHECK: &str = "firewalld";
    let state = facts.run("firewall-cmd", &["--state"]);
    if !state.is_some_and(|ran| ran.ok) {
        return Finding::ok(CHECK, "it is not in the way");
    }
    let trusted = facts.run("firewall-cmd", &["--zone=trusted", "--list-interfaces"]).unwrap_or_default();
    match trusted.stdout.split_whitespace().any(|name| name.ends_with("br+")) {
        true => Finding::ok(CHECK, "guests' bridges are in its zone trusted"),
        false => {
            Finding::warn(CHECK, "it rejects what no zone lets through; cloudbox joins its zone trusted at its start")
                .mend("systemctl restart cloudbox")
        }
    }
}

fn ufw(facts: &dyn Facts) -> Finding {
    const CHECK: &str = "ufw";
    let enabled = facts.read(Path::new("/etc/ufw/ufw.conf")).unwrap_or_default();
    let policy = facts.read(Path::new("/etc/default/ufw")).unwrap_or_default();
    if !enabled.lines().any(|line| line.trim().eq_ignore_ascii_case("ENABLED=yes")) {
        return Finding::ok(CHECK, "it is not in the way");
    }
    match policy.lines().any(|line| line.trim() == "DEFAULT_FORWARD_POLICY=\"ACCEPT\"") {
        true => Finding::ok(CHECK, "it is on and lets what is forwarded through"),
        false => {
            Finding::warn(CHECK, "it drops what is forwarded, guests' packets too").mend("ufw default allow routed")
        }
    }
}

/// The device at which addresses of the LAN are announced, where there is one.
pub(super) fn external_interface(facts: &dyn Facts, config: &Config) -> Option<Finding> {
    const CHECK: &str = "external interface";
    let name = Some(config.network.external_interface.as_str()).filter(|name| !name.is_empty())?;
    let shown = facts.run("ip", &["-o", "-4", "address", "show", "dev", name, "up"]).unwrap_or_default();
    let own: Vec<ipnet::Ipv4Net> = shown.stdout.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let lan = config.network.lan().ok().flatten();
    let set = "set network.external_interface";
    Some(match lan {
        _ if !shown.ok => {
            Finding::fail(CHECK, format!("{name} is not there: addresses of the LAN are not announced")).mend(set)
        }
        _ if own.is_empty() => Finding::fail(CHECK, format!("{name} is down, or has no IPv4 address"))
            .mend(format!("ip link set {name} up; or {set}")),
        Some(lan) if !own.iter().any(|net| lan.cidr.contains(&net.addr())) => {
            let found = format!("this host has no address of {} on {name}: its addresses lead nowhere", lan.cidr);
            Finding::warn(CHECK, found).mend(set)
        }
        Some(lan) => match own.iter().find(|net| (lan.first..=lan.last).contains(&net.addr())) {
            Some(net) => {
                let found = format!("{} is this host's own address and in network.external_range", net.addr());
                Finding::warn(CHECK, found)
                    .mend("openstack subnet unset --allocation-pool and set --allocation-pool without it")
            }
            None => Finding::ok(CHECK, format!("addresses of {} are announced on {name}", lan.cidr)),
        },
        None => Finding::ok(CHECK, format!("addresses of the LAN are announced on {name}")),
    })
}

/// Whether the APIs' port can be listened on, or is.
pub(super) fn port(facts: &dyn Facts, config: &Config) -> Finding {
    const CHECK: &str = "port";
    let address = config.api.listen;
    if let Some(pid) = running(facts, &config.data_dir.0) {
        return Finding::ok(CHECK, format!("cloudbox runs (process {pid})"));
    }
    match facts.listen(address) {
        Ok(()) => Finding::ok(CHECK, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let mend = format!("ss -ltnp 'sport = :{}' says who; or set api.listen", address.port());
            Finding::fail(CHECK, format!("{address} is taken by another program")).mend(mend)
        }
        Err(error) => Finding::fail(CHECK, format!("{address} cannot be listened on: {error}"))
            .mend("set api.listen to an address of this host"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::super::testing::Fake;
    use super::*;

    #[test]
    fn kernel_settings() {
        let bare = Fake::default();
        assert_eq!(br_netfilter(&bare).fix.unwrap(), ["modprobe", "br_netfilter"]);
        assert_eq!(
            br_netfilter(&bare.clone().with("/proc/sys/net/bridge/bridge-nf-call-iptables", "0")).level,
            Level::Ok
        );
        let forward = |value: &str| forwarding(&Fake::default().with("/proc/sys/net/ipv4/ip_forward", value));
        assert_eq!((forward("1\n").level, forward("0\n").level), (Level::Ok, Level::Warn));
        assert_eq!(forwarding(&bare).level, Level::Fail);
    }

    #[test]
    fn dockers_rules() {
        let rules = |text: &str| docker(&Fake::default().ran("iptables", true, text)).level;
        assert_eq!(docker(&Fake::default()).level, Level::Ok);
        assert_eq!(rules("-P FORWARD DROP\n"), Level::Ok, "somebody else's");
        assert_eq!(rules("-P FORWARD ACCEPT\n-N DOCKER\n"), Level::Ok);
        assert_eq!(rules("-P FORWARD DROP\n-N DOCKER-USER\n-A DOCKER-USER -j RETURN\n"), Level::Warn);
        assert_eq!(rules("-P FORWARD DROP\n-N DOCKER-USER\n-A DOCKER-USER -i cbbr+ -j ACCEPT\n"), Level::Ok);
    }

    #[test]
    fn other_firewalls() {
        assert_eq!(firewalld(&Fake::default()).level, Level::Ok);
        assert_eq!(firewalld(&Fake::default().ran("firewall-cmd", true, "running")).level, Level::Warn);
        assert_eq!(firewalld(&Fake::default().ran("firewall-cmd", true, "cbbr+ cbgw+")).level, Level::Ok);
        assert_eq!(ufw(&Fake::default()).level, Level::Ok);
        let on = Fake::default().with("/etc/ufw/ufw.conf", "ENABLED=yes\n");
        assert_eq!(ufw(&on.clone().with("/etc/default/ufw", "DEFAULT_FORWARD_POLICY=\"DROP\"")).level, Level::Warn);
        assert_eq!(ufw(&on.with("/etc/default/ufw", "DEFAULT_FORWARD_POLICY=\"ACCEPT\"")).level, Level::Ok);
    }

    #[test]
    fn the_external_interface() {
        let mut config = Config::default();
        assert!(external_interface(&Fake::default(), &config).is_none());
        let network = &mut config.network;
        network.external_interface = "eth0".to_owned();
        let level = |config: &Config, ok: bool, shown: &str| {
            external_interface(&Fake::default().ran("ip", ok, shown), config).unwrap().level
        };
        let shown = "2: eth0    inet 192.168.1.10/24 brd 192.168.1.255 scope global eth0\\ valid_lft forever";
        assert_eq!(level(&config, true, shown), Level::Ok);
        config.network.external_cidr = "192.168.1.0/24".to_owned();
        config.network.external_gateway = "192.168.1.1".to_owned();
        config.network.external_range = "192.168.1.200-220".to_owned();
        assert_eq!(level(&config, false, ""), Level::Fail);
        assert_eq!(level(&config, true, ""), Level::Fail);
        assert_eq!(level(&config, true, shown), Level::Ok);
        assert_eq!(level(&config, true, &shown.replace("192.168.1.10", "192.168.1.210")), Level::Warn);
        assert_eq!(level(&config, true, &shown.replace("192.168.1.10/24", "10.0.0.1/8")), Level::Warn);
    }

    #[test]
    fn the_port_is_free_ours_or_taken() {
        let config = Config::default();
        assert_eq!(port(&Fake::default(), &config).level, Level::Ok);
        let taken = Fake { listen: Some(io::ErrorKind::AddrInUse), ..Fake::default() };
        assert_eq!(port(&taken, &config).level, Level::Fail);
        let ours = taken.with("/var/lib/cloudbox/cloudbox.lock", "7\n").with("/proc/7/comm", "cloudbox\n");
        assert_eq!(port(&ours, &config).level, Level::Ok);
        let nowhere = Fake { listen: Some(io::ErrorKind::AddrNotAvailable), ..Fake::default() };
        assert_eq!(port(&nowhere, &config).level, Level::Fail);
    }
}
