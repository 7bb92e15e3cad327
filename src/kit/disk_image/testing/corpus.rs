//! The corpus: what must be refused, and what must not.

use super::{Specimen, Vmdk, iso, partitioned, put, qcow2, qed, vdi, vhd_dynamic, vhd_fixed, vhdx, vmdk};

const SIZE: u64 = 8 << 20;
const SECRET: &[u8] = b"/etc/shadow";

fn specimen(name: &'static str, declared: &'static str, bytes: Vec<u8>) -> Specimen {
    Specimen { name, declared, bytes }
}

/// `image` with something else at a place.
fn changed(mut image: Vec<u8>, offset: usize, data: &[u8]) -> Vec<u8> {
    put(&mut image, offset, data);
    image
}

fn descriptor(from: &str, to: &str) -> Vec<u8> {
    let plain = Vmdk::default();
    vmdk(&Vmdk { descriptor: plain.descriptor.replace(from, to), ..plain })
}

/// Images that are what they are declared to be, and refer to nothing.
#[must_use]
pub fn harmless() -> Vec<Specimen> {
    let stream = descriptor("monolithicSparse", "streamOptimized");
    vec![
        specimen("a qcow2", "qcow2", qcow2(SIZE)),
        specimen("a qcow2 that was not closed", "qcow2", changed(qcow2(SIZE), 79, &[1])),
        specimen("a VMDK", "vmdk", vmdk(&Vmdk::default())),
        specimen("a streamed VMDK with a footer", "vmdk", streamed(stream)),
        specimen("a growing VHD", "vhd", vhd_dynamic(SIZE, 3)),
        specimen("a fixed VHD", "vhd", vhd_fixed(&[0; 1 << 20])),
        specimen("a fixed VHD of a partitioned disk", "vhd", vhd_fixed(&partitioned(vec![0; 1 << 20], true))),
        specimen("a VHDX", "vhdx", vhdx(SIZE, 0)),
        specimen("a VDI", "vdi", vdi(SIZE)),
        specimen("an ISO", "iso", iso()),
        specimen("a hybrid ISO", "iso", partitioned(iso(), false)),
        specimen("a hybrid ISO for a stick", "raw", partitioned(iso(), true)),
        specimen("a raw disk with an MBR", "raw", partitioned(vec![0; 1 << 20], false)),
        specimen("a raw disk with a GPT", "raw", partitioned(vec![0; 1 << 20], true)),
        specimen("a kernel", "aki", changed(vec![0x90; 4096], 510, b"\x55\xaaHdrS")),
        specimen("a ramdisk", "ari", b"070701something".to_vec()),
        specimen("a machine image", "ami", vec![1; 4096]),
    ]
}

/// A VMDK whose grain directory is at its end, with the footer that says where.
fn streamed(mut image: Vec<u8>) -> Vec<u8> {
    let mut footer: Vec<u8> = image.iter().take(512).copied().collect();
    put(&mut footer, 56, &26u64.to_le_bytes());
    put(&mut image, 56, &u64::MAX.to_le_bytes());
    let mut marker = vec![0; 512];
    put(&mut marker, 0, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]);
    image.extend([marker, footer, vec![0; 512]].concat());
    image
}

/// Images that nothing must open as what they are declared to be.
#[must_use]
pub fn hostile() -> Vec<Specimen> {
    let mut all = hostile_qcow2();
    all.extend(hostile_vmdk());
    all.extend(hostile_others());
    all.extend(polyglots());
    all.extend(disguised());
    all
}

fn backed(image: Vec<u8>) -> Vec<u8> {
    let image = changed(image, 512, SECRET);
    changed(changed(image, 16, &(SECRET.len() as u32).to_be_bytes()), 8, &512u64.to_be_bytes())
}

fn hostile_qcow2() -> Vec<Specimen> {
    let plain = || qcow2(SIZE);
    let with = |offset, data: &[u8]| changed(plain(), offset, data);
    let data_file = with(104, &[b"\x44\x41\x54\x41\0\0\0\x0b".as_slice(), SECRET].concat());
    let [name_only, flagged] = [data_file.clone(), changed(data_file, 79, &[4])];
    [
        ("a qcow2 with a backing file", backed(plain())),
        ("an old qcow2 with a backing file", changed(backed(plain()), 7, &[2])),
        ("the first QCOW", with(7, &[1])),
        ("a qcow2 with a data file", flagged),
        ("a qcow2 that names a data file", name_only),
        ("a qcow2 with unknown features", with(74, &[1])),
        ("a qcow2 that is corrupt", with(79, &[2])),
        ("an encrypted qcow2", with(35, &[2])),
        ("a qcow2 of no version", with(7, &[9])),
        ("a qcow2 with absurd clusters", with(23, &[60])),
        ("a qcow2 with a first-level table beyond its end", with(40, &(1u64 << 40).to_be_bytes())),
        ("a qcow2 with a first-level table in its header", with(40, &[0; 8])),
        ("a qcow2 with too small a first-level table", with(36, &[0; 4])),
        ("a qcow2 with too large a first-level table", with(36, &[0x7f, 0xff, 0xff, 0xff])),
        ("a qcow2 with refcounts beyond its end", with(48, &(1u64 << 50).to_be_bytes())),
        ("a qcow2 with too large a refcount table", with(56, &[0xff; 4])),
        ("a qcow2 with wide refcounts", with(99, &[200])),
        ("a qcow2 with a million snapshots", with(60, &1_000_000u32.to_be_bytes())),
        ("a qcow2 of an absurd size", with(24, &[0xff; 8])),
        ("a qcow2 with an endless extension", with(104, b"\x12\x34\x56\x78\xff\xff\xff\xff")),
        ("a qcow2 that is cut off", plain().into_iter().take(60).collect()),
        ("a qcow2 without its tables", plain().into_iter().take(4096).collect()),
    ]
    .map(|(name, bytes)| specimen(name, "qcow2", bytes))
    .into()
}

