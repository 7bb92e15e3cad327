//! Who is sent past every endpoint: OpenStack's personas, a token each.
//!
//! All are in the domain `default`. What they are asked about ([`thing`]) belongs to the project `own` and to the user `owner`.

use std::collections::HashMap;

use http_kit::Target;
use serde_json::{Value, json};

use crate::client::Client;
use crate::world::{PASSWORD, World, id_of};

/// A persona: its letter, its group in a line of the table, its role, and what its token is for.
pub struct Persona {
    /// The letter that says in the table that it may.
    pub letter: char,
    /// Which group of letters it is in.
    pub group: usize,
    /// For messages.
    pub name: &'static str,
    role: &'static str,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Own,
    Other,
    Domain,
    System,
    Service,
}

/// The groups' sizes.
pub const GROUPS: [usize; 5] = [5, 4, 3, 2, 1];

/// All, in the order of the table.
pub static PERSONAS: &[Persona] = &[
    persona('o', 0, "the owner, a reader of the project", "reader", Place::Own),
    persona('r', 0, "a reader of the project", "reader", Place::Own),
    persona('m', 0, "a member of the project", "member", Place::Own),
    persona('M', 0, "a manager of the project", "manager", Place::Own),
    persona('A', 0, "an admin of the project", "admin", Place::Own),
    persona('r', 1, "a reader of another project", "reader", Place::Other),
    persona('m', 1, "a member of another project", "member", Place::Other),
    persona('M', 1, "a manager of another project", "manager", Place::Other),
    persona('A', 1, "an admin of another project", "admin", Place::Other),
    persona('r', 2, "a reader of the domain", "reader", Place::Domain),
    persona('M', 2, "a manager of the domain", "manager", Place::Domain),
    persona('A', 2, "an admin of the domain", "admin", Place::Domain),
    persona('r', 3, "a reader of the system", "reader", Place::System),
    persona('A', 3, "an admin of the system", "admin", Place::System),
    persona('s', 4, "one of the cloud's services", "service", Place::Service),
];

const fn persona(letter: char, group: usize, name: &'static str, role: &'static str, place: Place) -> Persona {
    Persona { letter, group, name, role, place }
}

/// The personas, logged in; and what they are asked about.
pub struct Cast {
    /// In the order of [`PERSONAS`].
    pub clients: Vec<Client>,
    /// The project of what they are asked about.
    pub project: String,
}

impl Cast {
    /// Makes them, each with a user of its own.
    pub async fn new(world: &World) -> Self {
        let mut projects = HashMap::new();
        for (place, name) in [(Place::Own, "own"), (Place::Other, "other")] {
            let body = json!({ "project": { "name": name } });
            let made = world.admin.post("/identity/v3/projects", body).await.expect(201);
            projects.insert(place, id_of(&made["project"]));
        }
        let services = world.admin.get("/identity/v3/projects?name=service").await.expect(200);
        projects.insert(Place::Service, id_of(&services["projects"][0]));
        let mut clients = Vec::new();
        for (number, persona) in PERSONAS.iter().enumerate() {
            clients.push(enter(world, &format!("persona-{number}"), persona, projects.get(&persona.place)).await);
        }
        Self { clients, project: projects[&Place::Own].clone() }
    }

    /// What every question is about: something of the project `own` and of its owner, with every attribute that a rule of
    /// OpenStack's asks for.
    pub fn thing(&self) -> Target {
        let (project, user) = (self.project.as_str(), self.clients[0].user());
        let of = |target: Target, names: &[&str], value: &str| {
            names.iter().fold(target, |target, name| target.with(name, value))
        };
        let target =
            of(Target::new(), &["project_id", "owner", "target.project.id", "target.limit.project_id"], project);
        let target = of(target, &["network:project_id", "ext_parent:project_id", "security_group:project_id"], project);
        let target = of(target, &["user_id", "target.user.id", "target.token.user_id"], user);
        let target = of(target, &["target.credential.user_id", "target.trust.trustor_user_id"], user);
        let domains = ["domain_id", "target.domain_id", "target.domain.id", "target.user.domain_id"];
        let target = of(target, &domains, "default");
        let domains = ["target.project.domain_id", "target.group.domain_id", "target.limit.project.domain_id"];
        let target = of(target, &domains, "default");
        target
            .with("target.limit.domain.id", "default")
            .with("target.role.name", "member")
            .with_option("target.role.domain_id", None::<&str>)
            .with("target.trust.trustee_user_id", "somebody else")
            .with("member_id", "somebody else")
            .with("visibility", "private")
            .with_bool("shared", false)
    }
}

async fn enter(world: &World, name: &str, persona: &Persona, project: Option<&String>) -> Client {
    let user = json!({ "user": { "name": name, "password": PASSWORD } });
    let user = id_of(&world.admin.post("/identity/v3/users", user).await.expect(201)["user"]);
    let role = world.role(persona.role).await;
    let (place, scope): (String, Value) = match (persona.place, project) {
        (Place::Domain, _) => ("domains/default".to_owned(), json!({ "domain": { "id": "default" } })),
        (_, Some(project)) => (format!("projects/{project}"), json!({ "project": { "id": project } })),
        (_, None) => ("system".to_owned(), json!({ "system": { "all": true } })),
    };
    world.admin.put(&format!("/identity/v3/{place}/users/{user}/roles/{role}"), Value::Null).await.expect(204);
    world.anonymous().log_in(&json!({ "id": user, "password": PASSWORD }), Some(scope)).await
}
