//! `/v3/OS-OAUTH2/token`: an access token of OAuth 2.0 for a client's credentials, which are an application credential.
//!
//! Errors have the form of RFC 6749, and other methods are refused in it, too. A client certificate (RFC 8705) is no way in here:
//! TLS ends in front of this service, if there is any, and a header that names a certificate proves nothing.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_kit::{Endpoint, Query, Reply, Request};
use kit::{Fault, FaultKind, Secret};
use serde_json::json;

use crate::IdentityService;
use crate::domain::login::ScopeAsked;
use crate::token::methods::application_credential::of_client;

const PATH: &str = "/OS-OAUTH2/token";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::post(PATH, "", &token).unauthenticated().authenticates(),
    Endpoint::get(PATH, "", &refuse).unauthenticated(),
    Endpoint::put(PATH, "", &refuse).unauthenticated(),
    Endpoint::patch(PATH, "", &refuse).unauthenticated(),
    Endpoint::delete(PATH, "", &refuse).unauthenticated(),
];

/// An error of RFC 6749.
fn refusal(request: &Request, status: u16, error: &str, description: &str) -> Reply {
    let reply = Reply::status(status, json!({ "error": error, "error_description": description }));
    match status {
        401 => reply.header("WWW-Authenticate", format!("Keystone uri=\"{}\"", request.base_url())),
        _ => reply,
    }
}

async fn refuse(_service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    Ok(refusal(&request, 405, "other_error", "The method is not allowed for the requested URL."))
}

async fn token(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let begun = service.begin();
    let form = Query::parse(std::str::from_utf8(request.body_bytes()).unwrap_or_default());
    match form.get("grant_type") {
        Some("client_credentials") => {}
        None => return Ok(refusal(&request, 400, "invalid_request", "The parameter grant_type is required.")),
        Some(other) => {
            let text = format!("The parameter grant_type {other} is not supported.");
            return Ok(refusal(&request, 400, "unsupported_grant_type", &text));
        }
    }
    let Some((id, secret)) = client(&request, &form) else {
        return Ok(refusal(&request, 401, "invalid_client", "Client authentication failed."));
    };
    let issued = match of_client(id, secret, request.peer()).verify(&service).await {
        Ok(proven) => service.issue_for(proven, &ScopeAsked::Default, begun).await,
        Err(fault) => Err(fault),
    };
    match issued {
        Ok(issued) => {
            let left = issued.identity.expires_at.as_second().saturating_sub(service.clock.now().as_second());
            let token = issued.token.expose();
            let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": left });
            // RFC 6749, section 5.1.
            Ok(Reply::ok(body).header("Cache-Control", "no-store"))
        }
        Err(fault) => refused(&request, fault),
    }
}

/// The client's id and secret: of the header, or else of the form.
fn client(request: &Request, form: &Query) -> Option<(String, Secret)> {
    let basic = request.header("authorization").and_then(|header| header.split_once(' '));
    let basic = basic.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    if let Some((_, encoded)) = basic {
        let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = pair.split_once(':')?;
        return (!id.is_empty() && !secret.is_empty()).then(|| (id.to_owned(), Secret::new(secret)));
    }
    let text = |name: &str| form.get(name).filter(|text| !text.is_empty());
    Some((text("client_id")?.to_owned(), Secret::new(text("client_secret")?)))
}

fn refused(request: &Request, fault: Fault) -> Result<Reply, Fault> {
    match fault.kind() {
        FaultKind::Unauthorized => Ok(refusal(request, 401, "invalid_client", fault.message())),
        FaultKind::BadRequest => Ok(refusal(request, 400, "invalid_request", fault.message())),
        FaultKind::NotFound | FaultKind::Forbidden => {
            let text = "An unknown error occurred and failed to get an OAuth2.0 access token.";
            Ok(refusal(request, if fault.kind() == FaultKind::NotFound { 404 } else { 403 }, "other_error", text))
        }
        _ => Err(fault),
    }
}
