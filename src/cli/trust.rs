//! Whom the command line trusts to be the cloud: `cacert`, `verify` and `insecure`, as openstacksdk has them.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::problem::{Problem, Result};

/// Whom to trust.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// A file of certificates (PEM) that are trusted instead of the system's.
    pub cacert: Option<PathBuf>,
    /// Whether anybody is trusted.
    pub insecure: bool,
}

impl Trust {
    /// TLS that trusts so. It reads files.
    ///
    /// # Errors
    /// When there is nothing to trust.
    pub fn client_config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| Problem::failed(format!("TLS cannot be set up: {error}")))?;
        if self.insecure {
            let anybody = Arc::new(Anybody(provider));
            return Ok(builder.dangerous().with_custom_certificate_verifier(anybody).with_no_client_auth());
        }
        Ok(builder.with_root_certificates(self.roots()?).with_no_client_auth())
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let Some(path) = &self.cacert else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            return Ok(roots);
        };
        let unusable = |error: &dyn std::fmt::Display| {
            Problem::failed(format!("cannot read the certificates in {}: {error}", path.display()))
                .hint("it is named by cacert in clouds.yaml, OS_CACERT or --os-cacert")
        };
        let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
        let (added, _) = roots.add_parsable_certificates(found.map_err(|error| unusable(&error))?);
        if added == 0 { Err(unusable(&"there are none")) } else { Ok(roots) }
    }
}

/// What to do about a certificate that is not trusted; nothing where `error` is about something else.
#[must_use]
pub fn hint(error: &rustls::Error) -> Option<&'static str> {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => Some(
            "its authority is not known here: copy the cloud's DATA_DIR/tls/ca.pem and name it by cacert in clouds.yaml, OS_CACERT or --os-cacert",
        ),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Some(
            "its certificate is for other names: use one of those, or add this one to [api.tls] names of the cloud",
        ),
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => Some("is the clock right, here and there? Else the cloud needs a new certificate"),
        rustls::Error::InvalidMessage(_) => Some("does it speak http, not https?"),
        _ => None,
    }
}

/// Trusts anybody.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let trust = Trust { cacert: Some(path.clone()), insecure: false };
        assert!(trust.client_config().unwrap_err().text.contains("ca.pem"));
        std::fs::write(&path, "nothing").unwrap();
        let problem = trust.client_config().unwrap_err();
        assert!(problem.text.ends_with("there are none"), "{problem}");
        assert!(problem.hint.unwrap().contains("OS_CACERT"));
        assert!(Trust { insecure: true, ..trust }.client_config().is_ok());
    }
}
