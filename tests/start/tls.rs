//! TLS from the first start on, without being asked: made, trusted, renewed, and what is said where it cannot be.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use crate::cloud::Place;

const LIST: &[&str] = &["flavor", "list", "-o", "name"];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_cloud_that_others_can_reach_is_encrypted_without_being_asked() {
    let place = Place::new();
    place.configure("0.0.0.0", "");
    let serving = place.start();
    assert!(serving.url.starts_with("https://"), "{}", serving.url);
    for (file, mode) in
        [("clouds.yaml", 0o600), ("tls/ca.key", 0o600), ("tls/server.pem", 0o600), ("tls/ca.pem", 0o644)]
    {
        let about = std::fs::metadata(place.data().join(file)).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, mode, "{file}");
    }
    let listed = place.client(LIST);
    assert!(listed.status.success() && text(&listed.stdout).contains("m1."), "{}", text(&listed.stderr));

    // Each name and address of the host is certified.
    let port = serving.url.rsplit_once(':').unwrap().1.to_owned();
    let file = place.data().join("clouds.yaml");
    let clouds = std::fs::read_to_string(&file).unwrap();
    for (name, trusted) in [("localhost", true), ("127.0.0.1", true), ("127.0.0.2", false)] {
        let elsewhere = clouds.replace(&serving.url, &format!("https://{name}:{port}"));
        std::fs::write(&file, elsewhere).unwrap();
        let output = place.client(&["openrc"]);
        assert!(text(&output.stdout).contains("OS_CACERT="), "{}", text(&output.stdout));
        let error = text(&place.client(LIST).stderr);
        assert_eq!(error.is_empty(), trusted, "{name}: {error}");
        assert!(trusted || error.contains("[api.tls] names"), "{error}");
    }
    std::fs::write(&file, clouds.replace("    cacert", "    # cacert")).unwrap();
    let untrusted = place.client(LIST);
    assert!(text(&untrusted.stderr).contains("OS_CACERT or --os-cacert"), "{}", text(&untrusted.stderr));
    let ca = place.data().join("tls/ca.pem");
    for words in [&["--insecure"][..], &["--os-cacert", ca.to_str().unwrap()]] {
        assert!(place.client(&[LIST, words].concat()).status.success(), "{words:?}");
    }

    let mut plain = std::net::TcpStream::connect(("127.0.0.1", port.parse::<u16>().unwrap())).unwrap();
    plain.write_all(b"GET /identity/v3 HTTP/1.1\r\nHost: box\r\n\r\n").unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("use https://box/"), "{answer}");
    assert_eq!(serving.stop(), 0);
}

#[test]
fn a_cloud_of_this_host_alone_is_plain_unless_it_is_told_otherwise() {
    let place = Place::new();
    place.configure("127.0.0.1", "");
    let serving = place.start();
    assert!(serving.url.starts_with("http://"), "{}", serving.url);
    assert!(!place.data().join("tls").exists());
    drop(serving);
    place.configure("127.0.0.1", "api.tls.mode = 'on'");
    let serving = place.start();
    assert!(serving.url.starts_with("https://"), "{}", serving.url);
    assert!(place.client(LIST).status.success(), "clouds.yaml has followed");
    drop(serving);
    place.configure("127.0.0.1", "");
    let _serving = place.start();
    assert!(place.client(LIST).status.success(), "and back");
}

#[test]
fn plain_http_for_others_must_be_asked_for_twice() {
    let place = Place::new();
    place.configure("0.0.0.0", "api.tls.mode = 'off'");
    let (code, said) = place.refused();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("api.tls.allow_plain_http = true"), "{said}");
    assert!(!place.data().exists(), "nothing half-made");
    place.configure("0.0.0.0", "api.tls.mode = 'off'\napi.tls.allow_plain_http = true");
    assert!(place.start().url.starts_with("http://"));
}

#[test]
fn a_new_certificate_of_the_operator_is_shown_without_a_restart() {
    let other = Place::new();
    let certificate = |name: &str| {
        other.configure("127.0.0.1", &format!("api.tls.mode = 'on'\napi.tls.names = ['{name}']"));
        other.start().stop();
        std::fs::read(other.data().join("tls/server.pem")).unwrap()
    };
    let place = Place::new();
    let (chain, authority) = (place.0.path().join("chain.pem"), other.data().join("tls/ca.pem"));
    let with = |limit: u32| {
        let chain = chain.display();
        let text = format!(
            "api.max_connections = {limit}\n[api.tls]\ncertificate = '{chain}'\nkey = '{chain}'\nca_file = '{}'\n",
            authority.display()
        );
        place.configure("127.0.0.1", &text);
    };
    std::fs::write(&chain, certificate("one")).unwrap();
    with(100);
    let mut serving = place.start();
    assert!(place.client(LIST).status.success());
    std::fs::write(&chain, certificate("two")).unwrap();
    with(200);
    serving.signal(Signal::HUP);
    serving.logs("api.max_connections");
    serving.logs("another TLS certificate is shown");
    assert!(place.client(LIST).status.success());
    // One that is broken, in a configuration that is: nothing changes.
    std::fs::write(&chain, "half").unwrap();
    serving.signal(Signal::HUP);
    serving.logs("the one before is shown");
    std::fs::write(place.config(), "nonsense = 1\n").unwrap();
    serving.signal(Signal::HUP);
    serving.logs("the one before is in force");
    assert!(place.client(LIST).status.success());
    place.configure("127.0.0.1", "network.mtu = 1400");
    serving.signal(Signal::HUP);
    serving.logs("key=\"network.mtu\"");
    assert_eq!(serving.stop(), 0);
}
