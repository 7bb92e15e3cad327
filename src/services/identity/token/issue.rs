//! From who somebody says to be, and a proof of it, to a token.
//!
//! Whatever is wrong with the proof, the client reads the same 401, and a user that does not exist costs
//! the same time as a wrong password.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kit::time::{from_micros, to_micros};
use kit::{Fault, Identity, Secret, Timestamp};
use store::Connection;

use super::audit::AuditId;
use super::payload::Methods;
use super::validate::resolve;
use super::{Invalid, Payload, ScopeId};
use crate::domain::login::{DomainNamed, Login, Named, PasswordLogin, ScopeAsked};
use crate::domain::project::Project;
use crate::domain::user::User;
use crate::{IdentityService, db, error};

/// A new token and what it says.
pub(crate) struct Issued {
    pub(crate) token: Secret,
    pub(crate) identity: Arc<Identity>,
}

/// Who has been proven to ask.
struct Proven {
    user_id: String,
    methods: Methods,
    /// The first token of the chain and its end, where a token was the proof.
    chain: Option<(AuditId, Timestamp)>,
}

impl IdentityService {
    /// A token for what `login` asks.
    ///
    /// # Errors
    /// 401 where the proof or the scope is not accepted.
    pub(crate) async fn issue(&self, login: Login) -> Result<Issued, Fault> {
        let started = Instant::now();
        let proven = self.prove(login.password, login.token).await?;
        let now = self.clock.now();
        let (parent, expires_at) = match proven.chain {
            Some((parent, end)) => (Some(parent), end),
            None => (None, end_of_token(now, Duration::from_secs(self.config.token_ttl_secs))),
        };
        let payload = Payload {
            user_id: proven.user_id.into(),
            scope: ScopeId::Unscoped,
            methods: proven.methods,
            audit_id: AuditId::random(),
            parent_audit_id: parent,
            issued_at: now,
            expires_at,
            authentication_micros: u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX),
        };
        let generation = self.cache.generation();
        let scoped = self.store.read(move |db| scope(db, payload, &login.scope)).await;
        let (payload, identity) = scoped.map_err(Invalid::for_bearer)?;
        let token = self.keys.seal(&payload).map_err(|error| Fault::internal("sealing a token", error))?;
        let identity = Arc::new(identity);
        self.cache.put(&token, identity.clone(), generation, now);
        Ok(Issued { token: Secret::new(token), identity })
    }

    async fn prove(&self, password: Option<PasswordLogin>, token: Option<Secret>) -> Result<Proven, Fault> {
        let by_password = match password {
            Some(login) => Some(self.prove_password(login).await?),
            None => None,
        };
        let by_token = match token {
            Some(token) => Some(self.prove_token(&token).await?),
            None => None,
        };
        match (by_password, by_token) {
            (Some(user_id), None) => Ok(Proven { user_id, methods: Methods::PASSWORD, chain: None }),
            (None, Some(proven)) => Ok(proven),
            (Some(user_id), Some(proven)) if user_id == proven.user_id => {
                Ok(Proven { methods: proven.methods.and(Methods::PASSWORD), ..proven })
            }
            _ => Err(error::unauthorized()),
        }
    }

    async fn prove_password(&self, login: PasswordLogin) -> Result<String, Fault> {
        let named = login.user;
        let found = self.store.read(move |db| find_user(db, &named)).await?;
        let hash = found.as_ref().and_then(|(_, hash)| hash.clone());
        let right = self.passwords.verify(login.password, hash).await?;
        match found {
            Some((user, _)) if right && user.enabled => Ok(user.id),
            _ => Err(error::unauthorized()),
        }
    }

    async fn prove_token(&self, token: &Secret) -> Result<Proven, Fault> {
        // Whether it still holds, by way of what is remembered; then what is in it.
        self.validate(token).await.map_err(Invalid::for_bearer)?;
        let payload = self.open(token, self.clock.now()).map_err(Invalid::for_bearer)?;
        Ok(Proven {
            user_id: payload.user_id.to_string(),
            methods: payload.methods.and(Methods::TOKEN),
            chain: Some((payload.parent_audit_id.unwrap_or(payload.audit_id), payload.expires_at)),
        })
    }
}

/// Whole seconds, as Keystone prints them.
fn end_of_token(now: Timestamp, ttl: Duration) -> Timestamp {
    let second = 1_000_000;
    let now = to_micros(now) / second * second;
    from_micros(now.saturating_add(i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX)))
}

fn find_user(db: &Connection, named: &Named) -> Result<Option<(User, Option<String>)>, Fault> {
    let user = match named {
        Named::Id(id) => db::users::find(db, id)?,
        Named::Name(name, domain) => match find_domain(db, domain)? {
            Some(domain) => db::users::named(db, name, &domain.id)?,
            None => None,
        },
    };
    user.map(|user| {
        let hash = db::users::password_hash(db, &user.id)?;
        Ok((user, hash))
    })
    .transpose()
}

fn find_domain(db: &Connection, named: &DomainNamed) -> Result<Option<Project>, Fault> {
    match named {
        DomainNamed::Name(name) => db::projects::domain_named(db, name),
        DomainNamed::Id(id) => match db::projects::get_domain(db, id) {
            Err(fault) if fault.kind() == kit::FaultKind::NotFound => Ok(None),
            found => found.map(Some),
        },
    }
}

/// `payload` with the scope that was `asked` for, and what a token of it says.
fn scope(db: &Connection, mut payload: Payload, asked: &ScopeAsked) -> Result<(Payload, Identity), Invalid> {
    payload.scope = match asked {
        ScopeAsked::Default => return default_scope(db, payload),
        ScopeAsked::Unscoped => ScopeId::Unscoped,
        ScopeAsked::System => ScopeId::System,
        ScopeAsked::Domain(named) => ScopeId::Domain(find_domain(db, named)?.ok_or(Invalid::Refused)?.id.into()),
        ScopeAsked::Project(Named::Id(id)) => ScopeId::Project(id.as_str().into()),
        ScopeAsked::Project(Named::Name(name, domain)) => {
            let domain = find_domain(db, domain)?.ok_or(Invalid::Refused)?;
            let project = db::projects::project_named(db, name, &domain.id)?;
            ScopeId::Project(project.ok_or(Invalid::Refused)?.id.into())
        }
    };
    let identity = resolve(db, &payload)?;
    Ok((payload, identity))
}

/// The user's default project, where it is usable; otherwise none.
fn default_scope(db: &Connection, mut payload: Payload) -> Result<(Payload, Identity), Invalid> {
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
