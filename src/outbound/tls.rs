//! Whom connections trust.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// A client for short requests to those whom the operator named.
pub type HttpsClient = Client<Connector, Full<Bytes>>;

/// What makes connections.
pub type Connector = HttpsConnector<HttpConnector>;

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of certificates cannot be read.
    #[error("{file}: {why}")]
    File {
        /// Which.
        file: PathBuf,
        /// Why not.
        why: String,
    },
    /// TLS cannot be set up.
    #[error("setting up TLS: {0}")]
    Setup(String),
}

/// A client that trusts the certificates of `ca_file`, or the system's.
///
/// # Errors
/// When the file cannot be read.
pub async fn client(ca_file: Option<PathBuf>) -> Result<HttpsClient, TlsError> {
    Ok(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(2).build(connector(ca_file).await?))
}

/// What makes connections, encrypted or not, as a URL asks for; it trusts the certificates of `ca_file`, or the system's.
///
/// # Errors
/// As [`client`].
pub async fn connector(ca_file: Option<PathBuf>) -> Result<Connector, TlsError> {
    let tls = settings(ca_file).await?;
    Ok(HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build())
}

/// TLS that trusts the certificates of `ca_file`, or the system's. Files are read away from the async workers.
///
/// # Errors
/// As [`client`].
pub async fn settings(ca_file: Option<PathBuf>) -> Result<ClientConfig, TlsError> {
    let trusted = tokio::task::spawn_blocking(move || trust(ca_file.as_deref())).await;
    trusted.map_err(|error| TlsError::Setup(error.to_string()))?
}

fn trust(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let unreadable = |why: String| TlsError::File { file: path.to_owned(), why };
            let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            for certificate in certificates.map_err(|error| unreadable(error.to_string()))? {
                roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
            }
        }
        None => {
            let native = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(native.certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| TlsError::Setup(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
