//! Application credentials: a part of what a user holds on a project, handed to an application.

use kit::{AccessRule, Fault, Identity, RoleRef, Timestamp};

use super::role::Role;

/// An application credential, without its secret.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApplicationCredential {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) project_id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
    /// Whether it can be used to manage application credentials.
    pub(crate) unrestricted: bool,
    pub(crate) roles: Vec<Role>,
    /// The only requests that it is good for; none: all.
    pub(crate) access_rules: Vec<AccessRule>,
}

/// Whether `identity` may hand on all of `roles`: nobody hands on what the own token does not give.
///
/// # Errors
/// 400 for a role that the token does not have.
pub(crate) fn check_roles(identity: &Identity, roles: &[Role]) -> Result<(), Fault> {
    if roles.iter().all(|role| identity.roles.iter().any(|held| held.id.as_str() == role.id)) {
        return Ok(());
    }
    Err(invalid("Cannot create an application credential with unassigned role"))
}

/// 400: why an application credential cannot be made.
pub(crate) fn invalid(detail: &str) -> Fault {
    Fault::bad_request(format!("Invalid application credential: {detail}"))
}

/// What is left of the roles that were handed on: those that the user still holds.
pub(crate) fn remaining(handed_on: &[String], held: Vec<RoleRef>) -> Vec<RoleRef> {
    held.into_iter().filter(|role| handed_on.iter().any(|id| id == role.id.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attributes::Attributes;

    fn role(id: &str) -> Role {
        Role::new(id.to_owned(), Attributes::default())
    }

    #[test]
    fn nobody_hands_on_more_than_the_token_gives() {
        let identity = http_kit::testing::identity("p", "u", &["member", "reader"]);
        check_roles(&identity, &[role("reader-id")]).unwrap();
        let fault = check_roles(&identity, &[role("reader-id"), role("admin-id")]).unwrap_err();
        let expected = "Invalid application credential: Cannot create an application credential with unassigned role";
        assert_eq!(fault.message(), expected);
    }

    #[test]
    fn what_the_user_lost_is_lost() {
        let held = http_kit::testing::identity("p", "u", &["member", "reader"]).roles;
        let left = remaining(&["reader-id".to_owned(), "admin-id".to_owned()], held);
        assert_eq!(left.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(), ["reader"]);
    }
}
