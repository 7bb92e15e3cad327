//! Requests to identity providers: over TLS, within a time and a size, without following anybody elsewhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use http_kit::BoxError;
use hyper::{Method, Request, Uri, header};
use outbound::tls::{self, HttpsClient};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::OidcError;

/// The longest time for a request, from the connection to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer.
const LONGEST: usize = 1024 * 1024;

/// Whether what is sent to `url` is safe from those on the way: TLS, or this host.
pub(crate) fn is_secure(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => {
            let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        _ => false,
    }
}

/// Sends requests to one identity provider.
pub(super) struct Outbound {
    /// The certificates that it is trusted by; the system's where there is none.
    ca_file: Option<PathBuf>,
    client: OnceCell<HttpsClient>,
}

impl Outbound {
    pub(super) fn new(ca_file: &Path) -> Self {
        let ca_file = (!ca_file.as_os_str().is_empty()).then(|| ca_file.to_owned());
        Self { ca_file, client: OnceCell::new() }
    }

    /// The JSON at `url`, for `bearer` where one is named.
    ///
    /// # Errors
    /// Where there is no answer in time, or none that is JSON.
    pub(super) async fn get(&self, url: &str, bearer: Option<&str>) -> Result<Value, OidcError> {
        let mut request = Request::builder().method(Method::GET).uri(url);
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        self.send(url, request, Bytes::new()).await
    }

    /// The JSON that `url` answers to a form.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(super) async fn post(
        &self,
        url: &str,
        authorization: Option<&str>,
        form: &[(&str, &str)],
    ) -> Result<Value, OidcError> {
        let mut request = Request::builder().method(Method::POST).uri(url);
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let pairs: Vec<String> =
            form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        self.send(url, request, Bytes::from(pairs.join("&"))).await
    }

    async fn send(&self, url: &str, request: hyper::http::request::Builder, body: Bytes) -> Result<Value, OidcError> {
        if !is_secure(url) {
            return Err(OidcError::Unusable(format!("{url} is not protected by TLS")));
        }
        let request = request.header(header::ACCEPT, "application/json").body(Full::new(body));
        let request = request.map_err(|error| OidcError::Unusable(error.to_string()))?;
        let client = self.client.get_or_try_init(|| tls::client(self.ca_file.clone())).await;
        let client = client.map_err(|error| OidcError::Settings(error.to_string()))?;
        let answered = tokio::time::timeout(TIMEOUT, async {
            let response = client.request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LONGEST).collect().await?.to_bytes();
            Ok::<_, BoxError>((status, body))
        });
        let (status, body) = answered
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", TIMEOUT.as_secs()).into()))
            .map_err(OidcError::Unreachable)?;
        match status.as_u16() {
            200 => serde_json::from_slice(&body).map_err(|_| OidcError::Unusable(format!("{url} answers no JSON"))),
            // What was shown to it is not accepted there.
            400..=403 => Err(OidcError::Rejected("the identity provider refuses it")),
            other => Err(OidcError::Unusable(format!("{url} answers {other}"))),
        }
    }
}

/// `text` as a part of a URL or a form.
pub(super) fn encode(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_is_spoken_to_in_clear() {
        for secure in ["https://idp.example/realms/x", "http://127.0.0.1:9400", "http://[::1]:1/", "http://localhost:1"]
        {
            assert!(is_secure(secure), "{secure}");
        }
        for open in
            ["http://idp.example", "http://127.0.0.1.example", "ftp://localhost", "idp.example", "", "https:///x"]
        {
            assert!(!is_secure(open), "{open}");
        }
    }

    #[test]
    fn a_form_keeps_its_parts_apart() {
        assert_eq!(encode("a b&c=d/é~"), "a%20b%26c%3Dd%2F%C3%A9~");
    }
}
