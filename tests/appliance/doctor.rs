//! `cloudbox doctor` on the host that this runs on: every check answers, and nothing is changed.

use cloudbox::doctor::{Facts as _, Host, Level, examine};

use crate::world::{self, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_check_answers_on_a_real_host() {
    let world = World::start().await;
    std::fs::create_dir_all(world.directory().join("instances/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")).unwrap();
    let mut config = world::config(&world.directory());
    config.compute.hypervisor = "qemu:///embed?root=/nowhere".to_owned();
    config.network.driver = "linux".to_owned();
    // Nothing on this host can have it.
    config.network.device_prefix = "zzz".to_owned();
    let found = tokio::task::spawn_blocking(move || examine(&Host, &config)).await.unwrap();
    let of = |check: &str| found.iter().find(|finding| finding.check == check).unwrap_or_else(|| panic!("no {check}"));
    for check in [
        "virtualisation",
        "libvirt",
        "qemu",
        "qemu-img",
        "nft",
        "dnsmasq",
        "br_netfilter",
        "forwarding",
        "docker",
        "firewalld",
        "ufw",
        "clock",
    ] {
        assert!(!of(check).found.is_empty(), "{check}");
    }
    for check in ["port", "file system", "database", "certificate"] {
        assert_eq!(of(check).level, Level::Ok, "{:?}", of(check));
    }
    let left = of("leftovers");
    assert!(left.found.contains("instances/aaaaaaaa-bbbb") && left.fix.is_none(), "{left:?}");
    assert!(found.iter().all(|finding| finding.level == Level::Ok || finding.mend.is_some()), "{found:#?}");
}

#[test]
fn commands_are_run_with_an_end() {
    assert!(Host.run("no-such-program-here", &[]).is_none());
    let ran = Host.run("sh", &["-c", "echo out; echo err >&2; exit 3"]).unwrap();
    assert_eq!((ran.ok, ran.stdout.as_str(), ran.stderr.as_str()), (false, "out\n", "err\n"));
}
