//! What it says where it cannot start: what is wrong, what to do, an exit code, and nothing half-made.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use crate::cloud::{Place, refused};

/// It is refused with `code`, and says all of `said`.
#[track_caller]
fn refuses(place: &Place, code: i32, said: &[&str]) {
    let (found, text) = place.refused();
    assert_eq!(found, code, "{text}");
    for part in said {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn a_broken_configuration() {
    let place = Place::new();
    std::fs::write(place.config(), "[api]\nlissten = '127.0.0.1:1'\n").unwrap();
    refuses(&place, 2, &["cloudbox.toml", "lissten"]);
    std::fs::remove_file(place.config()).unwrap();
    refuses(&place, 2, &["cannot read the configuration file"]);
    assert!(!place.data().exists());
}

#[test]
fn a_port_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::new();
    place.configure("127.0.0.1", "");
    let mut command = place.serve();
    command.arg("--listen").arg(taken.local_addr().unwrap().to_string());
    let (code, text) = refused(command);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("`ss -ltnp") && text.contains("--listen"), "{text}");
    place.configure("192.0.2.77", "");
    refuses(&place, 2, &["`ip address`"]);
}

#[test]
fn a_second_cloud_on_the_same_data() {
    let place = Place::new();
    place.configure("127.0.0.1", "");
    let first = place.start();
    refuses(&place, 1, &["in use by the process", "stop it first"]);
    assert_eq!(first.stop(), 0);
}

#[test]
fn certificates_that_cannot_be_used() {
    let place = Place::new();
    let (chain, key) = (place.0.path().join("chain.pem"), place.0.path().join("key.pem"));
    place.configure("127.0.0.1", &format!("api.tls.certificate = '{}'", chain.display()));
    refuses(&place, 2, &["api.tls.certificate and api.tls.key go together"]);
    let with = format!("api.tls.certificate = '{}'\napi.tls.key = '{}'", chain.display(), key.display());
    place.configure("127.0.0.1", &with);
    refuses(&place, 2, &["chain.pem: No such file"]);
    std::fs::write(&chain, "nothing").unwrap();
    refuses(&place, 2, &["there is no certificate in it"]);
    assert!(!place.data().join("clouds.yaml").exists(), "no administrator was made");
}

#[test]
fn an_authority_from_the_future() {
    let place = Place::new();
    place.configure("127.0.0.1", "api.tls.mode = 'on'");
    assert_eq!(place.start().stop(), 0);
    std::fs::set_permissions(place.data().join("tls/ca.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(place.data().join("tls/ca.key"), "half").unwrap();
    refuses(&place, 2, &["ca.key"]);
}

#[test]
fn a_clock_that_is_behind_the_newest_record() {
    let place = Place::new();
    place.configure("127.0.0.1", "");
    let serving = place.start();
    // A login is on record.
    assert!(place.client(&["flavor", "list"]).status.success());
    assert_eq!(serving.stop(), 0);
    let database = rusqlite::Connection::open(place.data().join("cloudbox.db")).unwrap();
    let moved = database.execute("UPDATE admin_audit SET at = at + 3600000000", []).unwrap();
    assert!(moved > 0);
    drop(database);
    refuses(&place, 1, &["the newest record in the database is from", "timedatectl", "trust_clock = true"]);
    place.configure("127.0.0.1", "trust_clock = true");
    assert_eq!(place.start().stop(), 0);
}

#[test]
fn a_directory_that_is_not_ours() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: it needs root to become somebody else");
        return;
    }
    let place = Place::new();
    place.configure("127.0.0.1", "");
    std::fs::set_permissions(place.0.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = place.serve();
    // Nobody's account. The binary is below root's checkout, which may be closed to him: then it is a copy.
    let binary = place.0.path().join("cloudbox");
    std::fs::copy(env!("CARGO_BIN_EXE_cloudbox"), &binary).unwrap();
    let words: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    command = std::process::Command::new(binary);
    command.args(words).env_clear().current_dir(place.0.path()).uid(65534).gid(65534);
    let (code, text) = refused(command);
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("run cloudbox as root") && text.contains("--data-dir"), "{text}");
    assert!(!place.data().exists());
}

#[test]
fn something_else_in_the_place_of_the_directory() {
    let place = Place::new();
    place.configure("127.0.0.1", "");
    std::fs::write(place.data(), "a file").unwrap();
    refuses(&place, 1, &["cannot be used", "--data-dir"]);
}
