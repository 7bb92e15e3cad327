//! Tokens: what is in them, the keys that seal them, how they are issued, validated and revoked.
//!
//! A token is not stored. It holds who, for what and until when, sealed with a key of this cloud; whether its user,
//! its scope and its roles still are what they were is looked up at each validation, and remembered
//! until something of identity changes. What is stored are revocations: single tokens by audit id, and for each user,
//! project and domain the moment before which no token is good any more.

pub(crate) mod audit;
mod basis;
pub(crate) mod cache;
pub(crate) mod issue;
pub(crate) mod keys;
pub(crate) mod methods;
pub(crate) mod payload;
pub(crate) mod receipt;
pub(crate) mod scope;
pub(crate) mod validate;

pub(crate) use payload::{BasisId, Payload, ScopeId};
pub(crate) use validate::Invalid;
