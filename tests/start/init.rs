//! `cloudbox init`: what was chosen is written and made, again and again, and from wherever it was interrupted.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use crate::cloud::{Place, Serving};

const LIST: &[&str] = &["network", "list", "-o", "name"];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn init(place: &Place, words: &[&str]) -> Output {
    let (config, data) = (place.config(), place.data());
    let mut command = place.cloudbox(&["init", "--hypervisor", "fake", "--network", "fake", "--listen", "127.0.0.1:0"]);
    command.arg("--config").arg(config).arg("--storage").arg(data).args(words).output().unwrap()
}

/// The files below `directory` with what is in them, without the database's own.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.to_string_lossy().contains("cloudbox.") {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_dry_run_does_nothing_and_says_what_it_would_do() {
    let place = Place::new();
    let output = init(&place, &["--dry-run", "--subnet", "10.99.0.0/24"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in ["Nothing is done", "is made", "network.default_cidr = \"10.99.0.0/24\"", "data_dir = "] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    assert!(!place.config().exists() && !place.data().exists());
}

#[test]
fn what_was_chosen_is_there_and_serves() {
    let place = Place::new();
    std::fs::write(place.config(), "# mine\n[network]\nmtu = 1400 # a tunnel\n").unwrap();
    let output = init(&place, &["--subnet", "10.99.0.0/24", "--yes"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in ["This is a new cloud", "10.99.0.0/24", "clouds.yaml", "cloudbox serve --config"] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    let written = std::fs::read_to_string(place.config()).unwrap();
    assert!(written.contains("# mine") && written.contains("mtu = 1400 # a tunnel"), "{written}");

    let before = files(&place.data());
    let again = init(&place, &["--subnet", "10.99.0.0/24"]);
    assert!(text(&again.stdout).contains("The cloud is there"), "{}", text(&again.stderr));
    assert_eq!(files(&place.data()), before, "done again, it changes nothing");
    assert_eq!(std::fs::read_to_string(place.config()).unwrap(), written);

    let mut command = place.cloudbox(&["serve", "--config"]);
    command.arg(place.config()).arg("--hypervisor").arg("fake");
    let serving = Serving::of(command);
    let listed = place.client(LIST);
    assert!(text(&listed.stdout).contains("default"), "{}", text(&listed.stderr));
    let running = init(&place, &["--yes"]);
    assert_eq!(running.status.code(), Some(1));
    assert!(text(&running.stderr).contains("the cloud runs already"), "{}", text(&running.stderr));
    assert_eq!(serving.stop(), 0);
}

#[test]
fn what_was_interrupted_is_gone_on_with() {
    let place = Place::new();
    // What a crash leaves: the file written, the marker of the first start, half an authority.
    assert!(init(&place, &["--yes"]).status.success());
    let data = place.data();
    std::fs::remove_file(data.join("clouds.yaml")).unwrap();
    std::fs::write(data.join("first-start"), "").unwrap();
    std::fs::write(data.join("clouds.yaml.new"), "half").unwrap();
    let output = init(&place, &["--yes"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    place.configure("127.0.0.1", "");
    let _serving = place.start();
    assert!(place.client(LIST).status.success(), "the administrator can enter");
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_made() {
    let place = Place::new();
    for (words, said, code) in [
        (&["--subnet", "127.0.0.0/8"][..], "is in use: this host has 127.0.0.1 on lo", 2),
        (&["--subnet", "10.0.0.1/24"], "use the range's first address: 10.0.0.0/24", 2),
        (&["--subnet", "nonsense"], "use a range with room for hosts", 2),
        (&["--public-url", "cloud"], "use a URL without a path", 2),
    ] {
        let output = init(&place, words);
        assert_eq!(output.status.code(), Some(code), "{words:?}");
        assert!(text(&output.stderr).contains(said), "{said:?} in {}", text(&output.stderr));
    }
    assert!(!place.config().exists() && !place.data().exists());
}

#[test]
fn the_first_start_says_what_it_has_made() {
    let place = Place::new();
    place.configure("127.0.0.1", "api.tls.mode = 'on'");
    let mut first = place.start();
    first.logs("Next:");
    for part in ["This is a new cloud", "tls/ca.pem", "clouds.yaml", "10.20.0.0/24"] {
        assert!(first.log.contains(part), "{part:?} in {}", first.log);
    }
    assert_eq!(first.stop(), 0);
    let second = place.start();
    assert!(!second.log.contains("new cloud"), "{}", second.log);
}

/// `init` with these words on a host of its own, whose NIC `eth0` is in the LAN 192.168.1.0/24 by a router.
fn init_in_a_lan(place: &Place, words: &[&str]) -> Output {
    let script = r#"ip link add eth0 type veth peer name switch && ip address add 192.168.1.10/24 dev eth0 &&
        ip link set switch up && ip link set eth0 up && ip link set lo up && ip route add default via 192.168.1.1 && exec "$@""#;
    let mut command = std::process::Command::new("unshare");
    command.args(["--net", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_cloudbox"), "init", "--hypervisor", "fake"]);
    command.args(["--network", "fake", "--listen", "127.0.0.1:0", "--config"]).arg(place.config());
    command.arg("--storage").arg(place.data()).args(words).current_dir(place.0.path()).output().unwrap()
}

#[test]
fn a_lan_is_found_out_and_checked() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: it needs root to make a LAN");
        return;
    }
    let place = Place::new();
    for (interface, range, said) in [
        ("eth0", "192.168.1.200-199", "is no range of addresses"),
        ("eth9", "192.168.1.200-220", "choose one of: eth0"),
        ("eth0", "192.168.2.200-220", "are not all addresses of 192.168.1.0/24"),
        ("eth0", "192.168.1.0-1", "192.168.1.1"),
        ("eth0", "192.168.1.5-20", "192.168.1.10 is this host's own address"),
        ("eth0", "192.168.1.200-255", "use addresses within network.external_cidr"),
    ] {
        let output = init_in_a_lan(&place, &["--external-interface", interface, "--external-range", range]);
        assert_eq!(output.status.code(), Some(2), "{range}");
        assert!(text(&output.stderr).contains(said), "{said:?} in {}", text(&output.stderr));
    }
    assert!(!init_in_a_lan(&place, &["--external-interface", "eth0"]).status.success(), "the range is not guessed");
    assert!(!place.config().exists() && !place.data().exists());

    let words = ["--external-interface", "eth0", "--external-range", "192.168.1.200-220"];
    let output = init_in_a_lan(&place, &words);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("the LAN's DHCP server never gives out 192.168.1.200"));
    assert!(
        text(&output.stdout).contains("192.168.1.200-192.168.1.220, in the LAN at eth0"),
        "{}",
        text(&output.stdout)
    );
    let written = std::fs::read_to_string(place.config()).unwrap();
    for line in [
        "external_cidr = \"192.168.1.0/24\"",
        "external_interface = \"eth0\"",
        "external_gateway = \"192.168.1.1\"",
        "external_range = \"192.168.1.200-192.168.1.220\"",
    ] {
        assert!(written.contains(line), "{line} in {written}");
    }
    let again = init_in_a_lan(&place, &words);
    assert!(again.status.success() && std::fs::read_to_string(place.config()).unwrap() == written);
    assert!(text(&again.stderr).contains("docs/networking.md"), "{}", text(&again.stderr));
    let mut command = place.cloudbox(&["serve", "--config"]);
    command.arg(place.config()).arg("--hypervisor").arg("fake");
    let serving = Serving::of(command);
    let shown = place.client(&["subnet", "list", "-o", "json"]);
    assert!(text(&shown.stdout).contains("192.168.1.0/24"), "{}", text(&shown.stderr));
    assert_eq!(serving.stop(), 0);
}
