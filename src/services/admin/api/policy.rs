//! `/cloudbox/v1/policy`: the rules in force, and what they say to somebody.

use std::sync::Arc;

use http_kit::policy::Explanation;
use http_kit::{Endpoint, Reply, Request, Target};
use kit::{DomainRef, Fault, Identity, ProjectRef, RequestContext, RoleRef, Scope, Secret, UserRef};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Admin;

pub(super) static ENDPOINTS: &[Endpoint<Admin>] = &[
    Endpoint::get("/policy", "cloudbox:policy:list", &list),
    Endpoint::post("/policy/check", "cloudbox:policy:check", &check),
];

/// Somebody who might ask.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    /// The whole name of a rule, or how it ends.
    rule: String,
    user: Who,
    #[serde(default)]
    project: Option<Who>,
    #[serde(default)]
    domain: Option<Whose>,
    #[serde(default)]
    system: bool,
    /// Names.
    roles: Vec<String>,
    /// Attributes of what is acted on; the caller's own thing where there are none.
    #[serde(default)]
    target: Option<serde_json::Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Who {
    id: String,
    #[serde(default)]
    name: String,
    domain: Whose,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    id: String,
    #[serde(default)]
    name: String,
}

async fn list(service: Arc<Admin>, request: Request) -> Result<Reply, Fault> {
    let wanted = request.query().get("rule").map(str::to_owned);
    let mut rules = Vec::new();
    for (name, policy) in service.policies.all() {
        for rule in policy.describe() {
            if wanted.as_deref().is_some_and(|wanted| !is_meant(&rule.name, wanted)) {
                continue;
            }
            rules.push(json!({
                "name": rule.name,
                "service": name,
                "check": rule.check,
                "default": rule.default,
                "overridden": rule.overridden,
                "scopes": rule.scopes,
                "description": rule.description,
            }));
        }
    }
    Ok(Reply::ok(json!({ "rules": rules })))
}

async fn check(service: Arc<Admin>, request: Request) -> Result<Reply, Fault> {
    let asked: Check = request.json()?;
    let (service_name, rule) = find(&service, &asked.rule)?;
    let target = target(asked.target.as_ref());
    let context = RequestContext::anonymous().with_user(Arc::new(asked.identity()), Secret::new(""));
    let all = service.policies.all();
    let policy = all.iter().find(|(name, _)| *name == service_name).map(|(_, policy)| policy);
    let explained: Option<Explanation> = policy.and_then(|policy| policy.explain(&rule, &context, &target));
    let explained = explained.ok_or_else(|| Fault::not_found(format!("There is no policy rule {rule:?}.")))?;
    Ok(Reply::ok(json!({ "service": service_name, "explanation": explained })))
}

/// The one rule that `wanted` means, and its service.
fn find(service: &Admin, wanted: &str) -> Result<(&'static str, String), Fault> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for (name, policy) in service.policies.all() {
        found.extend(policy.names().filter(|rule| is_meant(rule, wanted)).map(|rule| (name, rule.to_owned())));
    }
    if let Some(exact) = found.iter().find(|(_, rule)| rule == wanted) {
        return Ok(exact.clone());
    }
    let mut names: Vec<&str> = found.iter().map(|(_, rule)| rule.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    match (names.as_slice(), found.first()) {
        ([_], Some(only)) => Ok(only.clone()),
        ([], _) => Err(Fault::not_found(format!("There is no policy rule {wanted:?}."))),
        (several, _) => Err(Fault::bad_request(format!("{wanted:?} may be {}.", several.join(", ")))),
    }
}

/// Whether `wanted` is the name `rule` or its end, from a colon on: `servers:create` of `os_compute_api:servers:create`.
fn is_meant(rule: &str, wanted: &str) -> bool {
    rule.strip_suffix(wanted).is_some_and(|before| before.is_empty() || before.ends_with(':'))
}

/// What is acted on.
fn target(attributes: Option<&serde_json::Map<String, Value>>) -> Target {
    let Some(attributes) = attributes else { return Target::own() };
    attributes.iter().fold(Target::new(), |target, (name, value)| match value {
        Value::Null => target.with_option(name, None::<&str>),
        Value::Bool(truth) => target.with_bool(name, *truth),
        Value::String(text) => target.with(name, text),
        other => target.with(name, other.to_string()),
    })
}

impl Check {
    fn identity(&self) -> Identity {
        let domain = |whose: &Whose| DomainRef { id: whose.id.as_str().into(), name: whose.name.clone() };
        let scope = match (&self.project, &self.domain) {
            (Some(project), _) => Scope::Project(ProjectRef {
                id: project.id.as_str().into(),
                name: project.name.clone(),
                domain: domain(&project.domain),
            }),
            (None, Some(whose)) => Scope::Domain(domain(whose)),
            (None, None) if self.system => Scope::System,
            (None, None) => Scope::Unscoped,
        };
        let user = UserRef {
            id: self.user.id.as_str().into(),
            name: self.user.name.clone(),
            domain: domain(&self.user.domain),
            password_expires_at: None,
        };
        let role = |name: &String| RoleRef { id: name.as_str().into(), name: name.to_lowercase() };
        Identity::supposed(user, scope, self.roles.iter().map(role).collect())
    }
}
