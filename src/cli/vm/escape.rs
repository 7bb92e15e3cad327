//! `~.` at the beginning of a line leaves a console, as it does in ssh; `~~` is a `~`. Pure.

use crate::cli::socket::Outward;

/// What was typed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// A line's end, or nothing yet.
    Line,
    /// A `~` at the beginning of a line, which was not sent.
    Tilde,
    /// Anything else.
    Other,
}

/// Looks at what is typed.
#[derive(Debug)]
pub struct Escape(Last);

impl Escape {
    /// At the beginning of a line.
    #[must_use]
    pub fn new() -> Self {
        Self(Last::Line)
    }

    /// What of `typed` goes to the guest, and whether that is all.
    pub fn filter(&mut self, typed: &[u8]) -> Outward {
        let mut sent = Vec::with_capacity(typed.len());
        for &byte in typed {
            match (self.0, byte) {
                (Last::Line, b'~') => {
                    self.0 = Last::Tilde;
                    continue;
                }
                (Last::Tilde, b'.') => return Outward::End(sent),
                (Last::Tilde, b'~') => {}
                (Last::Tilde, _) => sent.push(b'~'),
                _ => {}
            }
            sent.push(byte);
            self.0 = if matches!(byte, b'\r' | b'\n') { Last::Line } else { Last::Other };
        }
        Outward::Send(sent)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(parts: &[&str]) -> (String, bool) {
        let (mut escape, mut sent) = (Escape::new(), Vec::new());
        for part in parts {
            match escape.filter(part.as_bytes()) {
                Outward::Send(bytes) => sent.extend(bytes),
                Outward::End(bytes) => {
                    sent.extend(bytes);
                    return (String::from_utf8(sent).unwrap(), true);
                }
            }
        }
        (String::from_utf8(sent).unwrap(), false)
    }

    #[test]
    fn it_leaves_at_the_beginning_of_a_line_only() {
        assert_eq!(typed(&["~."]), (String::new(), true));
        assert_eq!(typed(&["ls\r", "~", ".rest"]), ("ls\r".to_owned(), true));
        assert_eq!(typed(&["cd ~.\r"]), ("cd ~.\r".to_owned(), false));
        assert_eq!(typed(&["~~.\r"]), ("~.\r".to_owned(), false));
        assert_eq!(typed(&["~user\r"]), ("~user\r".to_owned(), false));
    }

    proptest! {
        #[test]
        fn what_has_no_tilde_goes_as_it_is(text in "[a-z.\\r\\n]{0,40}") {
            prop_assert_eq!(typed(&[&text]), (text, false));
        }
    }
}
