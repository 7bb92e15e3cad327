use proptest::prelude::*;

use super::*;
use crate::dialect;

const FILTERS: &[Filter] = &[
    Filter::new("name", "s.name", FilterKind::Regex),
    Filter::new("status", "s.status", FilterKind::Exact),
    Filter::new("ids", "s.id", FilterKind::In),
    Filter::new("shared", "s.shared", FilterKind::Bool),
    Filter::new("size_min", "s.size", FilterKind::IntMin),
    Filter::new("changes-since", "s.updated_at", FilterKind::TimeSince),
    Filter::new("part", "s.name", FilterKind::Like),
    Filter::new("ip", "", FilterKind::Handled),
];

fn of_query(dialect: &Dialect, query: &str) -> Result<Condition, String> {
    of(dialect, &Query::parse(query), FILTERS).map_err(|fault| fault.message().to_owned())
}

#[test]
fn filters_become_conditions_with_bound_values() {
    let condition = of_query(&dialect::NOVA, "name=%5Ea&status=ACTIVE&status=ERROR&bogus=1&limit=3").unwrap();
    assert_eq!(condition.sql, "(s.name REGEXP ?) AND (s.status IS ?)");
    assert_eq!(condition.values, ["^a".into(), "ERROR".into()]);
    let condition = of_query(&dialect::NEUTRON, "status=ACTIVE&status=DOWN&shared=True&ids=a,b&ip=1").unwrap();
    assert_eq!(condition.sql, "((s.status IN (?, ?)) AND (s.id IN (?, ?))) AND (s.shared IS ?)");
    assert_eq!(of_query(&dialect::CINDER, "").unwrap(), Condition::all());
    assert_eq!(
        of_query(&dialect::GLANCE, "size_min=3&part=x").unwrap().sql,
        "(s.size >= ?) AND (instr(s.name, ?) > 0)"
    );
}

#[test]
fn keystones_comparators_look_for_a_part() {
    const NAME: &[Filter] = &[Filter::new("name", "name", FilterKind::Text)];
    let condition = |query: &str| of(&dialect::KEYSTONE, &Query::parse(query), NAME).unwrap();
    assert_eq!(condition("name=a").sql, "name IS ?");
    for (query, pattern) in [
        ("name__contains=a.b", r"a\.b"),
        ("name__icontains=A", "(?i)A"),
        ("name__startswith=a", r"\Aa"),
        ("name__istartswith=a", r"(?i)\Aa"),
        ("name__endswith=a", r"a\z"),
        ("name__iendswith=%C3%84", r"(?i)Ä\z"),
    ] {
        let condition = condition(query);
        assert_eq!((condition.sql.as_str(), &condition.values), ("name REGEXP ?", &vec![pattern.into()]), "{query}");
    }
    assert_eq!(condition("name__like=a&names__contains=a&name__=a"), Condition::all());
    assert_eq!(condition("name__startswith=a&name__endswith=b").values.len(), 2);
    assert_eq!(condition(&format!("name__icontains={}", "x".repeat(5000))), Condition::none());
}

#[test]
fn what_cannot_be_compared_with_is_refused_in_the_services_words() {
    assert_eq!(
        of_query(&dialect::NOVA, "name=%5B").unwrap_err(),
        "Invalid input for query parameters name. Value: [. '[' is not a 'regex'"
    );
    assert_eq!(
        of_query(&dialect::NOVA, "changes-since=x").unwrap_err(),
        "Invalid input for query parameters changes-since. Value: x. 'x' is not a 'date-time'"
    );
    assert_eq!(
        of_query(&dialect::NEUTRON, "bogus=1&fields=id").unwrap_err(),
        "['bogus'] is invalid attribute for filtering"
    );
}

#[test]
fn times_come_in_several_forms() {
    let expected = "2026-11-22T13:30:34Z".parse().ok();
    for text in [
        "2026-11-22T13:30:34Z",
        "2026-11-22T13:30:34",
        "2026-11-22 13:30:34",
        "2026-11-22T14:30:34+01:00",
        "2026-11-22T14:30:34 01:00",
    ] {
        assert_eq!(parse_time(text), expected, "{text}");
    }
    assert_eq!(parse_time("2026-11-22"), "2026-11-22T00:00:00Z".parse().ok());
    assert_eq!(parse_time("yesterday"), None);
}

proptest! {
    #[test]
    fn clients_text_is_only_ever_bound(name in "[a-z'\"; -]{1,12}", value in "[ -~]{0,12}") {
        for filter in FILTERS {
            let query = Query::default().with(filter.name, &value).with(&name, &value);
            if let Ok(condition) = of(&dialect::NOVA, &query, FILTERS) {
                let marks = condition.sql.matches('?').count();
                prop_assert_eq!(marks, condition.values.len());
                prop_assert!(!condition.sql.contains(['\'', '"', ';']));
            }
        }
    }
}
