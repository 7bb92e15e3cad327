//! Signatures of the EC2 and S3 APIs over a request that another service got: versions 2 and 4 of AWS.
//!
//! A service that cannot know the secret sends what was signed, and is told whether the signature fits. Versions 0 and
//! 1 are not taken: they leave the request's parameters open to change.

use aws_lc_rs::digest;
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, Key, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use kit::{Secret, Timestamp};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::Object;

/// What signatures of version 4 begin with.
const V4: &str = "AWS4-HMAC-SHA256";

/// What ends the scope of a version 4 signature.
const V4_END: &str = "aws4_request";

/// Whether the EC2 `request` (its `verb`, `host`, `path`, `params`, `headers`, `body_hash` and `signature`) was signed
/// with `secret`. Some clients sign the host without its port.
pub(crate) fn ec2_fits(request: &Value, secret: &Secret) -> bool {
    let Some(signature) = text(request, "signature").filter(|signature| !signature.is_empty()) else { return false };
    let host = text(request, "host").unwrap_or_default();
    let bare = host.rsplit_once(':').map(|(bare, _)| bare);
    [Some(host), bare].into_iter().flatten().any(|host| {
        let expected = match part(request, "params", "SignatureVersion") {
            Some("2") => version_2(request, host, secret),
            None if is_version_4(request) => version_4(request, secret),
            _ => None,
        };
        expected.is_some_and(|expected| same(&expected, signature))
    })
}

/// Whether the S3 string to sign `token`, in base64, was signed with `secret`.
pub(crate) fn s3_fits(token: &str, signature: &str, secret: &Secret) -> bool {
    let decoded = URL_SAFE.decode(token).or_else(|_| URL_SAFE_NO_PAD.decode(token));
    let Ok(to_sign) = decoded else { return false };
    let expected = match to_sign.starts_with(b"AWS4") {
        true => s3_version_4(&to_sign, secret),
        false => {
            let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose().as_bytes());
            Some(STANDARD.encode(hmac::sign(&key, &to_sign)))
        }
    };
    expected.is_some_and(|expected| same(&expected, signature))
}

/// When `request` was signed, as it says itself; none where it does not.
///
/// # Errors
/// The text that is no time.
pub(crate) fn signed_at(request: &Value) -> Result<Option<Timestamp>, String> {
    let said = [("params", "Timestamp"), ("headers", "X-Amz-Date"), ("params", "X-Amz-Date")];
    let said = said.into_iter().find_map(|(place, name)| part(request, place, name).filter(|text| !text.is_empty()));
    let Some(said) = said else { return Ok(None) };
    let zoned = if said.contains(['Z', '+']) { said.to_owned() } else { format!("{said}Z") };
    zoned.parse().map(Some).map_err(|_| said.to_owned())
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value[name].as_str()
}

fn part<'v>(value: &'v Value, place: &str, name: &str) -> Option<&'v str> {
    value.get(place)?.get(name)?.as_str()
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn sign(key: &[u8], message: &[u8]) -> Tag {
    hmac::sign(&Key::new(HMAC_SHA256, key), message)
}

fn is_version_4(request: &Value) -> bool {
    let header = part(request, "headers", "Authorization");
    header.is_some_and(|header| header.starts_with(V4)) || part(request, "params", "X-Amz-Algorithm") == Some(V4)
}

fn version_2(request: &Value, host: &str, secret: &Secret) -> Option<String> {
    let mut params = request["params"].as_object()?.clone();
    params.insert("SignatureMethod".to_owned(), "HmacSHA256".into());
    let (verb, path) = (text(request, "verb")?, text(request, "path")?);
    let to_sign = format!("{verb}\n{host}\n{path}\n{}", query(&params));
    Some(STANDARD.encode(sign(secret.expose().as_bytes(), to_sign.as_bytes())))
}

fn version_4(request: &Value, secret: &Secret) -> Option<String> {
    let no_params = Object::new();
    let params = request["params"].as_object().unwrap_or(&no_params);
    let headers = request["headers"].as_object()?;
    let authorization = headers.get("Authorization").and_then(Value::as_str);
    let parameter = |name: &str| match authorization {
        Some(text) => text.split_once(&format!("{name}=")).and_then(|(_, rest)| rest.split(',').next()),
        None => params.get(&format!("X-Amz-{name}")).and_then(Value::as_str),
    };
    let date = headers.get("X-Amz-Date").or_else(|| params.get("X-Amz-Date"))?.as_str()?;
    let (_, scope) = parameter("Credential")?.split_once('/')?;
    let mut parts = scope.split('/');
    let (day, region, service) = (parts.next()?, parts.next()?, parts.next()?);
    if !date.starts_with(day) || parts.next() != Some(V4_END) || parts.next().is_some() {
        return None;
    }
    let signed_headers = parameter("SignedHeaders")?;
    let canonical = format!(
        "{}\n{}\n{}\n{}\n{signed_headers}\n{}",
        text(request, "verb")?.to_uppercase(),
        text(request, "path")?,
        query(params),
        header_lines(headers, signed_headers),
        text(request, "body_hash")?
    );
    let digest = kit::hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("{V4}\n{date}\n{scope}\n{digest}");
    let key = version_4_key(secret, day, region, service);
    Some(kit::hex(sign(key.as_ref(), to_sign.as_bytes()).as_ref()))
}

/// The headers that were signed, a line each.
fn header_lines(headers: &Object, signed: &str) -> String {
    let value = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        found.and_then(|(_, value)| value.as_str())
    };
    let lines = signed.split(';').filter_map(|name| Some(format!("{name}:{}\n", value(name)?.trim())));
    lines.collect()
}

