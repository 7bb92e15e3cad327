//! OAuth 1.0a (RFC 5849): consumers, their tokens, and the signatures of their requests.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_kit::Query;
use kit::{Fault, Secret, Timestamp};

use super::Object;
use super::attributes::Attributes;

/// How far a request's time may be from ours, in seconds.
pub(crate) const LIFETIME: i64 = 600;

/// The longest header that is looked at.
const LONGEST: usize = 4096;

/// An application that users lend their roles to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Consumer {
    pub(crate) id: String,
    pub(crate) description: Option<String>,
    pub(crate) extra: Object,
}

impl Consumer {
    /// A consumer of `attributes`.
    pub(crate) fn new(id: String, mut attributes: Attributes) -> Self {
        attributes.drop(&["id", "links", "secret"]);
        Self { id, description: attributes.text("description"), extra: attributes.rest() }
    }

    /// Changes it as `attributes` say.
    ///
    /// # Errors
    /// 400 for another id.
    pub(crate) fn apply(&mut self, mut attributes: Attributes) -> Result<(), Fault> {
        attributes.same("id", &self.id, "ID")?;
        attributes.drop(&["links"]);
        if let Some(description) = attributes.nullable("description") {
            self.description = description;
        }
        self.extra.extend(attributes.rest());
        Ok(())
    }
}

/// What a consumer asks a user with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestToken {
    pub(crate) id: String,
    pub(crate) consumer_id: String,
    pub(crate) project_id: String,
    /// Who has agreed, and a keyed digest of what the consumer must be told to use it.
    pub(crate) agreed: Option<(String, String)>,
    pub(crate) role_ids: Vec<String>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// What a user has lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessToken {
    pub(crate) id: String,
    pub(crate) consumer_id: String,
    pub(crate) project_id: String,
    pub(crate) user_id: String,
    pub(crate) role_ids: Vec<String>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// A signed request: what its `Authorization` header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed(Vec<(String, String)>);

impl Signed {
    /// Reads a header; none where it is of another scheme or malformed.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        if header.len() > LONGEST {
            return None;
        }
        let (scheme, rest) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("oauth") {
            return None;
        }
        let mut pairs = Vec::new();
        for pair in rest.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
            let (name, value) = (decoded(name.trim())?, decoded(value)?);
            if pairs.iter().any(|(known, _)| *known == name) {
                return None;
            }
            pairs.push((name, value));
        }
        Some(Self(pairs))
    }

    /// The parameter `name`, where it is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Whether it was signed within the time that is allowed.
    pub(crate) fn is_timely(&self, now: Timestamp) -> bool {
        let at = self.get("oauth_timestamp").and_then(|at| at.parse::<i64>().ok());
        at.is_some_and(|at| now.as_second().saturating_sub(at).saturating_abs() <= LIFETIME)
    }

    /// What tells it from every other request of the same consumer and token.
    pub(crate) fn once(&self) -> Option<String> {
        let part = |name: &str| self.get(name).unwrap_or_default();
        let nonce = self.get("oauth_nonce")?;
        Some(format!("{}\n{}\n{}\n{nonce}", part("oauth_consumer_key"), part("oauth_token"), part("oauth_timestamp")))
    }

    /// Whether whoever has both secrets has signed `method` on `url` with `query`.
    pub(crate) fn is_signed_by(
        &self,
        consumer: &Secret,
        token: Option<&Secret>,
        method: &str,
        url: &str,
        query: &Query,
    ) -> bool {
        let algorithm = match self.get("oauth_signature_method") {
            Some("HMAC-SHA1") => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Some("HMAC-SHA256") => hmac::HMAC_SHA256,
            Some("HMAC-SHA512") => hmac::HMAC_SHA512,
            _ => return false,
        };
        if self.get("oauth_version").is_some_and(|version| version != "1.0") {
            return false;
        }
        let Some(signature) = self.get("oauth_signature").and_then(|text| STANDARD.decode(text).ok()) else {
            return false;
        };
        let key = Secret::new(format!("{}&{}", encoded(consumer.expose()), encoded(token.map_or("", Secret::expose))));
        let key = hmac::Key::new(algorithm, key.expose().as_bytes());
        hmac::verify(&key, self.base(method, url, query).as_bytes(), &signature).is_ok()
    }

    /// What is signed (section 3.4.1).
    fn base(&self, method: &str, url: &str, query: &Query) -> String {
        let own = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let own = own.filter(|(name, _)| !matches!(*name, "realm" | "oauth_signature"));
        let mut pairs: Vec<_> = own.chain(query.pairs()).map(|(name, value)| (encoded(name), encoded(value))).collect();
        pairs.sort();
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{}&{}&{}", method.to_ascii_uppercase(), encoded(&normal(url)), encoded(&pairs.join("&")))
    }
}

/// A URL with its scheme and host in lower case and without the port that it has anyway.
fn normal(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let scheme = scheme.to_ascii_lowercase();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.to_ascii_lowercase();
    let default = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(default).unwrap_or(&host);
    format!("{scheme}://{host}{}", if path.is_empty() { "/" } else { path })
}

