//! The method `password`: a user, by id or by name, and its password.
//!
//! Whatever is wrong, the client reads the same 401, and a user that does not exist costs the same time as a wrong
//! password.

use http_kit::BoxFuture;
use kit::{Fault, Secret};
use store::Connection;

use super::{Attempt, Method, Methods, Proof, Proven};
use crate::domain::login::{Named, user_named};
use crate::domain::user::User;
use crate::token::scope::find_domain;
use crate::{IdentityService, db, error};

pub(super) const METHOD: Method = Method { name: "password", bit: Methods::PASSWORD, parse };

/// A user and a password.
struct PasswordProof {
    user: Named,
    password: Secret,
}

fn parse(attempt: &Attempt<'_>) -> Result<Box<dyn Proof>, Fault> {
    let user = user_named(attempt.data, "password")?;
    let password = attempt.data.pointer("/user/password").and_then(|password| password.as_str());
    Ok(Box::new(PasswordProof { user, password: Secret::new(password.ok_or_else(error::unauthorized)?) }))
}

impl Proof for PasswordProof {
    fn verify<'s>(self: Box<Self>, service: &'s IdentityService) -> BoxFuture<'s, Result<Proven, Fault>> {
        Box::pin(async move {
            let named = self.user;
            let found = service.store.read(move |db| find(db, &named)).await?;
            let hash = found.as_ref().and_then(|(_, hash)| hash.clone());
            let right = service.passwords.verify(self.password, hash).await?;
            let (user, _) = found.filter(|(user, _)| right && user.enabled).ok_or_else(error::unauthorized)?;
            // Rules about the password itself (its age, a lock) go here: the proof was right.
            Ok(Proven::new(user.id, Methods::PASSWORD))
        })
    }
}

/// The user and the hash of its password.
fn find(db: &Connection, named: &Named) -> Result<Option<(User, Option<String>)>, Fault> {
    let Some(user) = find_user(db, named)? else { return Ok(None) };
    let hash = db::users::password_hash(db, &user.id)?;
    Ok(Some((user, hash)))
}

/// The user that a login names.
pub(crate) fn find_user(db: &Connection, named: &Named) -> Result<Option<User>, Fault> {
    match named {
        Named::Id(id) => db::users::find(db, id),
        Named::Name(name, domain) => match find_domain(db, domain)? {
            Some(domain) => db::users::named(db, name, &domain.id),
            None => Ok(None),
        },
    }
}
