//! The programs that a cloud needs: libvirt, QEMU, nft, dnsmasq.

use kit::config::Config;

use super::{Facts, Finding, Ran};

/// The Debian packages that what is missing comes in, as one command.
fn install(package: &str) -> String {
    format!("apt install {package}")
}

/// The first version in `text`: `10.0.2` of `QEMU emulator version 10.0.2 (Debian …)`.
fn version(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',' || c == '(');
    let number = |word: &str| {
        let word = word.trim_start_matches('v');
        let dotted = word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit());
        dotted.then(|| word.trim_end_matches(|c: char| !c.is_ascii_digit()).to_owned())
    };
    words.into_iter().find_map(number)
}

/// The number before the first dot.
fn major(version: &str) -> u32 {
    version.split('.').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// A program that must be there.
fn program(facts: &dyn Facts, check: &'static str, name: &str, oldest: u32, package: &str) -> Finding {
    let Some(ran) = facts.run(name, &["--version"]) else {
        return Finding::fail(check, format!("{name} is not installed")).mend(install(package));
    };
    match version(&ran.stdout) {
        _ if !ran.ok => {
            Finding::fail(check, format!("{name} does not run: {}", complaint(&ran))).mend(install(package))
        }
        None => Finding::warn(check, format!("{name} does not say its version")),
        Some(version) if major(&version) < oldest => {
            let found = format!("{name} {version} is old; {oldest} or newer is needed");
            Finding::fail(check, found).mend(install(package))
        }
        Some(version) => Finding::ok(check, format!("{name} {version}")),
    }
}

/// What a command complained of, on one line.
fn complaint(ran: &Ran) -> String {
    let text = if ran.stderr.trim().is_empty() { &ran.stdout } else { &ran.stderr };
    text.trim().lines().next_back().unwrap_or("without a word").to_owned()
}

/// Libvirt and QEMU.
pub(super) fn hypervisor(facts: &dyn Facts, config: &Config) -> Vec<Finding> {
    vec![
        libvirt(facts, &config.compute.hypervisor),
        program(facts, "qemu", "qemu-system-x86_64", 5, "qemu-system-x86"),
        program(facts, "qemu-img", "qemu-img", 5, "qemu-utils"),
    ]
}

fn libvirt(facts: &dyn Facts, uri: &str) -> Finding {
    const CHECK: &str = "libvirt";
    if uri.starts_with("qemu:///embed") {
        return Finding::ok(CHECK, "its driver runs within cloudbox: no daemon is needed");
    }
    let Some(ran) = facts.run("virsh", &["--connect", uri, "version", "--daemon"]) else {
        let mend = install("libvirt-daemon-system libvirt-clients");
        return Finding::fail(CHECK, "virsh is not installed, and so libvirt may not be").mend(mend);
    };
    if !ran.ok {
        let finding = Finding::fail(CHECK, format!("{uri} cannot be reached: {}", complaint(&ran)));
        return match facts.run("systemctl", &["is-system-running"]) {
            Some(ran) if ran.stdout.trim() != "offline" => finding.safely(&["systemctl", "start", "libvirtd"]),
            _ => finding.mend("virtlogd -d; libvirtd -d"),
        };
    }
    let running = ran.stdout.lines().find(|line| line.starts_with("Running against daemon"));
    let version = running.or(ran.stdout.lines().next()).and_then(version).unwrap_or_default();
    match major(&version) {
        0 => Finding::warn(CHECK, "it can be reached, but does not say its version"),
        1..=6 => Finding::fail(CHECK, format!("libvirt {version} is old; 7 or newer is needed"))
            .mend(install("libvirt-daemon-system")),
        _ => Finding::ok(CHECK, format!("libvirt {version} at {uri}")),
    }
}

/// What networks are made with.
pub(super) fn network(facts: &dyn Facts) -> Vec<Finding> {
    vec![
        program(facts, "nft", "nft", 0, "nftables"),
        program(facts, "dnsmasq", "dnsmasq", 2, "dnsmasq-base"),
        match facts.run("ip", &["-V"]) {
            None => Finding::fail("iproute2", "ip is not installed").mend(install("iproute2")),
            Some(_) => Finding::ok("iproute2", "ip is there"),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::super::testing::Fake;
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (text, expected) in [
            ("QEMU emulator version 10.0.2 (Debian 1:10.0.2)", "10.0.2"),
            ("nftables v1.0.6 (Lester Gooch #5)", "1.0.6"),
            ("Dnsmasq version 2.90  Copyright (c) 2000", "2.90"),
            ("Running against daemon: 11.3.0", "11.3.0"),
        ] {
            assert_eq!(version(text).as_deref(), Some(expected));
        }
        assert_eq!(version("no version"), None);
    }

    #[test]
    fn a_program_is_there_old_broken_or_missing() {
        let look = |host: &Fake| program(host, "qemu", "qemu-img", 5, "qemu-utils");
        assert_eq!(look(&Fake::default().ran("qemu-img", true, "qemu-img version 7.2.0")).level, Level::Ok);
        assert_eq!(look(&Fake::default().ran("qemu-img", true, "qemu-img version 4.2.0")).level, Level::Fail);
        assert_eq!(look(&Fake::default().ran("qemu-img", true, "hello")).level, Level::Warn);
        let broken = look(&Fake::default().ran("qemu-img", false, "cannot load libz"));
        assert_eq!((broken.level, broken.found.as_str()), (Level::Fail, "qemu-img does not run: cannot load libz"));
        assert_eq!(look(&Fake::default()).mend.as_deref(), Some("apt install qemu-utils"));
    }

    #[test]
    fn libvirt_answers_or_can_be_started() {
        let system = "qemu:///system";
        let told = "Compiled against library: libvirt 11.3.0\nRunning against daemon: 11.3.0\n";
        assert_eq!(libvirt(&Fake::default().ran("virsh", true, told), system).level, Level::Ok);
        assert_eq!(
            libvirt(&Fake::default().ran("virsh", true, "Running against daemon: 6.0.0"), system).level,
            Level::Fail
        );
        assert_eq!(libvirt(&Fake::default().ran("virsh", true, "?"), system).level, Level::Warn);
        assert_eq!(libvirt(&Fake::default(), system).level, Level::Fail);
        let down = Fake::default().ran("virsh", false, "error: no socket");
        assert_eq!(libvirt(&down, system).fix, None);
        assert_eq!(libvirt(&down.clone().ran("systemctl", false, "offline\n"), system).fix, None);
        let down = down.ran("systemctl", true, "running");
        assert_eq!(libvirt(&down, system).fix.unwrap(), ["systemctl", "start", "libvirtd"]);
        assert_eq!(libvirt(&Fake::default(), "qemu:///embed?root=/d").level, Level::Ok);
    }
}
