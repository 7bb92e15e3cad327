//! Certificates of a public authority that speaks ACME (RFC 8555).
//!
//! The account's key is in `acme-account.json`, the certificate with its key in `acme.pem`. Only while the authority asks (http-01) somebody listens
//! at port 80. A certificate that is not had does not keep the cloud from starting: cloudbox's own authority's is shown meanwhile, and always
//! to those who ask for another name.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, Error, HttpClient,
    Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use kit::Timestamp;
use kit::config::AcmeConfig;
use outbound::tls::HttpsClient;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::certificate::Certificate;
use crate::clouds::replace;

/// How long all of it may take.
const ORDER: Duration = Duration::from_secs(300);
/// How long the authority may take over one answer, and over looking at ours.
const ANSWER: Duration = Duration::from_secs(30);
const VERDICT: Duration = Duration::from_secs(120);
/// How many of the authority's questions are answered at once, and how long each connection may last.
const MOST_QUESTIONS: usize = 32;
const QUESTION: Duration = Duration::from_secs(10);
const ACCOUNT: &str = "acme-account.json";
const CERTIFICATE: &str = "acme.pem";
const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum AcmeError {
    #[error("the authority at {directory}: {source}")]
    Authority { directory: String, source: Error },
    #[error(
        "the authority found {0} not to be this host: it must reach port 80 of each name in [api.tls.acme] domains here"
    )]
    NotProven(String),
    #[error("the authority offers no http-01 for {0}")]
    NoChallenge(String),
    #[error("{address} cannot be listened on for the authority's questions: {source}")]
    Listen { address: std::net::SocketAddr, source: std::io::Error },
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Trust(#[from] outbound::tls::TlsError),
    #[error("it was not done within {} s", ORDER.as_secs())]
    Late,
}

impl AcmeError {
    /// Whether the authority does not know the account any more.
    fn is_of_an_unknown_account(&self) -> bool {
        let Self::Authority { source: Error::Api(problem), .. } = self else { return false };
        problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:accountDoesNotExist")
    }
}

/// What is had of the authority, and how.
pub(super) struct Acme {
    config: AcmeConfig,
    directory: PathBuf,
}

impl Acme {
    /// With its files in `directory`.
    pub(super) fn new(config: AcmeConfig, directory: &Path) -> Self {
        Self { config, directory: directory.to_owned() }
    }

    /// The certificate that is there.
    pub(super) fn certificate(&self) -> Option<Certificate> {
        let path = self.directory.join(CERTIFICATE);
        Certificate::read(&path, &path).ok()
    }

    /// Whether a new one is to be had at `now`: there is none, it lacks a name, or two thirds of its time are over.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let Some(kept) = self.certificate() else { return true };
        let (begins, ends) = (kept.begins.as_second(), kept.ends.as_second());
        let lacks = |name: &String| !kept.names.contains(&name.to_ascii_lowercase());
        self.config.domains.iter().any(lacks) || now.as_second() > ends - (ends - begins) / 3
    }

    /// Gets a new one.
    pub(super) async fn renew(&self) -> Result<(), AcmeError> {
        tokio::time::timeout(ORDER, Box::pin(self.attempts())).await.unwrap_or(Err(AcmeError::Late))
    }

    async fn attempts(&self) -> Result<(), AcmeError> {
        match self.order().await {
            Err(error) if error.is_of_an_unknown_account() => {
                tracing::warn!(%error, "a new account is made");
                let path = self.directory.join(ACCOUNT);
                tokio::fs::remove_file(&path).await.map_err(|source| AcmeError::File { path, source })?;
                self.order().await
            }
            done => done,
        }
    }

    async fn order(&self) -> Result<(), AcmeError> {
        let account = self.account().await?;
        let names: Vec<Identifier> = self.config.domains.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&names)).await.map_err(|error| self.failed(error))?;
        // Whoever answers goes when this is done, however it ends.
        let mut answering = JoinSet::new();
        self.prove(&mut order, &mut answering).await?;
        let key = order.finalize().await.map_err(|error| self.failed(error))?;
        let retries = RetryPolicy::new().timeout(VERDICT);
        let chain = order.poll_certificate(&retries).await.map_err(|error| self.failed(error))?;
        self.keep(CERTIFICATE, format!("{key}{chain}")).await
    }

    /// Proves that this host is each of the names.
    async fn prove(&self, order: &mut Order, answering: &mut JoinSet<()>) -> Result<(), AcmeError> {
        let mut answers = HashMap::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(|error| self.failed(error))?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let name = authorization.identifier().to_string();
            let challenge = authorization.challenge(ChallengeType::Http01).ok_or(AcmeError::NoChallenge(name))?;
            answers.insert(challenge.token.clone(), challenge.key_authorization().as_str().to_owned());
        }
        if answers.is_empty() {
            return Ok(());
        }
        let address = self.config.listen;
        let listener = TcpListener::bind(address).await.map_err(|source| AcmeError::Listen { address, source })?;
        answering.spawn(answer(listener, Arc::new(answers)));
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(|error| self.failed(error))?;
            if authorization.status == AuthorizationStatus::Pending
                && let Some(mut challenge) = authorization.challenge(ChallengeType::Http01)
            {
                challenge.set_ready().await.map_err(|error| self.failed(error))?;
            }
        }
        let verdict = order.poll_ready(&RetryPolicy::new().timeout(VERDICT)).await;
        match verdict.map_err(|error| self.failed(error))? {
            OrderStatus::Ready => Ok(()),
            _ => Err(AcmeError::NotProven(self.config.domains.join(", "))),
        }
    }

    /// The account at the authority, made where there is none.
    async fn account(&self) -> Result<Account, AcmeError> {
        let ca_file = Some(self.config.directory_ca_file.clone()).filter(|path| !path.as_os_str().is_empty());
        let client = outbound::tls::client(ca_file).await?;
        let builder = || Account::builder_with_http(Box::new(Http(client.clone())));
        let path = self.directory.join(ACCOUNT);
        let kept = tokio::fs::read(&path).await.ok().and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
        if let Some(kept) = kept.filter(|kept| kept.directory == self.config.directory) {
            return builder().from_credentials(kept.credentials).await.map_err(|error| self.failed(error));
        }
        let contact: Vec<&str> = self.config.contacts.iter().map(String::as_str).collect();
        let wanted = NewAccount {
            contact: &contact,
            terms_of_service_agreed: self.config.accept_terms,
            only_return_existing: false,
        };
        let directory = self.config.directory.clone();
        let made = builder().create(&wanted, directory.clone(), None).await;
        let (account, credentials) = made.map_err(|error| self.failed(error))?;
        let text = serde_json::to_string(&Kept { directory, credentials })
            .map_err(|error| AcmeError::File { path: path.clone(), source: error.into() })?;
        self.keep(ACCOUNT, text).await?;
        Ok(account)
    }

    async fn keep(&self, name: &str, text: String) -> Result<(), AcmeError> {
        let path = self.directory.join(name);
        let into = path.clone();
        let written = tokio::task::spawn_blocking(move || replace(&into, &text, 0o600)).await;
        let written = written.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        written.map_err(|source| AcmeError::File { path, source })
    }

    fn failed(&self, source: Error) -> AcmeError {
        AcmeError::Authority { directory: self.config.directory.clone(), source }
    }
}

