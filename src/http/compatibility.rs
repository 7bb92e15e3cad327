//! `docs/compatibility.md`, made of the tables: what is there, and under which rule.

use std::fmt::Write as _;

use crate::app::App;
use crate::service::RowInfo;

/// A Markdown table for each service of `app`: method, path, microversions, policy rule.
#[must_use]
pub fn markdown(app: &App) -> String {
    let mut text = String::new();
    let mut service = "";
    for row in app.rows() {
        if row.service != service {
            service = row.service;
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}## {service} ({})\n", if text.is_empty() { "" } else { "\n" }, row.prefix);
            text.push_str("| method | path | microversions | policy rule |\n|---|---|---|---|\n");
        }
        let action = row.action.map(|action| format!(" `{action}`")).unwrap_or_default();
        let rule = if row.unauthenticated { "(no token)".to_owned() } else { format!("`{}`", row.rule) };
        let _ = writeln!(text, "| {} | `{}`{action} | {} | {rule} |", row.method, row.path, versions(row));
    }
    text
}

fn versions(row: &RowInfo) -> String {
    match (row.since, row.until) {
        (None, None) => "all".to_owned(),
        (Some(since), None) => format!("{since} on"),
        (None, Some(until)) => format!("to {until}"),
        (Some(since), Some(until)) => format!("{since} to {until}"),
    }
}
