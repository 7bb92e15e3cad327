//! Signatures of sums, checked by `gpgv`.
//!
//! Trust is a fingerprint in the catalogue, nothing else: a key that is fetched is the right one when `gpgv` says that a signature of its is by
//! the key of that fingerprint. So it does not matter who keeps the key. A library for OpenPGP (pgp 0.21) would bring 64 crates, rsa with its
//! open advisory (RUSTSEC-2023-0071) among them, for what `gpgv` does on every host that has packages.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::process::Command;

use crate::cli::problem::{Problem, Result};

/// How long `gpgv` may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of a check.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was signed by the key of this fingerprint; what was signed.
    Signed { fingerprint: String, text: Vec<u8> },
    /// There is no `gpgv` to ask.
    NoTool,
}

/// Checks that `text` is signed by one of `fingerprints`, whose keys are in `keys` (armoured or not). The signature is
/// in `detached`, or else in the text itself.
///
/// # Errors
/// When it is not.
pub async fn check(text: &[u8], detached: Option<&[u8]>, keys: &[u8], fingerprints: &[String]) -> Result<Verdict> {
    let dir = tempfile::tempdir().map_err(|error| Problem::io("cannot make a directory", &error))?;
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes)
            .map_err(|error| Problem::io(&format!("cannot write {}", path.display()), &error))?;
        Ok::<_, Problem>(path)
    };
    let keyring = file("keys.gpg", &bare(keys)?)?;
    let signed = dir.path().join("signed");
    let mut command = Command::new("gpgv");
    command.args(["--status-fd", "1", "--keyring"]).arg(&keyring);
    match detached {
        Some(signature) => command.arg(file("signature", signature)?).arg(file("text", text)?),
        None => command.arg("--output").arg(&signed).arg(file("text", text)?),
    };
    command.env("GNUPGHOME", dir.path()).env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, command.output()).await {
        Err(_) => return Err(Problem::failed(format!("gpgv has not answered for {} s", PATIENCE.as_secs()))),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Verdict::NoTool),
        Ok(Err(error)) => return Err(Problem::io("cannot run gpgv", &error)),
        Ok(Ok(output)) => output,
    };
    let fingerprint = judge(&String::from_utf8_lossy(&output.stdout), fingerprints)?;
    let text = if detached.is_some() { text.to_vec() } else { read(&signed)? };
    Ok(Verdict::Signed { fingerprint, text })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Problem::io(&format!("cannot read {}", path.display()), &error))
}

/// Who signed, after what `gpgv` says. Several may have; one that is known is enough, and none may be wrong.
fn judge(status: &str, fingerprints: &[String]) -> Result<String> {
    let lines: Vec<Vec<&str>> =
        status.lines().filter_map(|line| Some(line.strip_prefix("[GNUPG:] ")?.split(' ').collect())).collect();
    let says = |what: &str| lines.iter().any(|line| line.first() == Some(&what));
    for (wrong, why) in [
        ("BADSIG", "it does not belong to this text"),
        ("REVKEYSIG", "its key was revoked"),
        ("EXPSIG", "it has expired"),
        ("EXPKEYSIG", "its key has expired"),
    ] {
        if says(wrong) {
            return Err(Problem::failed(format!("the signature is not good: {why}")));
        }
    }
    let valid = lines.iter().filter(|line| line.first() == Some(&"VALIDSIG"));
    // A subkey signs: its own fingerprint comes first, that of its key last.
    let mut signers = valid.flat_map(|line| [line.get(1), line.last()]).flatten();
    let known = signers.find(|signer| fingerprints.iter().any(|known| known == **signer));
    known.map(|signer| (*signer).to_owned()).ok_or_else(|| {
        Problem::failed("the signature is by none of the keys that the catalogue names")
            .hint(format!("they are {}", fingerprints.join(", ")))
    })
}

/// Keys without their armour: `gpgv` reads no other.
fn bare(keys: &[u8]) -> Result<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(keys) else { return Ok(keys.to_vec()) };
    let mut bare = Vec::new();
    for block in text.split("-----BEGIN PGP PUBLIC KEY BLOCK-----").skip(1) {
        let block = block.split("-----END PGP PUBLIC KEY BLOCK-----").next().unwrap_or_default();
        // Headers end with an empty line, the data with a checksum.
        let mut lines = block.lines().map(str::trim).skip_while(|line| line.is_empty() || line.contains(": "));
        let data: String = lines.by_ref().take_while(|line| !line.starts_with('=')).collect();
        let bytes = STANDARD.decode(data).map_err(|_| Problem::failed("the key that was fetched is damaged"))?;
        bare.extend(bytes);
    }
    if bare.is_empty() { Err(Problem::failed("what was fetched is no key")) } else { Ok(bare) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6";

    #[test]
    fn a_known_key_is_enough_and_nothing_may_be_wrong() {
        let known = [KEY.to_owned()];
        let valid = |subkey: &str, key: &str| {
            format!("[GNUPG:] GOODSIG x\n[GNUPG:] VALIDSIG {subkey} 2026-01-01 1 0 4 0 1 8 00 {key}\n")
        };
        assert_eq!(judge(&valid("ABC", KEY), &known).unwrap(), KEY);
        assert_eq!(
            judge(&format!("[GNUPG:] ERRSIG x\n[GNUPG:] NO_PUBKEY x\n{}", valid(KEY, KEY)), &known).unwrap(),
            KEY
        );
        for wrong in [
            String::new(),
            valid("ABC", "DEF"),
            format!("VALIDSIG {KEY}"),
            format!("{}[GNUPG:] BADSIG x\n", valid("ABC", KEY)),
            format!("{}[GNUPG:] REVKEYSIG x\n", valid("ABC", KEY)),
            format!("{}[GNUPG:] EXPKEYSIG x\n", valid("ABC", KEY)),
        ] {
            assert!(judge(&wrong, &known).is_err(), "{wrong}");
        }
    }

    #[test]
    fn armour_is_taken_off() {
        let armoured = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: 1\n\naGVs\nbG8=\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
        assert_eq!(bare(armoured.as_bytes()).unwrap(), b"hello");
        assert_eq!(bare(&[0x99, 0xff]).unwrap(), [0x99, 0xff]);
        assert!(bare(b"<html>").is_err());
    }
}
