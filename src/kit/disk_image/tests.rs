//! The corpus, its mutations, and any bytes at all.

use std::io::Cursor;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::testing::{Specimen, put, qcow2};
use super::*;

static HARMLESS: LazyLock<Vec<Specimen>> = LazyLock::new(testing::harmless);
static HOSTILE: LazyLock<Vec<Specimen>> = LazyLock::new(testing::hostile);

fn look(bytes: &[u8]) -> Inspection {
    let mut window = Window::default();
    window.push(bytes);
    window.inspect()
}

fn judge(specimen: &Specimen) -> Result<(), Objection> {
    look(&specimen.bytes).judge(specimen.declared, 1 << 40)
}

#[test]
fn what_is_harmless_is_accepted_and_says_its_size() {
    for specimen in HARMLESS.iter() {
        assert_eq!(judge(specimen), Ok(()), "{}", specimen.name);
        let size = match specimen.declared {
            "qcow2" | "vhdx" | "vdi" => 8 << 20,
            "vmdk" => 1 << 20,
            "vhd" if specimen.bytes.len() > 1 << 20 => 1 << 20,
            "vhd" => 8 << 20,
            _ => specimen.bytes.len() as u64,
        };
        assert_eq!(look(&specimen.bytes).virtual_size, Some(size), "{}", specimen.name);
    }
}

#[test]
fn what_is_hostile_is_refused() {
    for specimen in HOSTILE.iter() {
        assert!(judge(specimen).is_err(), "{} as {}", specimen.name, specimen.declared);
    }
}

#[test]
fn the_reason_is_the_one_that_matters() {
    for (name, danger) in [
        ("a qcow2 with a backing file", Danger::BackingFile),
        ("an old qcow2 with a backing file", Danger::BackingFile),
        ("a qcow2 with a data file", Danger::DataFile),
        ("a qcow2 that names a data file", Danger::DataFile),
        ("a qcow2 with unknown features", Danger::UnknownFeatures),
        ("an encrypted qcow2", Danger::Encrypted),
        ("a qcow2 without its tables", Danger::Damaged),
        ("a VMDK with a foreign extent", Danger::ForeignExtents),
        ("a descriptor by itself", Danger::ForeignExtents),
        ("a VMDK with a parent", Danger::BackingFile),
        ("a VMDK whose footer says otherwise", Danger::Damaged),
        ("a differencing VHD", Danger::BackingFile),
        ("a VHD with a parent's name", Danger::BackingFile),
        ("a differencing VHDX", Danger::BackingFile),
        ("a VHDX with a parent's name", Danger::BackingFile),
        ("a VHDX with an unknown item", Danger::UnknownFeatures),
        ("a VHDX with an unknown region", Danger::UnknownFeatures),
        ("a VDI with a parent", Danger::BackingFile),
        ("a QED", Danger::Unsupported),
        ("a QED with a backing file", Danger::BackingFile),
        ("a LUKS disk", Danger::Encrypted),
        ("a qcow2 with an MBR", Danger::Polyglot),
        ("an ISO that is a VHD", Danger::Polyglot),
    ] {
        let specimen = HOSTILE.iter().find(|specimen| specimen.name == name).expect(name);
        assert_eq!(look(&specimen.bytes).danger, Some(danger), "{name}");
    }
}

#[test]
fn a_judgement_says_what_was_expected() {
    let disk = look(&qcow2(1 << 30));
    assert_eq!(disk.judge("qcow2", 1 << 30), Ok(()));
    let said = |declared, most| disk.judge(declared, most).unwrap_err().to_string();
    assert_eq!(said("raw", u64::MAX), "it is qcow2, not raw as declared");
    assert_eq!(
        said("qcow2", 1 << 20),
        "its disk of 1073741824 bytes is larger than the 1048576 bytes that are allowed"
    );
    let raw = look(b"x").judge("qcow2", 1).unwrap_err().to_string();
    assert_eq!(raw, "it is not in the declared format qcow2");
}

