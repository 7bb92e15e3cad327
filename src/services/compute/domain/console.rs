//! Console tokens: what a console's URL carries, and what is kept of it.

use std::time::Duration;

use aws_lc_rs::digest;

/// How long a console's URL is good for.
pub const LIFETIME: Duration = Duration::from_secs(600);

/// What is kept of a token.
#[must_use]
pub fn fingerprint(token: &str) -> String {
    kit::hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

/// What a token opens. It is a part of the token, so that what is kept of a token vouches for it, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// The screen.
    Screen,
    /// The serial console.
    Serial,
    /// This TCP port of the server.
    Port(u16),
}

impl Opens {
    /// The token for it, made of what nobody can guess.
    #[must_use]
    pub fn token(self, secret: &str) -> String {
        match self {
            Self::Screen => secret.to_owned(),
            Self::Serial => format!("serial-{secret}"),
            Self::Port(port) => format!("port{port}-{secret}"),
        }
    }

    /// What `token`, which was made here, opens.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let kind = token.split('-').next().unwrap_or_default();
        match (kind, kind.strip_prefix("port").and_then(|port| port.parse().ok())) {
            ("serial", _) => Self::Serial,
            (_, Some(port)) => Self::Port(port),
            _ => Self::Screen,
        }
    }

    /// The URL that opens it: noVNC's page for a screen, a WebSocket for all else.
    #[must_use]
    pub fn url(self, public_url: &str, token: &str) -> String {
        match self {
            Self::Screen => format!("{public_url}/console/vnc_auto.html?path=console%2Fwebsockify%3Ftoken%3D{token}"),
            // http becomes ws, https wss.
            Self::Serial | Self::Port(_) => {
                format!("{}/console/websockify?token={token}", public_url.replacen("http", "ws", 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_in_the_url_and_not_in_its_fingerprint() {
        let url = Opens::Screen.url("http://c", "t1");
        assert_eq!(url, "http://c/console/vnc_auto.html?path=console%2Fwebsockify%3Ftoken%3Dt1");
        assert_eq!(Opens::Serial.url("https://c:1", "t1"), "wss://c:1/console/websockify?token=t1");
        assert!(!fingerprint("t1").contains("t1"));
        assert_eq!(fingerprint("t1").len(), 64);
    }

    #[test]
    fn a_token_says_what_it_opens() {
        let secret = "0b55c09e-93f1-4fda-a9a6-a4b5a9d5e1a1";
        for opens in [Opens::Screen, Opens::Serial, Opens::Port(22), Opens::Port(65_535)] {
            assert_eq!(Opens::of(&opens.token(secret)), opens);
        }
        assert_eq!(Opens::of("port99999-x"), Opens::Screen);
    }
}
