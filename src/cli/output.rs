//! What is printed: tables for people, JSON and YAML for programs, names for shells.
//!
//! JSON and YAML are the API's own objects; a table shows a few of their fields. Results go to standard output, all
//! else to standard error. One style of table, on a terminal and in a pipe: no borders, two spaces between columns.

use std::io::{IsTerminal as _, Write as _};

use clap::ValueEnum;
use comfy_table::presets::NOTHING;
use serde_json::Value;

use super::problem::{Problem, Result};

/// How to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns, for people.
    #[default]
    Table,
    /// The API's objects as JSON.
    Json,
    /// The API's objects as YAML.
    Yaml,
    /// Names alone, one on a line.
    Name,
}

/// A column of a list, or a line of one thing.
pub struct Column {
    /// What stands above it.
    pub title: &'static str,
    /// What it shows of an object.
    pub cell: fn(&Value) -> String,
}

/// A column `title` with what `cell` shows.
#[must_use]
pub const fn column(title: &'static str, cell: fn(&Value) -> String) -> Column {
    Column { title, cell }
}

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

/// Where and how to print.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    format: Format,
    quiet: bool,
    colour: bool,
}

impl Output {
    /// As the options say, and without colours where they are not wanted or not seen.
    #[must_use]
    pub fn new(format: Format, quiet: bool, no_color: bool) -> Self {
        let unwanted = no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { format, quiet, colour: !unwanted && std::io::stderr().is_terminal() }
    }

    /// Whether a person looks at standard error and wants to see what goes on.
    #[must_use]
    pub fn is_live(self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// Whether colours may be used.
    #[must_use]
    pub fn has_colour(self) -> bool {
        self.colour
    }

    /// Whether the API's objects are wanted, for a program.
    #[must_use]
    pub fn is_data(self) -> bool {
        matches!(self.format, Format::Json | Format::Yaml) && !self.quiet
    }

    /// Whether a table is wanted: notes for people go with it.
    #[must_use]
    pub fn is_table(self) -> bool {
        self.format == Format::Table && !self.quiet
    }

    /// Prints several things.
    ///
    /// # Errors
    /// When standard output cannot be written; so with all the others.
    pub fn list(self, objects: &[Value], columns: &[Column]) -> Result<()> {
        if objects.is_empty() && self.is_table() {
            self.note("(none)");
            return Ok(());
        }
        self.raw(&self.render_list(objects, columns)?)
    }

    /// Prints one thing.
    pub fn show(self, object: &Value, columns: &[Column]) -> Result<()> {
        self.raw(&self.render_one(object, columns)?)
    }

    /// Prints `text` as it is.
    pub fn raw(self, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Problem::io("cannot print", &error))
    }

    /// Tells the user something beside the result.
    pub fn note(self, text: &str) {
        if !self.quiet {
            // Nothing is lost with it.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    fn render_list(self, objects: &[Value], columns: &[Column]) -> Result<String> {
        match self.format {
            _ if self.quiet => Ok(objects.iter().map(|object| id(object) + "\n").collect()),
            Format::Name => Ok(objects.iter().map(|object| name(object) + "\n").collect()),
            Format::Table => {
                let rows = objects.iter().map(|object| columns.iter().map(|column| (column.cell)(object)).collect());
                Ok(table(&columns.iter().map(|column| column.title).collect::<Vec<_>>(), rows))
            }
            Format::Json | Format::Yaml => self.data(&Value::from(objects)),
        }
    }

    fn render_one(self, object: &Value, columns: &[Column]) -> Result<String> {
        match self.format {
            _ if self.quiet => Ok(id(object) + "\n"),
            Format::Name => Ok(name(object) + "\n"),
            Format::Table => {
                let rows = columns.iter().map(|column| vec![column.title.to_owned(), (column.cell)(object)]);
                Ok(table(&[], rows.filter(|row| row.last().is_some_and(|cell| !cell.is_empty()))))
            }
            Format::Json | Format::Yaml => self.data(object),
        }
    }

    fn data(self, value: &Value) -> Result<String> {
        if self.format == Format::Yaml {
            return serde_saphyr::to_string(value)
                .map_err(|error| Problem::failed(format!("no YAML of this: {error}")));
        }
        let text = serde_json::to_string_pretty(value);
        text.map(|text| text + "\n").map_err(|error| Problem::failed(format!("no JSON of this: {error}")))
    }
}

/// What a script calls an object by: the id, or where there is none, the name.
fn id(object: &Value) -> String {
    let id = text(object, "/id");
    if id.is_empty() { text(object, "/name") } else { id }
}

fn name(object: &Value) -> String {
    let name = text(object, "/name");
    if name.is_empty() { id(object) } else { name }
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

    const COLUMNS: &[Column] =
        &[column("Name", |v| text(v, "/name")), column("Size", |v| text(v, "/size")), column("Id", |v| text(v, "/id"))];

    fn things() -> Vec<Value> {
        vec![
            json!({"id": "1", "name": "näme", "size": 20, "tags": ["a", "b"]}),
            json!({"id": "22", "name": "yes", "size": null}),
        ]
    }

    fn output(format: Format, quiet: bool) -> Output {
        Output { format, quiet, colour: false }
    }

    #[test]
    fn lists() {
        let list = |format, quiet| output(format, quiet).render_list(&things(), COLUMNS).unwrap();
        insta::assert_snapshot!(list(Format::Table, false), @r"
        NAME  SIZE  ID
        näme  20    1
        yes         22
        ");
        insta::assert_snapshot!(list(Format::Yaml, false), @r#"
        - id: "1"
          name: näme
          size: 20
          tags:
          - a
          - b
        - id: "22"
          name: "yes"
          size: null
        "#);
        assert_eq!(list(Format::Name, false), "näme\nyes\n");
        assert_eq!(list(Format::Json, true), "1\n22\n");
        assert_eq!(serde_json::from_str::<Vec<Value>>(&list(Format::Json, false)).unwrap(), things());
        let yaml: Vec<Value> = serde_saphyr::from_str(&list(Format::Yaml, false)).unwrap();
        assert_eq!(yaml, things());
    }

    #[test]
    fn one_thing_is_shown_without_what_it_does_not_have() {
        let things = things();
        insta::assert_snapshot!(output(Format::Table, false).render_one(&things[1], COLUMNS).unwrap(), @r"
        Name  yes
        Id    22
        ");
    }

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
