//! Whether a JSON Web Token is one that an identity provider issued for this cloud, and still good.
//!
//! The algorithm is one of a list of asymmetric ones, whatever the token says; keys come from the provider alone.

use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use kit::Timestamp;
use serde_json::Value;

use super::OidcError;
use crate::domain::Object;

/// No token is longer; a longer one is not looked at.
const LONGEST: usize = 16 * 1024;

/// How far clocks may be apart, in seconds.
const LEEWAY: i64 = 60;

/// The most keys that are tried on a token that names none.
const MOST_KEYS: usize = 16;

/// What a token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    /// One of these must be among its audiences.
    pub(super) audiences: &'a [String],
    pub(super) algorithms: &'a [Algorithm],
    /// What the browser was sent with.
    pub(super) nonce: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// The head of `token`: which key it wants.
///
/// # Errors
/// Where it is no token.
pub(super) fn head(token: &str) -> Result<Header, OidcError> {
    if token.len() > LONGEST {
        return Err(OidcError::Rejected("it is too long"));
    }
    jsonwebtoken::decode_header(token).map_err(|_| OidcError::Rejected("it is no JSON Web Token"))
}

/// What `token` says, if one of `keys` has signed it and it says what is `expected`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn verify(token: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<Object, OidcError> {
    let head = head(token)?;
    if !expected.algorithms.contains(&head.alg) {
        return Err(OidcError::Rejected("its algorithm is not among those that are allowed"));
    }
    if head.crit.is_some() {
        return Err(OidcError::Rejected("it demands what is not understood"));
    }
    let mut validation = Validation::new(head.alg);
    // Times, issuer and audience are checked below, by this service's clock.
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    validation.required_spec_claims.clear();
    let fitting = keys.keys.iter().filter(|key| fits(key, &head)).take(MOST_KEYS);
    let opened = fitting.filter_map(|key| DecodingKey::from_jwk(key).ok()).find_map(|key| {
        let decoded = jsonwebtoken::decode::<Object>(token, &key, &validation);
        decoded.ok().map(|decoded| decoded.claims)
    });
    let claims = opened.ok_or(OidcError::Rejected("no key of the identity provider has signed it"))?;
    check(&claims, expected)?;
    Ok(claims)
}

fn fits(key: &Jwk, head: &Header) -> bool {
    let common = &key.common;
    let named = head.kid.as_ref().is_none_or(|kid| common.key_id.as_ref() == Some(kid));
    let signs = !matches!(common.public_key_use, Some(PublicKeyUse::Encryption));
    named && signs && common.key_algorithm.is_none_or(|algorithm| algorithm == KeyAlgorithm::from(head.alg))
}

/// Issuer, audience, times, subject, nonce.
pub(super) fn check(claims: &Object, expected: &Expected<'_>) -> Result<(), OidcError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let now = expected.now.as_second();
    if text("iss") != Some(expected.issuer) {
        return Err(OidcError::Rejected("another issuer has issued it"));
    }
    if !audiences(claims).any(|audience| expected.audiences.iter().any(|ours| ours == audience)) {
        return Err(OidcError::Rejected("it was issued for somebody else"));
    }
    match seconds(claims, "exp") {
        Some(end) if now < end.saturating_add(LEEWAY) => {}
        Some(_) => return Err(OidcError::Rejected("it has expired")),
        None => return Err(OidcError::Rejected("it never ends")),
    }
    let begins = |name: &str| seconds(claims, name).is_none_or(|at| at <= now.saturating_add(LEEWAY));
    if !begins("nbf") || !begins("iat") {
        return Err(OidcError::Rejected("it is of the future"));
    }
    if text("sub").is_none_or(str::is_empty) {
        return Err(OidcError::Rejected("it is about nobody"));
    }
    match expected.nonce {
        Some(nonce) if text("nonce") != Some(nonce) => Err(OidcError::Rejected("it answers another login")),
        _ => Ok(()),
    }
}

fn audiences(claims: &Object) -> impl Iterator<Item = &str> {
    let audience = claims.get("aud");
    let one = audience.and_then(Value::as_str);
    one.into_iter().chain(audience.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str))
}

