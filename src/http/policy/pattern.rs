//! The right side of a comparison: text with attributes of the target in it, `%(name)s`.
//!
//! As in oslo.policy, an attribute that the target does not have makes the whole comparison false, and one that is
//! null reads `None`. Only one thing is stricter here: null is never *equal* to null (see [`Pattern::is_none`]).

use kit::RequestContext;

use super::target::Target;

/// What a comparison compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Text alone.
    Text(String),
    /// `%(name)s` alone.
    Target(String),
    /// Several of them.
    Mixed(Vec<Pattern>),
}

impl Pattern {
    /// Reads `text`; nothing where a `%` starts neither `%(name)s` nor `%%`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some((before, after)) = rest.split_once('%') {
            plain.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                plain.push('%');
                rest = after;
                continue;
            }
            let (name, after) = after.strip_prefix('(')?.split_once(")s")?;
            if !plain.is_empty() {
                parts.push(Self::Text(std::mem::take(&mut plain)));
            }
            parts.push(Self::Target(name.to_owned()));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() || parts.is_empty() {
            parts.push(Self::Text(plain));
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Some(only),
            Some(last) => {
                parts.push(last);
                Some(Self::Mixed(parts))
            }
            None => None,
        }
    }

    /// Whether it reads `wanted` for this target.
    pub(super) fn is(&self, wanted: &str, target: &Target, context: &RequestContext) -> bool {
        self.strip(wanted, target, context) == Some("")
    }

    /// Whether it is the word `None`, which a caller's attribute that is null equals. An attribute of the *target* that
    /// is null does not: in oslo.policy a token without a project would own all things without a project.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::Text(text) if text == "None")
    }

    /// What remains of `wanted` after this.
    fn strip<'w>(&self, wanted: &'w str, target: &Target, context: &RequestContext) -> Option<&'w str> {
        match self {
            Self::Text(text) => wanted.strip_prefix(text.as_str()),
            Self::Target(name) => wanted.strip_prefix(target.get(name, context)?.text()),
            Self::Mixed(parts) => parts.iter().try_fold(wanted, |rest, part| part.strip(rest, target, context)),
        }
    }

    /// What it reads for this target; nothing where the target lacks something.
    pub(super) fn read(&self, target: &Target, context: &RequestContext) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Target(name) => Some(target.get(name, context)?.text().to_owned()),
            Self::Mixed(parts) => parts.iter().map(|part| part.read(target, context)).collect(),
        }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&text.replace('%', "%%")),
            Self::Target(name) => write!(f, "%({name})s"),
            Self::Mixed(parts) => parts.iter().try_for_each(|part| part.fmt(f)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let target = Target::new().with("a", "x").with_option("n", None::<&str>);
        Pattern::parse(text).unwrap().read(&target, &RequestContext::anonymous())
    }

    #[test]
    fn attributes_are_put_in() {
        assert_eq!(read("p-%(a)s-%(a)s%%").as_deref(), Some("p-x-x%"));
        assert_eq!(read("%(n)s").as_deref(), Some("None"));
        assert_eq!(read("%(b)s"), None);
        assert_eq!(Pattern::parse("100%"), None);
        assert_eq!(Pattern::parse("%(a)d"), None);
    }

    #[test]
    fn what_is_printed_is_what_was_read() {
        for text in ["x", "%(a)s", "a%%b-%(a.b:c)s-%(d)s", ""] {
            assert_eq!(Pattern::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_mixture_must_match_to_its_end() {
        let (target, nobody) = (Target::new().with("a", "x"), RequestContext::anonymous());
        let pattern = Pattern::parse("p-%(a)s").unwrap();
        assert!(pattern.is("p-x", &target, &nobody));
        assert!(!pattern.is("p-xy", &target, &nobody));
        assert!(!pattern.is("p-", &target, &nobody));
    }
}
