//! cloudbox's own authority: made at the first start, and what it certifies.
//!
//! `ca.key` holds the authority's key and certificate, in one file so that a crash cannot part them; `ca.pem` is the certificate
//! alone, for clients, and is made from it again wherever it differs.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use kit::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use time::OffsetDateTime;

use super::certificate::{Certificate, CertificateError};
use crate::clouds::replace;

const DAY: i64 = 24 * 3600;
/// How long the authority is good for.
const AUTHORITY: i64 = 3650 * DAY;
/// How long what it certifies is good for. It must be made anew well before the authority ends.
const CERTIFICATE: i64 = 90 * DAY;
/// How far before its end it is made anew.
const RENEW: i64 = 30 * DAY;
/// How far clients' clocks may be behind.
const TOLERANCE: i64 = 3600;

/// The authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// What clients trust.
    pem: String,
    directory: PathBuf,
}

impl Authority {
    /// The one in `directory`, made where there is none or where it ends before what it would certify; `host` names it.
    pub(super) fn open(directory: &Path, host: &str, now: Timestamp) -> Result<Self, CertificateError> {
        let path = directory.join("ca.key");
        let kept = path.exists().then(|| Certificate::read(&path, &path)).transpose()?;
        if let Some(kept) = &kept
            && now < kept.begins
        {
            return Err(CertificateError::Early { path, begins: kept.begins, now });
        }
        let lasts = kept.is_some_and(|kept| kept.ends.as_second() > now.as_second() + CERTIFICATE);
        if !lasts {
            let made = make(host, now).map_err(|error| CertificateError::content(&path, error))?;
            replace(&path, &made, 0o600).map_err(|source| CertificateError::file(&path, source))?;
            tracing::info!(file = %directory.join("ca.pem").display(), "a certificate authority was made: clients trust it by this file");
        }
        let both = std::fs::read_to_string(&path).map_err(|source| CertificateError::file(&path, source))?;
        let pem = both.find("-----BEGIN CERTIFICATE").and_then(|at| both.get(at..)).unwrap_or_default().to_owned();
        let issuer = KeyPair::from_pem(&both).and_then(|key| Issuer::from_ca_cert_pem(&pem, key));
        let issuer = issuer.map_err(|error| CertificateError::content(&path, error))?;
        let authority = Self { issuer, pem, directory: directory.to_owned() };
        let public = authority.file();
        if std::fs::read_to_string(&public).ok().as_ref() != Some(&authority.pem) {
            replace(&public, &authority.pem, 0o644).map_err(|source| CertificateError::file(&public, source))?;
        }
        Ok(authority)
    }

