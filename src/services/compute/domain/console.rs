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

/// The URL that opens a console: noVNC's page, with the token for its WebSocket.
#[must_use]
pub fn url(public_url: &str, token: &str) -> String {
    format!("{public_url}/console/vnc_auto.html?path=console%2Fwebsockify%3Ftoken%3D{token}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_in_the_url_and_not_in_its_fingerprint() {
        assert_eq!(url("http://c", "t1"), "http://c/console/vnc_auto.html?path=console%2Fwebsockify%3Ftoken%3Dt1");
        assert!(!fingerprint("t1").contains("t1"));
        assert_eq!(fingerprint("t1").len(), 64);
    }
}
