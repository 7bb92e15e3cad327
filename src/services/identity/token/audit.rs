//! Audit ids: what names a token in logs and revocations without being the token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A token's audit id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuditId(pub(crate) [u8; 16]);

impl AuditId {
    /// A new random one.
    pub(crate) fn random() -> Self {
        Self(uuid::Uuid::new_v4().into_bytes())
    }
}

impl std::fmt::Display for AuditId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}
