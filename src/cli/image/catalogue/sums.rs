//! Checksums as publishers write them: GNU's `HEX  NAME`, BSD's `SHA256 (NAME) = HEX`, and a digest alone in a file of its own.

use aws_lc_rs::digest::{Algorithm, Context, SHA256, SHA512};

/// A digest that a file must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// In small hexadecimal letters.
    pub hex: String,
}

impl Sum {
    /// A digest of 64 (SHA-256) or 128 (SHA-512) hexadecimal digits; weaker ones are none.
    fn parse(text: &str) -> Option<Self> {
        let right = [64, 128].contains(&text.len()) && text.chars().all(|digit| digit.is_ascii_hexdigit());
        right.then(|| Self { hex: text.to_ascii_lowercase() })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        if self.hex.len() == 128 { "sha512" } else { "sha256" }
    }

    /// What begins to work it out.
    #[must_use]
    pub fn begin(&self) -> Context {
        let algorithm: &'static Algorithm = if self.hex.len() == 128 { &SHA512 } else { &SHA256 };
        Context::new(algorithm)
    }

    /// Whether `context` came to it.
    #[must_use]
    pub fn is(&self, context: Context) -> bool {
        kit::hex(context.finish().as_ref()) == self.hex
    }
}

/// The strongest sum that `text` has of `file`; with `alone`, also the only one that it has at all: publishers link to an image by
/// a name that does not change, and sum it by the one that does.
#[must_use]
pub fn find(text: &str, file: &str, alone: bool) -> Option<Sum> {
    let of_line = |line: &str| {
        let (name, hex) = bsd(line).or_else(|| gnu(line))?;
        (name.strip_prefix("./").unwrap_or(name) == file).then(|| Sum::parse(hex))?
    };
    let named = text.lines().filter_map(|line| of_line(line.trim())).max_by_key(|sum| sum.hex.len());
    named.or_else(|| only(text).filter(|_| alone))
}

/// The sum of a text that has one.
fn only(text: &str) -> Option<Sum> {
    let of_line = |line: &str| {
        let hex = bsd(line).or_else(|| gnu(line)).map_or(line, |(_, hex)| hex);
        Sum::parse(hex)
    };
    let mut all = text.lines().filter_map(|line| of_line(line.trim()));
    all.next().filter(|_| all.next().is_none())
}

/// `SHA256 (name) = hex`: the name and the digest.
fn bsd(line: &str) -> Option<(&str, &str)> {
    let (name, hex) = line.split_once(" (")?.1.rsplit_once(") = ")?;
    Some((name, hex.trim()))
}

/// `hex  name`, or `hex *name`: the name and the digest.
fn gnu(line: &str) -> Option<(&str, &str)> {
    let (hex, name) = line.split_once([' ', '\t'])?;
    let name = name.trim_start();
    Some((name.strip_prefix('*').unwrap_or(name), hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_publishers_form_is_read() {
        let (short, long) = ("a".repeat(64), "b".repeat(128));
        for text in [
            format!("{}  other\n{short}  x.img\n", "c".repeat(64)),
            format!("{short} *x.img"),
            format!("{short}  ./x.img"),
            format!("# x.img: 5 bytes\nSHA256 (x.img) = {short}\n"),
            format!(
                "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSHA256 (x.img) = {}\n-----BEGIN PGP SIGNATURE-----",
                short.to_uppercase()
            ),
            format!("{}  x.img\n{short}  x.img", "d".repeat(32)),
        ] {
            assert_eq!(find(&text, "x.img", false).unwrap().hex, short, "{text}");
        }
        assert_eq!(find(&format!("{short}  x.img\n{long}  x.img"), "x.img", false).unwrap().name(), "sha512");
        assert_eq!(find(&format!("{long}\n"), "x.img", true).unwrap().hex, long);
        assert_eq!(find(&format!("{long}  x-build7.img\n"), "x.img", true).unwrap().hex, long);
        assert_eq!(find(&format!("{long}  y.img\n{long}  z.img"), "x.img", true), None);
    }

    #[test]
    fn what_is_weak_or_of_something_else_is_none() {
        let short = "a".repeat(64);
        for text in [
            format!("{short}  y.img"),
            format!("{short}  a/x.img"),
            format!("{short}\n"),
            format!("{}  x.img", "a".repeat(40)),
            format!("{}z  x.img", "a".repeat(63)),
            String::new(),
        ] {
            assert_eq!(find(&text, "x.img", false), None, "{text}");
        }
    }

    #[test]
    fn a_sum_is_worked_out() {
        let sum = Sum::parse("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824").unwrap();
        let mut context = sum.begin();
        context.update(b"hello");
        assert!(sum.is(context));
        assert!(!sum.is(sum.begin()));
    }
}
