//! Where something that a stranger named may be fetched from.
//!
//! The URL is checked by its scheme, host and port; then its name is looked up once, and only addresses that pass are connected
//! to. A name that means something else at the next look-up (rebinding) gains nothing: there is none.

use std::io;
use std::net::{IpAddr, SocketAddr};

use futures_util::future::BoxFuture;
use hyper::Uri;
use ipnet::IpNet;
use kit::config::WebDownloadConfig;

use crate::address::{is_public, is_within};

/// What a URL must be.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// `http`, `https`; none means both.
    pub schemes: Vec<String>,
    /// The only hosts, in lower case; none means all.
    pub hosts: Vec<String>,
    /// Hosts that are refused, in lower case.
    pub refused_hosts: Vec<String>,
    /// The only ports; none means all.
    pub ports: Vec<u16>,
    /// Networks that are allowed although they are not the Internet's.
    pub networks: Vec<IpNet>,
    /// Whether any address will do. For those who fetch for themselves: a command line, never a service.
    pub any_address: bool,
}

/// Why something may not be fetched. Nothing of it says what a name means inside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no URL with a scheme and a host.
    #[error("it is not a complete URL")]
    NotAUrl,
    /// There are a user's name and password in it.
    #[error("it holds credentials, which are not accepted in a URL")]
    Credentials,
    /// The scheme is not allowed.
    #[error("the scheme {0} is not allowed")]
    Scheme(String),
    /// The host is not allowed.
    #[error("the host {0} is not allowed")]
    Host(String),
    /// The port is not allowed.
    #[error("the port {0} is not allowed")]
    Port(u16),
    /// The host is on a network that is not allowed.
    #[error("the address of host {0} is not allowed")]
    Address(String),
}

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// Whether TLS is spoken.
    pub secure: bool,
    /// A name or an address, without brackets.
    pub host: String,
    /// Where.
    pub port: u16,
}

impl From<&WebDownloadConfig> for Guard {
    fn from(config: &WebDownloadConfig) -> Self {
        let lower = |texts: &[String]| texts.iter().map(|text| normal(text)).collect();
        Self {
            schemes: lower(&config.allowed_schemes),
            hosts: lower(&config.allowed_hosts),
            refused_hosts: lower(&config.disallowed_hosts),
            ports: config.allowed_ports.clone(),
            networks: config.allowed_networks.clone(),
            any_address: false,
        }
    }
}

impl Guard {
    /// Whether `url` may be fetched, as far as can be said without looking its name up: what to ask before a request is taken.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, url: &str) -> Result<(), Refusal> {
        let destination = self.destination(&url.parse().map_err(|_| Refusal::NotAUrl)?)?;
        match destination.host.parse() {
            Ok(address) => self.check_address(address, &destination.host),
            Err(_) => Ok(()),
        }
    }

    pub(crate) fn destination(&self, url: &Uri) -> Result<Destination, Refusal> {
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else { return Err(Refusal::NotAUrl) };
        let scheme = scheme.to_ascii_lowercase();
        let known = scheme == "http" || scheme == "https";
        if !known || (!self.schemes.is_empty() && !self.schemes.contains(&scheme)) {
            return Err(Refusal::Scheme(scheme));
        }
        if authority.as_str().contains('@') {
            return Err(Refusal::Credentials);
        }
        let host = normal(authority.host().trim_start_matches('[').trim_end_matches(']'));
        if host.is_empty() {
            return Err(Refusal::NotAUrl);
        }
        let listed = self.hosts.is_empty() || self.hosts.contains(&host);
        if !listed || self.refused_hosts.contains(&host) {
            return Err(Refusal::Host(host));
        }
        let secure = scheme == "https";
        let port =
            match authority.port() {
                Some(port) => port.as_u16(),
                // `host:` and `host:99999` are no ports, and no silence either.
                None if authority.as_str().ends_with(']') || !after_host(authority.as_str()).contains(':') => {
                    if secure { 443 } else { 80 }
                }
                None => return Err(Refusal::NotAUrl),
            };
        if !self.ports.is_empty() && !self.ports.contains(&port) {
            return Err(Refusal::Port(port));
        }
        Ok(Destination { secure, host, port })
    }

    fn check_address(&self, address: IpAddr, host: &str) -> Result<(), Refusal> {
        if self.any_address || is_public(address) || is_within(address, &self.networks) {
            return Ok(());
        }
        Err(Refusal::Address(host.to_owned()))
    }

    /// Those of `addresses` that may be connected to; there is at least one.
    ///
    /// # Errors
    /// When none may.
    pub(crate) fn admit(&self, host: &str, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refusal> {
        let admitted: Vec<SocketAddr> =
            addresses.into_iter().filter(|address| self.check_address(address.ip(), host).is_ok()).collect();
        if admitted.is_empty() { Err(Refusal::Address(host.to_owned())) } else { Ok(admitted) }
    }
}

