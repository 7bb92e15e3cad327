//! What the fuzz targets (`fuzz/`) call: the readers of what anybody can send. Nothing else may use it.
//!
//! Each returns; that it does, within time and memory, is what is tried. What must hold beyond that is asserted there.

use std::path::Path;

use http_kit::Query;
use http_kit::validate::Schema;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::JwkSet;
use kit::Timestamp;
use serde_json::Value;

use crate::domain::login::Login;
use crate::domain::mapping::{Mapping, assertion};
use crate::domain::oauth1::Signed;
use crate::oidc;
use crate::token::Payload;
use crate::token::keys::Keys;

/// A token, as its text and as what would be in it; whether its contents survive being written again.
#[must_use]
pub fn token(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let forged = Keys::new(Path::new("/nonexistent")).open(&text).is_some();
    let same = match Payload::decode(bytes) {
        Some(payload) => Payload::decode(&payload.encode()) == Some(payload),
        None => true,
    };
    same && !forged
}

/// A mapping, and attributes that it is applied to: `{"rules", "schema_version", "attributes": {name: text}}`.
pub fn mapping(bytes: &[u8]) {
    let Ok(input) = serde_json::from_slice::<Value>(bytes) else { return };
    let version = input.get("schema_version").and_then(Value::as_str).unwrap_or("1.0");
    let Ok(mapping) = Mapping::read(input.get("rules").unwrap_or(&Value::Null), version) else { return };
    let attributes = input.get("attributes").and_then(Value::as_object).into_iter().flatten();
    let texts = attributes.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let _ = mapping.apply(&assertion(texts));
}

/// The body of a request for a token, against its schema and read; a body that is none is fine.
pub fn login(bytes: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else { return };
    let Ok(schema) = Schema::compile(crate::api::tokens::ISSUE) else { return };
    if schema.check_body(&body).is_ok()
        && let Some(auth) = body.get("auth")
    {
        let _ = Login::parse(auth);
    }
}

/// An `Authorization` header: OAuth 1.0a's, and an identity provider's token; whether nothing was believed.
#[must_use]
pub fn authorization(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let secret = kit::Secret::new("secret");
    let signed = Signed::parse(&text);
    let timely = signed.as_ref().is_some_and(|it| it.is_timely(Timestamp::UNIX_EPOCH) && it.once().is_some());
    let believed = signed.is_some_and(|it| {
        it.is_signed_by(&secret, None, "POST", "http://cloud/identity/v3/auth/tokens", &Query::default())
    });
    let vouched = oidc::is_vouched_for(&text, &JwkSet { keys: Vec::new() }, &[Algorithm::RS256, Algorithm::ES256]);
    let _ = timely;
    !believed && !vouched
}
