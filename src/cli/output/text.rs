//! A field of an object as text, sizes for people, and rows in aligned columns.

use comfy_table::presets::NOTHING;
use serde_json::Value;

/// The field at `pointer` (`/flavor/name`) of `value` as text; nothing where it is null or missing.
#[must_use]
pub fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(Value::Array(items)) if items.iter().all(|item| item.is_string() || item.is_number()) => {
            items.iter().map(|item| text(item, "")).collect::<Vec<_>>().join(", ")
        }
        Some(Value::Object(map)) if map.is_empty() => String::new(),
        Some(Value::Object(map)) if map.values().all(|value| !value.is_object() && !value.is_array()) => {
            map.iter().map(|(key, value)| format!("{key}={}", text(value, ""))).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}

/// A size in bytes for people: `15.2 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "one decimal place is shown")]
    let mut amount = bytes as f64;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if amount < 1024.0 {
            break;
        }
        amount /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{amount:.1} {unit}") }
}

/// Rows in aligned columns; each line ends where its text ends.
#[must_use]
pub fn table(titles: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(NOTHING);
    if !titles.is_empty() {
        table.set_header(titles.iter().map(|title| title.to_uppercase()));
    }
    for row in rows {
        // A name may hold what would break a line or move the cursor.
        let row = row.iter().map(|cell| cell.replace(|c: char| c.is_control(), " "));
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_become_text() {
        let value =
            json!({"a": {"b": [1, "x"]}, "f": false, "map": {"k": "v", "n": 1}, "deep": [{"x": 1}], "empty": {}});
        let cases = [
            ("/a/b", "1, x"),
            ("/f", "no"),
            ("/map", "k=v, n=1"),
            ("/deep", r#"[{"x":1}]"#),
            ("/empty", ""),
            ("/none", ""),
        ];
        for (pointer, expected) in cases {
            assert_eq!(text(&value, pointer), expected, "{pointer}");
        }
    }

    #[test]
    fn sizes_are_rounded() {
        let sizes = [0, 1023, 1024, 15_938_355, u64::MAX].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "15.2 MiB", "16777216.0 TiB"]);
    }

    #[test]
    fn a_name_cannot_break_the_table() {
        let rows = [vec!["a\nb\u{1b}[31m".to_owned(), "c".to_owned()]];
        assert_eq!(table(&[], rows.into_iter()), "a b [31m  c\n");
    }
}
