//! `expected.txt`: who may do what, a line for each operation.

use std::collections::BTreeMap;

use super::personas::{GROUPS, PERSONAS};

/// The table as it is in the tree.
const TEXT: &str = include_str!("expected.txt");

/// What is expected of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// It is answered without a token.
    Open,
    /// The rule, and whether each of the personas is let through.
    Rule(String, Vec<bool>),
}

/// All lines, by operation: `GET /compute/v2.1/servers`, `POST /compute/v2.1/servers/{server_id}/action (os-start)`.
pub fn read() -> BTreeMap<String, Expected> {
    let mut lines = BTreeMap::new();
    for line in TEXT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (who, rest) = line.split_once("  ").unwrap_or_else(|| panic!("no two blanks in {line}"));
        let (operation, rule) = rest.split_once("  ").map_or((rest, ""), |(operation, rule)| (operation, rule.trim()));
        let expected = match who {
            "open" => Expected::Open,
            letters => Expected::Rule(rule.to_owned(), marks(letters)),
        };
        let before = lines.insert(operation.trim().to_owned(), expected);
        assert!(before.is_none(), "two lines for {operation}");
    }
    lines
}

/// Who is let through, as the table has it.
pub fn letters(allowed: &[bool]) -> String {
    let mut groups = vec![String::new(); GROUPS.len()];
    for (persona, allowed) in PERSONAS.iter().zip(allowed) {
        groups[persona.group].push(if *allowed { persona.letter } else { '.' });
    }
    groups.join(" ")
}

fn marks(text: &str) -> Vec<bool> {
    let groups: Vec<&str> = text.split(' ').collect();
    assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), GROUPS, "{text}");
    let marks: Vec<bool> = groups.concat().chars().map(|letter| letter != '.').collect();
    assert_eq!(letters(&marks), text, "each letter has its place");
    marks
}
