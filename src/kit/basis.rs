//! What a token's rights rest on, where it is more than its user's own assignments.

use serde::{Deserialize, Serialize};

use crate::access_rule::AccessRule;
use crate::ids::UserId;

/// What a token's rights rest on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// What the user was given.
    #[default]
    User,
    /// A part of what the user was given, handed to an application.
    ApplicationCredential(ApplicationCredentialRef),
    /// A part of what another user was given.
    Trust(TrustRef),
    /// What an identity provider said of the user.
    Federation(FederationRef),
    /// A part of what the user was given, handed to a consumer by OAuth 1.0a.
    AccessToken(AccessTokenRef),
    /// What the user was given, for the bearer of one TLS certificate only (OAuth 2.0, RFC 8705).
    Certificate(CertificateRef),
}

impl Basis {
    /// The ids of the groups that the user is in beside those that it was put into.
    #[must_use]
    pub fn groups(&self) -> &[String] {
        match self {
            Self::Federation(federation) => &federation.groups,
            _ => &[],
        }
    }
}

/// An application credential, as its tokens tell of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationCredentialRef {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it must not be used to manage application credentials and trusts.
    pub restricted: bool,
    /// The only requests that its tokens are good for; none: all.
    pub access_rules: Option<Vec<AccessRule>>,
}

/// A trust, as its tokens tell of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRef {
    /// Its id.
    pub id: String,
    /// Who gave.
    pub trustor_user_id: UserId,
    /// Who was given.
    pub trustee_user_id: UserId,
    /// Whether its tokens are the trustor's.
    pub impersonation: bool,
}

/// What an identity provider said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FederationRef {
    /// The identity provider's id.
    pub identity_provider: String,
    /// The protocol's id.
    pub protocol: String,
    /// The ids of the groups that the mapping put the user into.
    pub groups: Vec<String>,
}

/// An access token of OAuth 1.0a.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenRef {
    /// Its id.
    pub id: String,
    /// The consumer that holds it.
    pub consumer_id: String,
}

/// A client's TLS certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRef {
    /// `x5t#S256`: its SHA-256 in base64url.
    pub thumbprint: String,
}
