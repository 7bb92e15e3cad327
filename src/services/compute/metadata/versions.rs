//! Versions of the two trees.

/// One version of a tree: its place in the tree's list, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version(usize);

impl Version {
    /// The version that `text` names in `list`; `latest` is the last.
    pub(crate) fn parse(list: &[&str], text: &str) -> Option<Self> {
        if text == "latest" {
            return list.len().checked_sub(1).map(Self);
        }
        list.iter().position(|known| *known == text).map(Self)
    }

    /// Whether it is `since` or later.
    pub(crate) fn since(self, list: &[&str], since: &str) -> bool {
        list.iter().position(|known| *known == since).is_some_and(|place| self.0 >= place)
    }
}

/// All of `list` and `latest`: what the top of a tree lists.
pub(crate) fn with_latest(list: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    list.iter().copied().chain(["latest"])
}
