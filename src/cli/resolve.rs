//! From what the user calls a thing to the thing: by its id, its name, or what only one of them begins with.
//!
//! What is deleted is not guessed at: of a name nothing may be missing then, and of an id the first eight letters are needed.

use serde_json::Value;

use super::catalog::Service;
use super::client::{Client, escape};
use super::output::{id, text};
use super::problem::{Kind, Problem, Result};

/// A kind of thing: what it is called, and where it is found.
#[derive(Debug)]
pub struct Noun {
    /// What people call it.
    pub name: &'static str,
    /// The verb of the command line that lists them.
    pub command: &'static str,
    /// Whose it is.
    pub service: Service,
    /// The path of the list, with all fields.
    pub list: &'static str,
    /// The path before the id.
    pub path: &'static str,
    /// The key of a list.
    pub many: &'static str,
    /// The key of one, where there is one.
    pub one: Option<&'static str>,
    /// Whether a list can be asked for a name.
    pub by_name: ByName,
    /// The fields, beside its name, that people call it by: an address, a host.
    pub called: &'static [&'static str],
}

/// How a list is asked for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByName {
    /// `name=` is the name.
    Exact,
    /// `name=` is a regular expression.
    Pattern,
    /// It cannot be asked.
    No,
}

/// Servers.
pub static VM: Noun =
    noun("VM", "vm", Service::Compute, ("/servers/detail", "/servers"), ("servers", Some("server")), ByName::Pattern);
/// Flavors.
pub static FLAVOR: Noun = noun(
    "flavor",
    "flavor",
    Service::Compute,
    ("/flavors/detail", "/flavors"),
    ("flavors", Some("flavor")),
    ByName::No,
);
/// Images.
pub static IMAGE: Noun =
    noun("image", "image", Service::Image, ("/images", "/images"), ("images", None), ByName::Exact);
/// Networks.
pub static NETWORK: Noun = noun(
    "network",
    "network",
    Service::Network,
    ("/networks", "/networks"),
    ("networks", Some("network")),
    ByName::Exact,
);
/// Routers.
pub static ROUTER: Noun =
    noun("router", "router", Service::Network, ("/routers", "/routers"), ("routers", Some("router")), ByName::Exact);
/// Security groups.
pub static SECURITY_GROUP: Noun = noun(
    "security group",
    "security-group",
    Service::Network,
    ("/security-groups", "/security-groups"),
    ("security_groups", Some("security_group")),
    ByName::Exact,
);
/// Volumes.
pub static VOLUME: Noun = noun(
    "volume",
    "volume",
    Service::Volume,
    ("/volumes/detail", "/volumes"),
    ("volumes", Some("volume")),
    ByName::Exact,
);

/// Users.
pub static USER: Noun =
    noun("user", "user", Service::Identity, ("/users", "/users"), ("users", Some("user")), ByName::Exact);
/// Projects.
pub static PROJECT: Noun = noun(
    "project",
    "project",
    Service::Identity,
    ("/projects", "/projects"),
    ("projects", Some("project")),
    ByName::Exact,
);
/// Domains: their ids are names, too (`default`).
pub static DOMAIN: Noun =
    noun("domain", "domain", Service::Identity, ("/domains", "/domains"), ("domains", Some("domain")), ByName::No);

/// How much of an id is needed where something is looked at, and where it is deleted.
const SHORTEST: (usize, usize) = (4, 8);

/// A noun, from (name, command), service, (list, path), (many, one) and how it is asked for a name.
pub const fn kind(
    (name, command): (&'static str, &'static str),
    service: Service,
    paths: (&'static str, &'static str),
    keys: (&'static str, Option<&'static str>),
    by_name: ByName,
) -> Noun {
    noun(name, command, service, paths, keys, by_name)
}

const fn noun(
    name: &'static str,
    command: &'static str,
    service: Service,
    (list, path): (&'static str, &'static str),
    (many, one): (&'static str, Option<&'static str>),
    by_name: ByName,
) -> Noun {
    Noun { name, command, service, list, path, many, one, by_name, called: &[] }
}

