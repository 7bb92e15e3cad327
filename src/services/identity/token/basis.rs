//! What a token's rights rest on, as it stands now: the user that it is, its roles, and what it says of where they
//! come from.
//!
//! A basis that is gone makes the token worth nothing. What is handed on is never more than its giver still holds.

use kit::basis::{ApplicationCredentialRef, CertificateRef, FederationRef};
use kit::{Basis, RoleRef, UserRef};
use store::Connection;

use super::{BasisId, Invalid, Payload};
use crate::db;
use crate::domain::application_credential::remaining;
use crate::domain::role::Holding;

/// What a token of a payload amounts to.
pub(super) struct Grounds {
    /// The user that it is.
    pub(super) user: UserRef,
    pub(super) basis: Basis,
    /// Its roles on what it is for; none where it is for nothing.
    pub(super) roles: Vec<RoleRef>,
}

/// The grounds of `payload`, whose user is `user`, on `holding`.
pub(super) fn resolve(
    db: &Connection,
    payload: &Payload,
    user: UserRef,
    holding: Option<&Holding>,
) -> Result<Grounds, Invalid> {
    match &payload.basis {
        BasisId::User => own(db, user, holding, Basis::User),
        BasisId::Federation { identity_provider, protocol, groups } => {
            let (identity_provider, protocol, groups) = (identity_provider.clone(), protocol.clone(), groups.clone());
            own(db, user, holding, Basis::Federation(FederationRef { identity_provider, protocol, groups }))
        }
        BasisId::Certificate(thumbprint) => {
            own(db, user, holding, Basis::Certificate(CertificateRef { thumbprint: thumbprint.clone() }))
        }
        BasisId::ApplicationCredential(id) => application_credential(db, id, user, holding),
        BasisId::Trust(_) | BasisId::AccessToken(_) => Err(Invalid::Refused),
    }
}

/// All that the user was given.
fn own(db: &Connection, user: UserRef, holding: Option<&Holding>, basis: Basis) -> Result<Grounds, Invalid> {
    let roles = match holding {
        Some(holding) => db::assignments::effective_roles(db, user.id.as_str(), holding)?,
        None => Vec::new(),
    };
    Ok(Grounds { user, basis, roles })
}

/// Of what was handed to the application, what the user still has.
fn application_credential(
    db: &Connection,
    id: &str,
    user: UserRef,
    holding: Option<&Holding>,
) -> Result<Grounds, Invalid> {
    let handed = db::application_credentials::handed(db, id)?;
    if handed.user_id != user.id.as_str() {
        return Err(Invalid::Refused);
    }
    let rules = db::access_rules::of(db, id)?;
    let basis = Basis::ApplicationCredential(ApplicationCredentialRef {
        id: id.to_owned(),
        name: handed.name,
        restricted: !handed.unrestricted,
        access_rules: (!rules.is_empty()).then_some(rules),
    });
    let grounds = own(db, user, holding, basis)?;
    Ok(Grounds { roles: remaining(&handed.role_ids, grounds.roles), ..grounds })
}
