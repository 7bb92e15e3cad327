//! Names that are derived: host names, passwords, reservation ids, host ids.

use aws_lc_rs::digest;
use kit::ids::{HostId, ProjectId};
use rand::RngExt as _;

/// What a password is made of: nothing that looks like something else (Nova's symbol groups).
const PASSWORD: &[&[u8]] = &[b"23456789", b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"abcdefghijkmnopqrstuvwxyz"];
const PASSWORD_LENGTH: usize = 12;
/// The longest host name that every guest takes.
const LONGEST_HOSTNAME: usize = 63;

/// The host name that a server's name leads to; `Server-<id>` where nothing of it is left.
#[must_use]
pub fn hostname(name: &str, server_id: &str) -> String {
    let latin: String = name.chars().filter(|c| u32::from(*c) <= 0xff).take(LONGEST_HOSTNAME).collect();
    let mapped: String = latin
        .chars()
        .map(|c| if matches!(c, ' ' | '_' | '.') { '-' } else { c })
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    let trimmed = mapped.trim_matches('-').to_lowercase();
    if trimmed.is_empty() { format!("server-{server_id}") } else { trimmed }
}

/// The names of servers that one request makes: `name-1`, `name-2`, … where there are several.
#[must_use]
pub fn of_many(name: &str, count: u32, index: u32) -> String {
    if count > 1 { format!("{name}-{}", index + 1) } else { name.to_owned() }
}

/// An administrator's password for a server that was asked for without one.
#[must_use]
pub fn password() -> String {
    let all: Vec<u8> = PASSWORD.concat();
    let mut rng = rand::rng();
    let mut pick = |from: &[u8]| from.get(rng.random_range(0..from.len())).map_or('x', |byte| char::from(*byte));
    // One of each group, so that it passes a guest's own rules, then any.
    let mut password: Vec<char> = PASSWORD.iter().map(|group| pick(group)).collect();
    while password.len() < PASSWORD_LENGTH {
        password.push(pick(&all));
    }
    for index in (1..password.len()).rev() {
        password.swap(index, rng.random_range(0..=index));
    }
    password.into_iter().collect()
}

/// `r-` and eight characters: shared by the servers of one request.
#[must_use]
pub fn reservation_id() -> String {
    const FROM: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut rng = rand::rng();
    let text: String =
        (0..8).filter_map(|_| FROM.get(rng.random_range(0..FROM.len())).copied()).map(char::from).collect();
    format!("r-{text}")
}

/// What a project sees of a host's name: the same for its servers on one host, and meaningless elsewhere.
#[must_use]
pub fn host_id(host: Option<&HostId>, project_id: &ProjectId) -> String {
    let Some(host) = host else { return String::new() };
    kit::hex(digest::digest(&digest::SHA224, format!("{project_id}{host}").as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn host_names_are_what_is_left_of_names() {
        assert_eq!(hostname("My Server_1.example", "x"), "my-server-1-example");
        assert_eq!(hostname("日本", "abc"), "server-abc");
        assert_eq!(hostname("-a-", "x"), "a");
    }

    #[test]
    fn a_host_id_hides_the_host() {
        let id = host_id(Some(&HostId::new("h")), &ProjectId::new("p"));
        assert_eq!(id.len(), 56);
        assert_ne!(id, host_id(Some(&HostId::new("h")), &ProjectId::new("q")));
        assert_eq!(host_id(None, &ProjectId::new("p")), "");
    }

    #[test]
    fn passwords_have_every_kind_of_character() {
        let password = password();
        assert_eq!(password.len(), 12);
        for group in PASSWORD {
            assert!(password.bytes().any(|byte| group.contains(&byte)));
        }
    }

    proptest! {
        #[test]
        fn host_names_are_always_valid(name in ".{0,300}") {
            let name = hostname(&name, "id");
            prop_assert!(!name.is_empty() && name.len() <= 63);
            prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert!(!name.starts_with('-') && !name.ends_with('-'));
        }
    }
}
