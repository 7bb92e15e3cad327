//! `[api]`: the listener of all APIs, its limits, and how it is encrypted.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The HTTP listener and its limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Address and port of all APIs.
    pub listen: SocketAddr,
    /// The URL that clients reach it by, without a path; what the catalog says. Made from `listen` when empty.
    pub public_url: String,
    /// The region's name in the catalog.
    pub region: String,
    /// The most connections at once.
    pub max_connections: usize,
    /// The longest time to receive a request's head, in seconds.
    pub header_timeout_secs: u64,
    /// The longest time to receive a (JSON) body and to answer, in seconds.
    pub request_timeout_secs: u64,
    /// The largest JSON body, in bytes.
    pub max_body_bytes: usize,
    /// How it is encrypted.
    pub tls: TlsConfig,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 8774)),
            public_url: String::new(),
            region: "RegionOne".to_owned(),
            max_connections: 1024,
            header_timeout_secs: 20,
            request_timeout_secs: 60,
            max_body_bytes: 1024 * 1024,
            tls: TlsConfig::default(),
        }
    }
}

impl ApiConfig {
    /// Whether the APIs are spoken to by https.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        let configured = !self.tls.certificate.as_os_str().is_empty() || !self.tls.acme.domains.is_empty();
        match self.tls.mode {
            TlsMode::On => true,
            TlsMode::Off => false,
            TlsMode::Auto => configured || !self.listen.ip().is_loopback(),
        }
    }
}

/// `[api.tls]`: where the certificate comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// Whether there is TLS.
    pub mode: TlsMode,
    /// Whether `off` is meant, where others than this host can reach the port.
    pub allow_plain_http: bool,
    /// A file with the certificate and those between it and its authority, in PEM. One of cloudbox's own authority when empty.
    pub certificate: PathBuf,
    /// A file with the key of `certificate`, in PEM.
    pub key: PathBuf,
    /// A file with the authority that clients trust `certificate` by; named in `clouds.yaml`. The system's when empty.
    pub ca_file: PathBuf,
    /// More names and addresses of this host for a certificate of cloudbox's own authority.
    pub names: Vec<String>,
    /// How many handshakes are gone through at once.
    pub max_handshakes: usize,
    /// How long one may take, in seconds.
    pub handshake_timeout_secs: u64,
    /// A public authority that certificates are had from.
    pub acme: AcmeConfig,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            mode: TlsMode::Auto,
            allow_plain_http: false,
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            ca_file: PathBuf::new(),
            names: Vec::new(),
            max_handshakes: 256,
            handshake_timeout_secs: 10,
            acme: AcmeConfig::default(),
        }
    }
}

/// Whether there is TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    /// Where a certificate is configured, or others than this host can reach the port.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// `[api.tls.acme]`: an authority that speaks ACME (RFC 8555), such as Let's Encrypt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AcmeConfig {
    /// The names to certify. Without any, there is no ACME.
    pub domains: Vec<String>,
    /// The authority's directory.
    pub directory: String,
    /// Where it can write to: `mailto:` URLs.
    pub contacts: Vec<String>,
    /// Whether its terms of service are agreed to.
    pub accept_terms: bool,
    /// Where its questions (http-01) are answered. It asks at port 80.
    pub listen: SocketAddr,
    /// A file with the certificates that the directory is trusted by. The system's when empty.
    pub directory_ca_file: PathBuf,
}

impl Default for AcmeConfig {
    fn default() -> Self {
        Self {
            domains: Vec::new(),
            directory: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            contacts: Vec::new(),
            accept_terms: false,
            listen: SocketAddr::from(([0, 0, 0, 0], 80)),
            directory_ca_file: PathBuf::new(),
        }
    }
}
