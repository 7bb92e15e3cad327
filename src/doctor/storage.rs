//! The disk, the database, the certificates and the clock.

use std::path::PathBuf;

use jiff::SignedDuration;
use kit::Timestamp;
use kit::config::Config;

use super::{Facts, Finding};

const GIB: u64 = 1 << 30;
/// Below this the cloud will soon stand still.
const LITTLE: u64 = GIB;
/// File systems that copy a file at once.
const REFLINK: [&str; 2] = ["btrfs", "xfs"];
/// A certificate that ends within this time should have been renewed.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// All of them.
pub(super) fn check(facts: &dyn Facts, config: &Config) -> Vec<Finding> {
    let mut findings = vec![space(facts, config), file_system(facts, config), database(facts, config), clock(facts)];
    findings.push(certificate(facts, config));
    findings
}

fn space(facts: &dyn Facts, config: &Config) -> Finding {
    const CHECK: &str = "disk space";
    let path = config.data_dir.0.display();
    let Some(space) = facts.space(&config.data_dir.0) else {
        return Finding::warn(CHECK, format!("it cannot be told how much room there is at {path}"));
    };
    let found = format!("{} GiB of {} GiB are free at {path}", space.free / GIB, space.total / GIB);
    let mend = format!("du -xh {path} | sort -h | tail; cloudbox image list; cloudbox volume list");
    match space {
        space if space.free < LITTLE => Finding::fail(CHECK, found).mend(mend),
        space if space.free < 10 * GIB || space.free < space.total / 20 => Finding::warn(CHECK, found).mend(mend),
        _ => Finding::ok(CHECK, found),
    }
}

fn file_system(facts: &dyn Facts, config: &Config) -> Finding {
    const CHECK: &str = "file system";
    let path = config.data_dir.0.display();
    match facts.file_system(&config.data_dir.0) {
        None => Finding::warn(CHECK, format!("the file system of {path} is not known")),
        Some((name, true)) => Finding::fail(CHECK, format!("{path} is on a network file system ({name})"))
            .mend("set data_dir to a local disk"),
        Some((name, false)) if REFLINK.contains(&name.as_str()) => {
            Finding::ok(CHECK, format!("{name}, which copies files at once"))
        }
        Some((name, false)) => Finding::ok(CHECK, name),
    }
}

fn database(facts: &dyn Facts, config: &Config) -> Finding {
    const CHECK: &str = "database";
    match facts.database(&config.data_dir.0.join("cloudbox.db")) {
        None => Finding::ok(CHECK, "there is none yet: the first start makes it"),
        Some(Ok(())) => Finding::ok(CHECK, "it is sound"),
        Some(Err(reason)) => Finding::fail(CHECK, reason).mend("cloudbox restore FILE --data-dir NEW-DIRECTORY"),
    }
}

/// Whether somebody keeps the clock right: tokens and certificates go by it.
fn clock(facts: &dyn Facts) -> Finding {
    const CHECK: &str = "clock";
    let timedatectl = facts.run("timedatectl", &["show", "--property=NTPSynchronized", "--value"]);
    match timedatectl.filter(|ran| ran.ok).as_ref().map(|ran| ran.stdout.trim()) {
        Some("yes") => return Finding::ok(CHECK, "it is kept right"),
        Some("no") => {
            let found = "nobody keeps it right: tokens and certificates go by it";
            return Finding::warn(CHECK, found).safely(&["timedatectl", "set-ntp", "true"]);
        }
        _ => {}
    }
    match facts.run("chronyc", &["-n", "tracking"]) {
        Some(ran) if ran.ok && ran.stdout.contains("Normal") => Finding::ok(CHECK, "chrony keeps it right"),
        Some(_) => Finding::warn(CHECK, "chrony does not keep it right").mend("systemctl restart chrony"),
        None => Finding::warn(CHECK, "it cannot be told whether somebody keeps it right")
            .mend("apt install systemd-timesyncd"),
    }
}

