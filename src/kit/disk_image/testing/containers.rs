//! Empty disks in each format, as small as they can be.

use super::put;

const MIB: u64 = 1 << 20;

/// A qcow2, version 3, with an empty disk of `size` bytes; its clusters have 4 KiB.
#[must_use]
pub fn qcow2(size: u64) -> Vec<u8> {
    const CLUSTER: u64 = 4096;
    // A cluster of entries covers 2 MiB.
    let entries = u32::try_from(size.div_ceil(2 * MIB)).unwrap_or(u32::MAX);
    let l1_clusters = (u64::from(entries) * 8).div_ceil(CLUSTER).max(1);
    let mut image = b"QFI\xfb".to_vec();
    put(&mut image, 4, &3u32.to_be_bytes());
    put(&mut image, 20, &12u32.to_be_bytes());
    put(&mut image, 24, &size.to_be_bytes());
    put(&mut image, 36, &entries.to_be_bytes());
    put(&mut image, 40, &(3 * CLUSTER).to_be_bytes());
    put(&mut image, 48, &CLUSTER.to_be_bytes());
    put(&mut image, 56, &1u32.to_be_bytes());
    put(&mut image, 96, &4u32.to_be_bytes());
    put(&mut image, 100, &104u32.to_be_bytes());
    // The refcount table, and in its block one reference for each cluster.
    put(&mut image, 4096, &(2 * CLUSTER).to_be_bytes());
    for cluster in 0..usize::try_from(3 + l1_clusters).unwrap_or_default() {
        put(&mut image, 8192 + 2 * cluster, &1u16.to_be_bytes());
    }
    image.resize(usize::try_from((3 + l1_clusters) * CLUSTER).unwrap_or_default(), 0);
    image
}

/// A QED with an empty disk of 1 MiB.
#[must_use]
pub fn qed() -> Vec<u8> {
    let mut image = b"QED\0".to_vec();
    put(&mut image, 4, &65_536u32.to_le_bytes());
    put(&mut image, 8, &4u32.to_le_bytes());
    put(&mut image, 12, &1u32.to_le_bytes());
    put(&mut image, 40, &65_536u64.to_le_bytes());
    put(&mut image, 48, &MIB.to_le_bytes());
    image.resize(5 * 65_536, 0);
    image
}

/// What a VMDK says of itself.
#[derive(Debug, Clone)]
pub struct Vmdk {
    /// The descriptor's text.
    pub descriptor: String,
    /// The size of its disk, in sectors of 512 bytes.
    pub sectors: u64,
}

impl Default for Vmdk {
    fn default() -> Self {
        let descriptor = "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\n\
                          \n# Extent description\nRW 2048 SPARSE \"disk.vmdk\"\n\n# The Disk Data Base\nddb.adapterType = \"ide\"\n";
        Self { descriptor: descriptor.to_owned(), sectors: 2048 }
    }
}

/// A VMDK with an empty disk.
#[must_use]
pub fn vmdk(what: &Vmdk) -> Vec<u8> {
    let mut image = b"KDMV".to_vec();
    put(&mut image, 4, &1u32.to_le_bytes());
    put(&mut image, 8, &3u32.to_le_bytes());
    put(&mut image, 12, &what.sectors.to_le_bytes());
    put(&mut image, 20, &128u64.to_le_bytes());
    put(&mut image, 28, &1u64.to_le_bytes());
    put(&mut image, 36, &20u64.to_le_bytes());
    put(&mut image, 44, &512u32.to_le_bytes());
    put(&mut image, 48, &21u64.to_le_bytes());
    put(&mut image, 56, &26u64.to_le_bytes());
    put(&mut image, 64, &128u64.to_le_bytes());
    put(&mut image, 73, b"\n \r\n");
    put(&mut image, 512, what.descriptor.as_bytes());
    // The grain directories and their tables, one each.
    put(&mut image, 21 * 512, &22u32.to_le_bytes());
    put(&mut image, 26 * 512, &27u32.to_le_bytes());
    image.resize(128 * 512, 0);
    image
}

