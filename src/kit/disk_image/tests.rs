//! Images made by hand, byte by byte, and any bytes at all.

use proptest::prelude::*;

use super::*;

fn look(bytes: &[u8]) -> Inspection {
    let mut window = Window::default();
    window.push(bytes);
    window.inspect()
}

fn qcow2(version: u32, backing: u64, incompatible: u64) -> Vec<u8> {
    let mut header = b"QFI\xfb".to_vec();
    header.extend(version.to_be_bytes());
    header.extend(backing.to_be_bytes());
    header.extend([0; 8]);
    header.extend((1u64 << 30).to_be_bytes());
    header.resize(72, 0);
    header.extend(incompatible.to_be_bytes());
    header.resize(112, 0);
    header
}

fn vmdk(descriptor: &str) -> Vec<u8> {
    let mut header = b"KDMV".to_vec();
    header.resize(12, 0);
    header.extend(2048u64.to_le_bytes());
    header.resize(28, 0);
    header.extend(1u64.to_le_bytes());
    header.extend(20u64.to_le_bytes());
    header.resize(512, 0);
    header.extend(descriptor.as_bytes());
    header.resize(512 * 21, 0);
    header
}

#[test]
fn a_plain_qcow2_is_fine_and_says_its_size() {
    for version in [2, 3] {
        let seen = look(&qcow2(version, 0, 0));
        assert_eq!(seen, Inspection { format: Format::Qcow2, virtual_size: Some(1 << 30), danger: None });
    }
}

#[test]
fn a_qcow2_that_names_other_files_is_not() {
    assert_eq!(look(&qcow2(2, 512, 0)).danger, Some(Danger::BackingFile));
    assert_eq!(look(&qcow2(3, 512, 0)).danger, Some(Danger::BackingFile));
    assert_eq!(look(&qcow2(3, 0, 0b100)).danger, Some(Danger::DataFile));
    assert_eq!(look(&qcow2(3, 0, 1 << 40)).danger, Some(Danger::UnknownFeatures));
    assert_eq!(look(&qcow2(9, 0, 0)).danger, Some(Danger::Damaged));
    assert_eq!(look(b"QFI\xfb\0\0").danger, Some(Danger::Damaged));
}

#[test]
fn a_vmdk_must_hold_its_own_data() {
    let own = "# Disk DescriptorFile\ncreateType=\"monolithicSparse\"\nparentCID=ffffffff\nRW 2048 SPARSE \"x.vmdk\"\n";
    assert_eq!(look(&vmdk(own)), Inspection { format: Format::Vmdk, virtual_size: Some(1 << 20), danger: None });
    let flat = "createType=\"monolithicFlat\"\nparentCID=ffffffff\nRW 2048 FLAT \"/etc/shadow\" 0\n";
    assert_eq!(look(&vmdk(flat)).danger, Some(Danger::ForeignExtents));
    let two = format!("{own}RW 1 FLAT \"/etc/shadow\" 0\n");
    assert_eq!(look(&vmdk(&two)).danger, Some(Danger::ForeignExtents));
    assert_eq!(look(b"# Disk DescriptorFile\n").danger, Some(Danger::ForeignExtents));
}

#[test]
fn formats_are_told_apart() {
    let mut iso = vec![0; 0x9000];
    iso[0x8001..0x8006].copy_from_slice(b"CD001");
    let mut vhd = vec![0; 4096];
    vhd[3584..3592].copy_from_slice(b"conectix");
    for (bytes, format) in
        [(iso, Format::Iso), (vhd, Format::Vhd), (vec![7; 100], Format::Raw), (Vec::new(), Format::Raw)]
    {
        assert_eq!(look(&bytes).format, format);
    }
    assert_eq!(look(b"LUKS\xba\xbe\0\x01").danger, Some(Danger::Unsupported));
}

#[test]
fn a_raw_image_is_not_a_qcow2_in_disguise() {
    assert!(!Format::Qcow2.answers_to("raw"));
    assert!(!Format::Raw.answers_to("qcow2"));
    assert!(Format::Iso.answers_to("raw") && Format::Raw.answers_to("ami"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail_and_chunks_do_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..2000), cut in 0usize..2000) {
        let (one, two) = bytes.split_at(cut.min(bytes.len()));
        let mut window = Window::default();
        window.push(one);
        window.push(two);
        prop_assert_eq!(window.inspect(), look(&bytes));
        prop_assert_eq!(window.size(), bytes.len() as u64);
    }

    #[test]
    fn nothing_that_begins_like_a_qcow2_passes_with_a_backing_file(backing in 1u64.., features in any::<u64>(), version in 2u32..4) {
        prop_assert!(look(&qcow2(version, backing, features)).danger.is_some());
    }
}
