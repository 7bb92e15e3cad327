//! The tree's bytes, in the order in which they are on the disc.

use kit::Timestamp;

use super::tree::{Directory, Entry, Node, Tree};
use super::{IsoError, SECTOR};

/// The first sector after the descriptors.
const AFTER_DESCRIPTORS: usize = 19;
/// Says that the supplementary descriptor's names are UCS-2, level 3.
const JOLIET: &[u8] = b"%/E";

/// Which of the two name spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Short,
    Joliet,
}
use Names::{Joliet, Short};

impl Names {
    fn of(self, short: &str, name: &str, is_file: bool) -> Vec<u8> {
        match self {
            Short if is_file => format!("{short};1").into_bytes(),
            Short => short.as_bytes().to_vec(),
            Joliet => name.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

/// Where everything begins, in sectors.
struct Places {
    path_tables: [usize; 4],
    directories: [Vec<usize>; 2],
    files: Vec<usize>,
    end: usize,
}

struct Image<'t> {
    tree: &'t Tree<'t>,
    date: [u8; 7],
    places: Places,
}

/// The image of `tree`.
pub(super) fn image(label: &str, at: Timestamp, tree: &Tree<'_>) -> Result<Vec<u8>, IsoError> {
    let empty = Places { path_tables: [0; 4], directories: [Vec::new(), Vec::new()], files: Vec::new(), end: 0 };
    let mut image = Image { tree, date: date(at), places: empty };
    image.places = image.plan();
    if u32::try_from(image.places.end).is_err() {
        return Err(IsoError::TooLarge);
    }
    Ok(image.bytes(label))
}

impl Image<'_> {
    /// Lays everything out. Sizes do not depend on where things are.
    fn plan(&self) -> Places {
        let mut next = AFTER_DESCRIPTORS;
        let mut take = |bytes: usize| {
            let at = next;
            next += bytes.div_ceil(SECTOR).max(1);
            at
        };
        let tables = [Short, Joliet].map(|names| self.path_table(names, u32::to_le_bytes, u16::to_le_bytes).len());
        let [short, joliet] = tables;
        let path_tables = [take(short), take(short), take(joliet), take(joliet)];
        let directories = [Short, Joliet].map(|names| {
            let sizes: Vec<usize> =
                self.tree.directories.iter().map(|directory| self.directory(names, directory).len()).collect();
            sizes.into_iter().map(&mut take).collect()
        });
        let files = self.tree.files.iter().map(|content| take(content.len())).collect();
        Places { path_tables, directories, files, end: next }
    }

    fn bytes(&self, label: &str) -> Vec<u8> {
        let mut out = vec![0; self.places.end * SECTOR];
        let mut put = |sector: usize, bytes: &[u8]| {
            if let Some(place) = out.get_mut(sector * SECTOR..sector * SECTOR + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        put(16, &self.descriptor(Short, label));
        put(17, &self.descriptor(Joliet, label));
        put(18, b"\xffCD001\x01");
        for (names, tables) in [Short, Joliet].into_iter().zip(self.places.path_tables.chunks(2)) {
            for (at, table) in tables.iter().zip([
                self.path_table(names, u32::to_le_bytes, u16::to_le_bytes),
                self.path_table(names, u32::to_be_bytes, u16::to_be_bytes),
            ]) {
                put(*at, &table);
            }
        }
        for (names, places) in [Short, Joliet].into_iter().zip(&self.places.directories) {
            for (at, directory) in places.iter().zip(&self.tree.directories) {
                put(*at, &self.directory(names, directory));
            }
        }
        for (at, content) in self.places.files.iter().zip(&self.tree.files) {
            put(*at, content);
        }
        out
    }

    fn directory_place(&self, names: Names, number: usize) -> usize {
        let [short, joliet] = &self.places.directories;
        let places = if names == Short { short } else { joliet };
        places.get(number).copied().unwrap_or_default()
    }

    fn file_place(&self, number: usize) -> usize {
        self.places.files.get(number).copied().unwrap_or_default()
    }

    fn descriptor(&self, names: Names, label: &str) -> Vec<u8> {
        let mut out = vec![if names == Short { 1 } else { 2 }];
        out.extend(b"CD001\x01\x00");
        text(&mut out, names, "LINUX", 32);
        text(&mut out, names, label, 32);
        out.extend([0; 8]);
        both32(&mut out, self.places.end);
        let mut escapes = [0; 32];
        if names == Joliet {
            escapes.iter_mut().zip(JOLIET).for_each(|(place, byte)| *place = *byte);
        }
        out.extend(escapes);
        both16(&mut out, 1);
        both16(&mut out, 1);
        both16(&mut out, SECTOR);
        let table = self.path_table(names, u32::to_le_bytes, u16::to_le_bytes).len();
        both32(&mut out, table);
        let [short_little, short_big, joliet_little, joliet_big] = self.places.path_tables;
        let (little, big) = if names == Short { (short_little, short_big) } else { (joliet_little, joliet_big) };
        out.extend(number(little).to_le_bytes());
        out.extend([0; 4]);
        out.extend(number(big).to_be_bytes());
        out.extend([0; 4]);
        if let Some(root) = self.tree.directories.first() {
            out.extend(self.record(self.directory_place(names, 0), self.directory(names, root).len(), true, &[0]));
        }
        for width in [128, 128, 128, 128, 37, 37, 37] {
            text(&mut out, names, "", width);
        }
        for _ in 0..4 {
            out.extend(b"0000000000000000\0");
        }
        out.extend([1, 0]);
        out.resize(SECTOR, 0);
        out
    }

    fn path_table(&self, names: Names, wide: impl Fn(u32) -> [u8; 4], narrow: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, directory) in self.tree.directories.iter().enumerate() {
            let name = if index == 0 { vec![0] } else { names.of(&directory.short, &directory.name, false) };
            out.extend([u8::try_from(name.len()).unwrap_or(u8::MAX), 0]);
            out.extend(wide(number(self.directory_place(names, index))));
            out.extend(narrow(u16::try_from(directory.parent + 1).unwrap_or(u16::MAX)));
            out.extend(&name);
            if name.len() % 2 == 1 {
                out.push(0);
            }
        }
        out
    }

    /// A directory's sectors. No record crosses from one into the next.
    fn directory(&self, names: Names, directory: &Directory<'_>) -> Vec<u8> {
        let own = self.tree.directories.iter().position(|other| std::ptr::eq(other, directory)).unwrap_or(0);
        let size = |number: usize| self.directory_size(names, number);
        let mut out = self.record(self.directory_place(names, own), size(own), true, &[0]);
        out.extend(self.record(self.directory_place(names, directory.parent), size(directory.parent), true, &[1]));
        for (name, entry) in sorted(names, directory) {
            let record = match entry.node {
                Node::Directory(child) => self.record(self.directory_place(names, child), size(child), true, &name),
                Node::File(file, content) => self.record(self.file_place(file), content.len(), false, &name),
            };
            let used = out.len() % SECTOR;
            if used + record.len() > SECTOR {
                out.resize(out.len() + SECTOR - used, 0);
            }
            out.extend(record);
        }
        out.resize(out.len().div_ceil(SECTOR) * SECTOR, 0);
        out
    }

    /// A directory's size in bytes, in whole sectors, from the lengths of its names.
    fn directory_size(&self, names: Names, number: usize) -> usize {
        let Some(directory) = self.tree.directories.get(number) else { return 0 };
        let mut size = 2 * record_length(1);
        for (name, _) in sorted(names, directory) {
            let length = record_length(name.len());
            if size % SECTOR + length > SECTOR {
                size = size.div_ceil(SECTOR) * SECTOR;
            }
            size += length;
        }
        size.div_ceil(SECTOR) * SECTOR
    }

    fn record(&self, sector: usize, size: usize, is_directory: bool, name: &[u8]) -> Vec<u8> {
        let length = record_length(name.len());
        let mut out = vec![u8::try_from(length).unwrap_or(u8::MAX), 0];
        both32(&mut out, sector);
        both32(&mut out, size);
        out.extend(self.date);
        out.extend([if is_directory { 2 } else { 0 }, 0, 0]);
        both16(&mut out, 1);
        out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        out.extend(name);
        out.resize(length, 0);
        out
    }
}

fn sorted<'d, 'f>(names: Names, directory: &'d Directory<'f>) -> Vec<(Vec<u8>, &'d Entry<'f>)> {
    let name = |entry: &Entry<'_>| names.of(&entry.short, &entry.name, matches!(entry.node, Node::File(..)));
    let mut entries: Vec<_> = directory.entries.iter().map(|entry| (name(entry), entry)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries
}

/// Of a directory record with a name of `name` bytes: an even number.
fn record_length(name: usize) -> usize {
    (33 + name).next_multiple_of(2)
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A number in both byte orders.
fn both32(out: &mut Vec<u8>, value: usize) {
    out.extend(number(value).to_le_bytes());
    out.extend(number(value).to_be_bytes());
}

fn both16(out: &mut Vec<u8>, value: usize) {
    let value = u16::try_from(value).unwrap_or(u16::MAX);
    out.extend(value.to_le_bytes());
    out.extend(value.to_be_bytes());
}

/// A field of `width` bytes, filled up with spaces.
fn text(out: &mut Vec<u8>, names: Names, value: &str, width: usize) {
    let end = out.len() + width;
    match names {
        Short => {
            out.extend(value.bytes().take(width));
            out.resize(end, b' ');
        }
        Joliet => {
            out.extend(value.encode_utf16().take(width / 2).flat_map(u16::to_be_bytes));
            while out.len() + 1 < end {
                out.extend([0, b' ']);
            }
            out.resize(end, 0);
        }
    }
}

/// Years since 1900, month, day, hour, minute, second, and no offset.
fn date(at: Timestamp) -> [u8; 7] {
    let at = jiff::tz::TimeZone::UTC.to_datetime(at);
    let year = u8::try_from(at.year() - 1900).unwrap_or_default();
    let small = |value: i8| u8::try_from(value).unwrap_or_default();
    [year, small(at.month()), small(at.day()), small(at.hour()), small(at.minute()), small(at.second()), 0]
}