fn normal(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// What follows an address in brackets, or all of it.
fn after_host(authority: &str) -> &str {
    authority.rsplit_once(']').map_or(authority, |(_, rest)| rest)
}

/// Looks names up.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`, with `port`.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// As this host's system does.
#[derive(Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        Guard::from(&WebDownloadConfig::default())
    }

    #[test]
    fn by_default_the_web_is_allowed_and_nothing_inside() {
        for yes in
            ["http://example.org/x", "HTTPS://Example.org:443/x?y#z", "http://[2606:4700::1111]/", "http://1.1.1.1"]
        {
            assert_eq!(guard().check(yes), Ok(()), "{yes}");
        }
        for (no, why) in [
            ("", Refusal::NotAUrl),
            ("example.org", Refusal::NotAUrl),
            ("/etc/passwd", Refusal::NotAUrl),
            ("http:///x", Refusal::NotAUrl),
            ("http://exa mple/", Refusal::NotAUrl),
            ("http://example.org:/", Refusal::NotAUrl),
            ("http://example.org:99999/", Refusal::NotAUrl),
            ("ftp://example.org/", Refusal::Scheme("ftp".into())),
            ("gopher://example.org/", Refusal::Scheme("gopher".into())),
            ("http://user:secret@example.org/", Refusal::Credentials),
            ("http://1.1.1.1@127.0.0.1/", Refusal::Credentials),
            ("http://example.org:22/", Refusal::Port(22)),
            ("http://127.0.0.1/", Refusal::Address("127.0.0.1".into())),
            ("http://[::1]/", Refusal::Address("::1".into())),
            ("http://[::ffff:169.254.169.254]/", Refusal::Address("::ffff:169.254.169.254".into())),
        ] {
            assert_eq!(guard().check(no), Err(why), "{no}");
        }
    }

    #[test]
    fn the_operator_says_otherwise() {
        let guard = Guard {
            schemes: vec!["https".into()],
            hosts: vec!["mirror.example".into(), "10.0.0.5".into()],
            refused_hosts: vec!["bad.example".into()],
            ports: vec![8443],
            networks: vec!["10.0.0.0/24".parse().unwrap()],
            any_address: false,
        };
        assert_eq!(guard.check("https://Mirror.example.:8443/x"), Ok(()));
        assert_eq!(guard.check("https://10.0.0.5:8443/x"), Ok(()));
        assert_eq!(guard.check("http://mirror.example:8443/"), Err(Refusal::Scheme("http".into())));
        assert_eq!(guard.check("https://other.example:8443/"), Err(Refusal::Host("other.example".into())));
        assert_eq!(guard.check("https://mirror.example/"), Err(Refusal::Port(443)));
        let all = Guard { refused_hosts: vec!["bad.example".into()], ..Guard::default() };
        assert_eq!(all.check("http://BAD.example./"), Err(Refusal::Host("bad.example".into())));
    }

    #[test]
    fn of_several_addresses_only_those_outside_are_used() {
        let inside: SocketAddr = "192.168.0.1:80".parse().unwrap();
        let outside: SocketAddr = "1.1.1.1:80".parse().unwrap();
        assert_eq!(guard().admit("x", vec![inside, outside]), Ok(vec![outside]));
        assert_eq!(guard().admit("x", vec![inside]), Err(Refusal::Address("x".into())));
        assert_eq!(guard().admit("x", Vec::new()), Err(Refusal::Address("x".into())));
    }
}
