//! Passcodes made of a shared seed and the time (RFC 6238): SHA-1, 30 seconds, six digits, as Keystone and every
//! authenticator application have it.

use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key};
use kit::time::to_micros;
use kit::{Secret, Timestamp};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const STEP_MICROS: i64 = 30_000_000;
const DIGITS: usize = 6;

/// The time step whose passcode `passcode` is: the present one at `now`, or one of the `previous` before it. None where
/// it is none of them, or `seed` is no base32.
pub(crate) fn step_of(seed: &Secret, passcode: &Secret, now: Timestamp, previous: u8) -> Option<i64> {
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &decode(seed.expose())?);
    let present = to_micros(now).div_euclid(STEP_MICROS);
    let fits = |step: i64| bool::from(make(&key, step).as_bytes().ct_eq(passcode.expose().as_bytes()));
    (present - i64::from(previous)..=present).rev().find(|step| fits(*step))
}

fn make(key: &Key, step: i64) -> Zeroizing<String> {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or_default() & 0xf);
    let chosen = bytes.get(offset..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
    let number = u32::from_be_bytes(chosen) & 0x7fff_ffff;
    Zeroizing::new(format!("{:0width$}", number % 1_000_000, width = DIGITS))
}

/// Base32 with or without its padding, in either case.
fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
    let (mut held, mut bits) = (0_u32, 0);
    for character in text.trim_end_matches('=').bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a',
            b'2'..=b'7' => character - b'2' + 26,
            _ => return None,
        };
        held = (held << 5 | u32::from(value)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).unwrap_or_default());
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// For tests: the passcode that an authenticator shows at `now`.
#[cfg(test)]
pub(crate) fn shown(seed: &str, now: Timestamp) -> String {
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &decode(seed).unwrap());
    make(&key, to_micros(now).div_euclid(STEP_MICROS)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238's seed, `12345678901234567890`.
    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn at(second: i64) -> Timestamp {
        kit::time::from_micros(second * 1_000_000)
    }

    #[test]
    fn the_rfcs_examples_hold() {
        // Its values have eight digits; these are their last six.
        for (second, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(shown(SEED, at(second)), expected);
        }
    }

    #[test]
    fn a_passcode_is_good_for_its_time_and_the_windows_before() {
        let seed = Secret::new(SEED);
        let step =
            |passcode: &str, second: i64, previous: u8| step_of(&seed, &Secret::new(passcode), at(second), previous);
        assert_eq!(step("287082", 59, 0), Some(1));
        assert_eq!(step("287082", 60, 0), None);
        assert_eq!(step("287082", 60, 1), Some(1));
        assert_eq!(step("287082", 89, 1), Some(1));
        assert_eq!(step("287082", 90, 1), None);
        assert_eq!(step("287082", 29, 1), None, "not before its time");
        for wrong in ["", "287083", "28708", "2870820"] {
            assert_eq!(step(wrong, 59, 1), None);
        }
    }

    #[test]
    fn a_seed_is_read_with_and_without_padding() {
        for text in ["MFRGG===", "MFRGG", "mfrgg"] {
            assert_eq!(decode(text).unwrap().as_slice(), b"abc", "{text}");
        }
        for text in ["", "=", "1", "ä", "MF GG"] {
            assert!(decode(text).is_none(), "{text}");
        }
        assert_eq!(step_of(&Secret::new("not base32!"), &Secret::new("000000"), at(0), 1), None);
    }
}
