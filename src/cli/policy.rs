//! `cloudbox policy`: the rules in force, and what they say to somebody. The API is cloudbox's own, `/cloudbox/v1/policy`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::catalog::Service;
use super::client::escape;
use super::output::{Column, column, text};
use super::problem::{Problem, Result};
use super::resolve::{DOMAIN, Noun, PROJECT, USER};
use super::session::{self, Session};

/// Who may do what
#[derive(Debug, Args)]
pub struct Policy {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the rules in force
    #[command(visible_alias = "ls")]
    List {
        /// Only of this service: keystone, nova, neutron, cinder, glance, placement
        #[arg(long)]
        service: Option<String>,
        /// Only those that the policy file sets
        #[arg(long)]
        changed: bool,
    },
    /// Show a rule
    Show {
        /// Its name, or how it ends: servers:create
        rule: String,
    },
    /// Ask what the rules say to somebody, and why
    Check(Check),
}

#[derive(Debug, Args)]
struct Check {
    /// Who: a user's name or id
    #[arg(long = "as", value_name = "USER")]
    user: String,
    /// With a token for this project: a name or an id
    #[arg(long, required_unless_present_any = ["domain", "system"], conflicts_with_all = ["domain", "system"])]
    project: Option<String>,
    /// With a token for this domain: a name or an id
    #[arg(long, conflicts_with = "system")]
    domain: Option<String>,
    /// With a token for the system
    #[arg(long)]
    system: bool,
    /// What is acted on, where it is not the user's own: project_id=ID; may be given more than once
    #[arg(long = "target", value_name = "KEY=VALUE", value_parser = session::pair)]
    target: Vec<(String, String)>,
    /// Names of rules, or how they end
    #[arg(required = true, value_name = "RULE")]
    rules: Vec<String>,
}

const LIST: &[Column] = &[
    column("Service", |rule| text(rule, "/service")),
    column("Rule", |rule| text(rule, "/name")),
    column("Set by", |rule| if is(rule, "/overridden") { "file" } else { "default" }.to_owned()),
    column("Check", |rule| text(rule, "/check")),
];

const SHOW: &[Column] = &[
    column("Rule", |rule| text(rule, "/name")),
    column("Service", |rule| text(rule, "/service")),
    column("What", |rule| text(rule, "/description")),
    column("Check", |rule| text(rule, "/check")),
    column("Default", |rule| text(rule, "/default")),
    column("Set by", |rule| if is(rule, "/overridden") { "the policy file" } else { "default" }.to_owned()),
    column("Tokens for", |rule| text(rule, "/scopes")),
];

impl Policy {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done; for a check, that somebody may not.
    pub async fn run(self, session: &Session) -> Result<()> {
        match self.verb {
            Verb::List { service, changed } => {
                let mut rules = rules(session, "").await?;
                rules.retain(|rule| {
                    service.as_ref().is_none_or(|service| text(rule, "/service") == *service)
                        && (!changed || is(rule, "/overridden"))
                });
                session.out.list(&rules, LIST)
            }
            Verb::Show { rule } => {
                let found = rules(session, &format!("?rule={}", escape(&rule))).await?;
                // The services share some; an exact name goes before one that only ends so.
                let exact: Vec<Value> = found.iter().filter(|found| text(found, "/name") == rule).cloned().collect();
                let found = if exact.is_empty() { found } else { exact };
                if found.is_empty() {
                    return Err(Problem::not_found(format!("there is no policy rule {rule}"))
                        .hint("`cloudbox policy list` shows what there is"));
                }
                found.iter().try_for_each(|rule| session.out.show(rule, SHOW))
            }
            Verb::Check(check) => check.run(session).await,
        }
    }
}

async fn rules(session: &Session, query: &str) -> Result<Vec<Value>> {
    session.client.list(Service::Cloudbox, &format!("/policy{query}"), "rules").await
}

