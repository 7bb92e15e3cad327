//! The contract against libvirt itself: an embedded driver in a temporary root, and guests that are a boot sector.
//!
//! Interfaces are tried as root only. A binary of its own, as one process can open one embedded root only.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use common::{Root, SURVIVOR, connect, skipped, uri};
use hypervisor::contract::{Temper, World, contract, guest};
use hypervisor::{Driver, LibvirtDriver};
use kit::ids::ServerId;
use virt::connect::Connect;
use virt::domain::Domain;

/// A directory, taps, and a guest of somebody else.
struct RealWorld {
    dir: PathBuf,
    taps: Option<[String; 2]>,
    foreign: ServerId,
}

impl RealWorld {
    fn new(dir: &Path) -> Self {
        let foreign = ServerId::random();
        Self { dir: dir.to_owned(), taps: make_taps(foreign.as_str()), foreign }
    }

    /// Makes a copy of a guest of ours, with its mark, on a connection of somebody else: it is his.
    fn start_foreign(&self) -> (Connect, Domain) {
        let connection = Connect::open(Some(&uri(&self.dir))).unwrap();
        let xml = format!(
            "<domain type='qemu'><name>theirs</name><uuid>{}</uuid><metadata><c:instance \
             xmlns:c='urn:cloudbox:domain:1' owner='the test' server='{SURVIVOR}'/></metadata><memory unit='MiB'>32</memory>\
             <os><type machine='q35'>hvm</type></os></domain>",
            self.foreign
        );
        let domain = Domain::define_xml(&connection, &xml).unwrap();
        domain.create().unwrap();
        (connection, domain)
    }
}

impl Drop for RealWorld {
    fn drop(&mut self) {
        for tap in self.taps.iter().flatten() {
            ip(&["link", "del", tap]);
        }
    }
}

impl World for RealWorld {
    fn dir(&self) -> &Path {
        &self.dir
    }

    fn make_guest(&self, _id: &ServerId, disk: &Path, temper: Temper) -> std::io::Result<()> {
        match temper {
            Temper::Obliging => guest::write_disk(disk),
            Temper::Stubborn => guest::write_empty_disk(disk),
        }
    }

    fn taps(&self) -> Option<[String; 2]> {
        self.taps.clone()
    }

    fn foreign(&self) -> Option<ServerId> {
        Some(self.foreign.clone())
    }
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).status().is_ok_and(|status| status.success())
}

fn make_taps(unique: &str) -> Option<[String; 2]> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("no taps without being root: interfaces are not tried");
        return None;
    }
    let taps = [format!("hv{}a", &unique[..8]), format!("hv{}b", &unique[..8])];
    for tap in &taps {
        assert!(ip(&["tuntap", "add", tap, "mode", "tap"]), "a tap could not be made");
    }
    Some(taps)
}

#[tokio::test(flavor = "multi_thread")]
async fn libvirt_keeps_the_contract() {
    if skipped() {
        return;
    }
    let dir = Root::new();
    let driver = connect(dir.path()).await;
    let world = RealWorld::new(dir.path());
    let (mut connection, theirs) = world.start_foreign();
    let held = contract(Arc::<LibvirtDriver>::clone(&driver), &world).await;
    let untouched = theirs.is_active().unwrap();
    theirs.destroy().unwrap();
    theirs.undefine().unwrap();
    drop(theirs);
    connection.close().unwrap();
    let left = driver.list().await.unwrap();
    for (id, _) in &left {
        driver.remove(id).await.unwrap();
    }
    driver.close().await;
    held.unwrap();
    assert!(untouched, "somebody else's guest was touched");
    assert_eq!(left, [], "guests were left behind");
    assert!(driver.list().await.is_err(), "a closed driver answers");
}
