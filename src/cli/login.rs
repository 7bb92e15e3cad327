//! A login: a token, what it is for, and where the services are; and how one is made.

use std::collections::BTreeMap;

use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::catalog::Catalog;
use super::client::{accepted, built};
use super::credentials::{self, Credentials, Proof, Scope};
use super::http::{self, Http};
use super::problem::{Problem, Result};
use super::versions::Range;

/// A token and what came with it.
#[derive(Debug, Clone)]
pub struct Login {
    /// The token.
    pub token: String,
    /// Where the services are.
    pub catalog: Catalog,
    /// What it is for, where that is a project.
    pub project_id: Option<String>,
    /// Whose it is.
    pub user_id: Option<String>,
    /// When it ends, as the cloud says it.
    pub expires_at: Option<String>,
    /// The versions that services have, by their types: of those that were asked for them.
    pub versions: BTreeMap<String, Range>,
}

impl Login {
    /// Whether it is good for `seconds` more, as far as is known.
    #[must_use]
    pub fn lasts(&self, seconds: i64) -> bool {
        let end = self.expires_at.as_deref().and_then(|end| end.parse::<Timestamp>().ok());
        end.is_some_and(|end| end.as_second() - Timestamp::now().as_second() > seconds)
    }

    /// As it is kept.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let versions = self.versions.iter().map(|(service, range)| (service.clone(), json!(range.to_string())));
        json!({
            "versions": versions.collect::<Map<_, _>>(),
            "token": self.token, "catalog": self.catalog.list(), "project_id": self.project_id, "user_id": self.user_id,
            "expires_at": self.expires_at,
        })
    }

    /// What was kept; `None` where it is nothing of the kind.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let versions = value.get("versions").and_then(Value::as_object).into_iter().flatten();
        Some(Self {
            token: text("token")?,
            catalog: Catalog::new(value.get("catalog")?.clone()),
            project_id: text("project_id"),
            user_id: text("user_id"),
            expires_at: text("expires_at"),
            versions: versions
                .filter_map(|(service, range)| Some((service.clone(), range.as_str()?.parse().ok()?)))
                .collect(),
        })
    }

    /// What Keystone says of `token`.
    fn of_answer(token: &str, body: &Value) -> Self {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Self {
            token: token.to_owned(),
            catalog: Catalog::new(body.pointer("/token/catalog").cloned().unwrap_or_default()),
            project_id: text("/token/project/id"),
            user_id: text("/token/user/id"),
            expires_at: text("/token/expires_at"),
            versions: BTreeMap::new(),
        }
    }
}

/// Makes a login of `credentials`. A token that shall be for nothing else is asked what it is for; all else makes a new one.
///
/// # Errors
/// When the cloud cannot be reached or does not accept them.
pub async fn log_in(http: &Http, credentials: &Credentials) -> Result<Login> {
    let base = credentials.identity_url();
    if !base.starts_with("http://") && !base.starts_with("https://") {
        return Err(Problem::usage(format!("{} is not a URL of a cloud", credentials.auth_url))
            .hint("auth_url, or OS_AUTH_URL, is one such as https://cloud.example:8774/identity/v3"));
    }
    let path = format!("{base}/auth/tokens");
    let (request, given) = match (credentials.proofs.as_slice(), &credentials.scope) {
        ([Proof::Token(token)], Scope::Unscoped) => {
            let request = Request::get(path).header("X-Auth-Token", token).header("X-Subject-Token", token);
            (built(request, http::bytes(""))?, Some(token.clone()))
        }
        (proofs, scope) => {
            let request = Request::post(path).header(CONTENT_TYPE, "application/json");
            (built(request, http::bytes(credentials::body(proofs, scope).to_string()))?, None)
        }
    };
    let answer = http.send(request).await?;
    if answer.status == StatusCode::UNAUTHORIZED {
        let parts: Vec<&str> = credentials.proofs.iter().map(Proof::parts).collect();
        return Err(Problem::not_allowed(format!("{base} does not accept this {}", parts.join(", nor this "))).hint(
            "`cloudbox openrc` shows what is used; OS_CLOUD, OS_* variables, --os-cloud and --data-dir change it",
        ));
    }
    let body = accepted(&answer)?;
    let token = answer.headers.get("X-Subject-Token").and_then(|token| token.to_str().ok()).map(str::to_owned);
    let token = given.or(token);
    let token = token.ok_or_else(|| Problem::failed(format!("{base} is not an identity service: it gave no token")))?;
    Ok(Login::of_answer(&token, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_that_ends_soon_is_of_no_use() {
        let login = |expires_at: &str| Login::of_answer("gAAA", &json!({"token": {"expires_at": expires_at}}));
        assert!(!login("2026-01-01T00:00:00.000000Z").lasts(0));
        assert!(login("2999-01-01T00:00:00Z").lasts(60));
        assert!(!login("who knows").lasts(0));
    }
}