/// A time: whole seconds, or any number.
fn seconds(claims: &Object, name: &str) -> Option<i64> {
    let value = claims.get(name)?;
    #[expect(clippy::cast_possible_truncation, reason = "a cast from a float saturates")]
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::testing::{CLIENT, Issuer, now};
    use super::*;

    const ISSUER: &str = "https://idp.test";

    fn expected<'a>(audiences: &'a [String], algorithms: &'a [Algorithm]) -> Expected<'a> {
        Expected { issuer: ISSUER, audiences, algorithms, nonce: None, now: now() }
    }

    fn claims() -> Value {
        json!({"iss": ISSUER, "aud": CLIENT, "sub": "bob", "exp": now().as_second() + 300, "iat": now().as_second()})
    }

    fn verified(token: &str, keys: &JwkSet) -> Result<Object, OidcError> {
        verify(token, keys, &expected(&[CLIENT.to_owned()], &[Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA]))
    }

    #[test]
    fn a_good_token_is_believed() {
        let issuer = Issuer::new();
        let said = verified(&issuer.sign(&claims()), &issuer.keys()).unwrap();
        assert_eq!(said["sub"], "bob");
        let unnamed = issuer.sign_with(&claims(), |header| header.kid = None);
        assert!(verified(&unnamed, &issuer.keys()).is_ok());
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let issuer = Issuer::new();
        let second = now().as_second();
        for (name, value) in [
            ("iss", json!("https://other.test")),
            ("iss", Value::Null),
            ("aud", json!("other")),
            ("aud", json!(["other", "another"])),
            ("aud", Value::Null),
            ("exp", json!(second - 61)),
            ("exp", Value::Null),
            ("exp", json!("tomorrow")),
            ("nbf", json!(second + 120)),
            ("iat", json!(second + 120)),
            ("sub", json!("")),
            ("sub", json!(7)),
        ] {
            let mut claims = claims();
            claims[name] = value.clone();
            assert!(verified(&issuer.sign(&claims), &issuer.keys()).is_err(), "{name}: {value}");
        }
        for (name, value) in
            [("aud", json!(["other", CLIENT])), ("exp", json!(second as f64 + 0.5)), ("exp", json!(second - 59))]
        {
            let mut claims = claims();
            claims[name] = value.clone();
            assert!(verified(&issuer.sign(&claims), &issuer.keys()).is_ok(), "{name}: {value}");
        }
    }

    #[test]
    fn only_the_providers_own_keys_and_algorithms_count() {
        let (issuer, other) = (Issuer::new(), Issuer::new());
        assert!(verified(&other.sign(&claims()), &issuer.keys()).is_err());
        let narrowed =
            verify(&issuer.sign(&claims()), &issuer.keys(), &expected(&[CLIENT.to_owned()], &[Algorithm::RS256]));
        assert!(matches!(narrowed, Err(OidcError::Rejected(reason)) if reason.contains("algorithm")));
        let wrong_name = issuer.sign_with(&claims(), |header| header.kid = Some("other".to_owned()));
        assert!(verified(&wrong_name, &issuer.keys()).is_err());
        let critical = issuer.sign_with(&claims(), |header| header.crit = Some(vec!["exp".to_owned()]));
        assert!(verified(&critical, &issuer.keys()).is_err());
        // The public key as the secret of a symmetric algorithm, and no algorithm at all.
        let public = serde_json::to_vec(&issuer.keys()).unwrap();
        let symmetric = jsonwebtoken::EncodingKey::from_secret(&public);
        let forged = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(), &symmetric).unwrap();
        assert!(verified(&forged, &issuer.keys()).is_err());
        let body = issuer.sign(&claims()).split('.').nth(1).unwrap().to_owned();
        assert!(verified(&format!("eyJhbGciOiJub25lIn0.{body}."), &issuer.keys()).is_err());
    }

    #[test]
    fn a_nonce_binds_it_to_one_login() {
        let issuer = Issuer::new();
        let audiences = [CLIENT.to_owned()];
        let expected = Expected { nonce: Some("n"), ..expected(&audiences, &[Algorithm::ES256]) };
        assert!(verify(&issuer.sign(&claims()), &issuer.keys(), &expected).is_err());
        let mut answered = claims();
        answered["nonce"] = json!("n");
        assert!(verify(&issuer.sign(&answered), &issuer.keys(), &expected).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[A-Za-z0-9_.={}\":,-]{0,80}") {
            let no_keys = JwkSet { keys: Vec::new() };
            prop_assert!(verified(&text, &no_keys).is_err());
        }

        #[test]
        fn a_changed_token_is_refused(at in any::<prop::sample::Index>()) {
            let issuer = Issuer::new();
            let mut token: Vec<char> = issuer.sign(&claims()).chars().collect();
            // The last characters of a part can hold bits that stand for nothing.
            let at = at.index(token.len() - 2);
            prop_assume!(token[at] != '.' && token[at + 1] != '.');
            token[at] = if token[at] == 'A' { 'B' } else { 'A' };
            let changed: String = token.into_iter().collect();
            prop_assert!(verified(&changed, &issuer.keys()).is_err());
        }
    }
}
