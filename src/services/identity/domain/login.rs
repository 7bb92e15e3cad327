//! What a client that wants a token says: who it is, how it proves that, and what for.

use kit::Fault;
use serde_json::Value;

use crate::error;

/// A request for a token.
#[derive(Debug)]
pub(crate) struct Login<'a> {
    /// The methods that it names, each once, and what it gives them: not read yet.
    pub(crate) methods: Vec<(&'a str, &'a Value)>,
    pub(crate) scope: ScopeAsked,
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
    /// A trust, by id.
    Trust(String),
}

impl<'a> Login<'a> {
    /// Reads the `auth` of a request, whose types were checked against the schema.
    ///
    /// # Errors
    /// 400 for what is missing.
    pub(crate) fn parse(auth: &'a Value) -> Result<Self, Fault> {
        let identity = &auth["identity"];
        let mut methods: Vec<(&str, &Value)> = Vec::new();
        for name in identity["methods"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            match identity.get(name).filter(|data| !data.is_null()) {
                None => return Err(error::missing(name, "identity")),
                Some(_) if methods.iter().any(|(other, _)| *other == name) => {}
                Some(data) => methods.push((name, data)),
            }
        }
        Ok(Self { methods, scope: scope(auth)? })
    }
}

/// The `user` that the data of `method` names.
///
/// # Errors
/// 400 for what is missing.
pub(crate) fn user_named(data: &Value, method: &str) -> Result<Named, Fault> {
    let user = data.get("user").ok_or_else(|| error::missing("user", method))?;
    user_of(user, &format!("identity/{method}/user"))
}

/// The user that `user`, found at `field`, names.
///
/// # Errors
/// 400 for what is missing.
pub(crate) fn user_of(user: &Value, field: &str) -> Result<Named, Fault> {
    named(user, field, "user")
}

fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

fn named(thing: &Value, field: &str, target: &str) -> Result<Named, Fault> {
    match (text(&thing["name"]), text(&thing["id"])) {
        (Some(name), _) => Ok(Named::Name(name.to_owned(), domain_of(thing, field, target)?)),
        (None, Some(id)) => Ok(Named::Id(id.to_owned())),
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
        ["OS-TRUST:trust"] => {
            match scope.pointer("/OS-TRUST:trust/id").and_then(Value::as_str).filter(|id| !id.is_empty()) {
                Some(id) => Ok(ScopeAsked::Trust(id.to_owned())),
                None => Err(error::missing("trust_id", "trust")),
            }
        }
        _ => Err(error::missing("system, project, domain, OS-TRUST:trust or unscoped", "scope")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with_scope(scope: Option<Value>) -> Result<ScopeAsked, Fault> {
        let mut auth = json!({"identity": {"methods": ["token"], "token": {"id": "t"}}});
        if let Some(scope) = scope {
            auth["scope"] = scope;
        }
        Login::parse(&auth).map(|login| login.scope)
    }

    #[test]
    fn every_scope_is_understood() {
        let id = || DomainNamed::Id("default".to_owned());
        for (scope, expected) in [
            (json!("unscoped"), ScopeAsked::Unscoped),
            (json!({"unscoped": {}}), ScopeAsked::Unscoped),
            (json!({"system": {"all": true}}), ScopeAsked::System),
            (json!({"domain": {"id": "default"}}), ScopeAsked::Domain(id())),
            (json!({"OS-TRUST:trust": {"id": "t"}}), ScopeAsked::Trust("t".to_owned())),
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
        assert!(message(json!({"OS-TRUST:trust": {}})).starts_with("Expecting to find trust_id in trust."));
        let no_data = json!({"identity": {"methods": ["password"]}});
        let fault = Login::parse(&no_data).unwrap_err();
        assert!(fault.message().starts_with("Expecting to find password in identity."));
        let no_user = user_named(&json!({}), "password").unwrap_err();
        assert!(no_user.message().starts_with("Expecting to find user in password."));
    }

    #[test]
    fn a_method_counts_once_in_the_order_of_the_request() {
        let auth = json!({"identity": {"methods": ["b", "a", "b"], "a": 1, "b": 2, "c": 3}});
        assert_eq!(Login::parse(&auth).unwrap().methods, [("b", &json!(2)), ("a", &json!(1))]);
    }
}
