//! Files made into directories, in the order in which both name spaces want them.

use std::collections::BTreeMap;

use super::IsoError;

/// The longest name that Joliet can say.
const NAME_MAX: usize = 64;
/// How deep directories may be: the standard's eight levels with the root.
const DEPTH_MAX: usize = 8;

/// A directory. The root is number 0; a directory comes after its parent, and all of one level before the next.
#[derive(Debug)]
pub(super) struct Directory<'f> {
    /// Its name; empty for the root.
    pub name: String,
    /// Its name in the standard's letters.
    pub short: String,
    /// The number of its parent; the root is its own.
    pub parent: usize,
    /// What is in it.
    pub entries: Vec<Entry<'f>>,
}

/// What a directory holds.
#[derive(Debug)]
pub(super) struct Entry<'f> {
    /// Its name.
    pub name: String,
    /// Its name in the standard's letters.
    pub short: String,
    /// What it is.
    pub node: Node<'f>,
}

/// A directory's number, or a file's contents and number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Node<'f> {
    /// The directory with this number.
    Directory(usize),
    /// The file with this number.
    File(usize, &'f [u8]),
}

/// All of it.
#[derive(Debug)]
pub(super) struct Tree<'f> {
    /// The directories by number.
    pub directories: Vec<Directory<'f>>,
    /// The files by number.
    pub files: Vec<&'f [u8]>,
}

#[derive(Default)]
struct Raw<'f> {
    directories: BTreeMap<String, Raw<'f>>,
    files: BTreeMap<String, &'f [u8]>,
}

impl<'f> Tree<'f> {
    /// The tree of `files`.
    pub fn new(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Result<Self, IsoError> {
        let mut root = Raw::default();
        for (path, content) in files {
            insert(&mut root, path, content).ok_or_else(|| IsoError::Path(path.to_owned()))?;
        }
        let mut tree = Self { directories: Vec::new(), files: Vec::new() };
        let top = Directory { name: String::new(), short: String::new(), parent: 0, entries: Vec::new() };
        tree.directories.push(top);
        let mut level = vec![(0, root)];
        while !level.is_empty() {
            let mut next = Vec::new();
            for (number, raw) in level {
                tree.add(number, raw, &mut next);
            }
            level = next;
        }
        Ok(tree)
    }

    /// Puts `raw` into the directory `number`; its own directories are left in `next`.
    fn add(&mut self, number: usize, raw: Raw<'f>, next: &mut Vec<(usize, Raw<'f>)>) {
        let mut entries = Vec::new();
        let mut taken: Vec<String> = Vec::new();
        for (name, inner) in raw.directories {
            let short = short_name(&name, false, &taken);
            taken.push(short.clone());
            let child = self.directories.len();
            let directory = Directory { name: name.clone(), short: short.clone(), parent: number, entries: Vec::new() };
            self.directories.push(directory);
            next.push((child, inner));
            entries.push(Entry { name, short, node: Node::Directory(child) });
        }
        for (name, content) in raw.files {
            let short = short_name(&name, true, &taken);
            taken.push(short.clone());
            entries.push(Entry { name, short, node: Node::File(self.files.len(), content) });
            self.files.push(content);
        }
        if let Some(directory) = self.directories.get_mut(number) {
            directory.entries = entries;
        }
    }
}

/// Puts a file at `path`; nothing where that is no path.
fn insert<'f>(root: &mut Raw<'f>, path: &str, content: &'f [u8]) -> Option<()> {
    let parts: Vec<&str> = path.split('/').collect();
    let (file, directories) = parts.split_last()?;
    let good = |part: &&str| {
        let forbidden = |c: char| c.is_control() || "*/:;?\\".contains(c);
        !part.is_empty()
            && **part != *"."
            && **part != *".."
            && part.encode_utf16().count() <= NAME_MAX
            && !part.contains(forbidden)
    };
    if parts.len() > DEPTH_MAX || !parts.iter().all(good) {
        return None;
    }
    let mut place = root;
    for directory in directories {
        if place.files.contains_key(*directory) {
            return None;
        }
        place = place.directories.entry((*directory).to_owned()).or_default();
    }
    if place.directories.contains_key(*file) {
        return None;
    }
    place.files.insert((*file).to_owned(), content);
    Some(())
}

/// `META_DAT.JSO` of `meta_data.json`, with a number where that is taken.
fn short_name(name: &str, is_file: bool, taken: &[String]) -> String {
    let letters = |text: &str, most: usize| -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        text.chars().map(plain).take(most).collect()
    };
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if is_file => (stem, letters(extension, 3)),
        _ => (name, String::new()),
    };
    let whole = |stem: &str| if is_file { format!("{stem}.{extension}") } else { stem.to_owned() };
    let first = whole(&letters(stem, 8));
    if !taken.contains(&first) {
        return first;
    }
    (1_u32..)
        .map(|number| whole(&format!("{}{number:03}", letters(stem, 5))))
        .find(|name| !taken.contains(name))
        .unwrap_or(first)
}
