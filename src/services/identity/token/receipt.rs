//! Auth receipts: what has been proven of a login that needs more methods, so that they can be given one by one.
//!
//! A receipt is sealed like a token and stored nowhere. It is good for a few minutes, for its user, and only together
//! with another proof.

use kit::time::{from_micros, to_micros};
use kit::{Fault, Secret, Timestamp, UserRef};

use super::keys::Form;
use super::methods::Methods;
use crate::IdentityService;

/// A receipt, as its client is told of it.
pub(crate) struct Receipt {
    pub(crate) secret: Secret,
    pub(crate) user: UserRef,
    pub(crate) methods: Methods,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The rules that the methods go some way to.
    pub(crate) required: Vec<Vec<String>>,
}

/// What a receipt holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Contents {
    user_id: String,
    methods: Methods,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

impl Contents {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&self.methods.bits().to_be_bytes());
        bytes.extend_from_slice(&to_micros(self.issued_at).to_be_bytes());
        bytes.extend_from_slice(&to_micros(self.expires_at).to_be_bytes());
        bytes.extend_from_slice(self.user_id.as_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (methods, rest) = bytes.split_first_chunk()?;
        let (issued_at, rest) = rest.split_first_chunk()?;
        let (expires_at, user_id) = rest.split_first_chunk()?;
        Some(Self {
            user_id: String::from_utf8(user_id.to_vec()).ok()?,
            methods: Methods::from_bits(u16::from_be_bytes(*methods)),
            issued_at: from_micros(i64::from_be_bytes(*issued_at)),
            expires_at: from_micros(i64::from_be_bytes(*expires_at)),
        })
    }
}

impl IdentityService {
    /// A receipt for `user`, who has proven `methods` and needs one of the rules `required`.
    pub(super) fn receipt(
        &self,
        user: UserRef,
        methods: Methods,
        required: Vec<Vec<String>>,
    ) -> Result<Receipt, Fault> {
        let issued_at = self.moment();
        let ttl = std::time::Duration::from_secs(self.config.receipt_ttl_secs);
        let expires_at = self.clock.now().checked_add(ttl).unwrap_or(Timestamp::MAX);
        let contents = Contents { user_id: user.id.to_string(), methods, issued_at, expires_at };
        let text = self.keys.seal_text(Form::Receipt, contents.encode());
        let secret = Secret::new(text.map_err(|error| Fault::internal("sealing a receipt", error))?);
        Ok(Receipt { secret, user, methods, issued_at, expires_at, required })
    }

    /// The methods that `user_id` proved for the receipt `text`, unless `tokens_valid_since` is after it.
    ///
    /// # Errors
    /// 401 where it is none, not that user's, or at its end.
    pub(super) fn redeem(&self, text: &str, user_id: &str, tokens_valid_since: Timestamp) -> Result<Methods, Fault> {
        let contents = self.keys.open_text(Form::Receipt, text).and_then(|bytes| Contents::decode(&bytes));
        let good = contents.filter(|contents| {
            contents.user_id == user_id
                && contents.expires_at > self.clock.now()
                && contents.issued_at >= tokens_valid_since
        });
        // Keystone repeats the receipt; what is as good as half a password is not repeated here.
        good.map(|contents| contents.methods).ok_or_else(|| Fault::unauthorized("Could not find auth receipt."))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn contents_survive_their_bytes(user_id in "[a-z0-9]{1,64}", bits in any::<u16>(), issued in 0..1_i64 << 50, ttl in 0..1_000_000_i64) {
            let contents = Contents {
                user_id,
                methods: Methods::from_bits(bits),
                issued_at: from_micros(issued),
                expires_at: from_micros(issued + ttl),
            };
            prop_assert_eq!(Contents::decode(&contents.encode()), Some(contents));
        }

        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Contents::decode(&bytes);
        }
    }
}
