//! What publishers offer: `config/images.toml` of this program, and the user's own files after it.
//!
//! Data only: what is where, who signs it, who logs in. [`pick`] finds the newest file of a directory, [`sums`] reads checksums, [`signature`] has
//! them verified, [`fetch`] gets the bytes.

pub mod fetch;
pub mod pick;
pub mod signature;
pub mod sums;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::problem::{Problem, Result};

/// What comes with the program.
static OWN: &str = include_str!("../../../../config/images.toml");

/// Where a key is fetched from when nobody says.
const KEYSERVER: &str = "https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&search=0x{fingerprint}";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "image")]
    images: Vec<Image>,
}

/// What starts a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Firmware {
    /// A BIOS.
    Bios,
    /// UEFI.
    Uefi,
}

/// The images of a publisher. The fields are explained in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    name: String,
    title: String,
    versions: Vec<Version>,
    architectures: BTreeMap<String, String>,
    directory: String,
    file: String,
    sums: String,
    signature: Option<String>,
    #[serde(default)]
    fingerprints: Vec<String>,
    key: Option<String>,
    distro: Option<String>,
    user: String,
    firmware: Firmware,
    min_disk: u64,
    min_ram: u64,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Version {
    version: Option<String>,
    codename: Option<String>,
}

/// One image that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is asked for by, first the name that it gets.
    pub names: Vec<String>,
    /// What it is.
    pub title: String,
    /// The processor that it runs on, as Linux calls it.
    pub architecture: String,
    /// Where its files are; ends with a slash.
    pub directory: String,
    /// Its file, or a pattern.
    pub file: String,
    /// The file of the sums, or a pattern.
    pub sums: String,
    /// Who signs them, and where that is.
    pub signed: Option<Signed>,
    /// Who logs in.
    pub user: String,
    /// The least disk, in GiB.
    pub min_disk: u64,
    /// The least memory, in MiB.
    pub min_ram: u64,
    /// What it says of itself in the cloud.
    pub properties: BTreeMap<String, String>,
}

/// How sums are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The signature's file; none where it is in the sums themselves.
    pub file: Option<String>,
    /// The keys that may have signed, by their fingerprints.
    pub fingerprints: Vec<String>,
    /// Where a key is fetched.
    pub key: String,
}

/// All that there is.
#[derive(Debug)]
pub struct Catalogue(Vec<Image>);

impl Catalogue {
    /// What comes with the program, and what the user has.
    ///
    /// # Errors
    /// When one of the user's files is not understood.
    pub fn load() -> Result<Self> {
        let mut catalogue = Self(parse(OWN, Path::new("config/images.toml"))?);
        let home = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")));
        let own = home.map(|home| home.join("cloudbox/images.toml"));
        for path in [Some(PathBuf::from("/etc/cloudbox/images.toml")), own].into_iter().flatten() {
            match std::fs::read_to_string(&path) {
                Ok(text) => catalogue.add(parse(&text, &path)?),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Problem::io(&format!("cannot read {}", path.display()), &error)),
            }
        }
        Ok(catalogue)
    }

    /// With the images of `file` alone before the others.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn with_file(mut self, path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| Problem::io(&format!("cannot read {}", path.display()), &error))?;
        self.add(parse(&text, path)?);
        Ok(self)
    }

    fn add(&mut self, images: Vec<Image>) {
        self.0.retain(|old| !images.iter().any(|new| new.name == old.name));
        self.0.extend(images);
    }

    /// All for `architecture`.
    #[must_use]
    pub fn entries(&self, architecture: &str) -> Vec<Entry> {
        self.0.iter().flat_map(|image| image.entries(architecture)).collect()
    }

    /// The one that is called `wanted`, for `architecture`.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, wanted: &str, architecture: &str) -> Result<Entry> {
        let named = |entry: &Entry| entry.names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        self.entries(architecture).into_iter().find(named).ok_or_else(|| {
            let other = self.0.iter().any(|image| {
                image.architectures.keys().any(|architecture| image.entries(architecture).iter().any(named))
            });
            if other {
                return Problem::not_found(format!("{wanted} is not there for {architecture}"))
                    .hint("--arch NAME asks for another processor");
            }
            Problem::not_found(format!("there is no {wanted} in the catalogue"))
                .hint("`cloudbox image catalog` lists it; `cloudbox image create NAME --url URL` takes any other")
        })
    }
}

fn parse(text: &str, path: &Path) -> Result<Vec<Image>> {
    let file: File = toml::from_str(text).map_err(|error| {
        Problem::usage(format!("{}: {}", path.display(), error.to_string().trim_end()))
            .hint("the form is that of config/images.toml")
    })?;
    for image in &file.images {
        let right = |text: &String| text.len() == 40 && text.chars().all(|digit| digit.is_ascii_hexdigit());
        if image.signature.is_some() == image.fingerprints.is_empty() || !image.fingerprints.iter().all(right) {
            return Err(Problem::usage(format!(
                "{}: {}: a signature needs fingerprints of 40 hexadecimal digits, and they a signature",
                path.display(),
                image.name
            )));
        }
    }
    Ok(file.images)
}

