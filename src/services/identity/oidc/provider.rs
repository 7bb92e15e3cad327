//! One OpenID Connect provider: its discovery document and keys, remembered for a while, and what it is asked.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::JwkSet;
use kit::config::OidcConfig;
use kit::time::to_micros;
use kit::{Secret, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::OidcError;
use super::outbound::{Outbound, encode, is_secure};
use super::verify::{Expected, head, verify};
use crate::domain::Object;

/// How long what a provider publishes is used without being asked for again.
const FRESH: i64 = 3_600 * 1_000_000;

/// How soon it is asked for again for a key that is not known, or after it could not be reached.
const AGAIN: i64 = 30 * 1_000_000;

/// How long keys are good when the provider cannot be reached.
const LONGEST: i64 = 24 * FRESH;

/// The algorithms that can be allowed. Symmetric ones cannot: whoever checks could also forge.
const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// Whether tokens that are signed by the algorithm `name` can be allowed.
pub(crate) fn is_allowed_algorithm(name: &str) -> bool {
    ALGORITHMS.iter().any(|(known, _)| *known == name)
}

/// What a provider says of itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    introspection_endpoint: Option<String>,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// What a provider published at a time.
struct Snapshot {
    metadata: Metadata,
    keys: JwkSet,
    at: Timestamp,
    /// When it was last tried to get a newer one.
    tried: Timestamp,
}

/// One provider.
pub(crate) struct Provider {
    name: String,
    config: OidcConfig,
    outbound: Outbound,
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    /// Only one request fetches; the others wait for it.
    turn: Semaphore,
}

/// What a browser brought back, and what it was sent with.
pub(crate) struct CodeExchange<'a> {
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) verifier: &'a str,
    pub(crate) nonce: &'a str,
}

impl Provider {
    pub(super) fn new(name: &str, config: &OidcConfig) -> Self {
        Self {
            name: name.to_owned(),
            outbound: Outbound::new(&config.ca_file),
            config: config.clone(),
            snapshot: RwLock::new(None),
            turn: Semaphore::new(1),
        }
    }

    /// Its name in the configuration.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The id of the identity provider that it stands behind.
    pub(crate) fn identity_provider(&self) -> &str {
        if self.config.identity_provider.is_empty() { &self.name } else { &self.config.identity_provider }
    }

    /// The id of the protocol.
    pub(crate) fn protocol(&self) -> &str {
        &self.config.protocol
    }

    /// The attribute that identity providers are told apart by, where the protocol names none.
    pub(crate) fn remote_id_attribute(&self) -> &str {
        &self.config.remote_id_attribute
    }

    /// What a bearer of `token` is said to be: of a signed token by itself, of another by asking.
    ///
    /// # Errors
    /// Where it is not accepted, or the provider cannot be asked.
    pub(crate) async fn bearer(&self, token: &Secret, now: Timestamp) -> Result<Object, OidcError> {
        match head(token.expose()) {
            Ok(head) => {
                let snapshot = self.snapshot(now, head.kid.as_deref()).await?;
                let mut audiences = self.config.audiences.clone();
                audiences.push(self.config.client_id.clone());
                self.check(token.expose(), &snapshot, &audiences, None, now)
            }
            Err(_) if self.config.introspection => self.introspect(token, now).await,
            Err(error) => Err(error),
        }
    }

    /// Where a browser is sent to log in.
    ///
    /// # Errors
    /// Where the provider has no such place or cannot be asked.
    pub(crate) async fn authorization_url(&self, query: &[(&str, &str)], now: Timestamp) -> Result<String, OidcError> {
        let snapshot = self.snapshot(now, None).await?;
        let endpoint = endpoint(snapshot.metadata.authorization_endpoint.as_ref(), "authorization_endpoint")?;
        let scopes = self.config.scopes.join(" ");
        let own = [("response_type", "code"), ("client_id", &self.config.client_id), ("scope", &scopes)];
        let pairs: Vec<String> =
            own.iter().chain(query).map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let separator = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{separator}{}", pairs.join("&")))
    }