#[test]
fn a_large_qcow2_with_large_clusters_is_accepted() {
    let mut image = qcow2(1 << 20);
    // 2 MiB clusters: one entry covers 512 GiB.
    for (at, number) in [(20, 21u64 << 32 | 1 << 9), (24, 1 << 49), (40, 6 << 20), (48, 2 << 20)] {
        let bytes = number.to_be_bytes();
        put(&mut image, at, if at == 20 { &bytes[..4] } else { &bytes });
    }
    put(&mut image, 36, &1024u32.to_be_bytes());
    let mut window = Window::default();
    window.push(&image);
    for _ in 0..9 {
        window.push(&vec![0; 1 << 20]);
    }
    assert_eq!(window.inspect().danger, None);
}

#[test]
fn memory_stays_bounded() {
    let mut window = Window::default();
    for _ in 0..64 {
        window.push(&vec![0; 1 << 20]);
    }
    assert!(window.head.len() + window.metadata.len() + window.tail.len() < 600 << 10);
}

/// However it comes in, it is the same.
fn same_in_pieces(bytes: &[u8], pieces: &[usize]) -> bool {
    let mut window = Window::default();
    let mut rest = bytes;
    for piece in pieces {
        let (now, later) = rest.split_at((*piece).min(rest.len()));
        window.push(now);
        rest = later;
    }
    window.push(rest);
    let from_file = Window::of(&mut Cursor::new(bytes)).unwrap();
    window.size() == bytes.len() as u64 && window.inspect() == look(bytes) && from_file.inspect() == look(bytes)
}

#[test]
fn every_specimen_is_the_same_in_pieces_and_from_a_file() {
    for specimen in HARMLESS.iter().chain(HOSTILE.iter()) {
        for pieces in [&[1usize, 6, 1, 500, 3, 512, 65_000, 24, 131_072][..], &[262_143, 2, 2_000_000], &[]] {
            assert!(same_in_pieces(&specimen.bytes, pieces), "{} {pieces:?}", specimen.name);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail_and_pieces_do_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..2000), cut in 0usize..2000) {
        prop_assert!(same_in_pieces(&bytes, &[cut]));
    }

    #[test]
    fn mutated_headers_never_make_it_fail(which in any::<prop::sample::Index>(), at in 0usize..1600, data in proptest::collection::vec(any::<u8>(), 1..9), length in any::<prop::sample::Index>()) {
        let all: Vec<&Specimen> = HARMLESS.iter().filter(|specimen| specimen.bytes.len() < 1 << 20).collect();
        let mut bytes = which.get(&all).bytes.clone();
        put(&mut bytes, at, &data);
        bytes.truncate(length.index(bytes.len()) + 1);
        prop_assert!(same_in_pieces(&bytes, &[at]));
    }

    #[test]
    fn nothing_passes_with_a_backing_file(backing in 1u64.., features in any::<u64>(), version in 0u32..5, cluster in 0u32..30) {
        let mut image = qcow2(1 << 20);
        put(&mut image, 4, &version.to_be_bytes());
        put(&mut image, 8, &backing.to_be_bytes());
        put(&mut image, 20, &cluster.to_be_bytes());
        put(&mut image, 72, &features.to_be_bytes());
        prop_assert!(look(&image).danger.is_some());
    }

    #[test]
    fn no_descriptor_passes_with_another_file(access in "(?i)rw|rdonly|noaccess", kind in "(?i)flat|sparse|zero|vmfs|vmfssparse", path in "[a-z/.]{0,12}", before in any::<bool>()) {
        let foreign = format!("{access} 1 {kind} \"{path}\" 0\n");
        let plain = testing::Vmdk::default();
        let own = "RW 2048 SPARSE \"disk.vmdk\"\n";
        let both = if before { format!("{foreign}{own}") } else { format!("{own}{foreign}") };
        let image = testing::vmdk(&testing::Vmdk { descriptor: plain.descriptor.replace(own, &both), ..plain });
        prop_assert!(look(&image).danger.is_some());
    }
}
