//! Filters: what a list can be narrowed by, as a static list per resource, and the SQL of what was asked.
//!
//! SQL text is made of the static column names alone; what a client sends is only ever bound. Times are microseconds
//! and booleans 0 or 1 in the database. A pattern becomes `column REGEXP ?`, an operator that
//! SQLite leaves to the connection: whoever runs the SQL must have registered the function `regexp(pattern, text)`.

use kit::{Fault, Timestamp};

use crate::dialect::{Api, Dialect};
use crate::query::{Query, boolean};
use crate::request::Request;
use crate::sql::{Condition, SqlValue};

/// A query parameter that narrows a list.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// The parameter's name.
    pub name: &'static str,
    /// The SQL column, or an expression without client input.
    pub column: &'static str,
    /// How it compares.
    pub kind: FilterKind,
}

impl Filter {
    /// A filter.
    #[must_use]
    pub const fn new(name: &'static str, column: &'static str, kind: FilterKind) -> Self {
        Self { name, column, kind }
    }
}

/// How a filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterKind {
    /// The same text; repeated, one of them where the service takes it so.
    Exact,
    /// The same text; under `name__contains`, `__startswith` and `__endswith`, in which an `i` leaves the case out of
    /// account, a part of it (Keystone).
    Text,
    /// One of a list separated by commas.
    In,
    /// Contains the text.
    Like,
    /// Starts with the text.
    Prefix,
    /// Matches the pattern anywhere.
    Regex,
    /// A boolean in oslo's words.
    Bool,
    /// An integer.
    Int,
    /// An integer not smaller than this.
    IntMin,
    /// An integer not larger than this.
    IntMax,
    /// At this time.
    Time,
    /// Not before this time (`changes-since`).
    TimeSince,
    /// Not after this time (`changes-before`).
    TimeBefore,
    /// Known, but the service looks at it itself.
    Handled,
}

/// Parameters that are never filters.
const RESERVED: &[&str] = &[
    "limit",
    "marker",
    "sort_key",
    "sort_dir",
    "sort",
    "offset",
    "page_reverse",
    "fields",
    "all_tenants",
    "all_projects",
];

/// The condition that the request's filters make; everything where there are none.
///
/// # Errors
/// A 400 for a value that cannot be compared with, and in Neutron for an unknown filter.
pub fn conditions(request: &Request, filters: &[Filter]) -> Result<Condition, Fault> {
    of(request.dialect(), request.query(), filters)
}

/// The condition that a query's filters make in `dialect`.
///
/// # Errors
/// As [`conditions`].
pub fn of(dialect: &Dialect, query: &Query, filters: &[Filter]) -> Result<Condition, Fault> {
    if dialect.api == Api::Neutron {
        refuse_unknown(query, filters)?;
    }
    let mut condition = Condition::all();
    for filter in filters.iter().filter(|filter| filter.kind != FilterKind::Handled) {
        let values: Vec<&str> = query.all(filter.name).collect();
        // Neutron takes repeated names as alternatives; the others take the last.
        let values = if dialect.api == Api::Neutron {
            values.as_slice()
        } else {
            values.last().map(std::slice::from_ref).unwrap_or_default()
        };
        if !values.is_empty() {
            condition = condition.and(one(dialect, filter, values)?);
        }
        if filter.kind == FilterKind::Text {
            condition = condition.and(parts(query, filter));
        }
    }
    Ok(condition)
}

/// The longest part that is looked for, in bytes, as a pattern.
const LONGEST_PART: usize = 4096;

/// What is asked under `name__…`; what is no comparator is ignored.
fn parts(query: &Query, filter: &Filter) -> Condition {
    query.pairs().fold(Condition::all(), |condition, (name, text)| {
        let comparator = name.strip_prefix(filter.name).and_then(|rest| rest.strip_prefix("__")).unwrap_or_default();
        let (any_case, comparator) = comparator.strip_prefix('i').map_or((false, comparator), |rest| (true, rest));
        let text = regex::escape(text);
        let pattern = match comparator {
            "contains" => text,
            "startswith" => format!(r"\A{text}"),
            "endswith" => format!(r"{text}\z"),
            _ => return condition,
        };
        // No column holds so long a text, and a long pattern may be none.
        if pattern.len() > LONGEST_PART {
            return Condition::none();
        }
        let pattern = if any_case { format!("(?i){pattern}") } else { pattern };
        condition.and(Condition::new(format!("{} REGEXP ?", filter.column), [SqlValue::from(pattern.as_str())]))
    })
}

