use std::process::Command;

use kit::time::from_micros;
use proptest::prelude::*;

use super::*;

fn sample() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("openstack/latest/meta_data.json", b"{\"uuid\": \"x\"}"),
        ("openstack/latest/user_data", b"#!/bin/sh\n"),
        ("openstack/latest/vendor_data.json", b"{}"),
        ("openstack/latest/vendor_data2.json", b"{}"),
        ("openstack/latest/network_data.json", &[7; 5000]),
        ("openstack/2012-08-10/meta_data.json", b"old"),
        ("openstack/content/0000", b""),
        ("ec2/latest/meta-data.json", b"ec2"),
    ]
}

fn isoinfo(path: &std::path::Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("isoinfo").arg("-i").arg(path).args(arguments).output().ok()?;
    assert!(output.status.success(), "{output:?}");
    Some(output.stdout)
}

#[test]
fn other_programs_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("disk.config");
    std::fs::write(&path, image("config-2", from_micros(1_795_354_234_000_000), sample()).unwrap()).unwrap();
    if let Some(listing) = isoinfo(&path, &["-J", "-f"]) {
        let mut names: Vec<&str> = std::str::from_utf8(&listing).unwrap().lines().collect();
        names.sort_unstable();
        for (file, content) in sample() {
            let full = format!("/{file}");
            assert!(names.contains(&full.as_str()), "{full} is not in {names:?}");
            assert_eq!(isoinfo(&path, &["-J", "-x", &full]).unwrap(), content, "{full}");
        }
        assert_eq!(names.len(), 8 + 6);
        let short = String::from_utf8(isoinfo(&path, &["-f"]).unwrap()).unwrap();
        assert!(short.lines().any(|line| line == "/OPENSTAC/LATEST/META_DAT.JSO;1"), "{short}");
        assert!(short.lines().any(|line| line == "/OPENSTAC/LATEST/VENDO001.JSO;1"), "{short}");
        let about = String::from_utf8(isoinfo(&path, &["-d"]).unwrap()).unwrap();
        assert!(about.contains("Volume id: config-2") && about.contains("Joliet"), "{about}");
    }
    if let Ok(output) = Command::new("/usr/sbin/blkid").arg("-p").arg(&path).output() {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("LABEL=\"config-2\"") && text.contains("TYPE=\"iso9660\""), "{text}");
    }
}

#[test]
fn odd_paths_are_refused() {
    for path in ["", "/a", "a//b", "a/../b", "a/b/c/d/e/f/g/h/i", "a:b"] {
        assert_eq!(image("x", Timestamp::UNIX_EPOCH, [(path, &b""[..])]), Err(IsoError::Path(path.into())), "{path}");
    }
    let both: [(&str, &[u8]); 2] = [("a", b""), ("a/b", b"")];
    assert!(image("x", Timestamp::UNIX_EPOCH, both).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Follows the Joliet tree by hand, and finds every file with its contents.
    #[test]
    fn every_file_is_found(
        files in prop::collection::btree_map("[a-z]{1,3}(/[a-z_.]{4,60}){1,3}", prop::collection::vec(any::<u8>(), 0..3000), 0..40)
    ) {
        let list = files.iter().map(|(path, content)| (path.as_str(), content.as_slice()));
        let Ok(bytes) = image("config-2", Timestamp::UNIX_EPOCH, list) else { return Ok(()) };
        prop_assert_eq!(bytes.len() % SECTOR, 0);
        let root = &bytes[17 * SECTOR + 156..17 * SECTOR + 190];
        let mut found = std::collections::BTreeMap::new();
        walk(&bytes, root, "", &mut found);
        prop_assert_eq!(found, files);
    }
}

fn walk(bytes: &[u8], record: &[u8], path: &str, found: &mut std::collections::BTreeMap<String, Vec<u8>>) {
    let number = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap()) as usize;
    let content = &bytes[number(2) * SECTOR..number(2) * SECTOR + number(10)];
    if record[25] != 2 {
        found.insert(path.to_owned(), content.to_vec());
        return;
    }
    let mut at = 0;
    while at < content.len() {
        let length = usize::from(content[at]);
        if length == 0 {
            at = (at / SECTOR + 1) * SECTOR;
            continue;
        }
        let entry = &content[at..at + length];
        let name = &entry[33..33 + usize::from(entry[32])];
        if name.len() > 1 {
            let units: Vec<u16> = name.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            let name = String::from_utf16(&units).unwrap();
            let inner = if path.is_empty() { name } else { format!("{path}/{name}") };
            walk(bytes, entry, &inner, found);
        }
        at += length;
    }
}