impl Check {
    async fn run(self, session: &Session) -> Result<()> {
        let user = find(session, &USER, &self.user).await?;
        let mut asked = json!({ "user": who(&user) });
        let mut set = |key: &str, value: Value| {
            if let Some(asked) = asked.as_object_mut() {
                asked.insert(key.to_owned(), value);
            }
        };
        let place = match (&self.project, &self.domain) {
            (Some(project), _) => {
                let project = find(session, &PROJECT, project).await?;
                set("project", who(&project));
                format!("scope.project.id={}", escape(&text(&project, "/id")))
            }
            (None, Some(domain)) => {
                let domain = find(session, &DOMAIN, domain).await?;
                set("domain", json!({ "id": text(&domain, "/id"), "name": text(&domain, "/name") }));
                format!("scope.domain.id={}", escape(&text(&domain, "/id")))
            }
            (None, None) => {
                set("system", json!(true));
                "scope.system=all".to_owned()
            }
        };
        let path = format!("/role_assignments?effective&include_names&user.id={}&{place}", escape(&text(&user, "/id")));
        let assignments = session.client.list(Service::Identity, &path, "role_assignments").await?;
        let mut roles: Vec<String> = assignments.iter().map(|given| text(given, "/role/name")).collect();
        roles.sort();
        roles.dedup();
        set("roles", json!(roles));
        if !self.target.is_empty() {
            let target = self.target.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
            set("target", Value::Object(target.collect()));
        }
        self.ask(session, asked, &roles).await
    }

    /// Asks for each rule, prints what is said, and fails where one denies.
    async fn ask(&self, session: &Session, asked: Value, roles: &[String]) -> Result<()> {
        let mut answers = Vec::new();
        for rule in &self.rules {
            let mut asked = asked.clone();
            if let Some(asked) = asked.as_object_mut() {
                asked.insert("rule".to_owned(), json!(rule));
            }
            let answer = session.client.post(Service::Cloudbox, "/policy/check", &asked).await?;
            answers.push(answer.get("explanation").cloned().unwrap_or_default());
        }
        if session.out.is_data() {
            session.out.list(&answers, &[])?;
        } else {
            let roles = if roles.is_empty() { "none".to_owned() } else { roles.join(", ") };
            let told: String = answers.iter().map(|answer| explain(answer, &self.user)).collect();
            session.out.raw(&format!("{} has these roles there: {roles}\n{told}", self.user))?;
        }
        let denied: Vec<String> =
            answers.iter().filter(|answer| !is(answer, "/allowed")).map(|answer| text(answer, "/rule")).collect();
        match denied.is_empty() {
            true => Ok(()),
            false => Err(Problem::failed(format!("{} may not {}", self.user, denied.join(", ")))),
        }
    }
}

/// Whether the field at `pointer` is true.
fn is(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// A user or a project, with its domain.
fn who(found: &Value) -> Value {
    json!({ "id": text(found, "/id"), "name": text(found, "/name"), "domain": { "id": text(found, "/domain_id") } })
}

/// The one that is called so. There is no verb that lists these, and no hint of one.
async fn find(session: &Session, noun: &Noun, name: &str) -> Result<Value> {
    noun.find(&session.client, name).await.map_err(|problem| Problem { hint: None, ..problem })
}

/// What came of a rule, and of each part of its check.
fn explain(answer: &Value, user: &str) -> String {
    let allowed = is(answer, "/allowed");
    let mut told = format!("{}: {}\n", text(answer, "/rule"), if allowed { "allowed" } else { "denied" });
    if !is(answer, "/scope_fits") {
        told += &format!("  no   {user}'s token would have to be for: {}\n", text(answer, "/scopes"));
    }
    if let Some(check) = answer.get("check") {
        tree(check, 1, &mut told);
    }
    told
}

fn tree(verdict: &Value, depth: usize, told: &mut String) {
    let mark = if is(verdict, "/holds") { "yes" } else { "no " };
    let because = text(verdict, "/because");
    let because = if because.is_empty() { because } else { format!("  [{because}]") };
    *told += &format!("{}{mark}  {}{because}\n", "  ".repeat(depth), text(verdict, "/check"));
    for part in verdict.get("parts").and_then(Value::as_array).into_iter().flatten() {
        tree(part, depth + 1, told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_shows_the_part_that_failed() {
        let answer = json!({
            "rule": "os_compute_api:servers:create", "allowed": false, "scope_fits": false, "scopes": ["project"],
            "check": { "check": "rule:context_is_admin or role:member", "holds": false, "parts": [
                { "check": "rule:context_is_admin", "holds": false, "parts": [{ "check": "role:admin", "holds": false }] },
                { "check": "project_id:%(project_id)s", "holds": false, "because": "\"p1\" against \"p2\"" },
            ] },
        });
        insta::assert_snapshot!(explain(&answer, "alice"), @r#"
        os_compute_api:servers:create: denied
          no   alice's token would have to be for: project
          no   rule:context_is_admin or role:member
            no   rule:context_is_admin
              no   role:admin
            no   project_id:%(project_id)s  ["p1" against "p2"]
        "#);
    }
}
