//! Role assignments. They have no id: their link is that of the grant which they come from.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::db::assignments::Assignment;
use crate::domain::project::Project;
use crate::domain::role::{Holding, Role};
use crate::domain::user::User;

/// An assignment, and the role that was given where this one is only implied by it.
pub(crate) struct Shown<'a> {
    pub(crate) assignment: &'a Assignment,
    pub(crate) prior_role_id: Option<&'a str>,
}

/// What the ids of assignments stand for.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) users: HashMap<String, User>,
    pub(crate) roles: HashMap<String, Role>,
    /// Projects and domains.
    pub(crate) places: HashMap<String, Project>,
}

/// An assignment; with names, where they are wanted.
pub(crate) fn assignment(shown: &Shown<'_>, names: Option<&Names>, base: &str) -> Value {
    let Assignment { user_id, role_id, holding } = shown.assignment;
    let (place, scope) = match holding {
        Holding::Project(id) => (format!("/projects/{id}"), json!({ "project": project(id, names) })),
        Holding::Domain(id) => (format!("/domains/{id}"), json!({ "domain": domain(id, names) })),
        Holding::System => ("/system".to_owned(), json!({ "system": { "all": true } })),
    };
    let given = shown.prior_role_id.unwrap_or(role_id);
    let mut links = json!({ "assignment": format!("{base}{place}/users/{user_id}/roles/{given}") });
    if let Some(prior) = shown.prior_role_id {
        // Keystone's own mixture: what it calls prior here is the implied role.
        super::put(&mut links, "prior_role", json!(format!("{base}/prior_role/{role_id}/implies/{prior}")));
    }
    json!({ "links": links, "scope": scope, "user": user(user_id, names), "role": role(role_id, names) })
}

fn domain(id: &str, names: Option<&Names>) -> Value {
    match names.and_then(|names| names.places.get(id)) {
        Some(domain) => json!({ "id": id, "name": domain.name }),
        None => json!({ "id": id }),
    }
}

fn project(id: &str, names: Option<&Names>) -> Value {
    match names.and_then(|names| names.places.get(id)) {
        Some(project) => {
            let domain = domain(project.domain_id.as_deref().unwrap_or(id), names);
            json!({ "id": id, "name": project.name, "domain": domain })
        }
        None => json!({ "id": id }),
    }
}

fn user(id: &str, names: Option<&Names>) -> Value {
    match names.and_then(|names| names.users.get(id)) {
        Some(user) => json!({ "id": id, "name": user.name, "domain": domain(&user.domain_id, names) }),
        None => json!({ "id": id }),
    }
}

fn role(id: &str, names: Option<&Names>) -> Value {
    match names.and_then(|names| names.roles.get(id)) {
        Some(role) => match &role.domain_id {
            Some(of) => json!({ "id": id, "name": role.name, "domain": domain(of, names) }),
            None => json!({ "id": id, "name": role.name }),
        },
        None => json!({ "id": id }),
    }
}