/// An account, with the authority that it is at.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    directory: String,
    credentials: AccountCredentials,
}

/// The client that the protocol goes through.
struct Http(HttpsClient);

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await;
            let body = body.to_bytes();
            let answered =
                tokio::time::timeout(ANSWER, client.request(Request::from_parts(head, Full::new(body)))).await;
            match answered {
                Ok(Ok(response)) => Ok(BytesResponse::from(response)),
                Ok(Err(error)) => Err(Error::Other(chain(&error).into())),
                Err(_) => Err(Error::Other(format!("no answer within {} s", ANSWER.as_secs()).into())),
            }
        })
    }
}

/// `error` with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// Answers the authority's questions on `listener` for as long as it is let.
async fn answer(listener: TcpListener, answers: Arc<HashMap<String, String>>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= MOST_QUESTIONS {
            connections.join_next().await;
        }
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let answers = Arc::clone(&answers);
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = said(request.uri().path(), &answers);
            async move { Ok::<_, Infallible>(answer) }
        });
        connections.spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // Whoever breaks off has asked enough.
            drop(tokio::time::timeout(QUESTION, connection).await);
        });
    }
}

fn said(path: &str, answers: &HashMap<String, String>) -> Response<Full<Bytes>> {
    let found = path.strip_prefix(CHALLENGES).and_then(|token| answers.get(token));
    let body = found.cloned().unwrap_or_else(|| "There is nothing here.\n".to_owned());
    let mut response = Response::new(Full::new(Bytes::from(body)));
    if found.is_none() {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_authoritys_question_is_answered() {
        let answers = HashMap::from([("token".to_owned(), "token.thumb".to_owned())]);
        assert_eq!(said("/.well-known/acme-challenge/token", &answers).status(), 200);
        for path in ["/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/other", "/token"] {
            assert_eq!(said(path, &answers).status(), 404, "{path}");
        }
    }

    #[test]
    fn a_certificate_is_had_anew_in_its_last_third_and_for_another_name() {
        let directory = tempfile::tempdir().unwrap();
        let day = |day: i64| Timestamp::from_second(1_800_000_000 + day * 24 * 3600).unwrap();
        let of = |names: &[&str]| {
            let domains = names.iter().map(|name| (*name).to_owned()).collect();
            Acme::new(AcmeConfig { domains, ..AcmeConfig::default() }, directory.path())
        };
        assert!(of(&["a.example"]).is_due(day(0)));
        let other = tempfile::tempdir().unwrap();
        let authority = super::super::authority::Authority::open(other.path(), "other", day(0)).unwrap();
        authority.certify(&["a.example".to_owned()].into(), day(0)).unwrap();
        std::fs::copy(other.path().join("server.pem"), directory.path().join("acme.pem")).unwrap();
        assert!(!of(&["A.example"]).is_due(day(59)));
        assert!(of(&["a.example"]).is_due(day(61)));
        assert!(of(&["a.example", "b.example"]).is_due(day(0)));
    }
}
