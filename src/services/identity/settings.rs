//! What the values of `[identity]` may be.

use kit::config::{IdentityConfig, LoginLimits, OidcConfig, PasswordHashing};

use crate::domain::password;
use crate::oidc;
use crate::password::{MOST_LANES, MOST_MEMORY_KIB, MOST_PASSES};

/// Less memory than this makes a hash cheap to try passwords on.
const LEAST_MEMORY_KIB: u32 = 7 * 1024;

/// A setting that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value} is not valid: {reason}")]
pub struct WrongSetting {
    /// Which key, with its sections.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// What it must be.
    pub reason: &'static str,
}

/// Looks at all values of `config`.
///
/// # Errors
/// The first that makes no sense.
pub fn check(config: &IdentityConfig) -> Result<(), WrongSetting> {
    between("identity.token_ttl_secs", config.token_ttl_secs, 60..=31_536_000, "use a minute to a year")?;
    between("identity.key_rotation_secs", config.key_rotation_secs, 60..=31_536_000, "use a minute to a year")?;
    let rotation = config.credential_key_rotation_secs;
    between("identity.credential_key_rotation_secs", rotation, 60..=31_536_000, "use a minute to a year")?;
    let window = config.allow_expired_window_secs;
    // Revocations are kept for a week after the token's end.
    between("identity.allow_expired_window_secs", window, 0..=518_400, "use at most six days")?;
    between("identity.receipt_ttl_secs", config.receipt_ttl_secs, 1..=86_400, "use a second to a day")?;
    between("identity.signature_ttl_secs", config.signature_ttl_secs, 1..=86_400, "use a second to a day")?;
    between("identity.totp_previous_windows", config.totp_previous_windows, 0..=10, "use at most 10")?;
    check_hashing(&config.passwords)?;
    check_limits(&config.login_limits)?;
    config.oidc.values().try_for_each(check_oidc)?;
    let rules = &config.security_compliance;
    let (least, most) = (rules.minimum_password_age, rules.password_expires_days);
    if most > 0 && least >= most {
        return Err(WrongSetting {
            key: "identity.security_compliance.minimum_password_age",
            value: least.to_string(),
            reason: "it must be less than password_expires_days",
        });
    }
    if password::compile(&rules.password_regex).is_err() {
        return Err(WrongSetting {
            key: "identity.security_compliance.password_regex",
            value: format!("{:?}", rules.password_regex),
            reason: "it is not a regular expression",
        });
    }
    between(
        "identity.security_compliance.unique_last_password_count",
        rules.unique_last_password_count,
        0..=24,
        "use 0 to 24: each is hashed when a password is changed",
    )
}

fn check_hashing(hashing: &PasswordHashing) -> Result<(), WrongSetting> {
    let PasswordHashing { memory_kib, passes, lanes, concurrency } = *hashing;
    let memory = LEAST_MEMORY_KIB..=MOST_MEMORY_KIB;
    between("identity.passwords.memory_kib", memory_kib, memory, "use 7168 to 262144")?;
    between("identity.passwords.passes", passes, 1..=MOST_PASSES, "use 1 to 16")?;
    between("identity.passwords.lanes", lanes, 1..=MOST_LANES, "use 1 to 16")?;
    between("identity.passwords.concurrency", concurrency, 0..=256, "use 0 to 256")
}

fn check_oidc(provider: &OidcConfig) -> Result<(), WrongSetting> {
    let wrong = |key, value: &str, reason| Err(WrongSetting { key, value: format!("{value:?}"), reason });
    if !oidc::is_secure(&provider.issuer) {
        return wrong("identity.oidc.issuer", &provider.issuer, "use an https URL, or http on this host");
    }
    if provider.client_id.is_empty() {
        return wrong("identity.oidc.client_id", "", "name the client that this cloud is there");
    }
    match provider.algorithms.iter().find(|name| !oidc::is_allowed_algorithm(name)) {
        Some(name) => {
            wrong("identity.oidc.algorithms", name, "use RS256 to RS512, PS256 to PS512, ES256, ES384, EdDSA")
        }
        None => Ok(()),
    }
}

fn check_limits(limits: &LoginLimits) -> Result<(), WrongSetting> {
    for (key, value) in [
        ("identity.login_limits.user_burst", limits.user_burst),
        ("identity.login_limits.user_per_minute", limits.user_per_minute),
        ("identity.login_limits.source_burst", limits.source_burst),
        ("identity.login_limits.source_per_minute", limits.source_per_minute),
        ("identity.login_limits.everywhere_burst", limits.everywhere_burst),
        ("identity.login_limits.everywhere_per_minute", limits.everywhere_per_minute),
    ] {
        between(key, value, 1..=1_000_000, "use at least 1; enabled = false takes the limits away")?;
    }
    between("identity.login_limits.delay_ms", limits.delay_ms, 0..=10_000, "use at most 10000")
}

fn between<T: PartialOrd + std::fmt::Display>(
    key: &'static str,
    value: T,
    allowed: std::ops::RangeInclusive<T>,
    reason: &'static str,
) -> Result<(), WrongSetting> {
    if allowed.contains(&value) { Ok(()) } else { Err(WrongSetting { key, value: value.to_string(), reason }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_make_sense_and_mistakes_are_named() {
        assert_eq!(check(&IdentityConfig::default()), Ok(()));
        let wrong = |change: fn(&mut IdentityConfig)| {
            let mut config = IdentityConfig::default();
            change(&mut config);
            check(&config).unwrap_err().to_string()
        };
        assert_eq!(
            wrong(|config| config.passwords.memory_kib = 64),
            "identity.passwords.memory_kib = 64 is not valid: use 7168 to 262144"
        );
        assert!(wrong(|config| config.passwords.passes = 0).starts_with("identity.passwords.passes = 0"));
        assert!(wrong(|config| config.login_limits.user_burst = 0).contains("login_limits.user_burst"));
        assert!(wrong(|config| "(".clone_into(&mut config.security_compliance.password_regex)).contains("\"(\""));
        let ages = |config: &mut IdentityConfig| {
            config.security_compliance.password_expires_days = 3;
            config.security_compliance.minimum_password_age = 3;
        };
        assert!(wrong(ages).contains("minimum_password_age"));
    }
}