fn vhd_footer(size: u64, kind: u32, data_offset: u64) -> Vec<u8> {
    let mut footer = b"conectix".to_vec();
    put(&mut footer, 8, &2u32.to_be_bytes());
    put(&mut footer, 12, &0x0001_0000u32.to_be_bytes());
    put(&mut footer, 16, &data_offset.to_be_bytes());
    put(&mut footer, 28, b"win ");
    put(&mut footer, 40, &size.to_be_bytes());
    put(&mut footer, 48, &size.to_be_bytes());
    put(&mut footer, 56, &[0, 30, 4, 17]);
    put(&mut footer, 60, &kind.to_be_bytes());
    footer.resize(512, 0);
    sum(&mut footer, 64);
    footer
}

/// Microsoft's checksum: all bytes added up, and inverted.
fn sum(bytes: &mut Vec<u8>, at: usize) {
    put(bytes, at, &[0; 4]);
    let total = bytes.iter().fold(0u32, |total, byte| total.wrapping_add(u32::from(*byte)));
    put(bytes, at, &(!total).to_be_bytes());
}

/// A fixed VHD with this disk in it.
#[must_use]
pub fn vhd_fixed(disk: &[u8]) -> Vec<u8> {
    [disk, &vhd_footer(disk.len() as u64, 2, u64::MAX)].concat()
}

/// A growing VHD with an empty disk of `size` bytes; `kind` 3 is one, 4 one that is based on another.
#[must_use]
pub fn vhd_dynamic(size: u64, kind: u32) -> Vec<u8> {
    let entries = u32::try_from(size.div_ceil(2 * MIB)).unwrap_or(u32::MAX);
    let footer = vhd_footer(size, kind, 512);
    let mut header = b"cxsparse".to_vec();
    put(&mut header, 8, &u64::MAX.to_be_bytes());
    put(&mut header, 16, &1536u64.to_be_bytes());
    put(&mut header, 24, &0x0001_0000u32.to_be_bytes());
    put(&mut header, 28, &entries.to_be_bytes());
    put(&mut header, 32, &0x0020_0000u32.to_be_bytes());
    header.resize(1024, 0);
    sum(&mut header, 36);
    let table = vec![0xff; (entries as usize * 4).next_multiple_of(512)];
    [footer.clone(), header, table, footer].concat()
}

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    let all = bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)));
    !all
}

fn sealed(mut part: Vec<u8>, length: usize) -> Vec<u8> {
    part.resize(length, 0);
    put(&mut part, 4, &[0; 4]);
    let crc = crc32c(&part);
    put(&mut part, 4, &crc.to_le_bytes());
    part
}

/// The five items that every VHDX has, as GUID and length.
const VHDX_ITEMS: [([u8; 16], u32); 5] = [
    (*b"\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b", 8),
    (*b"\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8", 8),
    (*b"\xab\x12\xca\xbe\xe6\xb2\x23\x45\x93\xef\xc3\x09\xe0\x00\xc7\x46", 16),
    (*b"\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa\xab\x5f", 4),
    (*b"\xc7\x48\xa3\xcd\x5d\x44\x71\x44\x9c\xc9\xe9\x88\x52\x51\xc5\x56", 4),
];