fn hostile_vmdk() -> Vec<Specimen> {
    let sparse = "RW 2048 SPARSE \"disk.vmdk\"";
    let plain = || vmdk(&Vmdk::default());
    let streamed = streamed(descriptor("monolithicSparse", "streamOptimized"));
    let footer = streamed.len() - 1024;
    [
        ("a VMDK with a foreign extent", descriptor(sparse, "RW 2048 FLAT \"/etc/shadow\" 0")),
        ("a VMDK with a sparse extent elsewhere", descriptor(sparse, "RW 2048 SPARSE \"/etc/shadow\"")),
        ("a VMDK with a second extent", descriptor(sparse, &format!("{sparse}\nRW 1 FLAT \"x\" 0"))),
        ("a VMDK without an extent", descriptor(sparse, "")),
        ("a VMDK on a device", descriptor(sparse, "RW 2048 VMFSRDM \"sda\"")),
        ("a flat VMDK", descriptor("monolithicSparse", "monolithicFlat")),
        ("a VMDK with two types", descriptor("version=1", "version=1\ncreateType=\"monolithicFlat\"")),
        ("a VMDK without a type", descriptor("createType=\"monolithicSparse\"", "")),
        ("a VMDK with a parent", descriptor("parentCID=ffffffff", "parentCID=12345678")),
        ("a VMDK with a parent's name", descriptor("version=1", "parentFileNameHint=\"/etc/shadow\"")),
        ("a VMDK with a strange line", descriptor("version=1", "version=1\nexec something")),
        ("a VMDK with more behind its descriptor", descriptor("ddb.", "\0RW 1 FLAT \"/etc/shadow\" 0\nddb.")),
        ("a descriptor by itself", Vmdk::default().descriptor.into_bytes()),
        ("a descriptor behind comments", b"# nothing\n\n  \n#\nversion=1\nRW 1 FLAT \"/etc/shadow\" 0\n".to_vec()),
        ("a VMDK without a size", changed(plain(), 12, &[0; 8])),
        ("a VMDK with an absurd size", changed(plain(), 12, &[0xff; 8])),
        ("a VMDK with a descriptor beyond its end", changed(plain(), 28, &(1u64 << 60).to_le_bytes())),
        ("a VMDK with an endless descriptor", changed(plain(), 36, &[0xff; 8])),
        ("a VMDK of no version", changed(plain(), 4, &[77])),
        ("a VMDK whose footer is not there", changed(plain(), 56, &[0xff; 8])),
        ("a VMDK whose footer says otherwise", changed(streamed, footer + 28, &[9])),
        ("an old VMDK", changed(plain(), 0, b"COWD")),
    ]
    .map(|(name, bytes)| specimen(name, "vmdk", bytes))
    .into()
}

