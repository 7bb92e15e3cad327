//! The newest of a directory's files that matches a pattern: a mirror's listing is a page of links.

use std::cmp::Ordering;

/// The newest of the files that `listing` links to and that match `pattern`, by the numbers in their names.
#[must_use]
pub fn newest(listing: &str, pattern: &str) -> Option<String> {
    links(listing).filter(|name| matches(pattern, name)).max_by(|one, other| by_number(one, other))
}

/// Names of files that are linked to; what is elsewhere is left out.
fn links(listing: &str) -> impl Iterator<Item = String> {
    let quoted = |rest: &str| {
        let quote = rest.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
        rest.get(1..)?.split(quote).next().map(str::to_owned)
    };
    let targets: Vec<String> = listing.split("href=").skip(1).filter_map(quoted).collect();
    targets.into_iter().filter_map(|target| {
        let path = target.split(['?', '#']).next()?;
        let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
        let name = percent_encoding::percent_decode_str(name).decode_utf8().ok()?.into_owned();
        // It becomes a part of a URL and of a path.
        name.chars().all(|c| c.is_ascii_alphanumeric() || "._-+~".contains(c)).then_some(name)
    })
}

/// Whether `name` is `pattern`, in which a `*` is anything.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(before) else { return false };
    let ends = rest.char_indices().map(|(index, _)| index).chain([rest.len()]);
    ends.filter_map(|index| rest.get(index..)).any(|rest| matches(after, rest))
}

/// As people sort versions: numbers by what they count.
fn by_number(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let (a, b) = (part(&mut one), part(&mut other));
        let order = match (number(a), number(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        };
        if order != Ordering::Equal || (a.is_empty() && b.is_empty()) {
            return order;
        }
    }
}

/// Takes the digits, or all but digits, from the beginning of `text`.
fn part<'t>(text: &mut &'t str) -> &'t str {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    let (part, rest) = text.split_at(end);
    *text = rest;
    part
}

fn number(text: &str) -> Option<u128> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_that_matches_is_taken() {
        let page = r#"<a href="../">up</a> <a href="x-1.9-r0.img">x</a> <a href='/dir/x-1.10-r0.img?C=N'>x</a>
            <a href="x-1.10-r0.img.sha512">sum</a> <a href="./x-1.10-r1%2Eimg">x</a> <a href="x-../../etc-1.99.img">evil</a>
            <a href="x-$(id)-2.img">evil</a>"#;
        assert_eq!(newest(page, "x-1.*-r*.img").as_deref(), Some("x-1.10-r1.img"));
        assert_eq!(newest(page, "y-*"), None);
        assert_eq!(newest("", "*"), None);
        assert_eq!(newest(page, "x-*.99.img"), None);
    }

    #[test]
    fn numbers_count() {
        assert_eq!(by_number("a-43-1.6", "a-43-1.16"), Ordering::Less);
        assert_eq!(by_number("a-2", "a-10"), Ordering::Less);
        assert_eq!(by_number("a", "a-1"), Ordering::Less);
        assert_eq!(by_number("a-1", "a-1"), Ordering::Equal);
    }

    proptest::proptest! {
        #[test]
        fn a_pattern_is_matched_by_what_it_was_made_of(parts in proptest::collection::vec("[a-z0-9.]{0,5}", 1..4), fill in "[a-z0-9]{0,4}") {
            proptest::prop_assert!(matches(&parts.join("*"), &parts.join(&fill)));
        }
    }
}