impl Noun {
    /// One that is called by these fields, too.
    pub const fn called(self, called: &'static [&'static str]) -> Self {
        Self { called, ..self }
    }

    /// The path of the one with this id.
    #[must_use]
    pub fn path_of(&self, id: &str) -> String {
        format!("{}/{}", self.path, escape(id))
    }

    /// All of them.
    ///
    /// # Errors
    /// What the cloud answers; so with all the others.
    pub async fn list(&self, client: &Client) -> Result<Vec<Value>> {
        client.list(self.service, self.list, self.many).await
    }

    /// The one with this id.
    pub async fn get(&self, client: &Client, id: &str) -> Result<Value> {
        let answer = client.get(self.service, &self.path_of(id)).await?;
        Ok(self.unwrap(answer))
    }

    /// The object out of an answer's envelope.
    #[must_use]
    pub fn unwrap(&self, mut answer: Value) -> Value {
        match self.one.and_then(|key| answer.get_mut(key)) {
            Some(object) => object.take(),
            None => answer,
        }
    }

    /// Deletes the one with this id.
    pub async fn delete(&self, client: &Client, id: &str) -> Result<()> {
        client.delete(self.service, &self.path_of(id)).await
    }

    /// The one that the user calls `wanted`: its id, its name, or the beginning of one of them.
    ///
    /// # Errors
    /// When there is none, or more than one that is called so.
    pub async fn find(&self, client: &Client, wanted: &str) -> Result<Value> {
        self.look(client, wanted, SHORTEST.0, true).await
    }

    /// The id of the one that the user calls `wanted`.
    pub async fn find_id(&self, client: &Client, wanted: &str) -> Result<String> {
        Ok(id(&self.find(client, wanted).await?))
    }

    /// As [`Self::find_id`]; who may not look is taken at their word, which is an id then.
    pub async fn find_id_or_take(&self, client: &Client, wanted: &str) -> Result<String> {
        match self.find_id(client, wanted).await {
            Err(problem) if problem.kind == Kind::NotAllowed => Ok(wanted.to_owned()),
            found => found,
        }
    }

    /// As [`Self::find_id`], for what is going to be lost: a part of a name is not enough.
    pub async fn find_exactly(&self, client: &Client, wanted: &str) -> Result<String> {
        Ok(id(&self.look(client, wanted, SHORTEST.1, false).await?))
    }

    async fn look(&self, client: &Client, wanted: &str, shortest: usize, by_part: bool) -> Result<Value> {
        if is_uuid(wanted) {
            match self.get(client, wanted).await {
                Err(problem) if problem.kind == Kind::NotFound => {}
                answer => return answer,
            }
        }
        let path = match self.by_name {
            ByName::Exact => format!("{}?name={}", self.list, escape(wanted)),
            ByName::Pattern => format!("{}?name={}", self.list, escape(&format!("^{}$", literal(wanted)))),
            ByName::No => self.list.to_owned(),
        };
        let named = client.list(self.service, &path, self.many).await?;
        let project = client.project_id().await?;
        match self.choose(named, wanted, project.as_deref()) {
            Err(problem) if problem.kind == Kind::NotFound => {
                let all = self.list(client).await?;
                if all.iter().any(|object| self.is_called(object, wanted)) {
                    return self.choose(all, wanted, project.as_deref());
                }
                self.begins(all, wanted, shortest, by_part).unwrap_or(Err(problem))
            }
            found => found,
        }
    }

    fn is_called(&self, object: &Value, wanted: &str) -> bool {
        let mut fields = ["/name"].iter().chain(self.called);
        fields.any(|field| text(object, field) == wanted)
    }

    /// The only one of `all` whose id, or with `by_part` whose name, begins with `wanted`. `None` where there is none.
    fn begins(&self, mut all: Vec<Value>, wanted: &str, shortest: usize, by_part: bool) -> Option<Result<Value>> {
        let by_id = wanted.len() >= shortest;
        all.retain(|object| {
            (by_id && id(object).starts_with(wanted))
                || (by_part && !wanted.is_empty() && text(object, "/name").starts_with(wanted))
        });
        if all.len() > 1 {
            let names = all.iter().map(|object| match (text(object, "/name"), id(object)) {
                (name, id) if name.is_empty() || name == id => id,
                (name, id) => format!("{name} ({id})"),
            });
            let names: Vec<String> = names.collect();
            let text = format!("several {}s begin with {wanted}: {}", self.name, names.join(", "));
            return Some(Err(Problem::usage(text).hint("say which by its whole name or its id")));
        }
        all.pop().map(Ok)
    }

    /// The one of `all` with this id or name. Among several of a name, the only one of the user's own project is meant.
    fn choose(&self, mut all: Vec<Value>, wanted: &str, project: Option<&str>) -> Result<Value> {
        if let Some(index) = all.iter().position(|object| id(object) == wanted) {
            return Ok(all.swap_remove(index));
        }
        all.retain(|object| self.is_called(object, wanted));
        if all.len() > 1 {
            let own = |object: &Value| {
                ["/project_id", "/tenant_id", "/owner"].iter().any(|key| Some(text(object, key).as_str()) == project)
            };
            let mut own: Vec<&Value> = all.iter().filter(|object| own(object)).collect();
            if let (Some(only), true) = (own.pop(), own.is_empty()) {
                return Ok(only.clone());
            }
            let ids: Vec<String> = all.iter().map(id).collect();
            return Err(Problem::usage(format!("{} {}s are named {wanted}: {}", ids.len(), self.name, ids.join(", ")))
                .hint("say which by its id"));
        }
        all.pop().ok_or_else(|| {
            Problem::not_found(format!("there is no {} named {wanted}", self.name))
                .hint(format!("`cloudbox {} list` shows what there is", self.command))
        })
    }
}

