//! From a token to what it says, as identity stands now.

use std::sync::Arc;
use std::time::Duration;

use kit::{DomainRef, Fault, Identity, ProjectRef, Scope, Secret, Timestamp, UserRef};
use store::Connection;

use super::basis::{self, Grounds};
use super::{Payload, ScopeId};
use crate::IdentityService;
use crate::db;
use crate::domain::project::Project;
use crate::domain::role::Holding;
use crate::domain::user::User;

/// Why a token says nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Invalid {
    /// It is not one of ours.
    #[error("the token is not one of ours")]
    Unrecognized,
    /// It has expired or was revoked.
    #[error("the token has expired or was revoked")]
    Ended,
    /// Its user or its scope is gone or disabled, or the user holds no role there any more.
    #[error("the token's user or scope is not what it was")]
    Refused,
    /// What it was handed on by gives nothing any more.
    #[error("what the token was handed on by gives nothing any more")]
    Forbidden,
    /// It could not be found out.
    #[error("validating a token")]
    Fault(#[source] Fault),
}

impl From<Fault> for Invalid {
    fn from(fault: Fault) -> Self {
        // What a token names and is no longer there is no failure of ours.
        if fault.kind() == kit::FaultKind::NotFound { Self::Refused } else { Self::Fault(fault) }
    }
}

impl From<store::Error> for Invalid {
    fn from(error: store::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl Invalid {
    /// What the bearer is told: nothing but that the token is no good.
    pub(crate) fn for_bearer(self) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            _ => crate::error::unauthorized(),
        }
    }

    /// What a client is told that wanted a token.
    pub(crate) fn for_login(self) -> Fault {
        match self {
            Self::Forbidden => crate::error::forbidden(),
            other => other.for_bearer(),
        }
    }

    /// What somebody is told who asked about `token`.
    pub(crate) fn for_subject(self, token: &str) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Unrecognized => Fault::not_found("Could not recognize Fernet token"),
            Self::Ended => Fault::not_found("Failed to validate token"),
            Self::Refused => crate::error::not_found("token", token),
            Self::Forbidden => crate::error::forbidden(),
        }
    }
}

impl IdentityService {
    /// What `token` says.
    pub(crate) async fn validate(&self, token: &Secret) -> Result<Arc<Identity>, Invalid> {
        let now = self.clock.now();
        if let Some(identity) = self.cache.get(token.expose(), now) {
            return Ok(identity);
        }
        let payload = self.open(token, now)?;
        let generation = self.cache.generation();
        let identity = Arc::new(self.store.read(move |db| resolve(db, &payload)).await?);
        self.cache.put(token.expose(), identity.clone(), generation, now);
        Ok(identity)
    }

    /// What `token` says, or said before it expired within the window that services are given.
    pub(crate) async fn validate_expired(&self, token: &Secret) -> Result<Arc<Identity>, Invalid> {
        let window = Duration::from_secs(self.config.allow_expired_window_secs);
        let payload = self.keys.open(token.expose()).ok_or(Invalid::Unrecognized)?;
        let end = payload.expires_at.checked_add(window).unwrap_or(Timestamp::MAX);
        if end <= self.clock.now() {
            return Err(Invalid::Ended);
        }
        Ok(Arc::new(self.store.read(move |db| resolve(db, &payload)).await?))
    }

    /// What is in `token`, if it has not expired.
    pub(crate) fn open(&self, token: &Secret, now: Timestamp) -> Result<Payload, Invalid> {
        let payload = self.keys.open(token.expose()).ok_or(Invalid::Unrecognized)?;
        if payload.expires_at <= now { Err(Invalid::Ended) } else { Ok(payload) }
    }
}

/// What a token of `payload` says.
pub(crate) fn resolve(db: &Connection, payload: &Payload) -> Result<Identity, Invalid> {
    if db::revocations::exists(db, &payload.audit_id.to_string())? {
        return Err(Invalid::Ended);
    }
    let user = live_user(db, payload.user_id.as_str(), payload)?;
    let (scope, holding) = place(db, payload)?;
    let Grounds { user, basis, roles } = basis::resolve(db, payload, user, holding.as_ref())?;
    if holding.is_some() && roles.is_empty() {
        return Err(Invalid::Refused);
    }
    Ok(Identity {
        user,
        scope,
        basis,
        roles,
        methods: payload.methods.names(),
        audit_ids: std::iter::once(payload.audit_id).chain(payload.parent_audit_id).map(|id| id.to_string()).collect(),
        issued_at: payload.issued_at,
        expires_at: payload.expires_at,
        authentication_micros: u64::from(payload.authentication_micros),
    })
}

/// What the token is for, and what roles must be held on.
fn place(db: &Connection, payload: &Payload) -> Result<(Scope, Option<Holding>), Invalid> {
    Ok(match &payload.scope {
        ScopeId::Unscoped => (Scope::Unscoped, None),
        ScopeId::System => (Scope::System, Some(Holding::System)),
        ScopeId::Domain(id) => {
            let domain = db::projects::get_domain(db, id.as_str())?;
            check_place(&domain, payload)?;
            (Scope::Domain(domain_ref(domain)), Some(Holding::Domain(id.to_string())))
        }
        ScopeId::Project(id) => {
            let project = db::projects::get(db, id.as_str())?;
            check_place(&project, payload)?;
            // What acts as a domain cannot be a project's scope.
            let domain = db::projects::get_domain(db, project.domain_id.as_deref().ok_or(Invalid::Refused)?)?;
            check_place(&domain, payload)?;
            let reference = ProjectRef { id: id.clone(), name: project.name, domain: domain_ref(domain) };
            (Scope::Project(reference), Some(Holding::Project(id.to_string())))
        }
    })
}

/// The user `id`, who and whose domain must be as they were when the token was issued.
pub(super) fn live_user(db: &Connection, id: &str, payload: &Payload) -> Result<UserRef, Invalid> {
    let user = db::users::get(db, id)?;
    let home = db::projects::get_domain(db, &user.domain_id)?;
    check_user(&user, payload)?;
    check_place(&home, payload)?;
    Ok(UserRef {
        id: user.id.into(),
        name: user.name,
        domain: domain_ref(home),
        password_expires_at: user.password_expires_at,
    })
}

fn check_user(user: &User, payload: &Payload) -> Result<(), Invalid> {
    if !user.enabled {
        return Err(Invalid::Refused);
    }
    if payload.issued_at < user.tokens_valid_since { Err(Invalid::Ended) } else { Ok(()) }
}

fn check_place(place: &Project, payload: &Payload) -> Result<(), Invalid> {
    if !place.enabled {
        return Err(Invalid::Refused);
    }
    if payload.issued_at < place.tokens_valid_since { Err(Invalid::Ended) } else { Ok(()) }
}

fn domain_ref(domain: Project) -> DomainRef {
    DomainRef { id: domain.id.into(), name: domain.name }
}
