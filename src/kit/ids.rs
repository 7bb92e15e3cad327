//! A type per kind of id, so that a network's id cannot be passed where a port's is wanted.
//!
//! Ids are text: Keystone's are 32 hexadecimal digits (or `default`), all others dashed UUIDs.
//! What a client sends is carried as it came; an id that names nothing is answered 404 where it is looked up.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id that `text` spells.
            #[must_use]
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from(text.as_ref()))
            }

            /// A new random id: a dashed UUID.
            #[must_use]
            pub fn random() -> Self {
                Self::new(uuid::Uuid::new_v4().hyphenated().to_string())
            }

            /// A new random id: 32 hexadecimal digits, as Keystone makes them.
            #[must_use]
            pub fn random_hex() -> Self {
                Self::new(uuid::Uuid::new_v4().simple().to_string())
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )+};
}

ids! {
    /// A Keystone domain.
    DomainId
    /// A Keystone project.
    ProjectId
    /// A Keystone user.
    UserId
    /// A Keystone role.
    RoleId
    /// A Nova server (instance).
    ServerId
    /// A Nova flavor: the public `flavorid`.
    FlavorId
    /// A Glance image.
    ImageId
    /// A Neutron network.
    NetworkId
    /// A Neutron subnet.
    SubnetId
    /// A Neutron port.
    PortId
    /// A Neutron router.
    RouterId
    /// A Neutron security group.
    SecurityGroupId
    /// A Neutron security group rule.
    SecurityGroupRuleId
    /// A Cinder volume.
    VolumeId
    /// A Cinder attachment.
    AttachmentId
    /// A host that runs agents: its name.
    HostId
    /// One run of a workflow.
    WorkflowId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_have_their_forms() {
        assert_eq!(ServerId::random().as_str().len(), 36);
        assert_eq!(ProjectId::random_hex().as_str().len(), 32);
    }

    #[test]
    fn an_id_is_a_plain_string_in_json() {
        let id = PortId::new("p1");
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"p1\"");
        assert_eq!(serde_json::from_str::<PortId>("\"p1\"").unwrap(), id);
    }
}
