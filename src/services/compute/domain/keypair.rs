//! SSH key pairs: making one, and reading a public key that a client brings.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kit::{Fault, Secret};
use md5::{Digest as _, Md5};

/// A new key pair.
pub struct NewKey {
    /// In PEM (PKCS #1): what every SSH client reads.
    pub private_key: Secret,
    /// As in `authorized_keys`.
    pub public_key: String,
    /// MD5 of the public key.
    pub fingerprint: String,
}

/// Makes an RSA key of 2048 bits, as Nova does. It takes a tenth of a second: call it off the async workers.
///
/// # Errors
/// Where the library fails.
pub fn generate() -> Result<NewKey, Fault> {
    let failed = |what: &'static str| move || Fault::internal("making a key pair", what);
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| failed("no key was made")())?;
    let pkcs8 = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| failed("the key cannot be written")())?;
    let pkcs1 = pkcs1(pkcs8.as_ref()).ok_or_else(failed("the key is not in the form expected"))?;
    let (modulus, exponent) = public_numbers(pkcs1).ok_or_else(failed("the key has no numbers"))?;
    let mut blob = Vec::new();
    for part in [b"ssh-rsa".as_slice(), exponent, modulus] {
        blob.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        blob.extend_from_slice(part);
    }
    Ok(NewKey {
        private_key: Secret::new(pem("RSA PRIVATE KEY", pkcs1)),
        public_key: format!("ssh-rsa {} Generated-by-Nova", BASE64_STANDARD.encode(&blob)),
        fingerprint: md5_fingerprint(&blob),
    })
}

/// The fingerprint of a public key that a client brings.
///
/// # Errors
/// A 400 in Nova's words where it is no public key.
pub fn fingerprint(key_type: &str, public_key: &str) -> Result<String, Fault> {
    let refused = |reason: &str| Fault::bad_request(format!("Keypair data is invalid: {reason}"));
    if key_type == "x509" {
        return certificate(public_key).ok_or_else(|| refused("failed to generate X509 fingerprint. Error message: "));
    }
    ssh_key::PublicKey::from_openssh(public_key.trim()).map_err(|_| refused("failed to generate fingerprint"))?;
    let blob = public_key.split_whitespace().nth(1).and_then(|text| BASE64_STANDARD.decode(text).ok());
    blob.map(|blob| md5_fingerprint(&blob)).ok_or_else(|| refused("failed to generate fingerprint"))
}

fn md5_fingerprint(blob: &[u8]) -> String {
    colons(&Md5::digest(blob))
}

/// SHA-1 of the certificate in the PEM text.
fn certificate(text: &str) -> Option<String> {
    let inside = text.split("-----BEGIN CERTIFICATE-----").nth(1)?.split("-----END CERTIFICATE-----").next()?;
    let der = BASE64_STANDARD.decode(inside.split_whitespace().collect::<String>()).ok()?;
    let (tag, _, _) = element(&der)?;
    (tag == SEQUENCE).then(|| colons(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der).as_ref()))
}

fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| kit::hex(&[*byte])).collect::<Vec<_>>().join(":")
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem + &format!("\n-----END {label}-----\n")
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;

/// The first DER element: its tag, its content, what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// The content of the first element, which must be a `tag`, and what follows it.
fn expect(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(der).filter(|(found, _, _)| *found == tag).map(|(_, content, rest)| (content, rest))
}

/// The PKCS #1 key inside of a PKCS #8 one: `SEQUENCE { version, algorithm, OCTET STRING { key } }`.
fn pkcs1(pkcs8: &[u8]) -> Option<&[u8]> {
    let (body, _) = expect(pkcs8, SEQUENCE)?;
    let (_, rest) = expect(body, INTEGER)?;
    let (_, rest) = expect(rest, SEQUENCE)?;
    expect(rest, OCTET_STRING).map(|(key, _)| key)
}

/// Modulus and public exponent of a PKCS #1 key, in the form that SSH wants too.
fn public_numbers(pkcs1: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, _) = expect(pkcs1, SEQUENCE)?;
    let (_, rest) = expect(body, INTEGER)?;
    let (modulus, rest) = expect(rest, INTEGER)?;
    let (exponent, _) = expect(rest, INTEGER)?;
    Some((modulus, exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPvtdLp/oajtoAcHVVJxCLMlvJ6Ea/7DeDV4JyhDJd41 me@here";

    #[test]
    fn a_new_key_is_one_that_ssh_reads() {
        let key = generate().unwrap();
        let public = ssh_key::PublicKey::from_openssh(&key.public_key).unwrap();
        assert_eq!(public.algorithm().as_str(), "ssh-rsa");
        assert_eq!(public.comment().to_string(), "Generated-by-Nova");
        assert_eq!(fingerprint("ssh", &key.public_key).unwrap(), key.fingerprint);
        assert_eq!(key.fingerprint.len(), 47);
        assert!(key.private_key.expose().starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
        assert!(key.private_key.expose().lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(fingerprint("ssh", ED25519).is_ok());
        let fault = fingerprint("ssh", "ssh-rsa JUNK nova@box").unwrap_err();
        assert_eq!(fault.message(), "Keypair data is invalid: failed to generate fingerprint");
        assert!(fingerprint("x509", "no").is_err());
    }
}
