//! Who is asking: what a token was validated to.

use serde::{Deserialize, Serialize};

use crate::basis::Basis;
use crate::ids::{DomainId, ProjectId, RoleId, UserId};
use crate::time::Timestamp;

/// A domain by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRef {
    /// The domain's id.
    pub id: DomainId,
    /// The domain's name.
    pub name: String,
}

/// A user by id and name, with its domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRef {
    /// The user's id.
    pub id: UserId,
    /// The user's name.
    pub name: String,
    /// The domain that the user is in.
    pub domain: DomainRef,
    /// When the user's password ends, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_expires_at: Option<Timestamp>,
}

/// A project by id and name, with its domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectRef {
    /// The project's id.
    pub id: ProjectId,
    /// The project's name.
    pub name: String,
    /// The domain that the project is in.
    pub domain: DomainRef,
}

/// A role by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRef {
    /// The role's id.
    pub id: RoleId,
    /// The role's name, in lower case.
    pub name: String,
}

/// What a token gives access to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Nothing but the user's own lists of projects and domains.
    Unscoped,
    /// One project.
    Project(ProjectRef),
    /// One domain.
    Domain(DomainRef),
    /// The cloud itself.
    System,
}

/// What a valid token says. Keystone's `token` body holds the same, with the catalog added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Who it is.
    pub user: UserRef,
    /// What it is for.
    pub scope: Scope,
    /// What its rights rest on.
    #[serde(default)]
    pub basis: Basis,
    /// The roles there, implied ones included; empty when unscoped.
    pub roles: Vec<RoleRef>,
    /// How the user authenticated: `password`, `token`, ….
    pub methods: Vec<String>,
    /// The token's audit id, then its parent's where it was made from another token.
    pub audit_ids: Vec<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How long the authentication that led to it took, in microseconds: step B1 of a boot's trace.
    pub authentication_micros: u64,
}

impl Identity {
    /// What a token of `user` for `scope` would say: for asking what he could do. No such token has been issued.
    #[must_use]
    pub fn supposed(user: UserRef, scope: Scope, roles: Vec<RoleRef>) -> Self {
        Self {
            user,
            scope,
            basis: Basis::User,
            roles,
            methods: Vec::new(),
            audit_ids: Vec::new(),
            issued_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::MAX,
            authentication_micros: 0,
        }
    }

    /// The project that the token is scoped to.
    #[must_use]
    pub fn project(&self) -> Option<&ProjectRef> {
        match &self.scope {
            Scope::Project(project) => Some(project),
            _ => None,
        }
    }

    /// Whether the role `name` is among the token's.
    #[must_use]
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role.name.eq_ignore_ascii_case(name))
    }

    /// Whether a token of this may be used for a request: those of some application credentials are for a few kinds of
    /// request only. `paths` are the forms of its path that a rule may be written for.
    #[must_use]
    pub fn permits(&self, service_type: &str, method: &str, paths: &[&str]) -> bool {
        match &self.basis {
            Basis::ApplicationCredential(credential) => credential.access_rules.as_ref().is_none_or(|rules| {
                rules.iter().any(|rule| paths.iter().any(|path| rule.allows(service_type, method, path)))
            }),
            _ => true,
        }
    }

    /// Whether the user handed the token's rights on, to an application or to another user.
    #[must_use]
    pub fn is_delegated(&self) -> bool {
        matches!(self.basis, Basis::ApplicationCredential(_) | Basis::Trust(_) | Basis::AccessToken(_))
    }
}