/// A VHDX with an empty disk of `size` bytes; `flags` are those of its file parameters, 2 meaning that it is based on another.
#[must_use]
pub fn vhdx(size: u64, flags: u32) -> Vec<u8> {
    const KIB: usize = 1024;
    let mut image = b"vhdxfile".to_vec();
    for (at, sequence) in [(64 * KIB, 1u64), (128 * KIB, 2)] {
        let mut header = b"head".to_vec();
        put(&mut header, 8, &sequence.to_le_bytes());
        put(&mut header, 64, &[0, 0, 1, 0]);
        put(&mut header, 68, &1_048_576u32.to_le_bytes());
        put(&mut header, 72, &MIB.to_le_bytes());
        put(&mut image, at, &sealed(header, 4096));
    }
    let mut regions = b"regi\0\0\0\0\x02\0\0\0\0\0\0\0".to_vec();
    regions.extend(*b"\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08");
    regions.extend([(3 * MIB).to_le_bytes(), [0, 0, 0x10, 0, 1, 0, 0, 0]].concat());
    regions.extend(*b"\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e");
    regions.extend([(2 * MIB).to_le_bytes(), [0, 0, 0x10, 0, 1, 0, 0, 0]].concat());
    let regions = sealed(regions, 64 * KIB);
    put(&mut image, 192 * KIB, &regions);
    put(&mut image, 256 * KIB, &regions);
    let mut metadata = b"metadata\0\0\x05\0".to_vec();
    let mut at = 64 * 1024u32;
    let values: [&[u8]; 5] = [
        &[&1_048_576u32.to_le_bytes()[..], &flags.to_le_bytes()].concat(),
        &size.to_le_bytes(),
        &[7; 16],
        &512u32.to_le_bytes(),
        &512u32.to_le_bytes(),
    ];
    for (index, ((guid, length), value)) in VHDX_ITEMS.iter().zip(values).enumerate() {
        // All are required; all but the file's parameters are the virtual disk's.
        let kind: u32 = if index == 0 { 4 } else { 6 };
        put(&mut metadata, 32 + 32 * index, guid);
        put(&mut metadata, 48 + 32 * index, &[at.to_le_bytes(), length.to_le_bytes(), kind.to_le_bytes()].concat());
        put(&mut metadata, at as usize, value);
        at += length;
    }
    put(&mut image, 2 << 20, &metadata);
    image.resize(4 << 20, 0);
    image
}

/// A VDI with an empty disk of `size` bytes.
#[must_use]
pub fn vdi(size: u64) -> Vec<u8> {
    let blocks = u32::try_from(size.div_ceil(MIB)).unwrap_or(u32::MAX);
    let map = vec![0xff; (blocks as usize * 4).next_multiple_of(512)];
    let mut image = b"<<< cloudbox's tests >>>\n".to_vec();
    for (at, number) in [
        (0x40, 0xbeda_107f),
        (0x44, 0x0001_0001),
        (0x48, 0x180),
        (0x4c, 1),
        (340, 512),
        (344, u32::try_from(512 + map.len()).unwrap_or_default()),
        (360, 512),
        (376, 1 << 20),
        (384, blocks),
    ] {
        put(&mut image, at, &u32::to_le_bytes(number));
    }
    put(&mut image, 0x170, &size.to_le_bytes());
    put(&mut image, 392, &[9; 16]);
    image.resize(512, 0);
    image.extend(map);
    image
}

/// The beginning of an ISO 9660 image of 50 blocks.
#[must_use]
pub fn iso() -> Vec<u8> {
    let mut image = vec![0; 50 * 2048];
    put(&mut image, 0x8000, b"\x01CD001\x01");
    put(&mut image, 0x8000 + 80, &[50, 0, 0, 0, 0, 0, 0, 50]);
    put(&mut image, 0x8000 + 128, &[0, 8, 8, 0]);
    put(&mut image, 0x8800, b"\xffCD001\x01");
    image
}

/// `image` with a partition table at its beginning: an MBR with one partition, or a GPT behind a protective one.
#[must_use]
pub fn partitioned(mut image: Vec<u8>, gpt: bool) -> Vec<u8> {
    let entry = [0, 0, 2, 0, if gpt { 0xee } else { 0x83 }, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0xff, 7, 0, 0];
    put(&mut image, 446, &[entry, [0; 16], [0; 16], [0; 16]].concat());
    put(&mut image, 510, &[0x55, 0xaa]);
    if gpt {
        put(&mut image, 512, b"EFI PART\0\0\x01\0\x5c\0\0\0");
    }
    image
}
