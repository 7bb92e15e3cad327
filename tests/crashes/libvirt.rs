//! On libvirt and the host's own network: death at every point of making and deleting a server, stops and reboots.
//!
//! They need root, libvirt's QEMU driver and the network tools. A host without them fails, unless `CLOUDBOX_SKIP_LIBVIRT=1` says
//! that it is meant to be so.

use std::os::unix::fs::PermissionsExt as _;

use hypervisor::contract::guest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cloud::{Cloud, Launch, configure};
use crate::held::{Held, difference, held};
use crate::host::{Host, run};
use crate::operations::{Operation, act, clear, scenery, server_settles, web};
use crate::wait::until;

/// A directory with a cloud that is stopped, and its part of the host.
struct Place {
    host: Host,
    directory: TempDir,
    empty: Held,
}

fn skipped() -> bool {
    std::env::var("CLOUDBOX_SKIP_LIBVIRT").is_ok_and(|value| value == "1")
}

async fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    // QEMU may run as a user of its own.
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    let host = Host::new(directory.path());
    configure(directory.path(), &host.settings());
    let disk = directory.path().join("disk.img");
    guest::write_disk(&disk).unwrap();
    let cloud = Cloud::start(directory.path(), &Launch::default()).await;
    scenery(&cloud.admin, std::fs::read(disk).unwrap()).await;
    cloud.stop().await;
    let empty = held(directory.path());
    Place { host, directory, empty }
}

impl Place {
    async fn start(&self, die_at: Option<&str>) -> Cloud {
        Cloud::start(self.directory.path(), &die_at.map_or_else(Launch::default, Launch::to_die_at)).await
    }

    /// Waits until the host is as it was.
    async fn is_as_before(&self, before: &[String], case: &str) {
        until(&format!("the host to be as before ({case})"), || async {
            let now = self.host.everything();
            let left: Vec<_> = now.iter().filter(|one| !before.contains(one)).collect();
            let lost: Vec<_> = before.iter().filter(|one| !now.contains(one)).collect();
            let same = left.is_empty() && lost.is_empty() && now.len() == before.len();
            if same { Ok(()) } else { Err(format!("{} things, left behind {left:#?}, lost {lost:#?}", now.len())) }
        })
        .await;
    }