    /// What is said of somebody who came back from there with a code.
    ///
    /// # Errors
    /// Where the code or the token for it is not accepted.
    pub(crate) async fn redeem(&self, exchange: &CodeExchange<'_>, now: Timestamp) -> Result<Object, OidcError> {
        let snapshot = self.snapshot(now, None).await?;
        let endpoint = endpoint(snapshot.metadata.token_endpoint.as_ref(), "token_endpoint")?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", exchange.code),
            ("redirect_uri", exchange.redirect_uri),
            ("code_verifier", exchange.verifier),
        ];
        let answer = self.ask_as_client(&snapshot.metadata, endpoint, &form).await?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let token = text("id_token").ok_or_else(|| OidcError::Unusable("there is no id_token".to_owned()))?;
        let kid = head(token)?.kid;
        let snapshot = self.snapshot(now, kid.as_deref()).await?;
        let own = std::slice::from_ref(&self.config.client_id);
        let mut claims = self.check(token, &snapshot, own, Some(exchange.nonce), now)?;
        if claims.get("azp").is_some_and(|party| party.as_str() != Some(&self.config.client_id)) {
            return Err(OidcError::Rejected("it was issued to somebody else"));
        }
        if let (Some(endpoint), Some(access)) = (&snapshot.metadata.userinfo_endpoint, text("access_token")) {
            let said = self.outbound.get(endpoint, Some(access)).await?;
            if said.get("sub") != claims.get("sub") {
                return Err(OidcError::Rejected("it is about somebody else"));
            }
            // What is signed goes before what is only said.
            for (name, value) in said.as_object().into_iter().flatten() {
                claims.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Ok(claims)
    }

    fn check(
        &self,
        token: &str,
        snapshot: &Snapshot,
        audiences: &[String],
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Object, OidcError> {
        let algorithms = self.algorithms()?;
        let expected = Expected { issuer: &self.config.issuer, audiences, algorithms: &algorithms, nonce, now };
        verify(token, &snapshot.keys, &expected)
    }

    fn algorithms(&self) -> Result<Vec<Algorithm>, OidcError> {
        let known = |name: &String| {
            let found = ALGORITHMS.iter().find(|(known, _)| known == name).map(|(_, algorithm)| *algorithm);
            found.ok_or_else(|| OidcError::Settings(format!("{name} is no algorithm that can be allowed")))
        };
        self.config.algorithms.iter().map(known).collect()
    }

    /// Asks about a token that is none of its own words (RFC 7662).
    async fn introspect(&self, token: &Secret, now: Timestamp) -> Result<Object, OidcError> {
        let snapshot = self.snapshot(now, None).await?;
        let endpoint = endpoint(snapshot.metadata.introspection_endpoint.as_ref(), "introspection_endpoint")?;
        let form = [("token", token.expose()), ("token_type_hint", "access_token")];
        let Value::Object(mut said) = self.ask_as_client(&snapshot.metadata, endpoint, &form).await? else {
            return Err(OidcError::Unusable("an introspection is no object".to_owned()));
        };
        if said.remove("active") != Some(Value::Bool(true)) {
            return Err(OidcError::Rejected("the identity provider does not know it"));
        }
        // Who was asked vouches for it by answering; what it leaves out is its own.
        said.entry("iss").or_insert_with(|| Value::from(self.config.issuer.as_str()));
        if !said.contains_key("aud")
            && let Some(client) = said.get("client_id").cloned()
        {
            said.insert("aud".to_owned(), client);
        }
        let mut audiences = self.config.audiences.clone();
        audiences.push(self.config.client_id.clone());
        let expected =
            Expected { issuer: &self.config.issuer, audiences: &audiences, algorithms: &[], nonce: None, now };
        super::verify::check(&said, &expected)?;
        Ok(said)
    }

    async fn ask_as_client(
        &self,
        metadata: &Metadata,
        endpoint: &str,
        form: &[(&str, &str)],
    ) -> Result<Value, OidcError> {
        let client = self.config.client_id.as_str();
        let Some(secret) = self.client_secret().await? else {
            let form: Vec<_> = form.iter().copied().chain([("client_id", client)]).collect();
            return self.outbound.post(endpoint, None, &form).await;
        };
        let supported = &metadata.token_endpoint_auth_methods_supported;
        let has = |method: &str| supported.iter().any(|supported| supported == method);
        if !has("client_secret_basic") && has("client_secret_post") {
            let own = [("client_id", client), ("client_secret", secret.expose())];
            let form: Vec<_> = form.iter().copied().chain(own).collect();
            return self.outbound.post(endpoint, None, &form).await;
        }
        let pair = Secret::new(format!("{}:{}", encode(client), encode(secret.expose())));
        let basic = Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())));
        self.outbound.post(endpoint, Some(basic.expose()), form).await
    }

    /// The client's secret, read anew each time so that it can be replaced.
    async fn client_secret(&self) -> Result<Option<Secret>, OidcError> {
        let path = &self.config.client_secret_file;
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        let read = tokio::fs::read_to_string(path).await.map(Secret::new);
        let text = read.map_err(|error| OidcError::Settings(format!("{}: {error}", path.display())))?;
        Ok(Some(Secret::new(text.expose().trim_end())))
    }

    /// What it publishes, with the key `kid` if there is one.
    async fn snapshot(&self, now: Timestamp, kid: Option<&str>) -> Result<Arc<Snapshot>, OidcError> {
        if let Some(known) = self.known(now, kid) {
            return Ok(known);
        }
        let _turn = self.turn.acquire().await.map_err(|error| OidcError::Unreachable(error.into()))?;
        // Somebody else may have fetched it meanwhile.
        if let Some(known) = self.known(now, kid) {
            return Ok(known);
        }
        let former = self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone();
        let fetched = self.fetch(now).await;
        let new = match (fetched, former) {
            (Ok(new), _) => new,
            (Err(error), Some(former)) if age(former.at, now) < LONGEST => {
                tracing::warn!(provider = self.name, %error, "what was known of an identity provider is used on");
                let (metadata, keys) = (former.metadata.clone(), former.keys.clone());
                Snapshot { metadata, keys, at: former.at, tried: now }
            }
            (Err(error), _) => return Err(error),
        };
        let new = Arc::new(new);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(new.clone());
        Ok(new)
    }

    /// What is known, if that will do.
    fn known(&self, now: Timestamp, kid: Option<&str>) -> Option<Arc<Snapshot>> {
        let known = self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let complete = age(known.at, now) < FRESH && kid.is_none_or(|kid| known.keys.find(kid).is_some());
        (complete || age(known.tried, now) < AGAIN).then_some(known)
    }

    async fn fetch(&self, now: Timestamp) -> Result<Snapshot, OidcError> {
        let issuer = &self.config.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document = self.outbound.get(&url, None).await?;
        let metadata: Metadata = serde_json::from_value(document)
            .map_err(|error| OidcError::Unusable(format!("its discovery document: {error}")))?;
        if metadata.issuer != *issuer {
            return Err(OidcError::Unusable(format!("it calls itself {}, not {issuer}", metadata.issuer)));
        }
        let keys = self.outbound.get(&metadata.jwks_uri, None).await?;
        let keys = serde_json::from_value(keys).map_err(|error| OidcError::Unusable(format!("its keys: {error}")))?;
        Ok(Snapshot { metadata, keys, at: now, tried: now })
    }
}

