//! A figure, its goal, and the report of all of them.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

/// What a figure is to reach.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// Nothing: it is there to be compared with.
    None,
}

/// What was measured so far.
pub struct Report {
    words: Vec<String>,
    rows: Vec<(String, f64, &'static str, Goal)>,
}

impl Report {
    /// A report of the figures whose names contain one of `words`; of all when there are none.
    pub fn new(words: Vec<String>) -> Self {
        Self { words, rows: Vec::new() }
    }

    /// Whether `name` is wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }

    /// Whether one of `names` is wanted.
    pub fn wants_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.wants(name))
    }

    /// Adds a figure.
    pub fn add(&mut self, name: &str, value: f64, unit: &'static str, goal: Goal) {
        let (goal_text, met) = match goal {
            Goal::AtMost(limit) => (format!("goal ≤ {limit} {unit}"), value <= limit),
            Goal::AtLeast(limit) => (format!("goal ≥ {limit} {unit}"), value >= limit),
            Goal::None => (String::new(), true),
        };
        let line = format!("{} {name:<58} {value:>12.3} {unit:<6} {goal_text}", if met { " " } else { "✗" });
        println!("{}", line.trim_end());
        self.rows.push((name.to_owned(), value, unit, goal));
    }

    /// Writes the JSON.
    pub fn finish(self) -> ExitCode {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|(name, value, unit, goal)| {
                let (at_most, at_least) = match goal {
                    Goal::AtMost(limit) => (Some(limit), None),
                    Goal::AtLeast(limit) => (None, Some(limit)),
                    Goal::None => (None, None),
                };
                json!({ "name": name, "value": value, "unit": unit, "at_most": at_most, "at_least": at_least })
            })
            .collect();
        let path = std::env::var("FIGURES")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/target/figures.json").to_owned());
        match std::fs::write(&path, format!("{:#}\n", json!(rows))) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("cannot write {path}: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

/// The middle of `times`, in milliseconds.
pub fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map(|time| time.as_secs_f64() * 1e3).unwrap_or(f64::NAN)
}
