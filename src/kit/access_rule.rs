//! Access rules: the only requests that the tokens of some application credentials are good for.

use serde::{Deserialize, Serialize};

/// One kind of request that is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRule {
    /// The rule's id.
    pub id: String,
    /// The service's type in the catalog.
    pub service: String,
    /// The HTTP method.
    pub method: String,
    /// The path, where `*` and `{name}` stand for one segment and `**` for anything.
    pub path: String,
}

impl AccessRule {
    /// Whether it allows `method` on `path` of the service of type `service`.
    #[must_use]
    pub fn allows(&self, service: &str, method: &str, path: &str) -> bool {
        self.service == service && self.method == method && matches(&self.path, path)
    }
}

/// What a pattern is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// This character.
    Literal(char),
    /// One or more characters that are no slash.
    Segment,
    /// Any characters, or none.
    Anything,
}

/// Whether `path` has the form of `pattern`, as Keystone's middleware reads it.
///
/// All positions of the pattern that the path so far can have led to are kept, so that the work is bounded by the
/// product of the lengths, whatever the pattern.
fn matches(pattern: &str, path: &str) -> bool {
    let pieces = pieces(pattern);
    let mut reached = vec![false; pieces.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    skip_optional(&pieces, &mut reached);
    for character in path.chars() {
        let mut next = vec![false; reached.len()];
        for (at, piece) in pieces.iter().enumerate().filter(|(at, _)| reached.get(*at) == Some(&true)) {
            let (stays, moves) = match piece {
                Piece::Literal(literal) => (false, *literal == character),
                Piece::Segment => (character != '/', character != '/'),
                Piece::Anything => (true, true),
            };
            mark(&mut next, at, stays);
            mark(&mut next, at + 1, moves);
        }
        skip_optional(&pieces, &mut next);
        reached = next;
    }
    reached.last() == Some(&true)
}

fn mark(reached: &mut [bool], at: usize, whether: bool) {
    if let Some(place) = reached.get_mut(at) {
        *place |= whether;
    }
}

/// What may stand for nothing can be passed over.
fn skip_optional(pieces: &[Piece], reached: &mut [bool]) {
    for (at, piece) in pieces.iter().enumerate() {
        let here = reached.get(at) == Some(&true);
        mark(reached, at + 1, here && *piece == Piece::Anything);
    }
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        let (piece, length) = if rest.starts_with("**") {
            (Piece::Anything, 2)
        } else if character == '*' {
            (Piece::Segment, 1)
        } else if let Some(end) = rest.find('}').filter(|_| character == '{') {
            (Piece::Segment, end + 1)
        } else {
            (Piece::Literal(character), character.len_utf8())
        };
        pieces.push(piece);
        rest = rest.get(length..).unwrap_or_default();
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_pattern_and_no_other() {
        for (pattern, path, fits) in [
            ("/v2.1/servers", "/v2.1/servers", true),
            ("/v2.1/servers", "/v2.1/servers/1", false),
            ("/v2.1/servers", "/v2x1/servers", false),
            ("/v2.1/servers/*", "/v2.1/servers/1", true),
            ("/v2.1/servers/*", "/v2.1/servers/", false),
            ("/v2.1/servers/*", "/v2.1/servers/1/ips", false),
            ("/v2.1/servers/{server_id}/ips", "/v2.1/servers/1/ips", true),
            ("/v2.1/servers/{server_id}/ips", "/v2.1/servers/1/2/ips", false),
            ("/v2.1/**", "/v2.1/servers/1/ips", true),
            ("/v2.1/**", "/v2.1/", true),
            ("/v2.1/**", "/v2.1", false),
            ("/**/ips", "/v2.1/servers/1/ips", true),
            ("**", "", true),
            ("/a*c", "/abbc", true),
            ("/a*c", "/ac", false),
            ("/ä/*", "/ä/ö", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn service_and_method_count_too() {
        let rule = |service: &str, method: &str| AccessRule {
            id: "r".to_owned(),
            service: service.to_owned(),
            method: method.to_owned(),
            path: "/v2.1/servers".to_owned(),
        };
        assert!(rule("compute", "GET").allows("compute", "GET", "/v2.1/servers"));
        assert!(!rule("compute", "GET").allows("compute", "POST", "/v2.1/servers"));
        assert!(!rule("image", "GET").allows("compute", "GET", "/v2.1/servers"));
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern = "/*a".repeat(75) + &"**a".repeat(60) + "x";
        let started = std::time::Instant::now();
        assert!(!matches(&pattern, &"/aaaa".repeat(400)));
        assert!(started.elapsed().as_millis() < 1_000, "{:?}", started.elapsed());
    }
}