    /// The file that clients trust it by.
    pub(super) fn file(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// A certificate for `names`: the one that is there where it is still good for them, else a new one.
    pub(super) fn certify(&self, names: &BTreeSet<String>, now: Timestamp) -> Result<Certificate, CertificateError> {
        let path = self.directory.join("server.pem");
        if let Ok(kept) = Certificate::read(&path, &path)
            && is_good(&kept, names, now)
            && self.made(&kept)
        {
            return Ok(kept);
        }
        let made = self.issue(names, now).map_err(|error| CertificateError::content(&path, error))?;
        replace(&path, &made, 0o600).map_err(|source| CertificateError::file(&path, source))?;
        tracing::info!(names = %names.iter().cloned().collect::<Vec<_>>().join(" "), "a certificate was made");
        Certificate::read(&path, &path)
    }

    /// Whether `certificate` comes with this authority's.
    fn made(&self, certificate: &Certificate) -> bool {
        use rustls::pki_types::pem::PemObject as _;
        let own = rustls::pki_types::CertificateDer::from_pem_slice(self.pem.as_bytes()).ok();
        own.is_some() && certificate.key.cert.last() == own.as_ref()
    }

    /// Key, certificate and the authority's, in PEM.
    fn issue(&self, names: &BTreeSet<String>, now: Timestamp) -> Result<String, rcgen::Error> {
        let mut params = CertificateParams::default();
        let first = names.iter().find(|name| name.parse::<IpAddr>().is_err()).map_or("cloudbox", String::as_str);
        params.distinguished_name = called(first);
        params.subject_alt_names = names.iter().map(|name| alternative(name)).collect::<Result<_, _>>()?;
        params.not_before = at(now.as_second() - TOLERANCE);
        params.not_after = at(now.as_second() + CERTIFICATE);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(key.serialize_pem() + &certificate.pem() + &self.pem)
    }
}

/// Whether `certificate` can be shown at `now` for `names`, and for a while.
fn is_good(certificate: &Certificate, names: &BTreeSet<String>, now: Timestamp) -> bool {
    names.is_subset(&certificate.names)
        && certificate.begins <= now
        && certificate.ends.as_second() > now.as_second() + RENEW
}

/// A new authority: its key and certificate, in PEM.
fn make(host: &str, now: Timestamp) -> Result<String, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = called(&format!("cloudbox at {host}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = at(now.as_second() - DAY);
    params.not_after = at(now.as_second() + AUTHORITY);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(key.serialize_pem() + &certificate.pem())
}

fn called(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    // X.520 allows no more.
    names.push(DnType::CommonName, name.chars().take(64).collect::<String>());
    names
}

fn alternative(name: &str) -> Result<SanType, rcgen::Error> {
    Ok(match name.parse() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.try_into()?),
    })
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn later(days: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + days * DAY).unwrap()
    }

    #[test]
    fn a_certificate_is_kept_until_it_ends_soon_or_lacks_a_name() {
        let directory = tempfile::tempdir().unwrap();
        let open = |day| Authority::open(directory.path(), "box", later(day)).unwrap();
        let authority = open(0);
        let first = authority.certify(&names(&["box", "192.0.2.7", "2001:db8::7"]), later(0)).unwrap();
        assert_eq!(first.names, names(&["box", "192.0.2.7", "2001:db8::7"]));
        let serial = |certificate: &Certificate| certificate.key.cert.first().unwrap().to_vec();
        let again = open(59).certify(&names(&["192.0.2.7"]), later(59)).unwrap();
        assert_eq!(serial(&first), serial(&again), "an address that has gone is no reason");
        let renewed = open(61).certify(&names(&["192.0.2.7"]), later(61)).unwrap();
        assert_ne!(serial(&first), serial(&renewed));
        assert_eq!(first.key.cert.last(), renewed.key.cert.last(), "the authority stays");
        let moved = open(61).certify(&names(&["192.0.2.8"]), later(61)).unwrap();
        assert_eq!(moved.names, names(&["192.0.2.8"]));
        for (file, mode) in [("ca.key", 0o600), ("server.pem", 0o600), ("ca.pem", 0o644)] {
            let about = std::fs::metadata(directory.path().join(file)).unwrap();
            assert_eq!(about.permissions().mode() & 0o777, mode, "{file}");
        }
        let public = std::fs::read_to_string(directory.path().join("ca.pem")).unwrap();
        assert!(!public.contains("KEY"), "{public}");
    }

    #[test]
    fn an_authority_that_ends_is_replaced_with_all_that_it_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let authority = Authority::open(directory.path(), "box", later(0)).unwrap();
        authority.certify(&names(&["box"]), later(0)).unwrap();
        let first = std::fs::read_to_string(&path).unwrap();
        let late = later(3600);
        let second = Authority::open(directory.path(), "box", late).unwrap();
        assert_ne!(std::fs::read_to_string(&path).unwrap(), first);
        assert!(second.made(&second.certify(&names(&["box"]), late).unwrap()));
        // What a crash can leave, and somebody's hand.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(directory.path().join("server.pem"), "half").unwrap();
        let third = Authority::open(directory.path(), "box", late).unwrap();
        assert!(path.exists() && third.made(&third.certify(&names(&["box"]), late).unwrap()));
    }

    #[test]
    fn a_clock_from_before_the_authority_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        Authority::open(directory.path(), "box", later(0)).unwrap();
        let error = Authority::open(directory.path(), "box", later(-2)).err().unwrap();
        assert!(error.is_of_the_clock(), "{error}");
        assert!(error.to_string().contains("timedatectl"), "{error}");
    }

    #[test]
    fn names_that_no_certificate_can_hold_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::open(directory.path(), "größer", later(0)).unwrap();
        assert!(authority.certify(&names(&["größer"]), later(0)).is_err());
    }
}
