//! Keystone's section, `[identity]`. What its values may be is checked by the identity service (`identity::check`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::OidcConfig;

/// Keystone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// How long a token is good for, in seconds.
    pub token_ttl_secs: u64,
    /// How often the token key is rotated, in seconds; old keys stay readable for one token lifetime.
    pub key_rotation_secs: u64,
    /// Whether a token's catalog has every endpoint where no endpoint was chosen for its project; otherwise it has
    /// none. Keystone's setting of this name.
    pub return_all_endpoints_if_no_filter: bool,
    /// The dashboards that a browser may be sent back to with a token: whole URLs, compared as they are.
    pub trusted_dashboards: Vec<String>,
    /// How long a request token of OAuth 1.0a is good for, in seconds; 0: for ever.
    pub oauth1_request_token_secs: u64,
    /// How long an access token of OAuth 1.0a is good for, in seconds; 0: for ever.
    pub oauth1_access_token_secs: u64,
    /// How unified limits fit into the tree of projects.
    pub limit_model: LimitModel,
    /// How often the key that seals credentials is rotated, in seconds; what older ones sealed is sealed anew.
    pub credential_key_rotation_secs: u64,
    /// How long a service can still ask what an expired token said, in seconds.
    pub allow_expired_window_secs: u64,
    /// How long a login that needs more methods can be gone on with, in seconds.
    pub receipt_ttl_secs: u64,
    /// How old an EC2 or S3 signature may be, in seconds.
    pub signature_ttl_secs: u64,
    /// How many earlier TOTP passcodes are accepted beside the present one: clocks differ.
    pub totp_previous_windows: u8,
    /// How passwords are hashed.
    pub passwords: PasswordHashing,
    /// How many wrong passwords are put up with, whoever's they are.
    pub login_limits: LoginLimits,
    /// What an organisation's rules ask of users' passwords: all off, as in Keystone.
    pub security_compliance: SecurityCompliance,
    /// Providers of OpenID Connect, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub oidc: BTreeMap<String, OidcConfig>,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            token_ttl_secs: 3600,
            key_rotation_secs: 86_400,
            credential_key_rotation_secs: 2_592_000,
            allow_expired_window_secs: 172_800,
            receipt_ttl_secs: 300,
            signature_ttl_secs: 900,
            totp_previous_windows: 1,
            return_all_endpoints_if_no_filter: true,
            trusted_dashboards: Vec::new(),
            oauth1_request_token_secs: 28_800,
            oauth1_access_token_secs: 86_400,
            limit_model: LimitModel::Flat,
            passwords: PasswordHashing::default(),
            login_limits: LoginLimits::default(),
            security_compliance: SecurityCompliance::default(),
            oidc: BTreeMap::new(),
        }
    }
}

/// How unified limits fit into the tree of projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitModel {
    /// Each is for itself.
    Flat,
    /// A project may not have more than its domain; trees are at most two projects deep.
    StrictTwoLevel,
}

/// Argon2id. A password that was hashed otherwise is hashed anew when its user next logs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordHashing {
    /// The memory that one hash takes, in KiB.
    pub memory_kib: u32,
    /// How often it is gone through.
    pub passes: u32,
    /// How many threads could share the work; here one does it all.
    pub lanes: u32,
    /// How many passwords are hashed at once; 0: as many as there are processors.
    pub concurrency: usize,
}

impl Default for PasswordHashing {
    fn default() -> Self {
        // What OWASP recommends.
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1, concurrency: 0 }
    }
}

/// Token buckets of failures: `*_burst` may come at once, and `*_per_minute` come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginLimits {
    /// Whether there are any.
    pub enabled: bool,
    /// Failures of one user from one address; more are refused.
    pub user_burst: u32,
    /// How many of them are forgiven per minute.
    pub user_per_minute: u32,
    /// Failures from one address, whoever's they are; more are refused.
    pub source_burst: u32,
    /// How many of them are forgiven per minute.
    pub source_per_minute: u32,
    /// Failures of one user from anywhere; more are slowed down.
    pub everywhere_burst: u32,
    /// How many of them are forgiven per minute.
    pub everywhere_per_minute: u32,
    /// How long a login is held up that is slowed down, in milliseconds.
    pub delay_ms: u64,
}

impl Default for LoginLimits {
    fn default() -> Self {
        Self {
            enabled: true,
            user_burst: 10,
            user_per_minute: 10,
            source_burst: 100,
            source_per_minute: 60,
            everywhere_burst: 200,
            everywhere_per_minute: 60,
            delay_ms: 2000,
        }
    }
}

/// Keystone's `[security_compliance]`, under the same names; 0, `""` and `false` are off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityCompliance {
    /// After how many days without a login a user is disabled.
    pub disable_user_account_days_inactive: u32,
    /// After how many failed logins in a row a user is locked out.
    pub lockout_failure_attempts: u32,
    /// For how many seconds; 0: until an administrator enables the user.
    pub lockout_duration: u64,
    /// For how many days a new password is good.
    pub password_expires_days: u32,
    /// How many of a user's last passwords, the present one included, a new one must differ from.
    pub unique_last_password_count: u32,
    /// How many days a password that its user chose must be kept.
    pub minimum_password_age: u32,
    /// What a new password must match from its start, in Python's syntax of regular expressions.
    pub password_regex: String,
    /// That in words, for the user.
    pub password_regex_description: String,
    /// Whether a password that an administrator set must be changed before it can be used.
    pub change_password_upon_first_use: bool,
}

impl Default for SecurityCompliance {
    fn default() -> Self {
        Self {
            disable_user_account_days_inactive: 0,
            lockout_failure_attempts: 0,
            lockout_duration: 1800,
            password_expires_days: 0,
            unique_last_password_count: 0,
            minimum_password_age: 0,
            password_regex: String::new(),
            password_regex_description: String::new(),
            change_password_upon_first_use: false,
        }
    }
}
