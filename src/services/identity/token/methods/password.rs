//! The method `password`: a user, by id or by name, and its password.
//!
//! Whether it is the right one, and may be used, is told by [`sign_in`](crate::sign_in).

use std::net::IpAddr;

use http_kit::BoxFuture;
use kit::{Fault, Secret};
use store::Connection;

use super::{Attempt, Method, Methods, Proof, Proven};
use crate::domain::login::{Named, user_named};
use crate::domain::user::User;
use crate::sign_in::Refusal;
use crate::token::scope::find_domain;
use crate::{IdentityService, db, error};

pub(super) const METHOD: Method = Method { name: "password", bit: Methods::PASSWORD, parse };

/// A user and a password, and where they come from.
struct PasswordProof {
    user: Named,
    password: Secret,
    source: Option<IpAddr>,
}

fn parse(attempt: &Attempt<'_>) -> Result<Box<dyn Proof>, Fault> {
    let user = user_named(attempt.data, "password")?;
    match &user {
        Named::Id(id) => attempt.request.trail().claimed(Some(id), None),
        Named::Name(name, _) => attempt.request.trail().claimed(None, Some(name)),
    }
    let password = attempt.data.pointer("/user/password").and_then(|password| password.as_str());
    let password = Secret::new(password.ok_or_else(error::unauthorized)?);
    Ok(Box::new(PasswordProof { user, password, source: attempt.request.peer() }))
}

impl Proof for PasswordProof {
    fn verify<'s>(self: Box<Self>, service: &'s IdentityService) -> BoxFuture<'s, Result<Proven, Fault>> {
        Box::pin(async move {
            let (asked, named) = (format!("{:?}", self.user), self.user);
            let find = move |db: &Connection| find_user(db, &named);
            let user = service.check_password(&asked, find, self.password, self.source).await;
            Ok(Proven::new(user.map_err(Refusal::for_login)?.id, Methods::PASSWORD))
        })
    }
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