fn refuse_unknown(query: &Query, filters: &[Filter]) -> Result<(), Fault> {
    let known = |name: &str| RESERVED.contains(&name) || filters.iter().any(|filter| filter.name == name);
    let mut unknown: Vec<&str> = query.pairs().map(|(name, _)| name).filter(|name| !known(name)).collect();
    unknown.sort_unstable();
    unknown.dedup();
    if unknown.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = unknown.iter().map(|name| format!("'{name}'")).collect();
    Err(Fault::bad_request(format!("[{}] is invalid attribute for filtering", names.join(", "))))
}

/// The condition of one filter: any of `values`.
fn one(dialect: &Dialect, filter: &Filter, values: &[&str]) -> Result<Condition, Fault> {
    let column = filter.column;
    let any = |sql: String, value: &dyn Fn(&str) -> Result<SqlValue, Fault>| {
        let each = values.iter().map(|text| Ok(Condition::new(sql.clone(), [value(text)?])));
        each.collect::<Result<Vec<_>, Fault>>()
            .map(|parts| parts.into_iter().reduce(Condition::or).unwrap_or_else(Condition::none))
    };
    let number = |text: &str| text.parse::<i64>().map(SqlValue::Integer).map_err(|_| wrong(dialect, filter, text));
    let time = |text: &str| {
        parse_time(text)
            .map(|at| SqlValue::Integer(kit::time::to_micros(at)))
            .ok_or_else(|| wrong(dialect, filter, text))
    };
    let text = |text: &str| Ok(SqlValue::from(text));
    match filter.kind {
        FilterKind::Exact | FilterKind::Text => {
            Ok(Condition::is_in(column, values.iter().map(|text| SqlValue::from(*text))))
        }
        FilterKind::In => Ok(Condition::is_in(
            column,
            values.iter().flat_map(|list| list.split(',')).map(|text| SqlValue::from(text.trim())),
        )),
        FilterKind::Like => any(format!("instr({column}, ?) > 0"), &text),
        FilterKind::Prefix => any(format!("instr({column}, ?) = 1"), &text),
        FilterKind::Regex => any(format!("{column} REGEXP ?"), &|text| match regex::Regex::new(text) {
            Ok(_) => Ok(SqlValue::from(text)),
            Err(_) => Err(wrong(dialect, filter, text)),
        }),
        FilterKind::Bool => any(format!("{column} IS ?"), &|text| {
            boolean(text).map(SqlValue::from).ok_or_else(|| wrong(dialect, filter, text))
        }),
        FilterKind::Int => any(format!("{column} IS ?"), &number),
        FilterKind::IntMin => any(format!("{column} >= ?"), &number),
        FilterKind::IntMax => any(format!("{column} <= ?"), &number),
        FilterKind::Time => any(format!("{column} IS ?"), &time),
        FilterKind::TimeSince => any(format!("{column} >= ?"), &time),
        FilterKind::TimeBefore => any(format!("{column} <= ?"), &time),
        FilterKind::Handled => Ok(Condition::all()),
    }
}

/// A value that cannot be compared with.
fn wrong(dialect: &Dialect, filter: &Filter, text: &str) -> Fault {
    let name = filter.name;
    let format = match filter.kind {
        FilterKind::Regex => "regex",
        FilterKind::Bool => "boolean",
        FilterKind::Int | FilterKind::IntMin | FilterKind::IntMax => "integer",
        _ => "date-time",
    };
    Fault::bad_request(match dialect.api {
        Api::Nova | Api::Cinder => {
            format!("Invalid input for query parameters {name}. Value: {text}. '{text}' is not a '{format}'")
        }
        Api::Glance => format!("Invalid value for filter {name}: '{text}' is not a valid {format}."),
        _ => format!("Invalid input for {name}. Reason: '{text}' is not a valid {format}."),
    })
}

/// An ISO 8601 time as OpenStack takes it: `2026-11-22T13:30:34Z`, with an offset, without a zone (UTC), or a date alone.
#[must_use]
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    // A `+` of an offset may have come as a blank.
    let spaced = text.replace(' ', "+");
    let zoned = || spaced.parse::<Timestamp>().ok();
    let civil = || text.parse::<jiff::civil::DateTime>().ok();
    civil().and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(|at| at.timestamp()).or_else(zoned)
}

#[cfg(test)]
mod tests;
