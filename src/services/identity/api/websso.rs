//! `/v3/auth/OS-FEDERATION/…/websso`: a browser logs in at an identity provider and goes back to its dashboard with a token.
//!
//! One path begins and ends it: without a `code` the browser is sent to the provider, which sends it back to the same path
//! with one. The token is posted to the dashboard (`origin`), which must be one of those that are trusted.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::{Fault, Secret, Timestamp};

use crate::domain::login::ScopeAsked;
use crate::oidc::flow::{PATIENCE, Pass, Sealer, cookie, cookie_name};
use crate::oidc::{CodeExchange, Provider};
use crate::token::methods::mapped::guest;
use crate::{IdentityService, error};

const OF_PROTOCOL: &str = "/auth/OS-FEDERATION/websso/{protocol_id}";
const OF_PROVIDER: &str = "/auth/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/websso";

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get(OF_PROTOCOL, "", &by_protocol).unauthenticated().authenticates(),
    Endpoint::post(OF_PROTOCOL, "", &by_protocol).unauthenticated().authenticates(),
    Endpoint::get(OF_PROVIDER, "", &by_provider).unauthenticated().authenticates(),
    Endpoint::post(OF_PROVIDER, "", &by_provider).unauthenticated().authenticates(),
];

/// The one provider that speaks the protocol; where there are several, the browser's user chooses.
async fn by_protocol(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let origin = origin(&service, &request)?;
    let protocol = request.param("protocol_id")?;
    let providers: Vec<_> = service.oidc.speaking(protocol).cloned().collect();
    match providers.as_slice() {
        [] => Err(error::unauthorized()),
        [provider] => begin(&service, &request, provider, &origin).await,
        several => Ok(choice(&request, several, &origin)),
    }
}

async fn by_provider(service: Arc<IdentityService>, request: Request) -> Result<Reply, Fault> {
    let (idp, protocol) = (request.param("idp_id")?, request.param("protocol_id")?);
    let provider = service.oidc.behind(idp, protocol).ok_or_else(error::unauthorized);
    if request.query().has("state") {
        let provider = provider?;
        return end(&service, &request, &provider).await;
    }
    let (origin, provider) = (origin(&service, &request)?, provider?);
    begin(&service, &request, &provider, &origin).await
}

/// The dashboard that the browser came from.
fn origin(service: &IdentityService, request: &Request) -> Result<String, Fault> {
    let origin = request.query().get("origin").filter(|origin| !origin.is_empty());
    let origin = origin.ok_or_else(|| Fault::bad_request("Request must have an origin query parameter"))?;
    if service.config.trusted_dashboards.iter().any(|trusted| with_lower_case_host(trusted) == origin) {
        return Ok(origin.to_owned());
    }
    Err(Fault::unauthorized(format!("{origin} is not a trusted dashboard host")))
}

fn with_lower_case_host(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!("{scheme}://{}{path}", host.to_lowercase())
}

/// Where `provider` sends browsers back to.
fn redirect_uri(request: &Request, provider: &Provider) -> String {
    let (idp, protocol) = (provider.identity_provider(), provider.protocol());
    format!("{}/auth/OS-FEDERATION/identity_providers/{idp}/protocols/{protocol}/websso", request.base_url())
}

fn sealer(service: &IdentityService) -> Result<&Sealer, Fault> {
    service.oidc.sealer.as_ref().ok_or_else(|| Fault::internal("sealing a login's pass", "there is no key"))
}

