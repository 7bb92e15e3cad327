//! From the attributes that an identity provider sends to somebody who has been proven.

use kit::Fault;
use store::Connection;

use super::provision::{self, Arrival};
use crate::domain::login::Named;
use crate::domain::mapping::{Assertion, Mapped, MappedUser, UserKind};
use crate::token::BasisId;
use crate::token::methods::Proven;
use crate::token::methods::mapped::method_of;
use crate::token::methods::password::find_user;
use crate::token::scope::find_domain;
use crate::{IdentityService, db, error};

/// Somebody at the door: by which way, and what is said of it.
pub(crate) struct Guest {
    pub(crate) idp_id: String,
    pub(crate) protocol_id: String,
    pub(crate) assertion: Assertion,
    /// The attribute that holds the provider's own name, where the protocol names none.
    pub(crate) remote_id_attribute: String,
    /// Who it is where the mapping does not say.
    pub(crate) remote_user: Option<String>,
}

/// What a guest is here.
enum Admitted {
    /// Somebody who was here before the provider was asked.
    Local(String),
    /// Somebody whom the provider brings.
    Brought(Box<Arrival>),
}

impl IdentityService {
    /// Lets `guest` in as what the mapping makes of it; the tables are brought to that first.
    ///
    /// # Errors
    /// 401 where the mapping makes nothing of it, 403 for a provider that is disabled or another one, 404 for one that is
    /// not known.
    pub(crate) async fn admit(&self, guest: Guest) -> Result<Proven, Fault> {
        let now = self.clock.now();
        let methods = method_of(&guest.protocol_id);
        let basis = BasisId::Federation {
            identity_provider: guest.idp_id.clone(),
            protocol: guest.protocol_id.clone(),
            // They are looked up when the token is used.
            groups: Vec::new(),
        };
        let (known, admitted) = self
            .store
            .read(move |db| {
                let admitted = look_at(db, guest)?;
                let known = match &admitted {
                    Admitted::Brought(arrival) => provision::settled(db, arrival, now)?,
                    Admitted::Local(user_id) => Some(user_id.clone()),
                };
                Ok::<_, Fault>((known, admitted))
            })
            .await?;
        let user_id = match (known, admitted) {
            (Some(user_id), Admitted::Local(_)) => return Ok(Proven::new(user_id, methods)),
            // Nothing to write: most logins are like the one before.
            (Some(user_id), Admitted::Brought(_)) => user_id,
            (None, Admitted::Brought(arrival)) => self.write(move |db| provision::settle(db, &arrival, now)).await?,
            (None, Admitted::Local(_)) => return Err(error::unauthorized()),
        };
        Ok(Proven { basis, ..Proven::new(user_id, methods) })
    }
}

fn look_at(db: &Connection, guest: Guest) -> Result<Admitted, Fault> {
    let provider = db::identity_providers::get(db, &guest.idp_id)?;
    provider.check_enabled()?;
    let protocol = db::protocols::get(db, &guest.idp_id, &guest.protocol_id)?;
    let mapping = db::mappings::get(db, &protocol.mapping_id)?.read()?;
    let attribute = protocol.remote_id_attribute.filter(|name| !name.is_empty()).unwrap_or(guest.remote_id_attribute);
    provider.check_remote_id(guest.assertion.get(&attribute).and_then(|values| values.first()).map(String::as_str))?;
    let mapped = mapping.apply(&guest.assertion).map_err(|reason| {
        tracing::info!(provider = provider.id, mapping = protocol.mapping_id, %reason, "a mapping makes nothing of somebody");
        error::unauthorized()
    })?;
    match mapped.user.as_ref().map(|user| user.kind) {
        Some(UserKind::Local) => Ok(Admitted::Local(local(db, &mapped)?)),
        _ => {
            let arrival = Arrival::new(db, provider, protocol.id, mapped, guest.remote_user)?;
            Ok(Admitted::Brought(Box::new(arrival)))
        }
    }
}

/// The user of this cloud that a mapping names.
fn local(db: &Connection, mapped: &Mapped) -> Result<String, Fault> {
    let MappedUser { id, name, domain, .. } = mapped.user.as_ref().ok_or_else(error::unauthorized)?;
    let named = match (id, name, domain) {
        (Some(id), ..) => Named::Id(id.clone()),
        (None, Some(name), Some(domain)) => Named::Name(name.clone(), domain.clone()),
        _ => return Err(error::unauthorized()),
    };
    let user = find_user(db, &named)?.filter(|user| user.enabled).ok_or_else(error::unauthorized)?;
    if let Some(domain) = domain {
        let domain = find_domain(db, domain)?.ok_or_else(error::unauthorized)?;
        if domain.id != user.domain_id {
            return Err(error::unauthorized());
        }
    }
    Ok(user.id)
}
