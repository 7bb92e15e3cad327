//! Pagination by key: what a list request asks for, the SQL for it, and the links to the pages around.
//!
//! A page begins after the row that the marker names: the service reads that row's sort columns and passes them to
//! [`Paging::after`]. One row more than the page holds is fetched, so that whether there is another page is known
//! without counting. The id always comes last in the order, which makes it total. No `OFFSET` but where Cinder's API has one.

use kit::Fault;
use serde_json::{Value, json};

use crate::dialect::{Api, Dialect};
use crate::query::{Query, boolean};
use crate::request::Request;
use crate::sql::{Condition, SqlValue};

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Direction {
    fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// What a resource can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sortable {
    /// The API's name.
    pub key: &'static str,
    /// The SQL column.
    pub column: &'static str,
}

/// What a resource is sorted by when nothing is asked for, and its id.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// What can be asked for.
    pub sortable: &'static [Sortable],
    /// The default order.
    pub default: &'static [(Sortable, Direction)],
    /// The id's column, which ends every order.
    pub id: &'static str,
    /// Columns besides the id that are never `NULL`: a page in their order is found in an index at once.
    pub required: &'static [&'static str],
}

/// What a list request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// The page's size; nothing: no limit.
    pub limit: Option<usize>,
    /// Whether the request itself named a limit.
    pub limit_asked: bool,
    /// The id of the row before the page.
    pub marker: Option<String>,
    /// The columns in their order; the id is last.
    pub sort: Vec<(&'static str, Direction)>,
    /// Whether the page *before* the marker is wanted (Neutron).
    pub reverse: bool,
    /// Rows to skip (Cinder).
    pub offset: usize,
    /// Those of the columns that are never `NULL`.
    required: Vec<&'static str>,
}

impl Paging {
    /// Reads the request's paging as its service does.
    ///
    /// # Errors
    /// A 400 in the service's words.
    pub fn parse(request: &Request, order: &Order) -> Result<Self, Fault> {
        Self::of(request.dialect(), request.query(), order)
    }

    /// Reads a query's paging as `dialect` does.
    ///
    /// # Errors
    /// A 400 in the service's words.
    pub fn of(dialect: &Dialect, query: &Query, order: &Order) -> Result<Self, Fault> {
        let asked = limit(dialect, query)?;
        let reverse = dialect.api == Api::Neutron && query.get("page_reverse").and_then(boolean).unwrap_or(false);
        let offset = match query.get("offset").filter(|_| dialect.api == Api::Cinder) {
            None => 0,
            Some(text) => text.parse().map_err(|_| invalid(dialect, "offset", text))?,
        };
        Ok(Self {
            limit: asked.map(|asked| asked.min(max(dialect))).or_else(|| unasked(dialect)),
            limit_asked: asked.is_some(),
            marker: query.get("marker").filter(|marker| !marker.is_empty()).map(str::to_owned),
            sort: sort(dialect, query, order)?,
            reverse,
            offset,
            required: order.required.iter().copied().chain([order.id]).collect(),
        })
    }

