//! What a token holds, and its bytes: a few dozen, so that the token fits into every header.

use kit::Timestamp;
use kit::ids::{DomainId, ProjectId, UserId};
use kit::time::{from_micros, to_micros};

use super::audit::AuditId;

/// What a token holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) user_id: UserId,
    pub(crate) scope: ScopeId,
    pub(crate) methods: Methods,
    pub(crate) audit_id: AuditId,
    /// The audit id of the first token of the chain, where this one was made from another.
    pub(crate) parent_audit_id: Option<AuditId>,
    /// To the microsecond, although clients read whole seconds: revocations are compared with it.
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// How long the authentication took.
    pub(crate) authentication_micros: u32,
}

/// What a token is for, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ScopeId {
    Unscoped,
    Project(ProjectId),
    Domain(DomainId),
    System,
}

/// How the user authenticated, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Methods(u8);

impl Methods {
    pub(crate) const PASSWORD: Self = Self(1);
    pub(crate) const TOKEN: Self = Self(2);

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Their names, in Keystone's order.
    pub(crate) fn names(self) -> Vec<String> {
        [(Self::TOKEN, "token"), (Self::PASSWORD, "password")]
            .into_iter()
            .filter(|(method, _)| self.0 & method.0 != 0)
            .map(|(_, name)| name.to_owned())
            .collect()
    }
}

/// Of an id: 32 hexadecimal digits, or any other text.
const HEX: u8 = 0;

impl Payload {
    /// Its bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(96);
        put_id(&mut bytes, self.user_id.as_str());
        match &self.scope {
            ScopeId::Unscoped => bytes.push(0),
            ScopeId::Project(id) => {
                bytes.push(1);
                put_id(&mut bytes, id.as_str());
            }
            ScopeId::Domain(id) => {
                bytes.push(2);
                put_id(&mut bytes, id.as_str());
            }
            ScopeId::System => bytes.push(3),
        }
        bytes.push(self.methods.0);
        bytes.extend_from_slice(&self.audit_id.0);
        bytes.push(u8::from(self.parent_audit_id.is_some()));
        if let Some(parent) = &self.parent_audit_id {
            bytes.extend_from_slice(&parent.0);
        }
        bytes.extend_from_slice(&to_micros(self.issued_at).to_be_bytes());
        bytes.extend_from_slice(&to_micros(self.expires_at).to_be_bytes());
        bytes.extend_from_slice(&self.authentication_micros.to_be_bytes());
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote; none where it is anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let payload = Self {
            user_id: UserId::new(reader.id()?),
            scope: match reader.byte()? {
                0 => ScopeId::Unscoped,
                1 => ScopeId::Project(ProjectId::new(reader.id()?)),
                2 => ScopeId::Domain(DomainId::new(reader.id()?)),
                3 => ScopeId::System,
                _ => return None,
            },
            methods: Methods(reader.byte()?),
            audit_id: AuditId(reader.take()?),
            parent_audit_id: match reader.byte()? {
                0 => None,
                1 => Some(AuditId(reader.take()?)),
                _ => return None,
            },
            issued_at: from_micros(i64::from_be_bytes(reader.take()?)),
            expires_at: from_micros(i64::from_be_bytes(reader.take()?)),
            authentication_micros: u32::from_be_bytes(reader.take()?),
        };
        reader.0.is_empty().then_some(payload)
    }
}

fn put_id(bytes: &mut Vec<u8>, id: &str) {
    let hex = uuid::Uuid::try_parse(id).ok().filter(|uuid| uuid.simple().to_string() == id);
    if let Some(uuid) = hex {
        bytes.push(HEX);
        bytes.extend_from_slice(uuid.as_bytes());
        return;
    }
    // The schema lets no id be longer than 64 characters, so that the cut never happens.
    let text: Vec<u8> = id.bytes().take(usize::from(u8::MAX)).collect();
    bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(&text);
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn id(&mut self) -> Option<String> {
        match self.byte()? {
            HEX => Some(uuid::Uuid::from_bytes(self.take()?).simple().to_string()),
            length => {
                let (text, rest) = self.0.split_at_checked(usize::from(length))?;
                self.0 = rest;
                String::from_utf8(text.to_vec()).ok()
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn payloads() -> impl Strategy<Value = Payload> {
        let id = || prop_oneof!["[0-9a-f]{32}", "[a-zA-Z0-9-]{1,64}"];
        let scope = prop_oneof![
            Just(ScopeId::Unscoped),
            Just(ScopeId::System),
            id().prop_map(|id| ScopeId::Project(ProjectId::new(id))),
            id().prop_map(|id| ScopeId::Domain(DomainId::new(id))),
        ];
        let audit = any::<[u8; 16]>();
        let time = 0..4_000_000_000_000_000_i64;
        (id(), scope, 0..4_u8, audit, any::<Option<[u8; 16]>>(), time.clone(), time, any::<u32>()).prop_map(
            |(user, scope, methods, audit, parent, issued, expires, authentication_micros)| Payload {
                user_id: UserId::new(user),
                scope,
                methods: Methods(methods),
                audit_id: AuditId(audit),
                parent_audit_id: parent.map(AuditId),
                issued_at: from_micros(issued),
                expires_at: from_micros(expires),
                authentication_micros,
            },
        )
    }

    proptest! {
        #[test]
        fn a_payload_survives_its_bytes(payload in payloads()) {
            prop_assert_eq!(Payload::decode(&payload.encode()), Some(payload));
        }

        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = Payload::decode(&bytes);
        }

        #[test]
        fn what_is_cut_off_is_refused(payload in payloads(), cut in 1..20_usize) {
            let bytes = payload.encode();
            let shorter = bytes.get(..bytes.len() - cut).unwrap();
            prop_assert_eq!(Payload::decode(shorter), None);
        }
    }

    #[test]
    fn methods_are_named_as_keystone_orders_them() {
        assert_eq!(Methods::PASSWORD.and(Methods::TOKEN).names(), ["token", "password"]);
        assert_eq!(Methods::PASSWORD.names(), ["password"]);
    }
}
