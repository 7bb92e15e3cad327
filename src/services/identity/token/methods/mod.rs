//! Authentication methods: a file and a row of [`METHODS`] for each.
//!
//! A login names methods and gives each its data. Every method first reads its data ([`Method::parse`]), so that a
//! malformed request costs nothing; then each proves what it says ([`Proof::verify`]), in the order of the request;
//! and what they prove is [combined](Proven::combine): all must speak of the same user.

pub(crate) mod application_credential;
mod ec2credential;
pub(crate) mod mapped;
pub(crate) mod oauth1;
pub(crate) mod password;
mod token;
mod totp;

use http_kit::{BoxFuture, Request};
use kit::{Fault, Timestamp};
use serde_json::Value;

use super::audit::AuditId;
use super::{BasisId, ScopeId};
use crate::domain::login::ScopeAsked;
use crate::{IdentityService, error};

/// Every method. Keystone lists those of a token from the last to the first.
pub(crate) static METHODS: &[Method] = &[
    password::METHOD,
    token::METHOD,
    application_credential::METHOD,
    mapped::MAPPED,
    mapped::OPENID,
    oauth1::METHOD,
    ec2credential::METHOD,
    totp::METHOD,
];

/// A way to authenticate.
pub(crate) struct Method {
    /// Its name among the request's `methods`.
    pub(crate) name: &'static str,
    /// Itself, as a set. Tokens hold it: a number is never used again.
    pub(crate) bit: Methods,
    /// Reads what the request says.
    pub(crate) parse: fn(&Attempt<'_>) -> Result<Box<dyn Proof>, Fault>,
}

/// What a method can look at.
pub(crate) struct Attempt<'a> {
    /// The method's own part of the body: `auth.identity.<name>`.
    pub(crate) data: &'a Value,
    /// The scope that the client asks for.
    pub(crate) scope: &'a ScopeAsked,
    /// The request, for a method that is proven by more than the body.
    pub(crate) request: &'a Request,
}

/// What a client says to prove who it is.
pub(crate) trait Proof: Send {
    /// What it proves. A wrong proof is [`error::unauthorized`], whatever is wrong with it.
    fn verify<'s>(self: Box<Self>, service: &'s IdentityService) -> BoxFuture<'s, Result<Proven, Fault>>;
}

/// What has been proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proven {
    pub(crate) user_id: String,
    /// The methods that proved it, those behind a token that was the proof among them.
    pub(crate) methods: Methods,
    /// The first token of the chain, where a token was the proof.
    pub(crate) parent: Option<AuditId>,
    /// When what was proven ends, where it does.
    pub(crate) expires_at: Option<Timestamp>,
    /// What the new token's rights rest on.
    pub(crate) basis: BasisId,
    /// The scope that the new token has whatever the client asks for.
    pub(crate) scope: Option<ScopeId>,
}

impl Proven {
    /// That it is `user_id`, by `methods`.
    pub(crate) fn new(user_id: impl Into<String>, methods: Methods) -> Self {
        let user_id = user_id.into();
        Self { user_id, methods, parent: None, expires_at: None, basis: BasisId::User, scope: None }
    }

    /// Both together.
    ///
    /// # Errors
    /// 401 where they contradict each other.
    pub(crate) fn combine(self, other: Self) -> Result<Self, Fault> {
        if self.user_id != other.user_id {
            return Err(error::unauthorized());
        }
        Ok(Self {
            user_id: self.user_id,
            methods: self.methods.and(other.methods),
            parent: self.parent.or(other.parent),
            expires_at: self.expires_at.into_iter().chain(other.expires_at).min(),
            basis: match (self.basis, other.basis) {
                (BasisId::User, basis) | (basis, BasisId::User) => basis,
                (one, two) if one == two => one,
                _ => return Err(error::unauthorized()),
            },
            scope: match (self.scope, other.scope) {
                (None, scope) | (scope, None) => scope,
                (one, two) if one == two => one,
                _ => return Err(error::unauthorized()),
            },
        })
    }
}

/// A set of methods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Methods(u16);

impl Methods {
    pub(crate) const PASSWORD: Self = Self(1);
    pub(crate) const TOKEN: Self = Self(1 << 1);
    pub(crate) const APPLICATION_CREDENTIAL: Self = Self(1 << 2);
    pub(crate) const EC2_CREDENTIAL: Self = Self(1 << 3);
    pub(crate) const TOTP: Self = Self(1 << 4);
    pub(crate) const MAPPED: Self = Self(1 << 8);
    pub(crate) const OPENID: Self = Self(1 << 9);
    pub(crate) const OAUTH1: Self = Self(1 << 10);

    /// The members of either.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are among them.
    pub(crate) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Their names, in Keystone's order.
    pub(crate) fn names(self) -> Vec<String> {
        let held = METHODS.iter().rev().filter(|method| self.contains(method.bit));
        held.map(|method| method.name.to_owned()).collect()
    }

    /// As a token holds it.
    pub(crate) fn bits(self) -> u16 {
        self.0
    }

    /// What [`bits`](Self::bits) gave.
    pub(crate) fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_named_as_keystone_orders_them() {
        assert_eq!(Methods::PASSWORD.and(Methods::TOKEN).names(), ["token", "password"]);
        assert_eq!(Methods::PASSWORD.names(), ["password"]);
    }

    #[test]
    fn every_method_has_a_name_and_a_bit_of_its_own() {
        for (at, method) in METHODS.iter().enumerate() {
            assert_eq!(method.bit.bits().count_ones(), 1, "{}", method.name);
            assert!(METHODS[..at].iter().all(|other| other.name != method.name && other.bit != method.bit));
        }
    }

    #[test]
    fn proofs_must_speak_of_the_same_user_and_the_sooner_end_holds() {
        let second = |second: i64| Some(kit::time::from_micros(second * 1_000_000));
        let password = Proven::new("u", Methods::PASSWORD);
        let token = Proven { expires_at: second(5), ..Proven::new("u", Methods::TOKEN) };
        let both = password.clone().combine(token.clone()).unwrap();
        assert_eq!((both.methods, both.expires_at), (Methods::PASSWORD.and(Methods::TOKEN), second(5)));
        let sooner = Proven { expires_at: second(3), ..token.clone() };
        assert_eq!(token.clone().combine(sooner).unwrap().expires_at, second(3));
        assert!(password.combine(Proven::new("v", Methods::TOKEN)).is_err());
        let trust = |id: &str| Proven { basis: BasisId::Trust(id.to_owned()), ..token.clone() };
        assert_eq!(token.clone().combine(trust("a")).unwrap().basis, BasisId::Trust("a".to_owned()));
        assert!(trust("a").combine(trust("b")).is_err());
    }
}
