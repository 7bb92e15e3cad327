//! What is printed: tables for people, JSON and YAML for programs, names for shells.
//!
//! JSON and YAML are the API's own objects; a table shows a few of their fields, `wide` more of them. Results go to standard
//! output, all else to standard error. One style of table, on a terminal and in a pipe: no borders, two spaces between columns.
//! Every list and every show goes through [`Output`], which heeds `--columns`, `--sort`, `--filter` and `--no-headers`.

mod text;
mod view;

use std::io::{IsTerminal as _, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use clap::builder::styling::Style;
use serde_json::Value;

use super::problem::{Problem, Result};

pub use text::{size, table, text};
pub use view::{Filter, Sort, View, filter, sort};

/// How to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns, for people.
    #[default]
    Table,
    /// More columns.
    Wide,
    /// The API's objects as JSON.
    Json,
    /// The API's objects as YAML.
    Yaml,
    /// Names alone, one on a line.
    Name,
}

/// A column of a list, or a line of one thing.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// What stands above it.
    pub title: &'static str,
    /// What it shows of an object.
    pub cell: fn(&Value) -> String,
    /// Only `-o wide` lists it.
    pub wide: bool,
}

/// A column `title` with what `cell` shows.
#[must_use]
pub const fn column(title: &'static str, cell: fn(&Value) -> String) -> Column {
    Column { title, cell, wide: false }
}

/// A column that only `-o wide` lists.
#[must_use]
pub const fn wide(title: &'static str, cell: fn(&Value) -> String) -> Column {
    Column { title, cell, wide: true }
}

/// Where and how to print.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    format: Format,
    quiet: bool,
    /// Standard error takes colours.
    colour: bool,
    /// Standard output takes them.
    bold: bool,
    view: &'static View,
}

/// The view where none was asked for.
static USUAL: View = View { columns: Vec::new(), sort: None, filters: Vec::new(), no_headers: false };
/// What the process was asked for: there is one command line.
static ASKED: OnceLock<View> = OnceLock::new();
/// The screen is to be cleared before the next thing is printed.
static CLEAR: AtomicBool = AtomicBool::new(false);