    /// The points that making and deleting a server pass.
    async fn points(&self) -> (Vec<String>, Vec<String>) {
        let log = self.directory.path().join("points");
        let launch = Launch { log_points: Some(log.clone()), ..Launch::default() };
        let cloud = Cloud::start(self.directory.path(), &launch).await;
        Operation::DeleteServer.prepare(&cloud.admin).await;
        clear(&cloud.admin).await;
        cloud.stop().await;
        let of = |kinds: &[&str]| {
            let mut points: Vec<String> = Vec::new();
            for point in std::fs::read_to_string(&log).unwrap().lines() {
                if kinds.iter().any(|kind| point.starts_with(kind)) && !points.iter().any(|known| known == point) {
                    points.push(point.to_owned());
                }
            }
            points
        };
        (of(&["server.create/", "server.build/"]), of(&["server.delete/"]))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libvirt_making_and_deleting_a_server() {
    if skipped() {
        return;
    }
    let place = place().await;
    let (create, delete) = place.points().await;
    assert!(create.len() >= 15 && delete.len() >= 10, "{create:?} {delete:?}");
    let cloud = place.start(None).await;
    let before = place.host.everything();
    cloud.stop().await;
    let mut cloud = place.start(create.first().map(String::as_str)).await;
    for round in 0..create.len().max(delete.len()) {
        let (create_at, delete_at) = (&create[round % create.len()], &delete[round % delete.len()]);
        Operation::CreateServer.prepare(&cloud.admin).await;
        Operation::CreateServer.perform(&cloud.admin).await;
        cloud.died().await;
        let again = place.start(Some(delete_at)).await;
        let outcome = Operation::CreateServer.outcome(&again.admin, Some(create_at)).await;
        assert_eq!(outcome, Ok(()), "died at {create_at}");
        match server_settles(&again.admin).await {
            None => {
                clear(&again.admin).await;
                Operation::DeleteServer.prepare(&again.admin).await;
            }
            Some(server) => assert_eq!(server["status"], "ACTIVE", "died at {create_at}: {server:#}"),
        }
        assert_eq!(place.host.guests().len(), 1, "died at {create_at}");
        Operation::DeleteServer.perform(&again.admin).await;
        again.died().await;
        cloud = place.start(Some(&create[(round + 1) % create.len()])).await;
        let outcome = Operation::DeleteServer.outcome(&cloud.admin, Some(delete_at)).await;
        assert_eq!(outcome, Ok(()), "died at {delete_at}");
        clear(&cloud.admin).await;
        place.is_as_before(&before, &format!("died at {create_at} and at {delete_at}")).await;
    }
    cloud.stop().await;
    let wrong = difference(&place.empty, &held(place.directory.path()));
    assert!(wrong.is_empty(), "{wrong:?}");
    println!("died at {} points of making and {} of deleting, nothing left behind", create.len(), delete.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn libvirt_guests_outlive_the_cloud_and_the_host_reboots() {
    if skipped() {
        return;
    }
    let place = place().await;
    let cloud = place.start(None).await;
    Operation::StopServer.prepare(&cloud.admin).await;
    says_hello(&cloud).await;
    let (guests, firewall, all) = (place.host.guests(), place.host.firewall(), place.host.everything());
    assert!(guests.len() == 1 && !firewall.is_empty() && !place.host.namespaces().is_empty(), "{all:#?}");

    // The process alone stops, in an orderly way and as if it was killed.
    cloud.stop().await;
    assert_eq!(place.host.guests(), guests);
    let cloud = place.start(None).await;
    assert_eq!((place.host.guests(), place.host.firewall()), (guests.clone(), firewall.clone()));
    assert_eq!(status(&cloud).await, "ACTIVE");
    says_hello(&cloud).await;
    metadata_answers(&place);
    cloud.kill().await;
    let cloud = place.start(None).await;
    assert_eq!((place.host.guests(), place.host.firewall()), (guests.clone(), firewall.clone()));
    says_hello(&cloud).await;
    metadata_answers(&place);

    // The host reboots while the server is ACTIVE.
    cloud.stop().await;
    place.host.reboot();
    assert!(place.host.guests().is_empty() && place.host.firewall().is_empty());
    let cloud = place.start(None).await;
    place.is_as_before(&all, "after a reboot").await;
    assert_eq!(place.host.firewall(), firewall);
    assert_eq!(status(&cloud).await, "ACTIVE");
    says_hello(&cloud).await;
    metadata_answers(&place);

    // And while it is SHUTOFF.
    act(&cloud.admin, json!({ "os-stop": null })).await;
    assert_eq!(status(&cloud).await, "SHUTOFF");
    cloud.stop().await;
    place.host.reboot();
    let cloud = place.start(None).await;
    assert_eq!(status(&cloud).await, "SHUTOFF");
    assert!(place.host.guests().is_empty());
    act(&cloud.admin, json!({ "os-start": null })).await;
    assert_eq!(status(&cloud).await, "ACTIVE");
    assert_eq!(place.host.guests().len(), 1);
    place.is_as_before(&all, "started after a reboot").await;

    clear(&cloud.admin).await;
    cloud.stop().await;
    let wrong = difference(&place.empty, &held(place.directory.path()));
    assert!(wrong.is_empty(), "{wrong:?}");
}

async fn status(cloud: &Cloud) -> String {
    let server = server_settles(&cloud.admin).await.unwrap();
    server["status"].as_str().unwrap().to_owned()
}

/// The guest's console has what it printed when it started.
async fn says_hello(cloud: &Cloud) {
    let path = format!("{}/action", web(&cloud.admin).await.unwrap());
    until("the guest's console", || async {
        let shown = cloud.admin.must("POST", &path, json!({ "os-getConsoleOutput": {} })).await;
        if shown.to_string().contains(guest::BANNER) { Ok(()) } else { Err(shown.to_string()) }
    })
    .await;
}

/// The metadata service listens in its namespace. Nobody known asks, so that it has nothing to tell.
fn metadata_answers(place: &Place) {
    let namespaces = place.host.namespaces();
    let namespace = namespaces.iter().find(|name| name.contains("dhcp")).unwrap();
    let url = "http://169.254.169.254/openstack";
    let code =
        run("ip", &["netns", "exec", namespace, "curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", url]);
    let code: Value = code.parse().unwrap_or_default();
    assert!(code.as_u64().is_some_and(|code| code >= 200), "{code}");
}
