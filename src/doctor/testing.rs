//! A host that is what a test says.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use kit::Timestamp;

use super::facts::{Facts, Known, Ran, Space};

/// A host with nothing on it but what is given.
#[derive(Debug, Clone, Default)]
pub struct Fake {
    pub kvm: Option<String>,
    pub listen: Option<io::ErrorKind>,
    pub space: Option<Space>,
    pub file_system: Option<(String, bool)>,
    pub database: Option<Result<(), String>>,
    pub known: Option<Known>,
    pub certificate: Option<Result<(Timestamp, Timestamp), String>>,
    pub files: BTreeMap<PathBuf, String>,
    pub directories: BTreeMap<PathBuf, Vec<String>>,
    pub programs: BTreeMap<String, Ran>,
}

impl Fake {
    /// With a file.
    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.to_owned());
        self
    }

    /// With names in a directory.
    pub fn directory(mut self, path: &str, names: &[&str]) -> Self {
        self.directories.insert(path.into(), names.iter().map(|name| (*name).to_owned()).collect());
        self
    }

    /// With a program that always ends so and prints this.
    pub fn ran(mut self, program: &str, ok: bool, text: &str) -> Self {
        self.programs.insert(program.to_owned(), Ran { ok, stdout: text.to_owned(), stderr: String::new() });
        self
    }
}

impl Facts for Fake {
    fn is_root(&self) -> bool {
        true
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn names(&self, directory: &Path) -> Vec<String> {
        self.directories.get(directory).cloned().unwrap_or_default()
    }

    fn run(&self, program: &str, _: &[&str]) -> Option<Ran> {
        self.programs.get(program).cloned()
    }

    fn kvm_obstacle(&self) -> Option<String> {
        self.kvm.clone()
    }

    fn listen(&self, _: SocketAddr) -> io::Result<()> {
        self.listen.map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn space(&self, _: &Path) -> Option<Space> {
        self.space
    }

    fn file_system(&self, _: &Path) -> Option<(String, bool)> {
        self.file_system.clone()
    }

    fn database(&self, _: &Path) -> Option<Result<(), String>> {
        self.database.clone()
    }

    fn known(&self, _: &Path) -> Option<Known> {
        self.known.clone()
    }

    fn certificate(&self, _: &Path) -> Option<Result<(Timestamp, Timestamp), String>> {
        self.certificate.clone()
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}