fn encoded(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

fn decoded(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Signs as a consumer does, for tests.
#[cfg(test)]
pub(crate) fn sign(
    parameters: &[(&str, &str)],
    secrets: (&str, &str),
    algorithm: &str,
    url: &str,
    query: &str,
) -> String {
    let mut pairs: Vec<(String, String)> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    pairs.push(("oauth_signature_method".to_owned(), algorithm.to_owned()));
    let method = if algorithm == "HMAC-SHA1" { hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY } else { hmac::HMAC_SHA256 };
    let key = hmac::Key::new(method, format!("{}&{}", encoded(secrets.0), encoded(secrets.1)).as_bytes());
    let base = Signed(pairs.clone()).base("POST", url, &Query::parse(query));
    pairs.push(("oauth_signature".to_owned(), STANDARD.encode(hmac::sign(&key, base.as_bytes()))));
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", encoded(value))).collect();
    format!("OAuth realm=\"\", {}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of the specification of OAuth Core 1.0, appendix A.5.
    const EXAMPLE: &str = r#"OAuth realm="http://photos.example.net/", oauth_consumer_key="dpf43f3p2l4k3l03",
        oauth_token="nnch734d00sl2jdk", oauth_signature_method="HMAC-SHA1",
        oauth_signature="tR3%2BTy81lMeYAr%2FFid0kMTYa%2FWM%3D", oauth_timestamp="1191242096",
        oauth_nonce="kllo9940pd9333jh", oauth_version="1.0""#;

    fn is_signed(signed: &Signed, secrets: (&str, &str), method: &str, url: &str, query: &str) -> bool {
        let (consumer, token) = (Secret::new(secrets.0), Secret::new(secrets.1));
        signed.is_signed_by(&consumer, Some(&token), method, url, &Query::parse(query))
    }

    #[test]
    fn the_standards_example_is_verified() {
        let signed = Signed::parse(EXAMPLE).unwrap();
        let secrets = ("kd94hf93k423kf44", "pfkkdhi9sl3r4s00");
        let (url, query) = ("http://photos.example.net/photos", "file=vacation.jpg&size=original");
        assert!(is_signed(&signed, secrets, "get", url, query));
        assert!(is_signed(&signed, secrets, "GET", "HTTP://Photos.Example.Net:80/photos", query));
        assert!(!is_signed(&signed, secrets, "POST", url, query));
        assert!(!is_signed(&signed, secrets, "GET", "http://photos.example.net/photo", query));
        assert!(!is_signed(&signed, secrets, "GET", "https://photos.example.net/photos", query));
        assert!(!is_signed(&signed, secrets, "GET", url, "file=vacation.jpg"));
        assert!(!is_signed(&signed, ("kd94hf93k423kf44", "other"), "GET", url, query));
    }

    #[test]
    fn a_signature_holds_for_a_while() {
        let signed = Signed::parse(EXAMPLE).unwrap();
        let at = |second: i64| kit::time::from_micros(second * 1_000_000);
        assert!(signed.is_timely(at(1_191_242_096 + 600)) && signed.is_timely(at(1_191_242_096 - 600)));
        assert!(!signed.is_timely(at(1_191_242_096 + 601)));
        assert!(!Signed::parse(r#"OAuth oauth_timestamp="soon""#).unwrap().is_timely(at(0)));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for wrong in
            ["", "OAuth", "Bearer abc", "OAuth a=b", r#"OAuth a"b""#, r#"OAuth a="1", a="2""#, "OAuth a=\"%ff\""]
        {
            assert_eq!(Signed::parse(wrong), None, "{wrong}");
        }
        let none = Signed::parse(r#"OAuth oauth_signature_method="PLAINTEXT", oauth_signature="s&t""#).unwrap();
        assert!(!is_signed(&none, ("s", "t"), "GET", "http://a/", ""));
    }

    proptest! {
        #[test]
        fn what_is_signed_is_verified(nonce in ".{1,12}", key in ".{0,12}", query in "[a-c=&%+0-9]{0,12}", algorithm in prop::sample::select(vec!["HMAC-SHA1", "HMAC-SHA256"])) {
            prop_assume!(!nonce.is_empty());
            let header = sign(&[("oauth_nonce", &nonce)], (&key, "t"), algorithm, "http://h/p", &query);
            let signed = Signed::parse(&header).unwrap();
            prop_assert_eq!(signed.get("oauth_nonce"), Some(nonce.as_str()));
            prop_assert!(is_signed(&signed, (&key, "t"), "POST", "http://h/p", &query));
            prop_assert!(!is_signed(&signed, (&key, "u"), "POST", "http://h/p", &query));
        }

        #[test]
        fn no_header_breaks_it(header in "(OAuth )?[a-z=\"%, 0-9]{0,60}") {
            let _ = Signed::parse(&header);
        }
    }
}
