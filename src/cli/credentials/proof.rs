//! How somebody shows who they are and what they want to be it for, as Keystone's `POST /auth/tokens` takes it.

use serde_json::{Map, Value, json};

/// A thing by its id or by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// By its id.
    Id(String),
    /// By its name.
    Name(String),
}

impl Reference {
    /// As Keystone takes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Id(id) => json!({ "id": id }),
            Self::Name(name) => json!({ "name": name }),
        }
    }
}

/// A user or a project: what only a domain makes unique, where it is called by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Which.
    pub reference: Reference,
    /// The domain that it is in.
    pub domain: Reference,
}

impl Named {
    /// As Keystone takes it: an id needs no domain.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut value = self.reference.to_json();
        if let (Reference::Name(_), Some(map)) = (&self.reference, value.as_object_mut()) {
            map.insert("domain".to_owned(), self.domain.to_json());
        }
        value
    }
}

/// One way of showing who one is. It holds a secret, and is never printed but by `cloudbox openrc`.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// A password.
    Password(Named, String),
    /// A code that lasts half a minute.
    Totp(Named, String),
    /// An application credential: by its id, or by its name and whose it is.
    ApplicationCredential {
        /// Which.
        credential: Reference,
        /// Whose, where it is called by its name.
        user: Option<Named>,
        /// Its secret.
        secret: String,
    },
    /// A token.
    Token(String),
}

impl Proof {
    /// What keystoneauth calls it.
    #[must_use]
    pub fn auth_type(&self) -> &'static str {
        match self {
            Self::Password(..) => "v3password",
            Self::Totp(..) => "v3totp",
            Self::ApplicationCredential { .. } => "v3applicationcredential",
            Self::Token(_) => "v3token",
        }
    }

    /// What of it is wrong where Keystone does not accept it.
    #[must_use]
    pub fn parts(&self) -> &'static str {
        match self {
            Self::Password(..) => "user, password or project",
            Self::Totp(..) => "user, passcode or project",
            Self::ApplicationCredential { .. } => "application credential or its secret",
            Self::Token(_) => "token: it has ended, was revoked, or is not good for this project",
        }
    }

    /// Keystone's name of the method, and what belongs to it.
    fn to_json(&self) -> (&'static str, Value) {
        let with = |mut user: Value, key: &str, secret: &str| {
            if let Some(map) = user.as_object_mut() {
                map.insert(key.to_owned(), Value::from(secret));
            }
            user
        };
        match self {
            Self::Password(user, password) => {
                ("password", json!({ "user": with(user.to_json(), "password", password) }))
            }
            Self::Totp(user, passcode) => ("totp", json!({ "user": with(user.to_json(), "passcode", passcode) })),
            Self::ApplicationCredential { credential, user, secret } => {
                let mut value = with(credential.to_json(), "secret", secret);
                if let (Some(user), Some(map)) = (user, value.as_object_mut()) {
                    map.insert("user".to_owned(), user.to_json());
                }
                ("application_credential", value)
            }
            Self::Token(token) => ("token", json!({ "id": token })),
        }
    }
}

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Nothing that is named: what the proof itself is for.
    Unscoped,
    /// A project.
    Project(Named),
    /// A domain.
    Domain(Reference),
    /// The whole cloud.
    System,
    /// What a trust is for.
    Trust(String),
}

impl Scope {
    fn to_json(&self) -> Option<Value> {
        match self {
            Self::Unscoped => None,
            Self::Project(project) => Some(json!({ "project": project.to_json() })),
            Self::Domain(domain) => Some(json!({ "domain": domain.to_json() })),
            Self::System => Some(json!({ "system": { "all": true } })),
            Self::Trust(id) => Some(json!({ "OS-TRUST:trust": { "id": id } })),
        }
    }
}

/// The body of `POST /auth/tokens`.
#[must_use]
pub fn body(proofs: &[Proof], scope: &Scope) -> Value {
    let mut identity: Map<String, Value> =
        proofs.iter().map(Proof::to_json).map(|(method, value)| (method.to_owned(), value)).collect();
    let methods: Vec<&str> = proofs.iter().map(|proof| proof.to_json().0).collect();
    identity.insert("methods".to_owned(), json!(methods));
    match scope.to_json() {
        Some(scope) => json!({ "auth": { "identity": identity, "scope": scope } }),
        None => json!({ "auth": { "identity": identity } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Named {
        Named { reference: Reference::Name("ann".to_owned()), domain: Reference::Id("default".to_owned()) }
    }

    #[test]
    fn every_way_is_as_keystone_has_it() {
        let user = json!({"name": "ann", "domain": {"id": "default"}});
        let credential = |credential, user| Proof::ApplicationCredential { credential, user, secret: "s".to_owned() };
        let cases = [
            (Proof::Token("t".to_owned()), json!({"methods": ["token"], "token": {"id": "t"}})),
            (
                credential(Reference::Id("7".to_owned()), None),
                json!({"methods": ["application_credential"], "application_credential": {"id": "7", "secret": "s"}}),
            ),
            (
                credential(Reference::Name("ci".to_owned()), Some(ann())),
                json!({"methods": ["application_credential"],
                       "application_credential": {"name": "ci", "user": user, "secret": "s"}}),
            ),
        ];
        for (proof, identity) in cases {
            assert_eq!(body(&[proof], &Scope::Unscoped), json!({"auth": {"identity": identity}}));
        }
    }

    #[test]
    fn two_ways_at_once_and_every_scope() {
        let proofs = [Proof::Password(ann(), "p".to_owned()), Proof::Totp(ann(), "123456".to_owned())];
        let identity = json!({
            "methods": ["password", "totp"],
            "password": {"user": {"name": "ann", "domain": {"id": "default"}, "password": "p"}},
            "totp": {"user": {"name": "ann", "domain": {"id": "default"}, "passcode": "123456"}},
        });
        let by_id = Named { reference: Reference::Id("p1".to_owned()), ..ann() };
        for (scope, expected) in [
            (Scope::Project(by_id), json!({"project": {"id": "p1"}})),
            (Scope::Domain(Reference::Name("corp".to_owned())), json!({"domain": {"name": "corp"}})),
            (Scope::System, json!({"system": {"all": true}})),
            (Scope::Trust("t1".to_owned()), json!({"OS-TRUST:trust": {"id": "t1"}})),
        ] {
            assert_eq!(body(&proofs, &scope), json!({"auth": {"identity": identity, "scope": expected}}));
        }
    }
}