/// The certificate that is shown to clients.
fn certificate(facts: &dyn Facts, config: &Config) -> Finding {
    const CHECK: &str = "certificate";
    if !config.api.is_encrypted() {
        return Finding::ok(CHECK, "none is needed: plain HTTP");
    }
    let own = config.api.tls.certificate.as_os_str().is_empty();
    let path = if own { config.data_dir.0.join("tls/server.pem") } else { PathBuf::from(&config.api.tls.certificate) };
    let mend = if own {
        "systemctl restart cloudbox".to_owned()
    } else {
        format!("renew {} and send cloudbox SIGHUP", path.display())
    };
    match facts.certificate(&path) {
        None if own => Finding::ok(CHECK, "there is none yet: the first start makes it"),
        None => Finding::fail(CHECK, format!("{} is not there", path.display())).mend("set api.tls.certificate"),
        Some(Err(reason)) => Finding::fail(CHECK, format!("{}: {reason}", path.display())).mend(mend),
        Some(Ok(validity)) => validity_of(validity, facts.now(), mend),
    }
}

fn validity_of((begins, ends): (Timestamp, Timestamp), now: Timestamp, mend: String) -> Finding {
    const CHECK: &str = "certificate";
    if now < begins {
        return Finding::fail(CHECK, format!("it is good from {begins} on: is the clock right?")).mend("timedatectl");
    }
    if now >= ends {
        return Finding::fail(CHECK, format!("it ended at {ends}")).mend(mend);
    }
    match now.checked_add(SOON) {
        Ok(soon) if soon >= ends => Finding::warn(CHECK, format!("it ends at {ends}")).mend(mend),
        _ => Finding::ok(CHECK, format!("it is good until {ends}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Fake;
    use super::super::{Level, Space};
    use super::*;

    fn host() -> Fake {
        Fake::default()
    }

    #[test]
    fn the_disk() {
        let config = Config::default();
        let free = |free, total| {
            space(&Fake { space: Some(Space { free: free * GIB, total: total * GIB }), ..host() }, &config).level
        };
        assert_eq!(
            [free(500, 1000), free(9, 20), free(20, 1000), free(0, 1000)],
            [Level::Ok, Level::Warn, Level::Warn, Level::Fail]
        );
        assert_eq!(space(&host(), &config).level, Level::Warn);
        let kind = |name: &str, network| {
            file_system(&Fake { file_system: Some((name.to_owned(), network)), ..host() }, &config).level
        };
        assert_eq!([kind("btrfs", false), kind("ext4", false), kind("NFS", true)], [Level::Ok, Level::Ok, Level::Fail]);
        assert_eq!(file_system(&host(), &config).level, Level::Warn);
    }

    #[test]
    fn the_database() {
        let config = Config::default();
        let with = |database| database_level(&config, database);
        assert_eq!(with(None), Level::Ok);
        assert_eq!(with(Some(Ok(()))), Level::Ok);
        assert_eq!(with(Some(Err("it is damaged".to_owned()))), Level::Fail);
    }

    fn database_level(config: &Config, database: Option<Result<(), String>>) -> Level {
        super::database(&Fake { database, ..host() }, config).level
    }

    #[test]
    fn the_clock() {
        assert_eq!(clock(&host().ran("timedatectl", true, "yes\n")).level, Level::Ok);
        assert!(clock(&host().ran("timedatectl", true, "no\n")).fix.is_some());
        assert_eq!(clock(&host().ran("chronyc", true, "Leap status     : Normal")).level, Level::Ok);
        assert_eq!(clock(&host().ran("chronyc", true, "Leap status     : Not synchronised")).level, Level::Warn);
        assert_eq!(clock(&host()).level, Level::Warn);
    }

    #[test]
    fn certificates() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let day = 86_400;
        let level = |now: i64| validity_of((at(10 * day), at(100 * day)), at(now * day), String::new()).level;
        assert_eq!([level(9), level(50), level(90), level(100)], [Level::Fail, Level::Ok, Level::Warn, Level::Fail]);
        let mut config = Config::default();
        config.api.listen = "127.0.0.1:8774".parse().unwrap();
        assert_eq!(certificate(&host(), &config).level, Level::Ok, "plain HTTP");
        config.api.listen = "0.0.0.0:8774".parse().unwrap();
        assert_eq!(certificate(&host(), &config).level, Level::Ok, "not made yet");
        let broken = Fake { certificate: Some(Err("no PEM".to_owned())), ..host() };
        assert_eq!(certificate(&broken, &config).level, Level::Fail);
        config.api.tls.certificate = "/etc/own.pem".into();
        assert_eq!(certificate(&host(), &config).level, Level::Fail, "named, and not there");
    }
}