/// Sends the browser to `provider`.
async fn begin(
    service: &IdentityService,
    request: &Request,
    provider: &Provider,
    origin: &str,
) -> Result<Reply, Fault> {
    let now = service.clock.now();
    let pass = Pass::new(provider.name(), origin, now)?;
    let (redirect_uri, challenge) = (redirect_uri(request, provider), pass.challenge());
    let query = [
        ("redirect_uri", redirect_uri.as_str()),
        ("state", &pass.state),
        ("nonce", &pass.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let url = provider.authorization_url(&query, now).await.map_err(|error| error.into_fault(provider.name()))?;
    let cookie = set_cookie(request, &pass.state, &sealer(service)?.seal(&pass)?, PATIENCE.as_secs());
    Ok(Reply::empty(302).header("Location", url).header("Set-Cookie", cookie).header("Cache-Control", "no-store"))
}

fn set_cookie(request: &Request, state: &str, value: &str, seconds: u64) -> String {
    let secure = if request.public_url().starts_with("https:") { "; Secure" } else { "" };
    let name = cookie_name(state);
    // Lax, not Strict: the provider's redirect comes from elsewhere.
    format!("{name}={value}; Path=/identity; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// The browser is back: its code for a token, the token for the dashboard.
async fn end(service: &IdentityService, request: &Request, provider: &Provider) -> Result<Reply, Fault> {
    let (begun, now) = (service.begin(), service.clock.now());
    let query = request.query();
    let state = query.get("state").unwrap_or_default();
    let pass = pass(service, request, provider, state, now)?;
    let Some(code) = query.get("code") else {
        tracing::info!(provider = provider.name(), reason = query.get("error"), "a login was given up elsewhere");
        return Err(error::unauthorized());
    };
    let redirect_uri = redirect_uri(request, provider);
    let exchange = CodeExchange { code, redirect_uri: &redirect_uri, verifier: &pass.verifier, nonce: &pass.nonce };
    let claims = provider.redeem(&exchange, now).await.map_err(|error| error.into_fault(provider.name()))?;
    let proven = service.admit(guest(provider, &claims)).await?;
    let issued = service.issue_for(proven, &ScopeAsked::Unscoped, begun).await?;
    Ok(handover(&pass.origin, &issued.token).header("Set-Cookie", set_cookie(request, state, "", 0)))
}

/// What the browser was sent with, if this is the same browser.
fn pass(
    service: &IdentityService,
    request: &Request,
    provider: &Provider,
    state: &str,
    now: Timestamp,
) -> Result<Pass, Fault> {
    let header = request.header("cookie").unwrap_or_default();
    let opened = cookie(header, &cookie_name(state)).and_then(|value| sealer(service).ok()?.open(value, state, now));
    opened.filter(|pass| pass.provider == provider.name()).ok_or_else(error::unauthorized)
}

/// A page that posts the token to the dashboard at once, as Keystone's does.
fn handover(origin: &str, token: &Secret) -> Reply {
    let (host, token) = (escaped(origin), escaped(token.expose()));
    page(format!(
        "<!DOCTYPE html>\n<html><head><title>Logging in</title></head><body>\
         <form id=\"sso\" name=\"sso\" action=\"{host}\" method=\"post\">\
         <input type=\"hidden\" name=\"token\" id=\"token\" value=\"{token}\">\
         <noscript><input type=\"submit\" value=\"Go on\"></noscript></form>\
         <script>document.forms[0].submit();</script></body></html>\n"
    ))
}

/// A page on which one of `providers` is chosen.
fn choice(request: &Request, providers: &[Arc<Provider>], origin: &str) -> Reply {
    let link = |provider: &Arc<Provider>| {
        let query = http_kit::Query::default().with("origin", origin).encode();
        let url = format!("{}?{query}", redirect_uri(request, provider));
        format!("<li><a href=\"{}\">{}</a></li>", escaped(&url), escaped(provider.name()))
    };
    let links: String = providers.iter().map(link).collect();
    page(format!(
        "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><p>Log in with</p><ul>{links}</ul></body></html>\n"
    ))
}

fn page(html: String) -> Reply {
    Reply::bytes(200, "text/html; charset=utf-8", html)
        .header("Cache-Control", "no-store")
        .header("Referrer-Policy", "no-referrer")
        .header("X-Frame-Options", "DENY")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_in_lower_case() {
        assert_eq!(with_lower_case_host("https://Dash.Example/Auth/SSO"), "https://dash.example/Auth/SSO");
        assert_eq!(with_lower_case_host("https://Dash"), "https://dash");
        assert_eq!(with_lower_case_host("Dash"), "Dash");
    }

    #[test]
    fn nothing_gets_out_of_an_attribute() {
        assert_eq!(escaped("\"><script>'&"), "&quot;&gt;&lt;script&gt;&#39;&amp;");
    }
}
