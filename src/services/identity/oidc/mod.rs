//! OpenID Connect: whom an identity provider vouches for, by a token of its own or by a browser that it sends back.
//!
//! Keystone leaves this to a web server in front of it (Apache with mod_auth_openidc); here it is built in, with a
//! section of the configuration for each provider (`[identity.oidc.NAME]`). What comes of it is the same: attributes
//! for a mapping, under the names that Apache gives them ([`claims`]).
//!
//! Nothing of a provider is believed before its signature, issuer, audience and times are checked ([`verify`]).
//! What it may send is bounded, and so is how long it is waited for ([`outbound`]).

pub(crate) mod claims;
pub(crate) mod flow;
mod outbound;
mod provider;
#[cfg(test)]
pub(crate) mod testing;
mod verify;

use std::collections::BTreeMap;
use std::sync::Arc;

use kit::Fault;
use kit::config::OidcConfig;

pub(crate) use self::outbound::is_secure;
pub(crate) use self::provider::{CodeExchange, Provider, is_allowed_algorithm};

/// Whether one of `keys` has signed `token` for anybody at all: for the fuzz targets.
pub(crate) fn is_vouched_for(
    token: &str,
    keys: &jsonwebtoken::jwk::JwkSet,
    algorithms: &[jsonwebtoken::Algorithm],
) -> bool {
    let now = kit::Timestamp::UNIX_EPOCH;
    verify::verify(token, keys, &verify::Expected { issuer: "", audiences: &[], algorithms, nonce: None, now }).is_ok()
}

/// Why somebody is not vouched for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    /// What was shown is no good.
    #[error("what the identity provider is said to have issued is not accepted: {0}")]
    Rejected(&'static str),
    /// The provider does not say what it should.
    #[error("the identity provider answers what cannot be used: {0}")]
    Unusable(String),
    /// The provider cannot be asked.
    #[error("the identity provider cannot be reached")]
    Unreachable(#[source] http_kit::BoxError),
    /// What is configured for it cannot be used.
    #[error("the identity provider's settings cannot be used: {0}")]
    Settings(String),
}

impl OidcError {
    /// What the client is told; the operator finds the rest in the log.
    pub(crate) fn into_fault(self, provider: &str) -> Fault {
        match self {
            Self::Rejected(reason) => {
                tracing::info!(provider, reason, "somebody who came by an identity provider was refused");
                crate::error::unauthorized()
            }
            error => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(provider, %error, source, "an identity provider cannot be used");
                Fault::unavailable("The identity provider cannot be asked now.")
            }
        }
    }
}

/// The providers that are configured.
pub(crate) struct Oidc {
    providers: Vec<Arc<Provider>>,
    /// Seals what a browser carries to a provider and back.
    pub(crate) sealer: Option<flow::Sealer>,
}

impl Oidc {
    /// The providers of the configuration.
    pub(crate) fn new(configured: &BTreeMap<String, OidcConfig>) -> Self {
        let providers = configured.iter().map(|(name, config)| Arc::new(Provider::new(name, config))).collect();
        let sealer = flow::Sealer::new().inspect_err(|error| tracing::error!(%error, "browsers cannot log in")).ok();
        Self { providers, sealer }
    }

    /// The provider behind `protocol` of the identity provider `identity_provider`.
    pub(crate) fn behind(&self, identity_provider: &str, protocol: &str) -> Option<Arc<Provider>> {
        let found = |it: &&Arc<Provider>| it.identity_provider() == identity_provider && it.protocol() == protocol;
        self.providers.iter().find(found).cloned()
    }

    /// The providers that speak `protocol`.
    pub(crate) fn speaking(&self, protocol: &str) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.iter().filter(move |provider| provider.protocol() == protocol)
    }
}
