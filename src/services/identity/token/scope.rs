//! From the scope that a client asks for to the one that its token gets.

use kit::{Fault, Identity};
use store::Connection;

use super::validate::resolve;
use super::{Invalid, Payload, ScopeId};
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

/// `payload` with the scope that was `asked` for, and what a token of it says.
pub(crate) fn apply(db: &Connection, mut payload: Payload, asked: &ScopeAsked) -> Result<(Payload, Identity), Invalid> {
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
        // No trust is known here.
        ScopeAsked::Trust(_) => return Err(Invalid::Refused),
    };
    let identity = resolve(db, &payload)?;
    Ok((payload, identity))
}

/// `payload` with the scope `fixed`, which the proof prescribes.
pub(super) fn fixed(db: &Connection, mut payload: Payload, fixed: ScopeId) -> Result<(Payload, Identity), Invalid> {
    payload.scope = fixed;
    let identity = resolve(db, &payload)?;
    Ok((payload, identity))
}

/// The user's default project, where it is usable; otherwise none.
fn default(db: &Connection, mut payload: Payload) -> Result<(Payload, Identity), Invalid> {
    let unscoped = resolve(db, &payload)?;
    let Some(project) = db::users::get(db, payload.user_id.as_str())?.default_project_id else {
        return Ok((payload, unscoped));
    };
    payload.scope = ScopeId::Project(project.into());
    match resolve(db, &payload) {
        Ok(identity) => Ok((payload, identity)),
        Err(Invalid::Fault(fault)) => Err(Invalid::Fault(fault)),
        Err(_) => {
            payload.scope = ScopeId::Unscoped;
            Ok((payload, unscoped))
        }
    }
}