impl Image {
    fn entries(&self, architecture: &str) -> Vec<Entry> {
        let Some(arch) = self.architectures.get(architecture) else { return Vec::new() };
        let newest = |index: usize| (index == 0).then(|| self.name.clone());
        let entry = |(index, version): (usize, &Version)| self.entry(architecture, arch, version, newest(index));
        self.versions.iter().enumerate().map(entry).collect()
    }

    fn entry(&self, architecture: &str, arch: &str, version: &Version, newest: Option<String>) -> Entry {
        let number = version.version.as_deref().unwrap_or_default();
        let codename = version.codename.as_deref().unwrap_or_default();
        let put =
            |text: &str| text.replace("{version}", number).replace("{codename}", codename).replace("{arch}", arch);
        let named = |with: &Option<String>| with.as_ref().map(|with| format!("{}-{with}", self.name));
        let names = [named(&version.version), named(&version.codename), newest].into_iter().flatten();
        let signed = self.signature.as_ref().map(|signature| Signed {
            file: (signature != "inline").then(|| put(signature)),
            fingerprints: self.fingerprints.iter().map(|text| text.to_ascii_uppercase()).collect(),
            key: put(self.key.as_deref().unwrap_or(KEYSERVER)),
        });
        Entry {
            names: names.collect(),
            title: format!("{} {number} {codename}", self.title).trim_end().to_owned(),
            architecture: architecture.to_owned(),
            directory: format!("{}/", put(&self.directory).trim_end_matches('/')),
            file: put(&self.file),
            sums: put(&self.sums),
            signed,
            user: self.user.clone(),
            min_disk: self.min_disk,
            min_ram: self.min_ram,
            properties: self.said(architecture, number),
        }
    }

    /// What an image of it says of itself: in the words of OpenStack's common properties.
    fn said(&self, architecture: &str, version: &str) -> BTreeMap<String, String> {
        let firmware = match self.firmware {
            Firmware::Bios => "bios",
            Firmware::Uefi => "uefi",
        };
        let all = [
            ("os_distro", self.distro.as_deref().unwrap_or(&self.name)),
            ("os_version", version),
            ("os_admin_user", &self.user),
            ("architecture", architecture),
            ("hw_firmware_type", firmware),
        ];
        let all = all.into_iter().filter(|(_, value)| !value.is_empty());
        let all = all.map(|(key, value)| (key.to_owned(), value.to_owned()));
        all.chain(self.properties.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Catalogue {
        Catalogue(parse(OWN, Path::new("images.toml")).unwrap())
    }

    #[test]
    fn what_comes_with_the_program_is_whole() {
        let entries = own().entries("x86_64");
        let mut names: Vec<&str> = entries.iter().flat_map(|entry| &entry.names).map(String::as_str).collect();
        for wanted in [
            "debian-13",
            "ubuntu-noble",
            "fedora",
            "almalinux-9",
            "rocky-10",
            "alpine",
            "arch",
            "opensuse-leap",
            "freebsd",
            "cirros-0.6.3",
        ] {
            assert!(names.contains(&wanted), "{wanted}: {names:?}");
        }
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "each name is of one image");
        for entry in &entries {
            let texts = [&entry.directory, &entry.file, &entry.sums];
            assert!(entry.directory.starts_with("https://"), "{entry:?}");
            assert!(texts.iter().all(|text| !text.replace("{file}", "").contains('{')), "{entry:?}");
        }
    }

    #[test]
    fn a_name_a_version_or_a_codename_finds_it() {
        let found = |wanted: &str| own().find(wanted, "aarch64").map(|entry| entry.names.concat());
        for wanted in ["debian", "debian-13", "Debian-Trixie"] {
            assert_eq!(found(wanted).unwrap(), "debian-13debian-trixiedebian");
        }
        assert_eq!(found("arch").unwrap_err().text, "arch is not there for aarch64");
        assert!(found("dos").unwrap_err().hint.unwrap().contains("image catalog"));
        let debian = own().find("debian-12", "x86_64").unwrap();
        assert_eq!(
            debian.directory + &debian.file,
            "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2"
        );
        assert_eq!(debian.properties["os_version"], "12");
    }

    #[test]
    fn the_users_own_takes_the_place_of_ours() {
        let mine = r#"[[image]]
            name = "debian"
            title = "Mine"
            versions = [{ version = "1" }]
            architectures = { x86_64 = "x" }
            directory = "http://mirror"
            file = "f"
            sums = "s"
            user = "me"
            firmware = "uefi"
            min_disk = 1
            min_ram = 1"#;
        let mut catalogue = own();
        catalogue.add(parse(mine, Path::new("mine")).unwrap());
        assert_eq!(catalogue.find("debian", "x86_64").unwrap().title, "Mine 1");
        assert!(catalogue.find("debian-13", "x86_64").is_err());
        assert!(catalogue.find("ubuntu", "x86_64").is_ok());
        let unsigned = mine.replace("user =", "signature = \"s.asc\"\nuser =");
        assert!(parse(&unsigned, Path::new("mine")).unwrap_err().text.contains("needs fingerprints"));
        assert!(parse("[[image]]\nnam = 1", Path::new("mine")).unwrap_err().text.starts_with("mine: "));
    }
}
