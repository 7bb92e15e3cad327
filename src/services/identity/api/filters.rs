//! The filters that all of Keystone's lists have: exact ones (`name=a`) and inexact ones (`name__icontains=a`).

use http_kit::{Condition, Query, Request, SqlValue};

/// The condition that the query makes of `columns`, which are named like its parameters.
pub(super) fn conditions(request: &Request, columns: &[&'static str]) -> Condition {
    of(request.query(), columns)
}

fn of(query: &Query, columns: &[&'static str]) -> Condition {
    let conditions = query.pairs().filter_map(|(name, value)| {
        let column = columns.iter().find(|column| name.strip_prefix(**column).is_some_and(is_comparator))?;
        let comparator = name.strip_prefix(*column)?.strip_prefix("__");
        comparator.map_or_else(|| Some(Condition::is(column, value)), |comparator| inexact(column, comparator, value))
    });
    conditions.fold(Condition::all(), Condition::and)
}

fn is_comparator(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with("__")
}

/// None for a comparator that is not known: Keystone ignores it.
fn inexact(column: &'static str, comparator: &str, value: &str) -> Option<Condition> {
    let (either_case, comparator) = match comparator.strip_prefix('i') {
        Some(comparator) => (true, comparator),
        None => (false, comparator),
    };
    let (column, value) = match either_case {
        true => (format!("lower({column})"), value.to_lowercase()),
        false => (column.to_owned(), value.to_owned()),
    };
    let once = [SqlValue::from(value.as_str())];
    match comparator {
        "contains" => Some(Condition::new(format!("instr({column}, ?) > 0"), once)),
        "startswith" => Some(Condition::new(format!("instr({column}, ?) = 1"), once)),
        "endswith" => {
            let twice = [SqlValue::from(value.as_str()), SqlValue::from(value.as_str())];
            Some(Condition::new(format!("substr({column}, -length(?)) = ?"), twice))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(query: &str) -> String {
        of(&Query::parse(query), &["name", "type"]).sql
    }

    #[test]
    fn what_is_known_becomes_sql() {
        assert_eq!(sql(""), "1");
        assert_eq!(sql("name=a"), "name IS ?");
        assert_eq!(sql("name__icontains=A"), "instr(lower(name), ?) > 0");
        assert_eq!(sql("type__endswith=a"), "substr(type, -length(?)) = ?");
        assert_eq!(sql("name__startswith=a&type=b"), "(instr(name, ?) = 1) AND (type IS ?)");
    }

    #[test]
    fn what_is_not_known_is_ignored() {
        assert_eq!(sql("names=a&other=b&name__like=c&name__=d"), "1");
    }
}