fn version_4_key(secret: &Secret, day: &str, region: &str, service: &str) -> Tag {
    let start = Secret::new(format!("AWS4{}", secret.expose()));
    [region, service, V4_END]
        .into_iter()
        .fold(sign(start.expose().as_bytes(), day.as_bytes()), |key, part| sign(key.as_ref(), part.as_bytes()))
}

fn s3_version_4(to_sign: &[u8], secret: &Secret) -> Option<String> {
    let text = std::str::from_utf8(to_sign).ok()?;
    let lines: Vec<&str> = text.split('\n').collect();
    let [V4, _, scope, _] = lines.as_slice() else { return None };
    let parts: Vec<&str> = scope.split('/').collect();
    let [day, region, service @ ("s3" | "iam" | "sts"), V4_END] = parts.as_slice() else { return None };
    Some(kit::hex(sign(version_4_key(secret, day, region, service).as_ref(), to_sign).as_ref()))
}

/// `params` as a query string in the canonical form, without the signature itself.
fn query(params: &Object) -> String {
    let value = |value: &Value| match value {
        Value::String(text) => encode(text),
        other => encode(&other.to_string()),
    };
    let mut pairs: Vec<(&String, &Value)> =
        params.iter().filter(|(name, _)| !matches!(name.as_str(), "Signature" | "X-Amz-Signature")).collect();
    pairs.sort_by_key(|(name, _)| name.as_str());
    pairs.iter().map(|(name, it)| format!("{}={}", encode(name), value(it))).collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn encode(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The example of AWS's documentation of version 4: `ListUsers` of IAM.
    fn iam() -> Value {
        json!({
            "verb": "GET", "host": "iam.amazonaws.com", "path": "/",
            "params": {"Action": "ListUsers", "Version": "2010-05-08"},
            "headers": {
                "Content-type": "application/x-www-form-urlencoded; charset=utf-8",
                "Host": "iam.amazonaws.com", "X-Amz-Date": "20150830T123600Z",
                "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                                  SignedHeaders=content-type;host;x-amz-date, Signature=x"},
            "body_hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "signature": "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        })
    }

    #[test]
    fn the_documented_example_of_version_4_fits() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        assert!(ec2_fits(&iam(), &secret));
        assert!(!ec2_fits(&iam(), &Secret::new("other")));
        for (part, name, value) in [
            ("params", "Action", "DeleteUser"),
            ("headers", "Host", "example.com"),
            ("headers", "X-Amz-Date", "20150831T123600Z"),
        ] {
            let mut changed = iam();
            changed[part][name] = json!(value);
            assert!(!ec2_fits(&changed, &secret), "{name}");
        }
        let mut unsigned = iam();
        unsigned.as_object_mut().unwrap().remove("signature");
        assert!(!ec2_fits(&unsigned, &secret));
    }

    #[test]
    fn version_2_fits_with_and_without_the_port() {
        let secret = Secret::new("e7a7a2240136494986991a6598d9fb9f");
        let mut request = json!({
            "verb": "GET", "host": "foo:8080", "path": "/path/bar", "headers": {},
            "params": {"SignatureVersion": "2", "AWSAccessKeyId": "a", "Timestamp": "2012-07-10T03:07:20Z",
                       "Action": "Test it"},
        });
        for host in ["foo:8080", "foo"] {
            let signature = version_2(&request, host, &secret).unwrap();
            assert_eq!(signature.len(), 44);
            request["signature"] = json!(signature);
            assert!(ec2_fits(&request, &secret), "{host}");
        }
        request["params"]["Action"] = json!("Other");
        assert!(!ec2_fits(&request, &secret));
        for version in ["0", "1", "3"] {
            request["params"]["SignatureVersion"] = json!(version);
            assert!(!ec2_fits(&request, &secret));
        }
    }

    #[test]
    fn s3_strings_fit() {
        let secret = Secret::new("uV3F3YluFJax1cknvbcGwgjvx4QpvB+leU8dUj2o");
        // AWS's documented example: DELETE /johnsmith/photos/puppy.jpg.
        let to_sign = "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/johnsmith/photos/puppy.jpg";
        let token = URL_SAFE.encode(to_sign);
        let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose().as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, to_sign.as_bytes()));
        assert!(s3_fits(&token, &signature, &secret));
        assert!(!s3_fits(&token, &signature, &Secret::new("other")));
        let v4 = |service: &str| format!("{V4}\n20150830T123600Z\n20150830/us-east-1/{service}/{V4_END}\nabc");
        let signed = |text: &str| s3_version_4(text.as_bytes(), &secret);
        let token = URL_SAFE_NO_PAD.encode(v4("s3"));
        assert!(s3_fits(&token, &signed(&v4("s3")).unwrap(), &secret));
        assert_eq!(signed(&v4("ec2")), None);
        assert!(!s3_fits("not base64!", "x", &secret));
    }

    #[test]
    fn a_request_says_when_it_was_signed() {
        let expected: Timestamp = "2015-08-30T12:36:00Z".parse().unwrap();
        assert_eq!(signed_at(&iam()), Ok(Some(expected)));
        for said in ["2015-08-30T12:36:00Z", "2015-08-30T12:36:00", "20150830T123600Z"] {
            assert_eq!(signed_at(&json!({"params": {"Timestamp": said}})), Ok(Some(expected)), "{said}");
        }
        assert_eq!(signed_at(&json!({"params": {}})), Ok(None));
        assert!(signed_at(&json!({"params": {"Timestamp": "soon"}})).is_err());
    }
}
