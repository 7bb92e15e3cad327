//! What makes a password a good one, how long it is good for, and when its user is locked out.
//!
//! Keystone's `security_compliance` as pure rules over what is known of a user; nothing is hashed and nothing stored
//! here. Messages never hold a password.

use std::time::Duration;

use fancy_regex::Regex;
use jiff::SignedDuration;
use kit::config::SecurityCompliance;
use kit::time::{from_micros, to_micros};
use kit::{Fault, Timestamp};
use serde_json::Value;

use super::Object;

/// The longest password that is hashed, in bytes.
const LONGEST: usize = 4096;

const DAY: Duration = Duration::from_secs(86_400);

/// What is stored of a user's password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Password {
    /// None where the user cannot log in with one.
    pub(crate) hash: Option<String>,
    pub(crate) created_at: Option<Timestamp>,
    /// When it is good no more; none: it does not end.
    pub(crate) expires_at: Option<Timestamp>,
    /// Whether its user chose it, rather than an administrator.
    pub(crate) self_service: bool,
}

/// Failed logins in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Failures {
    pub(crate) count: u32,
    pub(crate) last: Option<Timestamp>,
}

/// When failed logins lock a user out, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lockout {
    pub(crate) attempts: u32,
    /// None: until an administrator ends it.
    pub(crate) duration: Option<Duration>,
}

impl Failures {
    /// Whether the user is locked out. A clock that was set back by more than the duration ends it.
    pub(crate) fn locks_out(self, lockout: Lockout, now: Timestamp) -> bool {
        let Some(last) = self.last.filter(|_| self.count >= lockout.attempts) else { return false };
        lockout.duration.is_none_or(|duration| now.duration_since(last).unsigned_abs() < duration)
    }

    /// What there is after a login with a `right` or wrong password, and whether that login is accepted.
    pub(crate) fn after(self, right: bool, lockout: Lockout, now: Timestamp) -> (Self, bool) {
        if self.locks_out(lockout, now) {
            return (self, false);
        }
        if right {
            return (Self::default(), true);
        }
        // One that has sat out its time starts again.
        let before = if self.count >= lockout.attempts { 0 } else { self.count };
        (Self { count: before.saturating_add(1), last: Some(now) }, false)
    }
}

