//! A certificate with its key: read from PEM, checked, and what it says of itself.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kit::Timestamp;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// What is in it is no certificate, or no key.
    #[error("{path}: {reason}")]
    Content {
        /// In which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It has ended.
    #[error("the certificate in {path} ended at {ended}: put a new one there")]
    Ended {
        /// In which file.
        path: PathBuf,
        /// When.
        ended: Timestamp,
    },
    /// It has not begun. Or the clock is wrong.
    #[error(
        "the certificate in {path} begins at {begins}, and it is {now} by this host's clock: set the clock (`timedatectl`), or wait"
    )]
    Early {
        /// In which file.
        path: PathBuf,
        /// When.
        begins: Timestamp,
        /// What the clock says.
        now: Timestamp,
    },
}

impl CertificateError {
    pub(super) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    pub(super) fn content(path: &Path, reason: impl ToString) -> Self {
        Self::Content { path: path.to_owned(), reason: reason.to_string() }
    }

    /// Whether the clock may be what is wrong.
    #[must_use]
    pub fn is_of_the_clock(&self) -> bool {
        matches!(self, Self::Early { .. })
    }
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    /// Both, as they are shown to clients.
    pub key: Arc<CertifiedKey>,
    pub begins: Timestamp,
    pub ends: Timestamp,
    /// The names and addresses that it is for.
    pub names: BTreeSet<String>,
}

impl Certificate {
    /// Reads the certificate (and those above it) of `chain` and the key of `key`; the two may be one file.
    pub(super) fn read(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let bytes = |path: &Path| std::fs::read(path).map_err(|source| CertificateError::file(path, source));
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes(chain)?)
            .collect::<Result<_, _>>()
            .map_err(|error| CertificateError::content(chain, error))?;
        let leaf = certificates.first().cloned();
        let leaf = leaf.ok_or_else(|| CertificateError::content(chain, "there is no certificate in it (PEM)"))?;
        let private = PrivateKeyDer::from_pem_slice(&bytes(key)?)
            .map_err(|_| CertificateError::content(key, "there is no key in it (PEM, not encrypted)"))?;
        let pair = CertifiedKey::from_der(certificates, private, &default_provider());
        let pair = pair.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => CertificateError::content(
                key,
                format!("this key is not that of the certificate in {}", chain.display()),
            ),
            other => CertificateError::content(key, other),
        })?;
        Self::of(Arc::new(pair), &leaf).map_err(|reason| CertificateError::content(chain, reason))
    }

    fn of(key: Arc<CertifiedKey>, leaf: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|error| error.to_string())?;
        let validity = parsed.validity();
        let time = |seconds| Timestamp::from_second(seconds).map_err(|error| error.to_string());
        let alternatives = parsed.subject_alternative_name().map_err(|error| error.to_string())?;
        let names = alternatives.iter().flat_map(|all| &all.value.general_names).filter_map(name).collect();
        Ok(Self {
            key,
            begins: time(validity.not_before.timestamp())?,
            ends: time(validity.not_after.timestamp())?,
            names,
        })
    }

    /// That it is good at `now`; `path` is where it is.
    pub(super) fn check(&self, path: &Path, now: Timestamp) -> Result<(), CertificateError> {
        if now < self.begins {
            return Err(CertificateError::Early { path: path.to_owned(), begins: self.begins, now });
        }
        if now >= self.ends {
            return Err(CertificateError::Ended { path: path.to_owned(), ended: self.ends });
        }
        Ok(())
    }

    /// Whether it is for `name`, as a client asks for it.
    pub(super) fn is_for(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let above = name.split_once('.').map(|(_, above)| format!("*.{above}"));
        self.names.contains(&name) || above.is_some_and(|above| self.names.contains(&above))
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => None,
        },
        _ => None,
    }
}
