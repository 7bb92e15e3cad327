//! A changed configuration, taken in while the cloud runs (SIGHUP): what can be is in force at once, the rest is told to wait for a restart.

use http_kit::Limits;
use kit::config::Config;

use super::Appliance;
use crate::settings;

/// What is in force as soon as it is read. The log's level is the process's own matter.
const AT_ONCE: &[&str] =
    &["log.level", "api.max_connections", "api.header_timeout_secs", "api.request_timeout_secs", "api.max_body_bytes"];

impl Appliance {
    /// Takes `new` in where `last` was read before, and looks at the certificate anew. The keys that are other than at the start, and need
    /// another one.
    pub fn reload(&self, last: &Config, new: &Config) -> Vec<String> {
        self.api.set_limits(Limits::from(&new.api));
        if let Some(tls) = &self.tls {
            tls.nudge();
        }
        for key in settings::differences(last, new).iter().filter(|key| is_at_once(key)) {
            tracing::info!(key, "changed and in force");
        }
        let mut waiting = settings::differences(&self.config, new);
        waiting.retain(|key| !is_at_once(key));
        waiting
    }
}

fn is_at_once(key: &str) -> bool {
    AT_ONCE.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_force_at_once_exists() {
        let all = settings::keys(&Config::default());
        for key in AT_ONCE {
            assert!(all.iter().any(|(other, _)| other == key), "{key}");
        }
    }
}