impl Output {
    /// As the options say, and without colours where they are not wanted or not seen.
    #[must_use]
    pub fn new(format: Format, quiet: bool, no_color: bool) -> Self {
        let unwanted = no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            format,
            quiet,
            colour: !unwanted && std::io::stderr().is_terminal(),
            bold: !unwanted && std::io::stdout().is_terminal(),
            view: &USUAL,
        }
    }

    /// With the view that the command line asks for; the first of a process counts.
    #[must_use]
    pub fn with_view(self, view: View) -> Self {
        Self { view: ASKED.get_or_init(|| view), ..self }
    }

    /// Has the next thing that is printed stand alone on the screen; where there is none, below what was printed.
    pub fn begin_again() {
        CLEAR.store(std::io::stdout().is_terminal(), Ordering::Relaxed);
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
        matches!(self.format, Format::Table | Format::Wide) && !self.quiet
    }

    /// Prints several things.
    ///
    /// # Errors
    /// When standard output cannot be written, or a column is asked for that is not there; so with all the others.
    pub fn list(self, objects: &[Value], columns: &[Column]) -> Result<()> {
        let text = self.render_list(objects, columns)?;
        self.raw(&text)?;
        if text.is_empty() && self.is_table() {
            self.note("(none)");
        }
        Ok(())
    }

    /// Prints one thing.
    pub fn show(self, object: &Value, columns: &[Column]) -> Result<()> {
        self.raw(&self.render_one(object, columns)?)
    }

    /// Prints `text` as it is.
    pub fn raw(self, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        let clear = if CLEAR.swap(false, Ordering::Relaxed) { "\x1b[H\x1b[2J" } else { "" };
        let written = out.write_all(clear.as_bytes()).and_then(|()| out.write_all(text.as_bytes()));
        written.and_then(|()| out.flush()).map_err(|error| Problem::io("cannot print", &error))
    }

    /// Tells the user something beside the result.
    pub fn note(self, text: &str) {
        if !self.quiet {
            // Nothing is lost with it.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    fn render_list(self, objects: &[Value], columns: &[Column]) -> Result<String> {
        let chosen = self.view.chosen(objects, columns)?;
        match self.format {
            _ if self.quiet => Ok(chosen.iter().map(|object| id(object) + "\n").collect()),
            Format::Name => Ok(chosen.iter().map(|object| name(object) + "\n").collect()),
            Format::Table | Format::Wide => {
                let usual: Vec<&Column> =
                    columns.iter().filter(|column| self.format == Format::Wide || !column.wide).collect();
                let picked = self.view.picked(&usual, columns, &chosen)?;
                if chosen.is_empty() {
                    return Ok(String::new());
                }
                let rows = chosen.iter().map(|object| picked.iter().map(|one| one.cell(object)).collect());
                let titles: Vec<&str> = picked.iter().map(|one| one.name).collect();
                Ok(self.titled(&table(if self.view.no_headers { &[] } else { &titles }, rows)))
            }
            Format::Json | Format::Yaml => {
                let parts: Result<Vec<Value>> = chosen.iter().map(|object| self.view.part(object, columns)).collect();
                self.data(&Value::from(parts?))
            }
        }
    }

    fn render_one(self, object: &Value, columns: &[Column]) -> Result<String> {
        match self.format {
            _ if self.quiet => Ok(id(object) + "\n"),
            Format::Name => Ok(name(object) + "\n"),
            Format::Table | Format::Wide => {
                let usual: Vec<&Column> = columns.iter().collect();
                let picked = self.view.picked(&usual, columns, &[object])?;
                let cells = picked.iter().map(|one| (one.name.to_owned(), one.cell(object)));
                if self.view.no_headers {
                    return Ok(table(&[], cells.map(|(_, cell)| vec![cell])));
                }
                // What is asked for is shown even where there is nothing.
                let all = !self.view.columns.is_empty();
                let rows = cells.filter(|(_, cell)| all || !cell.is_empty()).map(|(name, cell)| vec![name, cell]);
                Ok(table(&[], rows))
            }
            Format::Json | Format::Yaml => self.data(&self.view.part(object, columns)?),
        }
    }

    /// With the first line in bold, where it has titles and is seen.
    fn titled(self, table: &str) -> String {
        match table.split_once('\n') {
            Some((titles, rows)) if self.bold && !self.view.no_headers => {
                let bold = Style::new().bold();
                format!("{bold}{titles}{bold:#}\n{rows}")
            }
            _ => table.to_owned(),
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

/// What a script and a path call an object by: its id, which placement calls otherwise; where there is none, the name; and a text by itself.
#[must_use]
pub fn id(object: &Value) -> String {
    if let Value::String(text) = object {
        return text.clone();
    }
    let ids = ["/id", "/uuid", "/name"].into_iter().map(|pointer| text(object, pointer));
    ids.into_iter().find(|id| !id.is_empty()).unwrap_or_default()
}

fn name(object: &Value) -> String {
    let name = text(object, "/name");
    if name.is_empty() { id(object) } else { name }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: &[Column] = &[
        column("Name", |v| text(v, "/name")),
        column("Size", |v| text(v, "/size")),
        wide("Tags", |v| text(v, "/tags")),
        column("Id", |v| text(v, "/id")),
    ];

    fn things() -> Vec<Value> {
        vec![
            json!({"id": "1", "name": "näme", "size": 20, "tags": ["a", "b"]}),
            json!({"id": "22", "name": "yes", "size": null}),
        ]
    }

    fn output(format: Format, quiet: bool) -> Output {
        Output { format, quiet, colour: false, bold: false, view: &USUAL }
    }

    fn viewed(format: Format, view: View) -> Output {
        Output { view: Box::leak(Box::new(view)), ..output(format, false) }
    }

    #[test]
    fn lists() {
        let list = |format, quiet| output(format, quiet).render_list(&things(), COLUMNS).unwrap();
        insta::assert_snapshot!(list(Format::Table, false), @r"
        NAME  SIZE  ID
        näme  20    1
        yes         22
        ");
        insta::assert_snapshot!(list(Format::Wide, false), @r"
        NAME  SIZE  TAGS  ID
        näme  20    a, b  1
        yes               22
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
    fn a_shell_gets_the_bare_values() {
        let view = View { columns: vec!["id".into(), "size".into()], no_headers: true, ..View::default() };
        let out = viewed(Format::Table, view.clone());
        assert_eq!(out.render_list(&things(), COLUMNS).unwrap(), "1   20\n22\n");
        assert_eq!(out.render_one(&things()[0], COLUMNS).unwrap(), "1\n20\n");
        let json = viewed(Format::Json, view).render_list(&things()[..1], COLUMNS).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), json!([{"id": "1", "size": 20}]));
    }

    #[test]
    fn titles_are_bold_on_a_terminal_only() {
        let out = Output { bold: true, ..output(Format::Table, false) };
        let list = out.render_list(&things(), COLUMNS).unwrap();
        assert!(list.starts_with("\x1b[1mNAME  SIZE  ID\x1b[0m\nnäme"), "{list:?}");
        assert_eq!(out.render_list(&[], COLUMNS).unwrap(), "");
    }
}
