//! What it says where it cannot start: what is wrong, what to do, an exit code, and nothing half-made.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use crate::cloud::{Place, Serving, refused};

/// It is refused with `code`, and says all of `said`.
#[track_caller]
pub fn refuses(place: &Place, code: i32, said: &[&str]) {
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
    place.configure("127.0.0.1", "");
    assert_eq!(place.start().stop(), 0);
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
    place.configure("127.0.0.1", "");
    assert_eq!(place.start().stop(), 0);
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
fn an_authority_that_is_damaged() {
    let place = Place::new();
    place.configure("127.0.0.1", "api.tls.mode = 'on'");
    assert_eq!(place.start().stop(), 0);
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
    assert_eq!(place.start().stop(), 0);
}

#[test]
fn something_else_in_the_place_of_the_directory() {
    let place = Place::new();
    place.configure("127.0.0.1", "");
    std::fs::write(place.data(), "a file").unwrap();
    refuses(&place, 1, &["cannot be used", "--data-dir"]);
    assert_eq!(std::fs::read(place.data()).unwrap(), b"a file");
    std::fs::remove_file(place.data()).unwrap();
    assert_eq!(place.start().stop(), 0);
}

/// `script`, in which what is mounted is seen by itself alone, gets the data directory and the words that serve.
fn with_mounts(place: &Place, script: &str) -> std::process::Command {
    let serve = place.serve();
    let mut command = std::process::Command::new("unshare");
    let words = ["--mount", "sh", "-c", script, "sh"];
    command.args(words).arg(place.data()).arg(serve.get_program()).args(serve.get_args());
    command
}

#[test]
fn a_file_system_that_is_read_only() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: it needs root to mount");
        return;
    }
    let place = Place::new();
    place.configure("127.0.0.1", "");
    // A new place, and one with a cloud.
    for there in [false, true] {
        std::fs::create_dir_all(place.data()).unwrap();
        let script = r#"data=$1; shift; mount --bind "$data" "$data" && mount -o remount,bind,ro "$data" && exec "$@""#;
        let (code, text) = refused(with_mounts(&place, script));
        assert!(matches!(code, 1 | 4), "{code}: {text}");
        assert!(text.contains("mounted read-only"), "there: {there}: {text}");
        assert_eq!(place.start().stop(), 0);
    }
}

#[test]
fn a_disk_that_is_full_at_the_first_start() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: it needs root to mount a small disk");
        return;
    }
    let place = Place::new();
    place.configure("127.0.0.1", "api.tls.mode = 'on'");
    std::fs::create_dir(place.data()).unwrap();
    let script = r#"set -e; data=$1; shift
        mount -t tmpfs -o size=16k none "$data"
        for size in 16k 256k 1m; do
            mount -o remount,size=$size "$data"
            if CLOUDBOX_LOG=off "$@" 2>"$data.said"; then exit 9; fi
            sed "s/^/refused: /" "$data.said" >&2
        done
        mount -o remount,size=64m "$data"
        exec "$@""#;
    let serving = Serving::of(with_mounts(&place, script));
    let refusals: Vec<&str> = serving.log.lines().filter(|line| line.starts_with("refused: cloudbox: ")).collect();
    assert_eq!(refusals.len(), 3, "{}", serving.log);
    for refusal in refusals {
        assert!(refusal.contains("disk is full") && refusal.contains("free some space"), "{refusal}");
    }
    // What it had made by then was gone on with: the administrator can enter.
    assert!(serving.log.contains("cloudbox is ready"), "{}", serving.log);
    assert_eq!(serving.stop(), 0);
}

#[test]
fn a_host_without_libvirt_answers_and_says_so() {
    let place = Place::new();
    place.configure("127.0.0.1", "");
    let mut command = place.serve();
    command.args(["--hypervisor", "qemu+unix:///system?socket=/nowhere/libvirt-sock"]);
    let serving = Serving::of(command);
    assert!(place.client(&["flavor", "list"]).status.success());
    let mut stream = std::net::TcpStream::connect(serving.url.trim_start_matches("http://")).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("libvirt"), "{answer}");
    assert_eq!(serving.stop(), 0);
}
