//! What an operator sets about the log, the metrics and what is remembered: `[log]`, `[metrics]`, `[retention]`.

use serde::{Deserialize, Serialize};

/// How the log is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// In which form.
    pub format: LogFormat,
    /// What is logged: a level, or directives by module. `CLOUDBOX_LOG` goes over it.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Auto, level: "info".to_owned() }
    }
}

/// The form of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// `journald` where the journal reads standard error, else `text`.
    #[default]
    Auto,
    /// For people.
    Text,
    /// A JSON object per line.
    Json,
    /// Text with the level as the journal wants it (`<4>`), and without the time, which the journal has itself.
    Journald,
}

/// The metrics page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Who may read it.
    pub access: MetricsAccess,
}

/// Who may read the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricsAccess {
    /// Who asks from this host, and who has a token that the policy `cloudbox:metrics:get` lets through.
    #[default]
    Loopback,
    /// Who has such a token.
    Token,
    /// Everybody.
    Everybody,
}

/// How long what is over is remembered, in days; 0: for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// Deleted servers, with all that belongs to them.
    pub deleted_servers_days: u32,
    /// What was asked of servers that are still there, its events and its traces.
    pub server_actions_days: u32,
    /// Trusts and OAuth access tokens that have expired.
    pub expired_delegations_days: u32,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { deleted_servers_days: 30, server_actions_days: 365, expired_delegations_days: 30 }
    }
}

impl RetentionConfig {
    /// Before which moment something is forgotten that is remembered for `days`; nothing is where that is for ever.
    #[must_use]
    pub fn cutoff(now: jiff::Timestamp, days: u32) -> Option<jiff::Timestamp> {
        let kept = jiff::SignedDuration::from_hours(i64::from(days) * 24);
        (days > 0).then(|| now.checked_sub(kept).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn days_are_counted_back_and_none_is_for_ever() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        assert_eq!(RetentionConfig::cutoff(now, 2).unwrap().to_string(), "2026-11-20T12:00:00Z");
        assert_eq!(RetentionConfig::cutoff(now, 0), None);
        assert_eq!(RetentionConfig::cutoff(Timestamp::UNIX_EPOCH, u32::MAX), None, "before time began");
    }
}
