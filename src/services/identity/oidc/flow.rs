//! What a browser carries to an identity provider and back: who sent it, and what only the answer to that may hold.
//!
//! Nothing is kept here: the pass goes into a cookie, sealed with a key that lives as long as the process. A login that is
//! under way when the process ends is begun again. The cookie binds the answer to the browser that asked (against
//! forged logins), the nonce binds the token to it, and the verifier the code (PKCE).

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kit::{Fault, Timestamp};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

/// How long somebody may take to log in there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// What the names of the cookies begin with.
const COOKIE: &str = "cloudbox-sso-";

/// No cookie of ours is longer.
const LONGEST: usize = 4096;

/// What a browser carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pass {
    /// What the provider gives back.
    pub(crate) state: String,
    /// What its token must hold.
    pub(crate) nonce: String,
    /// What the code can be redeemed with.
    pub(crate) verifier: String,
    /// The dashboard that gets the token.
    pub(crate) origin: String,
    /// The provider's name in the configuration.
    pub(crate) provider: String,
    /// When it ends, in microseconds.
    pub(crate) until: i64,
}

impl Pass {
    /// A pass to `provider` for `origin`.
    ///
    /// # Errors
    /// Where there is no randomness.
    pub(crate) fn new(provider: &str, origin: &str, now: Timestamp) -> Result<Self, Fault> {
        let until = now.checked_add(PATIENCE).unwrap_or(now);
        Ok(Self {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            origin: origin.to_owned(),
            provider: provider.to_owned(),
            until: kit::time::to_micros(until),
        })
    }

    /// What the provider is told of the verifier.
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.verifier.as_bytes()))
    }
}

/// The name of the cookie of the pass with `state`: each login has its own.
pub(crate) fn cookie_name(state: &str) -> String {
    let safe = state.chars().filter(char::is_ascii_alphanumeric).take(12).collect::<String>();
    format!("{COOKIE}{safe}")
}

/// The value of the cookie `name` among those of a `Cookie` header.
pub(crate) fn cookie<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    header.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, it)| it)
}

fn random() -> Result<String, Fault> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|error| Fault::internal("making a login's secrets", error))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Seals and opens passes.
pub(crate) struct Sealer(RandomizedNonceKey);

impl Sealer {
    /// With a new key.
    ///
    /// # Errors
    /// Where there is no randomness.
    pub(crate) fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut key = zeroize::Zeroizing::new([0_u8; 32]);
        aws_lc_rs::rand::fill(key.as_mut_slice())?;
        RandomizedNonceKey::new(&AES_256_GCM, key.as_slice()).map(Self)
    }

    /// `pass` as the value of a cookie.
    ///
    /// # Errors
    /// Where the cipher fails.
    pub(crate) fn seal(&self, pass: &Pass) -> Result<String, Fault> {
        let mut sealed = serde_json::to_vec(pass).map_err(|error| Fault::internal("writing a login's pass", error))?;
        let nonce = self.0.seal_in_place_append_tag(Aad::empty(), &mut sealed);
        let nonce = nonce.map_err(|error| Fault::internal("sealing a login's pass", error))?;
        let mut bytes = nonce.as_ref().to_vec();
        bytes.append(&mut sealed);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The pass in `cookie`, if it is the one with `state` and has not ended.
    pub(crate) fn open(&self, cookie: &str, state: &str, now: Timestamp) -> Option<Pass> {
        if cookie.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut sealed).ok()?;
        let pass: Pass = serde_json::from_slice(opened).ok()?;
        let same = bool::from(pass.state.as_bytes().ct_eq(state.as_bytes()));
        (same && kit::time::to_micros(now) < pass.until).then_some(pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_good_once_for_its_own_browser_in_time() {
        let now = super::super::testing::now();
        let (sealer, other) = (Sealer::new().unwrap(), Sealer::new().unwrap());
        let pass = Pass::new("acme", "https://dashboard", now).unwrap();
        let cookie = sealer.seal(&pass).unwrap();
        assert_eq!(sealer.open(&cookie, &pass.state, now), Some(pass.clone()));
        assert_eq!(sealer.open(&cookie, "other", now), None);
        assert_eq!(other.open(&cookie, &pass.state, now), None);
        assert_eq!(sealer.open(&cookie, &pass.state, now.checked_add(PATIENCE).unwrap()), None);
        assert_eq!(sealer.open(&cookie[1..], &pass.state, now), None);
        assert!(!cookie.contains(&pass.verifier));
    }

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let mut pass = Pass::new("acme", "", super::super::testing::now()).unwrap();
        // RFC 7636, appendix B.
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".clone_into(&mut pass.verifier);
        assert_eq!(pass.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let name = cookie_name("ab-c_d");
        assert_eq!(name, "cloudbox-sso-abcd");
        assert_eq!(cookie("a=b; cloudbox-sso-abcd=x=y;c", &name), Some("x=y"));
        assert_eq!(cookie("a=b", &name), None);
    }
}