fn endpoint<'m>(url: Option<&'m String>, name: &str) -> Result<&'m str, OidcError> {
    let url = url.ok_or_else(|| OidcError::Unusable(format!("it has no {name}")))?;
    if is_secure(url) { Ok(url) } else { Err(OidcError::Unusable(format!("its {name} is not protected by TLS"))) }
}

/// A clock that was set back makes nothing young.
fn age(at: Timestamp, now: Timestamp) -> i64 {
    to_micros(now).saturating_sub(to_micros(at)).saturating_abs()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::testing::{CLIENT, Issuer, TestProvider, now};
    use super::*;

    fn provider(server: &TestProvider) -> Provider {
        Provider::new("acme", &server.config())
    }

    fn later(seconds: u64) -> Timestamp {
        now().checked_add(Duration::from_secs(seconds)).unwrap()
    }

    #[tokio::test]
    async fn keys_are_remembered_and_a_new_one_is_found() {
        let server = TestProvider::start().await;
        let provider = provider(&server);
        let token = |issuer: &Issuer, at: Timestamp| Secret::new(issuer.sign(&server.claims(at)));
        for _ in 0..3 {
            assert_eq!(provider.bearer(&token(&server.issuer(), now()), now()).await.unwrap()["sub"], "bob");
        }
        assert_eq!(server.count("/jwks"), 1);
        let former = server.issuer();
        server.rotate();
        assert!(provider.bearer(&token(&server.issuer(), now()), now()).await.is_err(), "asked for too lately");
        let at = later(31);
        assert!(provider.bearer(&token(&server.issuer(), at), at).await.is_ok());
        assert_eq!(server.count("/jwks"), 2);
        assert!(provider.bearer(&token(&former, at), at).await.is_err());
        assert_eq!(server.count("/jwks"), 2, "an unknown key makes nobody ask again at once");
    }

    #[tokio::test]
    async fn a_provider_that_is_away_is_done_without_for_a_while() {
        let server = TestProvider::start().await;
        let provider = provider(&server);
        let token = |at: Timestamp| Secret::new(server.issuer().sign(&server.claims(at)));
        server.go_away(true);
        assert!(matches!(provider.bearer(&token(now()), now()).await, Err(OidcError::Unusable(_))));
        server.go_away(false);
        assert!(provider.bearer(&token(now()), now()).await.is_ok());
        server.go_away(true);
        for seconds in [7_200, 80_000] {
            assert!(provider.bearer(&token(later(seconds)), later(seconds)).await.is_ok(), "{seconds}");
        }
        assert!(provider.bearer(&token(later(90_000)), later(90_000)).await.is_err());
    }

    #[tokio::test]
    async fn a_provider_under_another_name_is_not_believed() {
        let server = TestProvider::start().await;
        let mut config = server.config();
        config.issuer.push('/');
        let token = Secret::new(server.issuer().sign(&server.claims(now())));
        let refused = Provider::new("acme", &config).bearer(&token, now()).await;
        assert!(matches!(refused, Err(OidcError::Unusable(text)) if text.contains("calls itself")));
    }

    #[tokio::test]
    async fn what_is_no_token_is_asked_about_where_that_is_wanted() {
        let server = TestProvider::start().await;
        let opaque = Secret::new("opaque-good");
        assert!(provider(&server).bearer(&opaque, now()).await.is_err());
        let mut config = server.config();
        config.introspection = true;
        let provider = Provider::new("acme", &config);
        let said = provider.bearer(&opaque, now()).await.unwrap();
        assert_eq!((&said["sub"], &said["aud"]), (&json!("bob"), &json!(CLIENT)));
        for refused in ["opaque-inactive", "opaque-other-client", "opaque-expired"] {
            assert!(provider.bearer(&Secret::new(refused), now()).await.is_err(), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_symmetric_algorithm_cannot_be_allowed() {
        let server = TestProvider::start().await;
        let mut config = server.config();
        config.algorithms = vec!["HS256".to_owned()];
        let token = Secret::new(server.issuer().sign(&server.claims(now())));
        let refused = Provider::new("acme", &config).bearer(&token, now()).await;
        assert!(matches!(refused, Err(OidcError::Settings(_))));
    }
}