fn hostile_others() -> Vec<Specimen> {
    let dynamic = || vhd_dynamic(SIZE, 3);
    let grown = vhdx(SIZE, 0);
    let metadata = 2 << 20;
    let regions = 192 * 1024;
    let vhdx_with = |offset, data: &[u8]| changed(grown.clone(), offset, data);
    let one = |name, declared, bytes| specimen(name, declared, bytes);
    vec![
        one("a differencing VHD", "vhd", vhd_dynamic(SIZE, 4)),
        one("a VHD with a parent's name", "vhd", changed(dynamic(), 512 + 576, b"W2ku")),
        one("a VHD with a parent's id", "vhd", changed(dynamic(), 512 + 40, &[1; 16])),
        one("a VHD of no type", "vhd", changed(dynamic(), 63, &[77])),
        one("a VHD whose header is elsewhere", "vhd", changed(dynamic(), 16, &(1u64 << 50).to_be_bytes())),
        one("a VHD that calls itself larger than it is", "vhd", changed(vhd_fixed(&[0; 4096]), 4096 + 48, &[1])),
        one("a VHD with an absurd table", "vhd", changed(dynamic(), 512 + 28, &[0xff; 4])),
        one("a differencing VHDX", "vhdx", vhdx(SIZE, 2)),
        one("a VHDX with a parent's name", "vhdx", parent_locator(grown.clone())),
        one("a VHDX with an unknown item", "vhdx", vhdx_with(metadata + 32 + 64, &[3; 16])),
        one("a VHDX with an unknown region", "vhdx", vhdx_with(regions + 16, &[3; 16])),
        one("a VHDX without metadata", "vhdx", vhdx_with(regions + 48, &[3; 16])),
        one("a VHDX with metadata beyond its end", "vhdx", vhdx_with(regions + 64, &(1u64 << 50).to_le_bytes())),
        one("a VHDX that is cut off", "vhdx", grown.iter().take(metadata).copied().collect()),
        one("a VHDX with too many regions", "vhdx", vhdx_with(regions + 8, &[0xff; 4])),
        one("a differencing VDI", "vdi", changed(vdi(SIZE), 0x4c, &[4])),
        one("a VDI with a parent", "vdi", changed(vdi(SIZE), 440, &[1; 16])),
        one("a VDI with a disk that it continues", "vdi", changed(vdi(SIZE), 424, &[1; 16])),
        one("a VDI of another version", "vdi", changed(vdi(SIZE), 0x44, &[9])),
        one("a VDI whose map is elsewhere", "vdi", changed(vdi(SIZE), 340, &[0xff; 4])),
        one("a QED", "qed", qed()),
        one("a QED with a backing file", "qed", changed(qed(), 16, &[1])),
        one("a LUKS disk", "luks", b"LUKS\xba\xbe\0\x01".to_vec()),
    ]
}

fn parent_locator(image: Vec<u8>) -> Vec<u8> {
    let guid = b"\x2d\x5f\xd3\xa8\x0b\xb3\x4d\x45\xab\xf7\xd3\xd8\x48\x34\xab\x0c";
    let image = changed(image, (2 << 20) + 10, &[6]);
    changed(image, (2 << 20) + 32 + 5 * 32, guid)
}

fn polyglots() -> Vec<Specimen> {
    let iso_of = |image: Vec<u8>| {
        let mut both = iso();
        put(&mut both, 0, &image.into_iter().take(0x8000).collect::<Vec<u8>>());
        both
    };
    let mut all = Vec::new();
    for declared in ["qcow2", "iso", "raw"] {
        all.push(specimen("a qcow2 that is an ISO", declared, iso_of(qcow2(SIZE))));
        all.push(specimen("a backed qcow2 that is an ISO", declared, iso_of(backed(qcow2(SIZE)))));
    }
    for declared in ["vhd", "qcow2", "raw"] {
        all.push(specimen("a qcow2 that is a VHD", declared, vhd_fixed(&qcow2(SIZE))));
    }
    for declared in ["vmdk", "iso"] {
        all.push(specimen("a VMDK that is an ISO", declared, iso_of(vmdk(&Vmdk::default()))));
    }
    for declared in ["vdi", "vhd"] {
        all.push(specimen("a VDI that is a VHD", declared, vhd_fixed(&vdi(SIZE))));
    }
    let both = changed(qcow2(SIZE), 0x40, &[0x7f, 0x10, 0xda, 0xbe]);
    all.push(specimen("a qcow2 that is a VDI", "qcow2", both));
    all.push(specimen("an ISO that is a VHD", "iso", vhd_fixed(&iso())));
    all.push(specimen("a qcow2 with an MBR", "qcow2", partitioned(qcow2(SIZE), false)));
    all.push(specimen("a VDI with an MBR", "vdi", partitioned(changed(vdi(SIZE), 440, &[0; 6]), false)));
    all.push(specimen("a growing VHD with an MBR", "vhd", partitioned(vhd_dynamic(SIZE, 3), false)));
    all
}

fn disguised() -> Vec<Specimen> {
    let mut all = Vec::new();
    let containers = [
        ("a qcow2 in disguise", "qcow2", backed(qcow2(SIZE))),
        ("a VMDK in disguise", "vmdk", vmdk(&Vmdk::default())),
        ("a growing VHD in disguise", "vhd", vhd_dynamic(SIZE, 3)),
        ("a fixed VHD in disguise", "vhd", vhd_fixed(&[0; 4096])),
        ("a VHDX in disguise", "vhdx", vhdx(SIZE, 0)),
        ("a VDI in disguise", "vdi", vdi(SIZE)),
        ("a QED in disguise", "qed", qed()),
        ("a LUKS disk in disguise", "luks", b"LUKS\xba\xbe\0\x01".to_vec()),
    ];
    for (name, own, bytes) in containers {
        for declared in ["raw", "ami", "aki", "ari", "iso", "qcow2", "vmdk", "vdi", "vhd", "vhdx"] {
            if declared != own {
                all.push(specimen(name, declared, bytes.clone()));
            }
        }
    }
    for declared in ["qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso"] {
        all.push(specimen("a raw disk in disguise", declared, partitioned(vec![0; 4096], false)));
    }
    all
}