    /// How many rows to fetch: one more than the page holds. `-1` for all, as SQLite's `LIMIT` has it.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        self.limit.and_then(|limit| i64::try_from(limit).ok()).map_or(-1, |limit| limit.saturating_add(1))
    }

    /// Cuts off the row that was fetched too many, puts a reversed page the right way round,
    /// and says whether there is more in the direction of travel.
    pub fn cut<T>(&self, rows: &mut Vec<T>) -> bool {
        let more = self.limit.is_some_and(|limit| rows.len() > limit);
        if let Some(limit) = self.limit {
            rows.truncate(limit);
        }
        if self.reverse {
            rows.reverse();
        }
        more
    }

    /// What stands after `ORDER BY`.
    #[must_use]
    pub fn order_by(&self) -> String {
        let column = |(column, direction): (&str, Direction)| match direction {
            Direction::Ascending => column.to_owned(),
            Direction::Descending => format!("{column} DESC"),
        };
        self.directions().map(column).collect::<Vec<_>>().join(", ")
    }

    /// The columns whose values of the marker's row [`Paging::after`] wants, in order.
    pub fn key_columns(&self) -> impl Iterator<Item = &'static str> {
        self.sort.iter().map(|(column, _)| *column)
    }

    /// Holds for the rows after the one whose key columns are `key`. `NULL` sorts first, as in SQLite.
    #[must_use]
    pub fn after(&self, key: &[SqlValue]) -> Condition {
        let mut condition = Condition::none();
        let mut same = Condition::all();
        for ((column, direction), value) in self.directions().zip(key) {
            let here = same.clone().and(self.beyond(column, direction, value));
            condition = if condition == Condition::none() { here } else { condition.or(here) };
            same = same.and(Condition::is(column, value.clone()));
        }
        self.from(key).and(condition)
    }

    /// What [`after`](Self::after) implies of the first column alone, where an index can be searched for it: no
    /// database finds that out from a chain of `OR`s, and would walk through all the pages before.
    fn from(&self, key: &[SqlValue]) -> Condition {
        match (self.directions().next(), key.first()) {
            (None, _) | (_, None | Some(SqlValue::Null)) => Condition::all(),
            (Some((column, Direction::Ascending)), Some(value)) => {
                Condition::new(format!("{column} >= ?"), [value.clone()])
            }
            (Some((column, Direction::Descending)), Some(value)) if self.required.contains(&column) => {
                Condition::new(format!("{column} <= ?"), [value.clone()])
            }
            (Some(_), Some(_)) => Condition::all(),
        }
    }

    fn beyond(&self, column: &'static str, direction: Direction, value: &SqlValue) -> Condition {
        match (direction, value) {
            (Direction::Ascending, SqlValue::Null) => Condition::new(format!("{column} IS NOT NULL"), []),
            (Direction::Ascending, value) => Condition::new(format!("{column} > ?"), [value.clone()]),
            (Direction::Descending, SqlValue::Null) => Condition::none(),
            (Direction::Descending, value) if self.required.contains(&column) => {
                Condition::new(format!("{column} < ?"), [value.clone()])
            }
            (Direction::Descending, value) => {
                Condition::new(format!("{column} < ? OR {column} IS NULL"), [value.clone()])
            }
        }
    }

    /// The order in which rows are fetched.
    fn directions(&self) -> impl Iterator<Item = (&'static str, Direction)> {
        let reverse = self.reverse;
        self.sort
            .iter()
            .map(move |(column, direction)| (*column, if reverse { direction.reversed() } else { *direction }))
    }

    /// The links that Nova and Cinder put into `<name>_links`, after a page of `count` items that ends
    /// with `last`; nothing where it is the last page.
    #[must_use]
    pub fn next_links(&self, request: &Request, count: usize, last: &str) -> Option<Value> {
        let full = count > 0 && self.limit.is_some_and(|limit| limit > 0 && count >= limit);
        let href = || href(request, &request.query().clone().with("marker", last));
        full.then(|| json!([{ "rel": "next", "href": href() }]))
    }

    /// Glance's `first` and `next`, relative to the service's root.
    #[must_use]
    pub fn relative_links(&self, request: &Request, count: usize, last: &str) -> (String, Option<String>) {
        let path = request.path.strip_prefix(request.dialect().mount).unwrap_or(&request.path);
        let link = |query: &Query| {
            if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.encode()) }
        };
        let first = link(&request.query().clone().without("marker"));
        let full = count > 0 && self.limit.is_some_and(|limit| limit > 0 && count >= limit);
        (first, full.then(|| link(&request.query().clone().with("marker", last))))
    }

    /// The links that Neutron puts into `<name>_links` after a page from `first` to `last`; nothing where no limit was asked for.
    #[must_use]
    pub fn both_links(&self, request: &Request, count: usize, first: &str, last: &str) -> Option<Value> {
        let limit = self.limit.filter(|limit| self.limit_asked && *limit > 0)?;
        let mut links = Vec::new();
        let base = || request.query().clone().without("page_reverse").without("marker");
        let marked = |query: Query, id: &str| if count > 0 { query.with("marker", id) } else { query };
        if count >= limit || self.reverse {
            links.push(json!({ "rel": "next", "href": href(request, &marked(base(), last)) }));
        }
        if count >= limit || !self.reverse {
            let query = marked(base(), first).with("page_reverse", "True");
            links.push(json!({ "rel": "previous", "href": href(request, &query) }));
        }
        Some(Value::Array(links))
    }

    /// Keystone's `links` after a page of `count` items that ends with `last`.
    #[must_use]
    pub fn keystone_links(&self, request: &Request, count: usize, last: &str) -> Value {
        let full = count > 0 && self.limit_asked && self.limit.is_some_and(|limit| count >= limit);
        let next = full.then(|| href(request, &request.query().clone().with("marker", last)));
        json!({ "next": next, "self": href(request, request.query()), "previous": null })
    }

    /// Whether Keystone says that the list of `count` items was `truncated`.
    #[must_use]
    pub fn is_truncated(&self, count: usize) -> bool {
        self.limit_asked && self.limit.is_some_and(|limit| count >= limit)
    }
}

