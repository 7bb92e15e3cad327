//! Which of the objects and which of their fields are printed, and in which order: `--columns`, `--filter`, `--sort`.
//!
//! A name is a column's title (`attached-to`) or a field of the API's object (`flavor.name`, `OS-EXT-STS:task_state`). Pure.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::Column;
use super::text::text;
use crate::cli::problem::{Problem, Result};

/// What the options say.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Names of the columns to print; the usual ones where there is none.
    pub columns: Vec<String>,
    /// By which to sort; as the cloud gives them where there is none.
    pub sort: Option<Sort>,
    /// What all that is printed must match.
    pub filters: Vec<Filter>,
    /// Print no titles.
    pub no_headers: bool,
}

/// A column to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    name: String,
    descending: bool,
}

/// What a column must be like, or must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    name: String,
    pattern: String,
    negated: bool,
}

/// Reads `[-]COLUMN`.
///
/// # Errors
/// When there is no name in it.
pub fn sort(text: &str) -> std::result::Result<Sort, String> {
    let (name, descending) = match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (text, false),
    };
    if name.is_empty() {
        Err("expected COLUMN or -COLUMN".to_owned())
    } else {
        Ok(Sort { name: name.to_owned(), descending })
    }
}

/// Reads `COLUMN=PATTERN` or `COLUMN!=PATTERN`.
///
/// # Errors
/// When it is neither.
pub fn filter(text: &str) -> std::result::Result<Filter, String> {
    let Some((name, pattern)) = text.split_once('=') else { return Err("expected COLUMN=PATTERN".to_owned()) };
    let (name, negated) = match name.strip_suffix('!') {
        Some(name) => (name, true),
        None => (name, false),
    };
    if name.is_empty() {
        return Err("expected COLUMN=PATTERN".to_owned());
    }
    Ok(Filter { name: name.to_owned(), pattern: pattern.to_lowercase(), negated })
}

/// What a name stands for.
pub(super) struct Picked<'a> {
    /// The name as it was given, or the column's title.
    pub(super) name: &'a str,
    column: Option<&'a Column>,
    field: Option<String>,
}

impl Picked<'_> {
    /// What it shows of `object` to people.
    pub(super) fn cell(&self, object: &Value) -> String {
        match (self.column, &self.field) {
            (Some(column), _) => (column.cell)(object),
            (None, Some(pointer)) => text(object, pointer),
            (None, None) => String::new(),
        }
    }

    /// What it is of `object` to programs: the API's own value where there is one.
    fn value(&self, object: &Value) -> Value {
        match &self.field {
            Some(pointer) => object.pointer(pointer).cloned().unwrap_or_default(),
            None => Value::from(self.cell(object)),
        }
    }

    fn field_text(&self, object: &Value) -> Option<String> {
        match object.pointer(self.field.as_deref()?)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// Either way of reading it matches.
    fn matches(&self, object: &Value, filter: &Filter) -> bool {
        let is = |text: String| glob(&filter.pattern, &text.to_lowercase());
        (is(self.cell(object)) || self.field_text(object).is_some_and(is)) != filter.negated
    }

    /// What it is sorted by: the API's value, where people see something rounded.
    fn key(&self, object: &Value) -> String {
        self.field_text(object).unwrap_or_else(|| self.cell(object))
    }
}

impl View {
    /// The columns that are asked for; `usual` where none is.
    ///
    /// # Errors
    /// When there is none of such a name; so with all the others.
    pub(super) fn picked<'a>(
        &'a self,
        usual: &[&'a Column],
        all: &'a [Column],
        objects: &[&Value],
    ) -> Result<Vec<Picked<'a>>> {
        if self.columns.is_empty() {
            return Ok(usual
                .iter()
                .map(|column| Picked { name: column.title, column: Some(column), field: None })
                .collect());
        }
        self.columns.iter().map(|name| pick(name, all, objects)).collect()
    }

    /// Those of `objects` that are asked for, in the order that is asked for.
    pub(super) fn chosen<'a>(&self, objects: &'a [Value], columns: &[Column]) -> Result<Vec<&'a Value>> {
        let mut chosen: Vec<&Value> = objects.iter().collect();
        for filter in &self.filters {
            let picked = pick(&filter.name, columns, &objects.iter().collect::<Vec<_>>())?;
            chosen.retain(|object| picked.matches(object, filter));
        }
        if let Some(sort) = &self.sort {
            let picked = pick(&sort.name, columns, &chosen)?;
            let order = |a: &&Value, b: &&Value| natural(&picked.key(a), &picked.key(b));
            chosen.sort_by(|a, b| if sort.descending { order(b, a) } else { order(a, b) });
        }
        Ok(chosen)
    }

    /// `object`, with the columns alone that are asked for.
    pub(super) fn part(&self, object: &Value, all: &[Column]) -> Result<Value> {
        if self.columns.is_empty() {
            return Ok(object.clone());
        }
        let picked = self.picked(&[], all, &[object])?;
        let part: Map<String, Value> = picked.iter().map(|one| (one.name.to_owned(), one.value(object))).collect();
        Ok(Value::Object(part))
    }
}

/// What `name` stands for among `columns` and the fields of `objects`.
fn pick<'a>(name: &'a str, columns: &'a [Column], objects: &[&Value]) -> Result<Picked<'a>> {
    let wanted = plain(name);
    let column = columns.iter().find(|column| plain(column.title) == wanted);
    let pointers =
        [pointer([name].into_iter()), pointer(name.split('.')), pointer([name.replace('-', "_").as_str()].into_iter())];
    let field = pointers.into_iter().find(|pointer| objects.iter().any(|object| object.pointer(pointer).is_some()));
    if column.is_none() && field.is_none() && !objects.is_empty() {
        let titles: Vec<String> = columns.iter().map(|column| plain(column.title)).collect();
        return Err(Problem::usage(format!("there is no column {name}"))
            .hint(format!("there are {}, and the fields that -o json shows", titles.join(", "))));
    }
    Ok(Picked { name, column, field })
}

fn pointer<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    keys.map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1"))).collect()
}

/// `Attached to` as it is typed: `attached-to`.
fn plain(title: &str) -> String {
    title.to_lowercase().replace([' ', '_'], "-")
}

/// Numbers by their value, also before a unit; all else by its letters.
fn natural(a: &str, b: &str) -> Ordering {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        digits.parse::<f64>().ok().map(|number| (number, unit.to_owned()))
    };
    match (number(a), number(b)) {
        (Some((a, unit)), Some((b, other))) if unit == other => a.total_cmp(&b),
        _ => a.to_lowercase().cmp(&b.to_lowercase()).then_with(|| a.cmp(b)),
    }
}

/// Whether `text` is like `pattern`, in which `*` is anything and `?` any character.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen, mut star) = (0, 0, None);
    while let Some(c) = text.get(seen) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(p) if p == c || *p == '?' => (at, seen) = (at + 1, seen + 1),
            // The last star takes one more.
            _ => match star {
                Some((back, from)) => {
                    star = Some((back, from + 1));
                    (at, seen) = (back + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
