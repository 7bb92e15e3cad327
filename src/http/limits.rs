//! What a client may cost: sizes, times, connections.

use std::time::Duration;

use kit::config::ApiConfig;

/// The limits that hold for every connection and request.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The most connections at once; more wait in the kernel's queue.
    pub max_connections: usize,
    /// The largest request head, in bytes.
    pub max_header_bytes: usize,
    /// The most header lines.
    pub max_headers: usize,
    /// The longest time to receive a request's head, and to stay idle between requests.
    pub header_timeout: Duration,
    /// The largest buffered body, in bytes.
    pub max_body_bytes: usize,
    /// The longest time to receive a buffered body.
    pub body_timeout: Duration,
    /// The longest time that a streamed body may stand still.
    pub stream_idle_timeout: Duration,
    /// The longest time from a request's head to its answer.
    pub request_timeout: Duration,
    /// How deep JSON may nest.
    pub max_json_depth: usize,
    /// The longest time that open requests get to finish at shutdown.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self::from(&ApiConfig::default())
    }
}

impl From<&ApiConfig> for Limits {
    fn from(config: &ApiConfig) -> Self {
        let request_timeout = Duration::from_secs(config.request_timeout_secs);
        Self {
            max_connections: config.max_connections,
            max_header_bytes: 32 * 1024,
            max_headers: 100,
            header_timeout: Duration::from_secs(config.header_timeout_secs),
            max_body_bytes: config.max_body_bytes,
            body_timeout: request_timeout.min(Duration::from_secs(30)),
            stream_idle_timeout: Duration::from_secs(60),
            request_timeout,
            max_json_depth: 64,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// Whether the JSON text `bytes` nests no deeper than `limit`. It need not be well-formed.
#[must_use]
pub(crate) fn nests_within(bytes: &[u8], limit: usize) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_count() {
        assert!(nests_within(br#"{"a": "[[[[\"[[["}"#, 1));
        assert!(nests_within(b"[[1],[2]]", 2));
        assert!(!nests_within(b"[[[1]]]", 2));
    }
}