fn href(request: &Request, query: &Query) -> String {
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{}{}{separator}{}", request.public_url(), request.path, query.encode())
}

fn max(dialect: &Dialect) -> usize {
    match dialect.api {
        Api::Neutron | Api::Keystone | Api::Placement => usize::MAX,
        _ => usize::try_from(dialect.max_limit).unwrap_or(usize::MAX),
    }
}

fn unasked(dialect: &Dialect) -> Option<usize> {
    match (dialect.api, dialect.default_limit) {
        (_, Some(limit)) => usize::try_from(limit).ok(),
        (Api::Nova | Api::Cinder, None) => Some(max(dialect)),
        _ => None,
    }
}

/// The limit that is asked for. Neutron's and Keystone's 0 is none; the others' is an empty page.
fn limit(dialect: &Dialect, query: &Query) -> Result<Option<usize>, Fault> {
    let Some(text) = query.get("limit") else { return Ok(None) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().unwrap_or(usize::MAX) } else { return Err(invalid(dialect, "limit", text)) };
    let none = matches!(dialect.api, Api::Neutron | Api::Keystone) && number == 0;
    Ok(Some(number).filter(|_| !none))
}

fn invalid(dialect: &Dialect, name: &str, text: &str) -> Fault {
    let negative = text.strip_prefix('-').is_some_and(|rest| rest.parse::<u64>().is_ok());
    Fault::bad_request(match dialect.api {
        Api::Nova | Api::Cinder => {
            format!("Invalid input for query parameters {name}. Value: {text}. '{text}' does not match '^[0-9]*$'")
        }
        Api::Glance if negative => format!("{name} param must be positive"),
        Api::Glance => format!("{name} param must be an integer"),
        Api::Neutron => format!(
            "Bad {name} request: Invalid input for operation: '{name}' must be an integer 0 or greater, not '{text}'."
        ),
        Api::Keystone | Api::Placement | Api::Cloudbox => {
            format!("Invalid input for field/attribute {name}. Value: {text}. '{text}' is not of type 'integer'")
        }
    })
}

