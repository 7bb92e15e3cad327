//! `[image]`: Glance.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Glance.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageConfig {
    /// The largest image, in bytes.
    pub max_size_bytes: u64,
    /// The largest disk that an image may claim to hold, in bytes.
    pub max_virtual_size_bytes: u64,
    /// How many bytes may come out of each byte of a compressed image.
    pub max_decompression_ratio: u64,
    /// Whether an upload whose bytes do not match its `disk_format` is refused (415). Off, it is stored,
    /// and Nova refuses to boot it.
    pub enforce_format: bool,
    /// Stores beside `file`, which is in the data directory.
    pub stores: Vec<ImageStore>,
    /// The store of an image whose owner names none.
    pub default_store: String,
    /// The ways to import that are offered: `glance-direct`, `web-download`, `copy-image`.
    pub import_methods: Vec<String>,
    /// `qcow2` or `raw`: what imported images are converted to. Empty: they are kept as they come.
    pub convert_to: String,
    /// Whether imported images that are compressed are unpacked.
    pub decompress: bool,
    /// How many imports run at once.
    pub imports_at_once: usize,
    /// How much the image cache holds, in bytes.
    pub cache_max_size_bytes: u64,
    /// How long an import's task is kept once it is over, in hours.
    pub task_hours: u32,
    /// What may be imported from a URL.
    pub web_download: WebDownloadConfig,
}

impl Default for ImageConfig {
    fn default() -> Self {
        Self {
            max_size_bytes: 1 << 40,
            max_virtual_size_bytes: 16 << 40,
            max_decompression_ratio: 1000,
            enforce_format: true,
            stores: Vec::new(),
            default_store: "file".to_owned(),
            import_methods: ["glance-direct", "web-download", "copy-image"].map(str::to_owned).to_vec(),
            convert_to: String::new(),
            decompress: false,
            imports_at_once: 2,
            cache_max_size_bytes: 10 << 30,
            task_hours: 48,
            web_download: WebDownloadConfig::default(),
        }
    }
}

/// A directory for images' bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageStore {
    /// Its name in the API.
    pub id: String,
    /// The directory. It must be there: cloudbox does not make what may be a disk that is not mounted.
    pub path: PathBuf,
    /// For people.
    #[serde(default)]
    pub description: String,
}

/// What may be imported from a URL.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebDownloadConfig {
    /// The schemes that are allowed.
    pub allowed_schemes: Vec<String>,
    /// The only hosts that are allowed; none means all.
    pub allowed_hosts: Vec<String>,
    /// Hosts that are refused.
    pub disallowed_hosts: Vec<String>,
    /// The ports that are allowed; none means all.
    pub allowed_ports: Vec<u16>,
    /// Networks that are allowed although they are not the Internet's: a mirror at home.
    pub allowed_networks: Vec<IpNet>,
    /// The certificates that servers are trusted by. The system's when empty.
    pub ca_file: PathBuf,
    /// The most redirects.
    pub max_redirects: u32,
    /// The longest time without progress, in seconds.
    pub stall_secs: u64,
    /// How often in a row a connection that broke is taken up again without getting further.
    pub attempts: u32,
}

impl Default for WebDownloadConfig {
    fn default() -> Self {
        Self {
            allowed_schemes: vec!["http".to_owned(), "https".to_owned()],
            allowed_hosts: Vec::new(),
            disallowed_hosts: Vec::new(),
            allowed_ports: vec![80, 443],
            allowed_networks: Vec::new(),
            ca_file: PathBuf::new(),
            max_redirects: 5,
            stall_secs: 30,
            attempts: 5,
        }
    }
}
