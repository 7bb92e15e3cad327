//! Keys, certificates and databases that cannot be used: which file it is, what to do, and that a start works once that is done.

use std::path::Path;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::cloud::Place;
use crate::refusals::refuses;

/// A certificate of its own making, good from one year to another, and its key: in PEM.
fn certificate(from: i32, to: i32) -> (String, String) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// A cloud that has been there before: a credential is sealed in it.
fn lived_in() -> Place {
    let place = Place::new();
    place.configure("127.0.0.1", "");
    let serving = place.start();
    let made = place.client(&["credential", "create", "admin", "--type", "cert", "--blob", "secret"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(serving.stop(), 0);
    place
}

fn works(place: &Place) {
    let serving = place.start();
    assert!(place.client(&["flavor", "list"]).status.success());
    assert_eq!(serving.stop(), 0);
}

/// Refused while `file` says `text`, fine once it is as it was.
fn damaged(place: &Place, file: &str, text: &str, said: &[&str]) {
    let path = place.data().join(file);
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, text).unwrap();
    refuses(place, 1, &[&[file], said].concat());
    assert_eq!(std::fs::read(&path).unwrap(), text.as_bytes(), "what is damaged is left to whoever mends it");
    std::fs::write(&path, good).unwrap();
    works(place);
}

#[test]
fn keys_that_are_damaged() {
    let place = lived_in();
    damaged(&place, "keys/tokens.json", "half", &["restore it from a backup", "log in anew"]);
    damaged(&place, "keys/tokens.json", r#"{"keys":[{"id":1,"created_at":0,"secret":"short"}]}"#, &["is damaged"]);
    damaged(&place, "keys/credentials.json", "", &["restore it from a backup", "EC2"]);
    // Token keys are made anew where there are none.
    std::fs::remove_file(place.data().join("keys/tokens.json")).unwrap();
    works(&place);
}

#[test]
fn keys_that_are_gone_though_something_is_sealed_with_them() {
    let place = lived_in();
    let path = place.data().join("keys/credentials.json");
    let good = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    refuses(&place, 1, &["keys are missing in", "restore the file from a backup", "give up"]);
    assert!(!path.exists(), "new keys would hide that the old ones are gone");
    std::fs::write(&path, good).unwrap();
    works(&place);
}

#[test]
fn a_database_that_is_damaged() {
    damaged(&lived_in(), "cloudbox.db", &"no database ".repeat(1000), &["is damaged", "restore a backup"]);
}

#[test]
fn own_certificates_out_of_their_time() {
    let place = Place::new();
    let (chain, key) = (place.0.path().join("chain.pem"), place.0.path().join("key.pem"));
    let put = |path: &Path, text: &str| std::fs::write(path, text).unwrap();
    let text =
        format!("api.tls.mode = 'on'\napi.tls.certificate = '{}'\napi.tls.key = '{}'", chain.display(), key.display());
    place.configure("127.0.0.1", &text);
    let (ended, its_key) = certificate(2001, 2002);
    put(&chain, &ended);
    put(&key, &its_key);
    refuses(&place, 2, &["chain.pem ended at 2002-01-01", "put a new one there"]);
    let (early, its_key) = certificate(2090, 2091);
    put(&chain, &early);
    put(&key, &its_key);
    refuses(&place, 1, &["chain.pem begins at 2090-01-01", "timedatectl"]);
    let (good, its_key) = certificate(2001, 2091);
    put(&chain, &good);
    refuses(&place, 2, &["key.pem"]);
    put(&key, "half");
    refuses(&place, 2, &["key.pem"]);
    assert!(!place.data().join("clouds.yaml").exists(), "no administrator was made");
    put(&key, &its_key);
    assert_eq!(place.start().stop(), 0);
}