/// Whether `text` can be a UUID, with or without hyphens.
fn is_uuid(text: &str) -> bool {
    let hex = text.chars().filter(|c| *c != '-');
    hex.clone().count() == 32 && hex.clone().all(|c| c.is_ascii_hexdigit())
}

/// `text` as a regular expression that matches itself.
fn literal(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn things() -> Vec<Value> {
        vec![
            json!({"id": "1", "name": "a", "project_id": "p"}),
            json!({"id": "2", "name": "b", "project_id": "p"}),
            json!({"id": "3", "name": "b", "project_id": "q"}),
            json!({"id": "4", "name": "c", "project_id": "q"}),
            json!({"id": "5", "name": "c", "project_id": "q"}),
            json!({"id": "a", "name": "z", "project_id": "q"}),
        ]
    }

    #[test]
    fn an_id_goes_before_a_name_and_ones_own_before_others() {
        let choose = |wanted: &str| VOLUME.choose(things(), wanted, Some("p")).map(|found| text(&found, "/id"));
        assert_eq!(choose("a").unwrap(), "a");
        assert_eq!(choose("z").unwrap(), "a");
        assert_eq!(choose("2").unwrap(), "2");
        assert_eq!(choose("b").unwrap(), "2");
        let ambiguous = choose("c").unwrap_err();
        assert_eq!((ambiguous.kind, ambiguous.text.as_str()), (Kind::Usage, "2 volumes are named c: 4, 5"));
        let missing = choose("nope").unwrap_err();
        assert_eq!(missing.kind, Kind::NotFound);
        assert_eq!(missing.hint.unwrap(), "`cloudbox volume list` shows what there is");
    }

    #[test]
    fn a_thing_is_called_by_what_people_know_of_it() {
        static ADDRESS: Noun =
            kind(("address", "address"), Service::Network, ("/a", "/a"), ("a", None), ByName::No).called(&["/ip"]);
        let all = || vec![json!({"id": "1", "ip": "10.0.0.1"}), json!({"id": "2", "ip": "10.0.0.2"})];
        assert_eq!(id(&ADDRESS.choose(all(), "10.0.0.2", None).unwrap()), "2");
        assert_eq!(ADDRESS.choose(all(), "10.0.0.3", None).unwrap_err().kind, Kind::NotFound);
    }

    #[test]
    fn a_beginning_is_enough_where_nothing_is_lost() {
        let all = || {
            let ids = ["0b55c09e-93f1-4fda-a9a6-a4b5a9d5e1a1", "0b55d3e1-93f1-4fda-a9a6-a4b5a9d5e1a1", "c0ffee00-0"];
            ids.into_iter()
                .zip(["web-1", "web-2", "db"])
                .map(|(id, name)| json!({"id": id, "name": name}))
                .collect::<Vec<_>>()
        };
        let found = |wanted: &str, deletes: bool| {
            let shortest = if deletes { SHORTEST.1 } else { SHORTEST.0 };
            VM.begins(all(), wanted, shortest, !deletes).map(|found| found.map(|found| text(&found, "/name")))
        };
        assert_eq!(found("d", false).unwrap().unwrap(), "db");
        assert_eq!(found("0b55c", false).unwrap().unwrap(), "web-1");
        let several = found("web", false).unwrap().unwrap_err();
        assert!(several.text.starts_with("several VMs begin with web: web-1 (0b55c09e-"), "{}", several.text);
        assert_eq!(found("0b55", false).unwrap().unwrap_err().kind, Kind::Usage);
        assert!(found("0b5", false).is_none() && found("", false).is_none());
        assert!(found("d", true).is_none() && found("0b55c09", true).is_none());
        assert_eq!(found("0b55c09e", true).unwrap().unwrap(), "web-1");
    }

    #[test]
    fn names_are_not_patterns() {
        assert_eq!(literal("a.b(c)"), r"a\.b\(c\)");
        assert!(is_uuid("0b55c09e-93f1-4fda-a9a6-a4b5a9d5e1a1") && is_uuid("8aabdfa5e20c46ce9d195ac55e87fe1a"));
        assert!(!is_uuid("m1.tiny") && !is_uuid("zz"));
    }
}
