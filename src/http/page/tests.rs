use proptest::prelude::*;

use super::*;
use crate::dialect;

const NAME: Sortable = Sortable { key: "display_name", column: "name" };
const CREATED: Sortable = Sortable { key: "created_at", column: "created_at" };
const ORDER: Order = Order {
    sortable: &[NAME, CREATED],
    default: &[(CREATED, Direction::Descending)],
    id: "id",
    required: &["created_at"],
};

fn of(dialect: &Dialect, query: &str) -> Result<Paging, String> {
    Paging::of(dialect, &Query::parse(query), &ORDER).map_err(|fault| fault.message().to_owned())
}

#[test]
fn limits_are_each_services_own() {
    let limit = |dialect: &Dialect, query: &str| of(dialect, query).map(|paging| paging.limit);
    assert_eq!(limit(&dialect::NOVA, ""), Ok(Some(1000)));
    assert_eq!(limit(&dialect::NOVA, "limit=5000"), Ok(Some(1000)));
    assert_eq!(limit(&dialect::CINDER, "limit=0"), Ok(Some(0)));
    assert_eq!(limit(&dialect::GLANCE, ""), Ok(Some(25)));
    assert_eq!(limit(&dialect::NEUTRON, "limit=0"), Ok(None));
    assert_eq!(limit(&dialect::NEUTRON, "limit=5000"), Ok(Some(5000)));
    assert_eq!(
        limit(&dialect::NOVA, "limit=-1"),
        Err("Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'".to_owned())
    );
    assert_eq!(limit(&dialect::GLANCE, "limit=-1"), Err("limit param must be positive".to_owned()));
}

#[test]
fn orders_end_with_the_id() {
    let order = |dialect: &Dialect, query: &str| of(dialect, query).map(|paging| paging.order_by());
    assert_eq!(order(&dialect::NOVA, "").unwrap(), "created_at DESC, id DESC");
    assert_eq!(
        order(&dialect::NOVA, "sort_key=display_name&sort_dir=asc&sort_key=created_at&sort_dir=desc").unwrap(),
        "name, created_at DESC, id DESC"
    );
    assert_eq!(order(&dialect::CINDER, "sort=display_name:asc,created_at").unwrap(), "name, created_at DESC, id DESC");
    assert_eq!(order(&dialect::NEUTRON, "sort_key=display_name&page_reverse=True").unwrap(), "name DESC, id DESC");
    assert_eq!(
        order(&dialect::NOVA, "sort_key=x").unwrap_err(),
        "Invalid input for query parameters sort_key. Value: x. 'x' is not one of ['display_name', 'created_at']"
    );
    assert_eq!(order(&dialect::CINDER, "sort=name;DROP TABLE x:asc").unwrap_err(), "Invalid sort key");
}

#[test]
fn the_condition_is_what_sqlite_sorts_by() {
    let paging = of(&dialect::NOVA, "sort_key=display_name&sort_dir=asc").unwrap();
    let condition = paging.after(&["b".into(), "id1".into()]);
    assert_eq!(condition.sql, "(name >= ?) AND ((name > ?) OR ((name IS ?) AND (id > ?)))");
    assert_eq!(condition.values, ["b".into(), "b".into(), "b".into(), "id1".into()]);
    let condition = paging.after(&[SqlValue::Null, "id1".into()]);
    assert_eq!(condition.sql, "(name IS NOT NULL) OR ((name IS ?) AND (id > ?))");
    let condition = of(&dialect::NOVA, "").unwrap().after(&[7.into(), "id1".into()]);
    assert_eq!(condition.sql, "(created_at <= ?) AND ((created_at < ?) OR ((created_at IS ?) AND (id < ?)))");
}

/// SQLite's comparison of what these tests hold: `NULL` first.
fn compare(left: &SqlValue, right: &SqlValue) -> std::cmp::Ordering {
    let key = |value: &SqlValue| match value {
        SqlValue::Integer(number) => Some(*number),
        _ => None,
    };
    key(left).cmp(&key(right))
}

