//! `[identity.oidc.NAME]`: a provider of OpenID Connect that people may log in with.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A provider of OpenID Connect.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OidcConfig {
    /// The identity provider (`openstack identity provider create`) that it stands behind. NAME when empty.
    pub identity_provider: String,
    /// The protocol of that identity provider (`openstack federation protocol create`).
    pub protocol: String,
    /// The issuer, as it calls itself: an https URL, or http on this host. Its discovery document is read.
    pub issuer: String,
    /// This cloud's client id there. Tokens must have it, or one of `audiences`, among their audiences.
    pub client_id: String,
    /// A file with the client's secret. A public client, which has none, when empty.
    pub client_secret_file: PathBuf,
    /// What is asked for when a browser logs in.
    pub scopes: Vec<String>,
    /// Audiences of bearer tokens that are accepted beside `client_id`.
    pub audiences: Vec<String>,
    /// The signature algorithms that are accepted.
    pub algorithms: Vec<String>,
    /// Whether the provider is asked (RFC 7662) about a bearer token that is no signed one.
    pub introspection: bool,
    /// A file with the certificates that the provider is trusted by. The system's when empty.
    pub ca_file: PathBuf,
    /// The attribute that is compared with the identity provider's remote ids, where the protocol names none.
    pub remote_id_attribute: String,
}

impl Default for OidcConfig {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            identity_provider: String::new(),
            protocol: "openid".to_owned(),
            issuer: String::new(),
            client_id: String::new(),
            client_secret_file: PathBuf::new(),
            scopes: texts(&["openid", "profile", "email"]),
            audiences: Vec::new(),
            algorithms: texts(&["RS256", "PS256", "ES256", "EdDSA"]),
            introspection: false,
            ca_file: PathBuf::new(),
            remote_id_attribute: "HTTP_OIDC_ISS".to_owned(),
        }
    }
}
