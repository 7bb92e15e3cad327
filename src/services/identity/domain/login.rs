//! What a client that wants a token says: who it is, how it proves that, and what for.

use kit::{Fault, Secret};
use serde_json::Value;

use crate::error;

/// A request for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// A password, where it is one of the methods.
    pub(crate) password: Option<PasswordLogin>,
    /// Another token, where it is one of the methods.
    pub(crate) token: Option<Secret>,
    pub(crate) scope: ScopeAsked,
}

/// A user and a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PasswordLogin {
    pub(crate) user: Named,
    pub(crate) password: Secret,
}

/// Something in a domain, by id or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    Id(String),
    Name(String, DomainNamed),
}

/// A domain, by id or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DomainNamed {
    Id(String),
    Name(String),
}

/// What the token is to be for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ScopeAsked {
    /// The user's default project, where there is one.
    Default,
    Unscoped,
    Project(Named),
    Domain(DomainNamed),
    System,
}

impl Login {
    /// Reads the `auth` of a request, whose types were checked against the schema.
    ///
    /// # Errors
    /// 400 for what is missing, 401 for a method that there is not.
    pub(crate) fn parse(auth: &Value) -> Result<Self, Fault> {
        let identity = &auth["identity"];
        let mut login = Self { password: None, token: None, scope: scope(auth)? };
        for method in identity["methods"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            match method {
                "password" | "token" if identity[method].is_null() => return Err(error::missing(method, "identity")),
                "password" => login.password = Some(password(auth)?),
                "token" => login.token = auth.pointer("/identity/token/id").and_then(Value::as_str).map(Secret::new),
                _ => return Err(error::unauthorized()),
            }
        }
        Ok(login)
    }
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

fn password(auth: &Value) -> Result<PasswordLogin, Fault> {
    let user = auth.pointer("/identity/password/user").ok_or_else(|| error::missing("user", "password"))?;
    let named = named(user, "identity/password/user", "user")?;
    let password = text(&user["password"]).ok_or_else(error::unauthorized)?;
    Ok(PasswordLogin { user: named, password: Secret::new(password) })
}

fn named(thing: &Value, field: &str, target: &str) -> Result<Named, Fault> {
    match (text(&thing["name"]), text(&thing["id"])) {
        (Some(name), _) if target == "project" => Ok(Named::Name(name.to_owned(), domain_of(thing, field, target)?)),
        (_, Some(id)) => Ok(Named::Id(id.to_owned())),
        (Some(name), None) => Ok(Named::Name(name.to_owned(), domain_of(thing, field, target)?)),
        (None, None) => Err(neither(field)),
    }
}

fn domain_of(thing: &Value, field: &str, target: &str) -> Result<DomainNamed, Fault> {
    match &thing["domain"] {
        Value::Null => Err(error::missing("domain", target)),
        domain => domain_named(domain, &format!("{field}/domain")),
    }
}

fn domain_named(domain: &Value, field: &str) -> Result<DomainNamed, Fault> {
    match (text(&domain["name"]), text(&domain["id"])) {
        (Some(name), _) => Ok(DomainNamed::Name(name.to_owned())),
        (None, Some(id)) => Ok(DomainNamed::Id(id.to_owned())),
        (None, None) => Err(neither(field)),
    }
}

fn neither(field: &str) -> Fault {
    Fault::bad_request(format!("Invalid input for field {field}: id or name must be present."))
}

fn scope(auth: &Value) -> Result<ScopeAsked, Fault> {
    const KINDS: [&str; 5] = ["project", "domain", "unscoped", "system", "OS-TRUST:trust"];
    let scope = match auth.get("scope") {
        None => return Ok(ScopeAsked::Default),
        Some(Value::String(word)) if word == "unscoped" => return Ok(ScopeAsked::Unscoped),
        Some(scope) => scope,
    };
    let asked: Vec<&str> = KINDS.into_iter().filter(|kind| scope.get(kind).is_some()).collect();
    match asked.as_slice() {
        ["project"] => Ok(ScopeAsked::Project(named(&scope["project"], "scope/project", "project")?)),
        ["domain"] => Ok(ScopeAsked::Domain(domain_named(&scope["domain"], "scope/domain")?)),
        ["unscoped"] => Ok(ScopeAsked::Unscoped),
        ["system"] => Ok(ScopeAsked::System),
        // There are no trusts, so that none can be found.
        ["OS-TRUST:trust"] => Err(error::unauthorized()),
        _ => Err(error::missing("system, project, domain, OS-TRUST:trust or unscoped", "scope")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(identity: Value, scope: Option<Value>) -> Result<Login, Fault> {
        let mut auth = json!({ "identity": identity });
        if let Some(scope) = scope {
            auth["scope"] = scope;
        }
        Login::parse(&auth)
    }

    fn with_scope(scope: Option<Value>) -> Result<ScopeAsked, Fault> {
        parse(json!({"methods": ["token"], "token": {"id": "t"}}), scope).map(|login| login.scope)
    }

    #[test]
    fn every_scope_is_understood() {
        let id = || DomainNamed::Id("default".to_owned());
        for (scope, expected) in [
            (json!("unscoped"), ScopeAsked::Unscoped),
            (json!({"unscoped": {}}), ScopeAsked::Unscoped),
            (json!({"system": {"all": true}}), ScopeAsked::System),
            (json!({"domain": {"id": "default"}}), ScopeAsked::Domain(id())),
            (json!({"project": {"id": "p"}}), ScopeAsked::Project(Named::Id("p".to_owned()))),
            (
                json!({"project": {"name": "p", "domain": {"id": "default"}}}),
                ScopeAsked::Project(Named::Name("p".to_owned(), id())),
            ),
        ] {
            assert_eq!(with_scope(Some(scope)).unwrap(), expected);
        }
        assert_eq!(with_scope(None).unwrap(), ScopeAsked::Default);
    }

    #[test]
    fn what_is_missing_is_named_as_keystone_names_it() {
        let message = |scope| with_scope(Some(scope)).unwrap_err().message().to_owned();
        assert!(
            message(json!({}))
                .starts_with("Expecting to find system, project, domain, OS-TRUST:trust or unscoped in scope.")
        );
        assert!(message(json!({"project": {"name": "p"}})).starts_with("Expecting to find domain in project."));
        assert_eq!(
            message(json!({"project": {}})),
            "Invalid input for field scope/project: id or name must be present."
        );
        let no_password = parse(json!({"methods": ["password"]}), None).unwrap_err();
        assert!(no_password.message().starts_with("Expecting to find password in identity."));
        let unknown = parse(json!({"methods": ["carrier_pigeon"]}), None).unwrap_err();
        assert_eq!(unknown.kind(), kit::FaultKind::Unauthorized);
    }
}