/// Evaluates what [`Paging::after`] makes of rows `[a, id]`, as SQLite would.
fn holds(condition: &Condition, row: &[SqlValue]) -> bool {
    let mut values = condition.values.iter();
    let mut column = |name: &str, operator: &str| {
        let left = &row[usize::from(name == "id")];
        match operator {
            "IS NOT NULL" => *left != SqlValue::Null,
            "IS NULL" => *left == SqlValue::Null,
            "IS" => values.next().unwrap() == left,
            // The value is taken first, because each `?` takes one.
            ">" => compare(left, values.next().unwrap()).is_gt() && *left != SqlValue::Null,
            ">=" => compare(left, values.next().unwrap()).is_ge() && *left != SqlValue::Null,
            "<=" => compare(left, values.next().unwrap()).is_le() && *left != SqlValue::Null,
            _ => compare(left, values.next().unwrap()).is_lt() && *left != SqlValue::Null,
        }
    };
    // Every value must be taken in order, so nothing is skipped here.
    evaluate(&condition.sql, &mut column)
}

fn evaluate(sql: &str, column: &mut dyn FnMut(&str, &str) -> bool) -> bool {
    if let Some((left, operator, right)) = split(sql) {
        let (left, right) = (evaluate(left, column), evaluate(right, column));
        return if operator == "OR" { left || right } else { left && right };
    }
    match sql.split_once(" IS NOT NULL").or_else(|| sql.split_once(" IS NULL")) {
        Some((name, "")) => column(name, if sql.ends_with("NOT NULL") { "IS NOT NULL" } else { "IS NULL" }),
        _ => match sql.split(' ').collect::<Vec<_>>().as_slice() {
            ["0"] => false,
            ["1"] => true,
            [name, operator, "?"] => column(name, operator),
            other => panic!("{other:?}"),
        },
    }
}

/// `text` without the parentheses around it.
fn inner(text: &str) -> &str {
    text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text)
}

/// `(left) OR (right)` at the top, or the bare `a < ? OR a IS NULL`.
fn split(sql: &str) -> Option<(&str, &str, &str)> {
    let mut depth = 0;
    for (at, byte) in sql.bytes().enumerate() {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        for operator in ["OR", "AND"] {
            if depth == 0 && sql[at..].starts_with(&format!(" {operator} ")) {
                return Some((inner(&sql[..at]), operator, inner(&sql[at + operator.len() + 2..])));
            }
        }
    }
    None
}

proptest! {
    /// Walking through pages visits each row once, in order, in either direction, with nulls.
    #[test]
    fn pages_visit_every_row_once(
        columns in prop::collection::vec(prop::option::of(0i64..4), 0..20),
        limit in 1usize..5,
        descending: bool,
    ) {
        let direction = if descending { "desc" } else { "asc" };
        let query = format!("sort_key=display_name&sort_dir={direction}&limit={limit}");
        let paging = of(&dialect::NOVA, &query).unwrap();
        let mut rows: Vec<[SqlValue; 2]> = columns
            .iter()
            .enumerate()
            .map(|(id, column)| [SqlValue::from(*column), SqlValue::Integer(id as i64)])
            .collect();
        rows.sort_by(|left, right| {
            let order = compare(&left[0], &right[0]).then(compare(&left[1], &right[1]));
            if descending { order.reverse() } else { order }
        });
        let mut seen = Vec::new();
        let mut condition = Condition::all();
        loop {
            let fetch = usize::try_from(paging.fetch()).unwrap();
            let mut page: Vec<_> = rows.iter().filter(|row| holds(&condition, &row[..])).take(fetch).cloned().collect();
            let more = paging.cut(&mut page);
            prop_assert!(page.len() <= limit);
            seen.extend(page.clone());
            match page.last().filter(|_| more) {
                Some(last) => condition = paging.after(last),
                None => break,
            }
        }
        prop_assert_eq!(seen, rows);
    }

    #[test]
    fn no_query_puts_its_text_into_sql(text in "[ -~]{0,20}") {
        for dialect in [&dialect::NOVA, &dialect::CINDER, &dialect::NEUTRON, &dialect::GLANCE] {
            let query = Query::default().with("sort_key", &text).with("sort", &text).with("marker", &text);
            if let Ok(paging) = Paging::of(dialect, &query, &ORDER) {
                prop_assert!(paging.key_columns().all(|column| ["name", "created_at", "id"].contains(&column)));
            }
        }
    }
}
