//! The host keys that a guest has printed on its console, as cloud-init does between two markers: what an SSH server's key is checked against.
//! Pure.

use base64::Engine as _;

const BEGIN: &str = "-----BEGIN SSH HOST KEY KEYS-----";
const END: &str = "-----END SSH HOST KEY KEYS-----";

/// The keys (`ssh-ed25519 AAAA…`) that were printed last in `log`; none where the end of them is not there yet.
#[must_use]
pub fn printed(log: &str) -> Vec<String> {
    let Some((_, after)) = log.rsplit_once(BEGIN) else { return Vec::new() };
    let Some((between, _)) = after.split_once(END) else { return Vec::new() };
    between.lines().filter_map(key).collect()
}

/// The key in a line that may begin with what a logger has put there.
fn key(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.windows(2).find_map(|pair| match pair {
        [kind, blob] if is_key(kind, blob) => Some(format!("{kind} {blob}")),
        _ => None,
    })
}

/// Whether `blob` is a whole key of this kind: it says so itself.
fn is_key(kind: &str, blob: &str) -> bool {
    let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(blob) else { return false };
    let length = bytes.first_chunk::<4>().map(|length| u32::from_be_bytes(*length));
    let name = length.and_then(|length| bytes.get(4..4 + usize::try_from(length).ok()?));
    name == Some(kind.as_bytes())
}

/// The lines of a `known_hosts` file that say that `alias` has these keys.
#[must_use]
pub fn known_hosts(alias: &str, keys: &[String]) -> String {
    keys.iter().map(|key| format!("{alias} {key}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIHXRIMmYRshFxiKd1N6TTmgcR+vCSjwD0fPTX7Xrvt7t";

    fn log(lines: &[&str]) -> String {
        format!("booting\r\n{BEGIN}\r\n{}\r\n{END}\r\nlogin: ", lines.join("\r\n"))
    }

    #[test]
    fn what_stands_between_the_markers_is_taken() {
        let plain = log(&[&format!("ssh-ed25519 {ED25519} root@web")]);
        assert_eq!(printed(&plain), [format!("ssh-ed25519 {ED25519}")]);
        let logged = log(&[
            &format!("[   23.1] cloud-init[612]: ssh-ed25519 {ED25519} root@web"),
            "ssh-ed25519 AAAA broken",
            "",
        ]);
        assert_eq!(printed(&logged).len(), 1);
        // A key that calls itself another kind is none.
        assert!(printed(&log(&[&format!("ecdsa-sha2-nistp256 {ED25519}")])).is_empty());
        assert!(printed("nothing").is_empty());
    }

    #[test]
    fn the_last_time_counts_and_only_when_it_is_whole() {
        let old = log(&[&format!("ssh-ed25519 {ED25519} old")]);
        assert!(printed(&format!("{old}{BEGIN}\nssh-ed25519 {ED25519}")).is_empty());
        assert_eq!(printed(&format!("{BEGIN}\n{END}\n{old}")).len(), 1);
    }

    #[test]
    fn a_file_for_ssh_is_made_of_them() {
        assert_eq!(
            known_hosts("id", &["ssh-ed25519 A".to_owned(), "ecdsa B".to_owned()]),
            "id ssh-ed25519 A\nid ecdsa B\n"
        );
    }
}