fn sort(dialect: &Dialect, query: &Query, order: &Order) -> Result<Vec<(&'static str, Direction)>, Fault> {
    let mut sort = Vec::<(&'static str, Direction)>::new();
    for (key, direction) in asked_sort(dialect, query)? {
        let known = order.sortable.iter().find(|sortable| sortable.key == key);
        let column = known.ok_or_else(|| unknown_key(dialect, &key, order))?.column;
        if !sort.iter().any(|(other, _)| *other == column) {
            sort.push((column, direction));
        }
    }
    if sort.is_empty() {
        sort.extend(order.default.iter().map(|(sortable, direction)| (sortable.column, *direction)));
    }
    if dialect.api == Api::Glance {
        // What is the same by the keys that are asked for comes by age, the newest first but where all goes up.
        let up = sort.iter().all(|(_, direction)| *direction == Direction::Ascending);
        let direction = if up { Direction::Ascending } else { Direction::Descending };
        let missing =
            order.default.iter().filter(|(default, _)| sort.iter().all(|(column, _)| *column != default.column));
        let missing: Vec<_> = missing.map(|(default, _)| (default.column, direction)).collect();
        sort.extend(missing);
    }
    if !sort.iter().any(|(column, _)| *column == order.id) {
        let last = sort.last().map_or(Direction::Ascending, |(_, direction)| *direction);
        sort.push((order.id, last));
    }
    Ok(sort)
}

/// The keys and directions that are asked for, in either form.
fn asked_sort(dialect: &Dialect, query: &Query) -> Result<Vec<(String, Direction)>, Fault> {
    let default = if dialect.api == Api::Neutron { Direction::Ascending } else { Direction::Descending };
    let direction = |text: &str| match text.to_ascii_lowercase().as_str() {
        "asc" => Ok(Direction::Ascending),
        "desc" => Ok(Direction::Descending),
        _ => Err(unknown_direction(dialect, text)),
    };
    if let Some(combined) = query.get("sort").filter(|_| matches!(dialect.api, Api::Cinder | Api::Glance)) {
        if dialect.api == Api::Glance && (query.has("sort_key") || query.has("sort_dir")) {
            return Err(Fault::bad_request("Old and new sorting syntax cannot be combined"));
        }
        let part = |part: &str| match part.trim().split_once(':') {
            Some((key, text)) => Ok((key.trim().to_owned(), direction(text.trim())?)),
            None => Ok((part.trim().to_owned(), default)),
        };
        return combined.split(',').filter(|text| !text.trim().is_empty()).map(part).collect();
    }
    let directions = query.all("sort_dir").map(direction).collect::<Result<Vec<_>, _>>()?;
    let last = directions.last().copied().unwrap_or(default);
    let keys = query.all("sort_key").enumerate();
    if dialect.api == Api::Glance && directions.len() > 1 && directions.len() != query.all("sort_key").count() {
        return Err(Fault::bad_request("Number of sort dirs does not match the number of sort keys"));
    }
    Ok(keys.map(|(index, key)| (key.trim().to_owned(), directions.get(index).copied().unwrap_or(last))).collect())
}

fn unknown_key(dialect: &Dialect, key: &str, order: &Order) -> Fault {
    let keys: Vec<String> = order.sortable.iter().map(|sortable| format!("'{}'", sortable.key)).collect();
    Fault::bad_request(match dialect.api {
        Api::Nova => format!(
            "Invalid input for query parameters sort_key. Value: {key}. '{key}' is not one of [{}]",
            keys.join(", ")
        ),
        Api::Cinder => "Invalid sort key".to_owned(),
        Api::Glance => {
            format!("Invalid sort key: {key}. It must be one of the following: {}.", keys.join(", ").replace('\'', ""))
        }
        _ => format!("['{key}'] is invalid attribute for sort_key"),
    })
}

fn unknown_direction(dialect: &Dialect, text: &str) -> Fault {
    Fault::bad_request(match dialect.api {
        Api::Nova | Api::Cinder => format!(
            "Invalid input for query parameters sort_dir. Value: {text}. '{text}' is not one of ['asc', 'desc']"
        ),
        Api::Glance => format!("Invalid sort direction: {text}"),
        _ => format!("Invalid input for sort_dirs. '{text}' is not one of ['asc', 'desc']"),
    })
}

#[cfg(test)]
mod tests;
