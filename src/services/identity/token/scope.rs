//! From the scope that a client asks for to the one that its token gets.

use kit::{Fault, Identity};
use store::Connection;

use super::validate::resolve;
use super::{BasisId, Invalid, Payload, ScopeId};
use crate::db;
use crate::domain::login::{DomainNamed, Named, ScopeAsked};
use crate::domain::project::Project;

/// The domain that a login names.
pub(crate) fn find_domain(db: &Connection, named: &DomainNamed) -> Result<Option<Project>, Fault> {
    match named {
        DomainNamed::Name(name) => db::projects::domain_named(db, name),
        DomainNamed::Id(id) => match db::projects::get_domain(db, id) {
            Err(fault) if fault.kind() == kit::FaultKind::NotFound => Ok(None),
            found => found.map(Some),
        },
    }
}

/// What a token will be.
pub(super) struct Scoped {
    pub(super) payload: Payload,
    pub(super) identity: Identity,
    /// The trust that has one use less by it.
    pub(super) uses: Option<String>,
}

impl Scoped {
    fn of(db: &Connection, payload: Payload) -> Result<Self, Invalid> {
        let identity = resolve(db, &payload)?;
        Ok(Self { payload, identity, uses: None })
    }
}

/// `payload` with the scope that was `asked` for.
pub(super) fn apply(db: &Connection, mut payload: Payload, asked: &ScopeAsked) -> Result<Scoped, Invalid> {
    payload.scope = match asked {
        ScopeAsked::Default => return default(db, payload),
        ScopeAsked::Unscoped => ScopeId::Unscoped,
        ScopeAsked::System => ScopeId::System,
        ScopeAsked::Domain(named) => ScopeId::Domain(find_domain(db, named)?.ok_or(Invalid::Refused)?.id.into()),
        ScopeAsked::Project(Named::Id(id)) => ScopeId::Project(id.as_str().into()),
        ScopeAsked::Project(Named::Name(name, domain)) => {
            let domain = find_domain(db, domain)?.ok_or(Invalid::Refused)?;
            let project = db::projects::project_named(db, name, &domain.id)?;
            ScopeId::Project(project.ok_or(Invalid::Refused)?.id.into())
        }
        ScopeAsked::Trust(id) => return trust(db, payload, id),
    };
    Scoped::of(db, payload)
}

/// What the trust `id` gives, until it ends.
fn trust(db: &Connection, mut payload: Payload, id: &str) -> Result<Scoped, Invalid> {
    let trust = db::trusts::get(db, id)?;
    if !trust.is_usable(payload.issued_at) || !matches!(payload.basis, BasisId::User | BasisId::Federation { .. }) {
        return Err(Invalid::Refused);
    }
    payload.basis = BasisId::Trust(trust.id.clone());
    payload.scope = trust.project_id.map_or(ScopeId::Unscoped, |id| ScopeId::Project(id.into()));
    payload.expires_at = trust.expires_at.unwrap_or(payload.expires_at).min(payload.expires_at);
    Ok(Scoped { uses: trust.remaining_uses.is_some().then_some(trust.id), ..Scoped::of(db, payload)? })
}

/// `payload` with the scope `fixed`, which the proof prescribes.
pub(super) fn fixed(db: &Connection, mut payload: Payload, fixed: ScopeId) -> Result<Scoped, Invalid> {
    payload.scope = fixed;
    Scoped::of(db, payload)
}

/// The user's default project, where it is usable; otherwise none. Whoever an identity provider brought gets none.
fn default(db: &Connection, mut payload: Payload) -> Result<Scoped, Invalid> {
    let unscoped = Scoped::of(db, payload.clone())?;
    if matches!(payload.basis, BasisId::Federation { .. }) {
        return Ok(unscoped);
    }
    let Some(project) = db::users::get(db, payload.user_id.as_str())?.default_project_id else {
        return Ok(unscoped);
    };
    payload.scope = ScopeId::Project(project.into());
    match Scoped::of(db, payload) {
        Err(Invalid::Ended | Invalid::Refused | Invalid::Forbidden) => Ok(unscoped),
        scoped => scoped,
    }
}
