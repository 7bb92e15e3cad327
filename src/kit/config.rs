//! The configuration's sections: every key, its meaning, its default.
//!
//! `config/cloudbox.toml` is these sections written out; a test in the root crate holds the two together.
//! Each service is handed its own section and reads nothing else.

mod api;
mod identity;
mod image;
mod network;
mod oidc;
mod operation;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use api::{AcmeConfig, ApiConfig, TlsConfig, TlsMode};
pub use identity::{IdentityConfig, LimitModel, LoginLimits, PasswordHashing, SecurityCompliance};
pub use image::{ImageConfig, ImageStore, WebDownloadConfig};
pub use network::{Lan, LanMistake, NetworkConfig, range as address_range};
pub use oidc::OidcConfig;
pub use operation::{LogConfig, LogFormat, MetricsAccess, MetricsConfig, RetentionConfig};

/// The whole configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the database, images, volumes and guests live; everything cloudbox writes is below it.
    pub data_dir: DataDir,
    /// Whether the kernel may write the process's memory to a file when it crashes, and debuggers may read it. There are
    /// passwords and keys in it.
    pub core_dumps: bool,
    /// Whether the host's clock is right even where the newest record in the database is from later.
    pub trust_clock: bool,
    /// The HTTP listener.
    pub api: ApiConfig,
    /// Who may do what.
    pub policy: PolicyConfig,
    /// What is put on record.
    pub audit: AuditConfig,
    /// How the log is written.
    pub log: LogConfig,
    /// Who may read the metrics.
    pub metrics: MetricsConfig,
    /// How long what is over is remembered.
    pub retention: RetentionConfig,
    /// The message bus.
    pub bus: BusConfig,
    /// Keystone.
    pub identity: IdentityConfig,
    /// Glance.
    pub image: ImageConfig,
    /// Neutron.
    pub network: NetworkConfig,
    /// Cinder.
    pub volume: VolumeConfig,
    /// Nova.
    pub compute: ComputeConfig,
}

/// A directory, `/var/lib/cloudbox` by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DataDir(pub PathBuf);

impl Default for DataDir {
    fn default() -> Self {
        Self(PathBuf::from("/var/lib/cloudbox"))
    }
}

/// Who may do what.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// The operator's policy file, in YAML. When empty: `policy.yaml` in the data directory, or else
    /// `/etc/cloudbox/policy.yaml`, where there is one.
    pub file: PathBuf,
}

/// What is put on record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// How many records are kept in the database.
    pub keep_rows: u64,
    /// How long a record is kept there, in days.
    pub keep_days: u64,
    /// A file that gets each record as a line of JSON, too. None when empty.
    pub file: PathBuf,
    /// The socket of a syslog daemon that gets each record, too: `/dev/log`. None when empty.
    pub syslog: PathBuf,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { keep_rows: 200_000, keep_days: 90, file: PathBuf::new(), syslog: PathBuf::new() }
    }
}

/// The message bus.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusConfig {
    /// How many messages a queue holds before its senders are told that it is busy.
    pub queue_length: usize,
    /// How long a call waits for its reply, in seconds.
    pub call_timeout_secs: u64,
    /// Whether every message goes through its bytes, as it would between two hosts. For tests.
    pub wire_checked: bool,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self { queue_length: 4096, call_timeout_secs: 60, wire_checked: false }
    }
}

/// Cinder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VolumeConfig {
    /// `file` or `fake`.
    pub driver: String,
    /// The volume type that a volume gets when none is asked for.
    pub default_type: String,
}

impl Default for VolumeConfig {
    fn default() -> Self {
        Self { driver: "file".to_owned(), default_type: "__DEFAULT__".to_owned() }
    }
}

/// Nova.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ComputeConfig {
    /// `fake`, `qemu:///system`, `qemu:///session` or `qemu:///embed?root=DIR`.
    pub hypervisor: String,
    /// `auto` (KVM where it works, else emulation), `kvm` or `qemu`.
    pub virt_type: String,
    /// This host's name. The kernel's host name when empty.
    pub host: String,
    /// How many virtual CPUs are sold per real one.
    pub cpu_allocation_ratio: f64,
    /// How much memory is sold per real byte.
    pub ram_allocation_ratio: f64,
    /// How much disk is sold per real byte.
    pub disk_allocation_ratio: f64,
    /// Memory kept for the host, in MiB.
    pub reserved_host_memory_mb: u64,
    /// How many guests are built at once on one host.
    pub build_concurrency: usize,
    /// How many hosts are tried before a build is given up.
    pub max_attempts: u32,
    /// How long a guest has to shut down when it is stopped or softly rebooted, in seconds.
    pub shutdown_timeout_secs: u64,
    /// A file of JSON that every guest is given as `vendor_data.json`, for cloud-init. None when empty.
    pub vendor_data_file: PathBuf,
}

impl Default for ComputeConfig {
    fn default() -> Self {
        Self {
            hypervisor: "qemu:///system".to_owned(),
            virt_type: "auto".to_owned(),
            host: String::new(),
            cpu_allocation_ratio: 4.0,
            ram_allocation_ratio: 1.0,
            disk_allocation_ratio: 1.0,
            reserved_host_memory_mb: 512,
            build_concurrency: 10,
            max_attempts: 3,
            shutdown_timeout_secs: 60,
            vendor_data_file: PathBuf::new(),
        }
    }
}
