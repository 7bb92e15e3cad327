//! `cloudbox token`: tokens, for whoever speaks to the APIs by hand.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Value, json};

use super::output::{Column, column, text};
use super::problem::Result;
use super::session::Session;

/// Tokens, for whoever speaks to the APIs by hand
#[derive(Debug, Args)]
pub struct Token {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a token; -q prints it alone
    #[command(visible_alias = "issue")]
    Create,
    /// Show what a token is for
    Show {
        /// The token [default: the one that commands use]
        token: Option<String>,
    },
    /// End tokens
    Revoke {
        /// The tokens
        #[arg(required = true, value_name = "TOKEN")]
        tokens: Vec<String>,
    },
}

const MADE: &[Column] = &[
    column("Ends", |token| text(token, "/expires_at")),
    column("Token", |token| text(token, "/id")),
    column("Project", |token| text(token, "/project_id")),
    column("User", |token| text(token, "/user_id")),
];

const SHOW: &[Column] = &[
    column("User", |token| text(token, "/user/name")),
    column("User id", |token| text(token, "/user/id")),
    column("Project", |token| text(token, "/project/name")),
    column("Project id", |token| text(token, "/project/id")),
    column("Domain", |token| text(token, "/domain/name")),
    column("System", |token| text(token, "/system")),
    column("Roles", roles),
    column("Methods", |token| text(token, "/methods")),
    column("Made", |token| text(token, "/issued_at")),
    column("Ends", |token| text(token, "/expires_at")),
];

impl Token {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        match self.verb {
            Verb::Create => {
                // One of its own: who ends it ends no other command's.
                let login = session.client.new_login().await?;
                let made = json!({
                    "id": login.token, "expires_at": login.expires_at, "project_id": login.project_id, "user_id": login.user_id,
                });
                session.out.show(&made, MADE)
            }
            Verb::Show { token } => {
                let token = match token {
                    Some(token) => token,
                    None => session.client.login().await?.token.clone(),
                };
                let mut answer = session.client.of_token(Method::GET, &token).await?;
                session.out.show(&answer.get_mut("token").map(Value::take).unwrap_or_default(), SHOW)
            }
            Verb::Revoke { tokens } => {
                let revoke = async |token: &str| session.client.of_token(Method::DELETE, token).await.map(drop);
                session.each(&tokens, revoke).await
            }
        }
    }
}

fn roles(token: &Value) -> String {
    let roles = token.get("roles").and_then(Value::as_array).into_iter().flatten();
    roles.map(|role| text(role, "/name")).collect::<Vec<_>>().join(", ")
}
