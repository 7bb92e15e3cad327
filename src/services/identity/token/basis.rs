//! What a token's rights rest on, as it stands now: the user that it is, its roles, and what it says of where they
//! come from.
//!
//! A basis that is gone makes the token worth nothing. What is handed on is never more than its giver still holds.

use http_kit::Condition;
use kit::basis::{AccessTokenRef, ApplicationCredentialRef, CertificateRef, FederationRef, TrustRef};
use kit::{Basis, RoleRef, Timestamp, UserRef};
use store::Connection;

use super::validate::live_user;
use super::{BasisId, Invalid, Payload, ScopeId};
use crate::db;
use crate::db::effective::Person;
use crate::domain::application_credential::remaining;
use crate::domain::role::Holding;
use crate::domain::trust::Trust;

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
    let at = payload.issued_at;
    match &payload.basis {
        BasisId::User => own(db, user, holding, at, Basis::User),
        BasisId::Federation { identity_provider, protocol, .. } => {
            federation(db, identity_provider, protocol, user, holding, at)
        }
        BasisId::Certificate(thumbprint) => {
            own(db, user, holding, at, Basis::Certificate(CertificateRef { thumbprint: thumbprint.clone() }))
        }
        BasisId::ApplicationCredential(id) => application_credential(db, id, user, holding, at),
        BasisId::Trust(id) => trust(db, payload, id, user, holding),
        BasisId::AccessToken(id) => access_token(db, id, user, holding, at),
    }
}

/// All that the user was given. The groups that an identity provider named count for its own tokens, and for as long as the
/// provider is set to (`authorization_ttl`) for others that are issued.
fn own(
    db: &Connection,
    user: UserRef,
    holding: Option<&Holding>,
    issued_at: Timestamp,
    basis: Basis,
) -> Result<Grounds, Invalid> {
    let Some(holding) = holding else { return Ok(Grounds { user, basis, roles: Vec::new() }) };
    let person = Person { user_id: user.id.as_str(), groups: basis.groups(), at: issued_at };
    let roles = db::effective::roles(db, person, holding)?;
    Ok(Grounds { user, basis, roles })
}

/// What the user was given, and the groups that its identity provider named at its last login.
fn federation(
    db: &Connection,
    identity_provider: &str,
    protocol: &str,
    user: UserRef,
    holding: Option<&Holding>,
    issued_at: Timestamp,
) -> Result<Grounds, Invalid> {
    db::protocols::get(db, identity_provider, protocol)?;
    if !db::identity_providers::get(db, identity_provider)?.enabled {
        return Err(Invalid::Refused);
    }
    let groups = db::federated_users::groups(db, user.id.as_str(), identity_provider)?;
    let (identity_provider, protocol) = (identity_provider.to_owned(), protocol.to_owned());
    own(db, user, holding, issued_at, Basis::Federation(FederationRef { identity_provider, protocol, groups }))
}

/// What was lent to a consumer.
fn access_token(
    db: &Connection,
    id: &str,
    user: UserRef,
    holding: Option<&Holding>,
    issued_at: Timestamp,
) -> Result<Grounds, Invalid> {
    let lent = db::oauth1_tokens::get(db, id)?;
    let basis = Basis::AccessToken(AccessTokenRef { id: lent.id, consumer_id: lent.consumer_id });
    let part = Part { giver: &lent.user_id, role_ids: &lent.role_ids };
    part.of(user, |user| own(db, user, holding, issued_at, basis))
}

/// What was handed to an application.
fn application_credential(
    db: &Connection,
    id: &str,
    user: UserRef,
    holding: Option<&Holding>,
    issued_at: Timestamp,
) -> Result<Grounds, Invalid> {
    let handed = db::application_credentials::handed(db, id)?;
    let rules = db::access_rules::of(db, id)?;
    let basis = Basis::ApplicationCredential(ApplicationCredentialRef {
        id: id.to_owned(),
        name: handed.name,
        restricted: !handed.unrestricted,
        access_rules: (!rules.is_empty()).then_some(rules),
    });
    let part = Part { giver: &handed.user_id, role_ids: &handed.role_ids };
    part.of(user, |user| own(db, user, holding, issued_at, basis))
}

/// A part of its giver's roles.
struct Part<'a> {
    giver: &'a str,
    role_ids: &'a [String],
}

impl Part<'_> {
    /// Of what `user`, who must be the giver, `holds`, this part.
    fn of(&self, user: UserRef, holds: impl FnOnce(UserRef) -> Result<Grounds, Invalid>) -> Result<Grounds, Invalid> {
        if self.giver != user.id.as_str() {
            return Err(Invalid::Refused);
        }
        let grounds = holds(user)?;
        Ok(Grounds { roles: remaining(self.role_ids, grounds.roles), ..grounds })
    }
}

/// What the trust gives to `trustee`, all of which its first giver must still hold.
fn trust(
    db: &Connection,
    payload: &Payload,
    id: &str,
    trustee: UserRef,
    holding: Option<&Holding>,
) -> Result<Grounds, Invalid> {
    let pedigree = db::trusts::pedigree(db, id)?;
    let (Some(trust), Some(first)) = (pedigree.first(), pedigree.last()) else { return Err(Invalid::Refused) };
    let place = match &payload.scope {
        ScopeId::Project(id) => Some(id.as_str()),
        _ => None,
    };
    if trust.trustee_user_id != trustee.id.as_str() || trust.project_id.as_deref() != place {
        return Err(Invalid::Forbidden);
    }
    // Everybody in the chain must still be there.
    let mut trustor = live(db, &trust.trustor_user_id, payload)?;
    for ancestor in pedigree.iter().skip(1) {
        live(db, &ancestor.trustor_user_id, payload)?;
        live(db, &ancestor.trustee_user_id, payload)?;
    }
    let roles = match holding {
        Some(holding) => given_roles(db, trust, Person::user(&first.trustor_user_id, payload.issued_at), holding)?,
        None => Vec::new(),
    };
    let basis = Basis::Trust(TrustRef {
        id: trust.id.clone(),
        trustor_user_id: trustor.id.clone(),
        trustee_user_id: trustee.id.clone(),
        impersonation: trust.impersonation,
    });
    if !trust.impersonation {
        trustor = trustee;
    }
    Ok(Grounds { user: trustor, basis, roles })
}

/// The roles of `trust` with what they imply; `giver` must hold every one.
fn given_roles(db: &Connection, trust: &Trust, giver: Person<'_>, holding: &Holding) -> Result<Vec<RoleRef>, Invalid> {
    let ids = trust.role_ids.iter().map(|id| id.as_str().into());
    let named = db::roles::list(db, &Condition::is_in("id", ids))?;
    let given = db::implied_roles::with_implied(db, named)?;
    let held = db::effective::roles(db, giver, holding)?;
    let holds = |id: &str| held.iter().any(|held| held.id.as_str() == id);
    if given.iter().any(|role| role.domain_id.is_none() && !holds(&role.id)) {
        return Err(Invalid::Forbidden);
    }
    Ok(held.into_iter().filter(|held| given.iter().any(|role| role.id == held.id.as_str())).collect())
}

/// A user of the chain; what has become of it ends the token, and is not the caller's to know.
fn live(db: &Connection, id: &str, payload: &Payload) -> Result<UserRef, Invalid> {
    live_user(db, id, payload).map_err(|invalid| match invalid {
        Invalid::Refused => Invalid::Forbidden,
        other => other,
    })
}
