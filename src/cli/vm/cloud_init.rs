//! User data for cloud-init, looked at before a VM is made that would only fail on it. Pure.

use base64::Engine as _;
use serde_json::Value;

use crate::cli::problem::{Problem, Result};

/// The most that Nova takes, in the form in which it takes it.
const MOST: usize = 65_535;
/// How what cloud-init understands begins, beside its own YAML.
const OTHERS: [&str; 8] = [
    "#!",
    "#include",
    "#cloud-boothook",
    "#cloud-config-archive",
    "#cloud-config-jsonp",
    "#part-handler",
    "## template:",
    "Content-Type:",
];

/// User data as Nova takes it.
///
/// # Errors
/// When it is too large.
pub fn encoded(data: &[u8]) -> Result<String> {
    let text = base64::engine::general_purpose::STANDARD.encode(data);
    if text.len() > MOST {
        let text = format!("the user data has {} bytes, and a VM takes {} at most", data.len(), MOST / 4 * 3);
        return Err(Problem::usage(text).hint("have it fetch the rest: #include URL, or a package"));
    }
    Ok(text)
}

/// Fails for what cloud-init would pass over or stumble upon.
///
/// # Errors
/// When it is not something that cloud-init knows, or not YAML where it should be.
pub fn check(data: &[u8]) -> Result<()> {
    // gzip: what is in it is for cloud-init to see.
    if data.starts_with(&[0x1f, 0x8b]) {
        return Ok(());
    }
    let text =
        std::str::from_utf8(data).map_err(|_| Problem::usage("this is no text, and so nothing for cloud-init"))?;
    let first = text.lines().next().unwrap_or_default().trim_end();
    if OTHERS.iter().any(|start| first.starts_with(start)) {
        return Ok(());
    }
    if first != "#cloud-config" {
        return Err(Problem::usage(format!("cloud-init does not know what begins with {first:?}"))
            .hint("its YAML begins with a line that is #cloud-config, a script with #!; --user-data takes anything"));
    }
    match serde_saphyr::from_str::<Value>(text) {
        Ok(Value::Object(_) | Value::Null) => Ok(()),
        Ok(_) => Err(Problem::usage("this #cloud-config has no keys at its top")),
        Err(error) => Err(Problem::usage(format!("this #cloud-config is not valid YAML: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cloud_init_knows_passes() {
        for good in [
            "#cloud-config\npackages: [nginx]\n",
            "#cloud-config\n",
            "#!/bin/sh\ntrue\n",
            "## template: jinja\n#cloud-config\n{% x %}",
            "Content-Type: multipart/mixed\n",
        ] {
            check(good.as_bytes()).unwrap();
        }
        check(&[0x1f, 0x8b, 8]).unwrap();
    }

    #[test]
    fn what_it_does_not_is_told() {
        let told = |data: &[u8]| check(data).unwrap_err().text;
        assert!(told(b"packages: [nginx]\n").contains("\"packages: [nginx]\""));
        assert!(told(b"#cloud-config\na: [b\n").contains("not valid YAML"));
        assert!(told(b"#cloud-config\n- a\n").contains("no keys"));
        assert!(told(&[0xff, 0xfe]).contains("no text"));
        assert!(told(b"#cloud-configs\n").contains("does not know"));
    }

    #[test]
    fn what_is_too_large_is_told() {
        assert_eq!(encoded(&[0; 3]).unwrap(), "AAAA");
        assert!(encoded(&vec![0; 49_149]).is_ok());
        assert!(encoded(&vec![0; 49_152]).unwrap_err().text.starts_with("the user data has 49152 bytes"));
    }
}