/// Whether the option `name` is set.
pub(crate) fn is_set(options: &Object, name: &str) -> bool {
    options.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// What a password must match.
enum Pattern {
    Any,
    Regex(Box<Regex>),
    /// The setting is no regular expression: nothing matches.
    Broken,
}

/// The rules, as the operator has set them.
pub(crate) struct PasswordRules {
    settings: SecurityCompliance,
    pattern: Pattern,
}

/// `text` as a pattern that must match from the start, as Python's `re.match` has it.
pub(crate) fn compile(text: &str) -> Result<Regex, Box<fancy_regex::Error>> {
    Regex::new(&format!(r"\A(?:{text})")).map_err(Box::new)
}

impl PasswordRules {
    pub(crate) fn new(settings: SecurityCompliance) -> Self {
        let pattern = match settings.password_regex.as_str() {
            "" => Pattern::Any,
            text => compile(text).map_or(Pattern::Broken, |regex| Pattern::Regex(Box::new(regex))),
        };
        Self { settings, pattern }
    }

    /// Whether `password` may be anybody's.
    ///
    /// # Errors
    /// 400 or 403 in Keystone's words.
    pub(crate) fn check(&self, password: Option<&str>) -> Result<(), Fault> {
        if password.is_some_and(|password| password.len() > LONGEST) {
            return Err(Fault::forbidden(format!(
                "The password length must be less than or equal to {LONGEST}. The server could not comply with the \
                 request because the password is invalid."
            )));
        }
        let invalid = |detail: &str| Fault::bad_request(format!("Password validation error: {detail}."));
        match (&self.pattern, password) {
            (Pattern::Any, _) => Ok(()),
            (_, None) => Err(invalid("Password must be a string type")),
            (Pattern::Broken, _) => Err(invalid("Unable to validate password due to invalid configuration")),
            // A pattern that gives up (it backtracks without end) has not matched.
            (Pattern::Regex(regex), Some(password)) => match regex.is_match(password) {
                Ok(true) => Ok(()),
                Ok(false) | Err(_) => Err(Fault::bad_request(format!(
                    "The password does not match the requirements: {}.",
                    self.description()
                ))),
            },
        }
    }

    fn description(&self) -> &str {
        match self.settings.password_regex_description.as_str() {
            "" => &self.settings.password_regex,
            text => text,
        }
    }

    /// How many of the last passwords, the present one included, a new one must differ from.
    pub(crate) fn history(&self) -> u32 {
        self.settings.unique_last_password_count
    }

    /// The 400 for a password that is one of the last.
    pub(crate) fn used_before(&self) -> Fault {
        Fault::bad_request(format!(
            "The new password cannot be identical to a previous password. The total number which includes the new \
             password must be unique is {}.",
            self.history()
        ))
    }

    /// Whether the user may change `present`, its own password.
    ///
    /// # Errors
    /// 400 where it is locked or too young.
    pub(crate) fn check_change(&self, options: &Object, present: &Password, now: Timestamp) -> Result<(), Fault> {
        if is_set(options, "lock_password") {
            return Err(Fault::bad_request(
                "You cannot change your password at this time due to password policy disallowing password changes. \
                 Please contact your administrator to reset your password.",
            ));
        }
        let days = self.settings.minimum_password_age;
        let Some(created_at) = present.created_at.filter(|_| present.self_service && days > 0) else { return Ok(()) };
        let left = after(created_at, days).duration_since(now);
        if !left.is_positive() {
            return Ok(());
        }
        let days_left = left.as_hours() / 24;
        Err(Fault::bad_request(format!(
            "You cannot change your password at this time due to the minimum password age. Once you change your \
             password, it must be used for {days} day(s) before it can be changed. Please try again in {days_left} day(s) \
             or contact your administrator to reset your password."
        )))
    }

    /// A password that was set at `now` by its user, or else by an administrator.
    pub(crate) fn new_password(
        &self,
        hash: Option<String>,
        options: &Object,
        self_service: bool,
        now: Timestamp,
    ) -> Password {
        let first_use = self.settings.change_password_upon_first_use
            && !self_service
            && !is_set(options, "ignore_change_password_upon_first_use");
        let days = self.settings.password_expires_days;
        let expires_at = match (first_use, days) {
            (true, _) => Some(now),
            (false, days) if days > 0 && !is_set(options, "ignore_password_expiry") => {
                Some(whole_second(after(now, days)))
            }
            _ => None,
        };
        Password { hash, created_at: Some(now), expires_at, self_service }
    }

    /// Whether failed logins lock a user with `options` out.
    pub(crate) fn lockout(&self, options: &Object) -> Option<Lockout> {
        let attempts = self.settings.lockout_failure_attempts;
        if attempts == 0 || is_set(options, "ignore_lockout_failure_attempts") {
            return None;
        }
        let seconds = self.settings.lockout_duration;
        Some(Lockout { attempts, duration: (seconds > 0).then(|| Duration::from_secs(seconds)) })
    }

    /// The day before which a user must have logged in last to count as inactive; none: nobody does.
    pub(crate) fn inactive_before(&self, now: Timestamp) -> Option<Timestamp> {
        let days = self.settings.disable_user_account_days_inactive;
        let back = DAY.saturating_mul(days.saturating_sub(1));
        (days > 0).then(|| day_of(now.checked_sub(back).unwrap_or(Timestamp::MIN)))
    }
}

/// Whether a password that ends at `expires_at` has, for a user with `options`.
pub(crate) fn is_expired(expires_at: Option<Timestamp>, options: &Object, now: Timestamp) -> bool {
    expires_at.is_some_and(|end| end <= now) && !is_set(options, "ignore_password_expiry")
}

/// The beginning of the day, in UTC: activity is kept by the day.
pub(crate) fn day_of(at: Timestamp) -> Timestamp {
    let day = i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
    let micros = to_micros(at);
    from_micros(micros - micros.rem_euclid(day))
}

fn whole_second(at: Timestamp) -> Timestamp {
    let micros = to_micros(at);
    from_micros(micros - micros.rem_euclid(1_000_000))
}

fn after(at: Timestamp, days: u32) -> Timestamp {
    at.checked_add(SignedDuration::from_hours(i64::from(days).saturating_mul(24))).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rules(change: impl FnOnce(&mut SecurityCompliance)) -> PasswordRules {
        let mut settings = SecurityCompliance::default();
        change(&mut settings);
        PasswordRules::new(settings)
    }

    fn options(value: Value) -> Object {
        value.as_object().unwrap().clone()
    }

    fn at(seconds: i64) -> Timestamp {
        from_micros(seconds * 1_000_000)
    }

    const DAYS: i64 = 86_400;

    #[test]
    fn nothing_is_asked_unless_it_is_set() {
        let rules = rules(|_| {});
        let none = Object::new();
        assert!(rules.check(Some("")).is_ok() && rules.check(None).is_ok());
        assert_eq!(rules.new_password(None, &none, false, at(0)).expires_at, None);
        assert_eq!((rules.lockout(&none), rules.inactive_before(at(0)), rules.history()), (None, None, 0));
        let chosen = Password { created_at: Some(at(0)), self_service: true, ..Password::default() };
        assert!(rules.check_change(&none, &chosen, at(0)).is_ok());
    }

    #[test]
    fn a_pattern_is_pythons_and_its_words_are_the_operators() {
        let pattern = r"^(?=.*\d)(?=.*[a-zA-Z]).{7,}$";
        let bare = rules(|settings| pattern.clone_into(&mut settings.password_regex));
        assert!(bare.check(Some("passw0rd")).is_ok());
        let refused = bare.check(Some("hunter")).unwrap_err();
        assert_eq!(refused.message(), format!("The password does not match the requirements: {pattern}."));
        let described = rules(|settings| {
            "[0-9]".clone_into(&mut settings.password_regex);
            "a digit first".clone_into(&mut settings.password_regex_description);
        });
        let refused = described.check(Some("a1")).unwrap_err();
        assert_eq!(refused.message(), "The password does not match the requirements: a digit first.");
        assert!(described.check(Some("1a")).is_ok());
        assert_eq!(
            described.check(None).unwrap_err().message(),
            "Password validation error: Password must be a string type."
        );
        let broken = rules(|settings| "(".clone_into(&mut settings.password_regex));
        assert!(broken.check(Some("x")).unwrap_err().message().ends_with("due to invalid configuration."));
        assert_eq!(broken.check(Some(&"x".repeat(LONGEST + 1))).unwrap_err().kind(), kit::FaultKind::Forbidden);
    }

    #[test]
    fn a_password_ends_when_it_should() {
        let rules = rules(|settings| {
            settings.password_expires_days = 2;
            settings.change_password_upon_first_use = true;
        });
        let now = from_micros(5_000_000);
        let expiry = |given: Value, own| rules.new_password(None, &options(given), own, now).expires_at;
        assert_eq!(expiry(json!({}), true), Some(at(5 + 2 * DAYS)));
        assert_eq!(expiry(json!({}), false), Some(now), "an administrator's must be changed");
        let changed = json!({"ignore_change_password_upon_first_use": true});
        assert_eq!(expiry(changed, false), Some(at(5 + 2 * DAYS)));
        assert_eq!(expiry(json!({"ignore_password_expiry": true}), true), None);
        assert!(is_expired(Some(now), &Object::new(), now) && !is_expired(None, &Object::new(), now));
        assert!(!is_expired(Some(now), &options(json!({"ignore_password_expiry": true})), now));
    }

    #[test]
    fn a_password_is_kept_for_its_minimum_age_by_who_chose_it() {
        let rules = rules(|settings| settings.minimum_password_age = 2);
        let chosen = Password { created_at: Some(at(0)), self_service: true, ..Password::default() };
        let refused = rules.check_change(&Object::new(), &chosen, at(3600)).unwrap_err();
        assert!(refused.message().contains("used for 2 day(s)") && refused.message().contains("again in 1 day(s)"));
        assert!(rules.check_change(&Object::new(), &chosen, at(2 * DAYS)).is_ok());
        let given = Password { self_service: false, ..chosen };
        assert!(rules.check_change(&Object::new(), &given, at(3600)).is_ok());
        let locked = rules.check_change(&options(json!({"lock_password": true})), &given, at(0)).unwrap_err();
        assert!(locked.message().contains("disallowing password changes"));
    }

    #[test]
    fn inactivity_is_counted_in_days() {
        let rules = rules(|settings| settings.disable_user_account_days_inactive = 2);
        // Who logged in on day 1 is inactive from day 3 on.
        assert!(day_of(at(DAYS + 5)) >= rules.inactive_before(at(3 * DAYS - 1)).unwrap());
        assert!(day_of(at(DAYS + 5)) < rules.inactive_before(at(3 * DAYS)).unwrap());
    }

    #[test]
    fn a_lockout_sits_out_its_time_and_a_clock_set_back_ends_it() {
        let lockout = Lockout { attempts: 2, duration: Some(Duration::from_secs(5)) };
        let (one, _) = Failures::default().after(false, lockout, at(100));
        assert!(!one.locks_out(lockout, at(100)));
        let (two, _) = one.after(false, lockout, at(101));
        assert!(two.locks_out(lockout, at(105)));
        assert_eq!(two.after(true, lockout, at(105)), (two, false), "the right password does not help");
        assert_eq!(two.after(false, lockout, at(105)), (two, false), "nor does a wrong one prolong it");
        assert_eq!(two.after(true, lockout, at(106)), (Failures::default(), true));
        assert_eq!(two.after(false, lockout, at(106)).0, Failures { count: 1, last: Some(at(106)) });
        assert!(!two.locks_out(lockout, at(10)));
        assert!(two.locks_out(Lockout { duration: None, ..lockout }, at(1_000_000)));
    }

    proptest! {
        /// However right and wrong passwords follow each other, no more than `attempts` wrong ones are looked at within
        /// the duration, and none is accepted after them.
        #[test]
        fn nobody_guesses_more_often_than_allowed(attempts in 1..5_u32, tries in prop::collection::vec((any::<bool>(), 0..4_i64), 1..60)) {
            let lockout = Lockout { attempts, duration: Some(Duration::from_secs(10)) };
            let (mut failures, mut now) = (Failures::default(), 0);
            let mut wrong_in_a_row = 0;
            for (right, pause) in tries {
                now += pause;
                let locked = failures.locks_out(lockout, at(now));
                let (next, accepted) = failures.after(right, lockout, at(now));
                prop_assert_eq!(accepted, right && !locked);
                if !locked {
                    wrong_in_a_row = if right { 0 } else if wrong_in_a_row == attempts { 1 } else { wrong_in_a_row + 1 };
                }
                prop_assert_eq!(next.count, wrong_in_a_row);
                failures = next;
            }
        }
    }
}
