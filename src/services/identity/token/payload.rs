//! What a token holds, and its bytes: a few dozen, so that the token fits into every header.
//!
//! The form has a version, the first byte of the token ([`super::keys`]): whoever changes the bytes raises it, and
//! tokens of the former version end with the upgrade.

use kit::Timestamp;
use kit::ids::{DomainId, ProjectId, UserId};
use kit::time::{from_micros, to_micros};

use super::audit::AuditId;
use super::methods::Methods;

/// What a token holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    /// Who authenticated: of a trust's token the trustee, even where it impersonates.
    pub(crate) user_id: UserId,
    pub(crate) scope: ScopeId,
    pub(crate) basis: BasisId,
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

/// What the token's rights rest on, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum BasisId {
    /// What the user was given.
    #[default]
    User,
    ApplicationCredential(String),
    Trust(String),
    /// What an identity provider said.
    Federation {
        identity_provider: String,
        protocol: String,
        /// The ids of the groups that the mapping named, at most 255.
        groups: Vec<String>,
    },
    /// Of OAuth 1.0a.
    AccessToken(String),
    /// The thumbprint of the TLS certificate that the bearer must show.
    Certificate(String),
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
        self.basis.encode(&mut bytes);
        bytes.extend_from_slice(&self.methods.bits().to_be_bytes());
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
            basis: BasisId::decode(&mut reader)?,
            methods: Methods::from_bits(u16::from_be_bytes(reader.take()?)),
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

impl BasisId {
    fn encode(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::User => bytes.push(0),
            Self::ApplicationCredential(id) => {
                bytes.push(1);
                put_id(bytes, id);
            }
            Self::Trust(id) => {
                bytes.push(2);
                put_id(bytes, id);
            }
            Self::Federation { identity_provider, protocol, groups } => {
                bytes.push(3);
                put_id(bytes, identity_provider);
                put_id(bytes, protocol);
                let count = u8::try_from(groups.len()).unwrap_or(u8::MAX);
                bytes.push(count);
                groups.iter().take(usize::from(count)).for_each(|group| put_id(bytes, group));
            }
            Self::AccessToken(id) => {
                bytes.push(4);
                put_id(bytes, id);
            }
            Self::Certificate(thumbprint) => {
                bytes.push(5);
                put_id(bytes, thumbprint);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(match reader.byte()? {
            0 => Self::User,
            1 => Self::ApplicationCredential(reader.id()?),
            2 => Self::Trust(reader.id()?),
            3 => Self::Federation {
                identity_provider: reader.id()?,
                protocol: reader.id()?,
                groups: (0..reader.byte()?).map(|_| reader.id()).collect::<Option<_>>()?,
            },
            4 => Self::AccessToken(reader.id()?),
            5 => Self::Certificate(reader.id()?),
            _ => return None,
        })
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
        let basis = prop_oneof![
            Just(BasisId::User),
            id().prop_map(BasisId::ApplicationCredential),
            id().prop_map(BasisId::Trust),
            id().prop_map(BasisId::AccessToken),
            id().prop_map(BasisId::Certificate),
            (id(), id(), prop::collection::vec(id(), 0..5)).prop_map(|(identity_provider, protocol, groups)| {
                BasisId::Federation { identity_provider, protocol, groups }
            }),
        ];
        let audit = any::<([u8; 16], Option<[u8; 16]>)>();
        let time = 0..4_000_000_000_000_000_i64;
        (id(), scope, basis, any::<u16>(), audit, time.clone(), time, any::<u32>()).prop_map(
            |(user, scope, basis, methods, (audit, parent), issued, expires, authentication_micros)| Payload {
                user_id: UserId::new(user),
                scope,
                basis,
                methods: Methods::from_bits(methods),
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
}
