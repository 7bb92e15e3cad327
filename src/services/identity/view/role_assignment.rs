//! Role assignments. They have no id: their link is that of the grant which they come from.

use serde_json::{Value, json};

use super::put;
use crate::domain::assignment::{Actor, Assignment, Listed, Naming, Origin};
use crate::domain::role::Holding;

/// An assignment; with names, where there are some.
pub(crate) fn role_assignment(listed: &Listed, base: &str) -> Value {
    let Listed { assignment, origin, names } = listed;
    let mut links = json!({ "assignment": format!("{base}{}", grant(assignment, origin)) });
    if let (Some(group), Actor::User(user)) = (&origin.group_id, &assignment.actor) {
        put(&mut links, "membership", json!(format!("{base}/groups/{group}/users/{user}")));
    }
    if let Some(prior) = &origin.prior_role_id {
        // Keystone's own mixture: what it calls prior here is the implied role.
        put(&mut links, "prior_role", json!(format!("{base}/prior_role/{}/implies/{prior}", assignment.role_id)));
    }
    let kind = match assignment.actor {
        Actor::User(_) => "user",
        Actor::Group(_) => "group",
    };
    json!({
        "links": links,
        "scope": scope(assignment, names.as_ref().and_then(|names| names.place.as_ref())),
        kind: thing(assignment.actor.id(), names.as_ref().map(|names| &names.actor)),
        "role": thing(&assignment.role_id, names.as_ref().map(|names| &names.role)),
    })
}

/// The path of the grant that it comes from.
fn grant(assignment: &Assignment, origin: &Origin) -> String {
    let place = match origin.place.as_ref().unwrap_or(&assignment.holding) {
        Holding::Project(id) => format!("/projects/{id}"),
        Holding::Domain(id) => format!("/domains/{id}"),
        Holding::System => "/system".to_owned(),
    };
    let actor = match (&origin.group_id, &assignment.actor) {
        (Some(group), _) | (None, Actor::Group(group)) => format!("groups/{group}"),
        (None, Actor::User(user)) => format!("users/{user}"),
    };
    let role = origin.prior_role_id.as_ref().unwrap_or(&assignment.role_id);
    let path = format!("{place}/{actor}/roles/{role}");
    if assignment.inherited { format!("/OS-INHERIT{path}/inherited_to_projects") } else { path }
}

fn scope(assignment: &Assignment, naming: Option<&Naming>) -> Value {
    let mut scope = match &assignment.holding {
        Holding::Project(id) => json!({ "project": thing(id, naming) }),
        // A domain is in no domain.
        Holding::Domain(id) => match naming {
            Some(Naming { name, .. }) => json!({ "domain": { "id": id, "name": name } }),
            None => json!({ "domain": { "id": id } }),
        },
        Holding::System => json!({ "system": { "all": true } }),
    };
    if assignment.inherited {
        put(&mut scope, "OS-INHERIT:inherited_to", json!("projects"));
    }
    scope
}

fn thing(id: &str, naming: Option<&Naming>) -> Value {
    match naming {
        None => json!({ "id": id }),
        Some(Naming { name, domain: None }) => json!({ "id": id, "name": name }),
        Some(Naming { name, domain: Some((domain, domain_name)) }) => {
            json!({ "id": id, "name": name, "domain": { "id": domain, "name": domain_name } })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(actor: Actor, holding: Holding, origin: Origin) -> Listed {
        let inherited = origin.place.is_some();
        let assignment = Assignment { actor, role_id: "r".to_owned(), holding, inherited };
        Listed { assignment, origin, names: None }
    }

    #[test]
    fn the_links_lead_to_where_it_was_given() {
        let place = || Holding::Project("p".to_owned());
        let user = || Actor::User("u".to_owned());
        let text = |text: &str| Some(text.to_owned());
        let origin =
            Origin { group_id: text("g"), place: Some(Holding::Domain("d".to_owned())), prior_role_id: text("q") };
        insta::assert_json_snapshot!(role_assignment(&listed(user(), place(), origin), "/v3"), @r#"
        {
          "links": {
            "assignment": "/v3/OS-INHERIT/domains/d/groups/g/roles/q/inherited_to_projects",
            "membership": "/v3/groups/g/users/u",
            "prior_role": "/v3/prior_role/r/implies/q"
          },
          "role": {
            "id": "r"
          },
          "scope": {
            "OS-INHERIT:inherited_to": "projects",
            "project": {
              "id": "p"
            }
          },
          "user": {
            "id": "u"
          }
        }
        "#);
        let link = |listed: &Listed| role_assignment(listed, "")["links"]["assignment"].as_str().unwrap().to_owned();
        assert_eq!(link(&listed(user(), place(), Origin::default())), "/projects/p/users/u/roles/r");
        let group = Actor::Group("g".to_owned());
        assert_eq!(link(&listed(group, Holding::System, Origin::default())), "/system/groups/g/roles/r");
        let mut on_domain = listed(user(), Holding::Domain("d".to_owned()), Origin::default());
        on_domain.assignment.inherited = true;
        assert_eq!(link(&on_domain), "/OS-INHERIT/domains/d/users/u/roles/r/inherited_to_projects");
    }
}
