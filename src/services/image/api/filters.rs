//! What a list of images is narrowed by: who may see what, and the query's filters.
//!
//! A parameter that is no attribute is a custom property. What a client sends is only ever bound.

use http_kit::filter::parse_time;
use http_kit::{Condition, Query, SqlValue};
use kit::{Fault, time};

use crate::domain::member::MemberStatus;
use crate::domain::visibility::{Viewer, Visibility};

/// What a query holds that is no filter.
const HANDLED: &[&str] =
    &["limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status", "tag", "os_hidden"];
/// Texts that are compared with one value, or with several (`in:`).
const LISTED: &[&str] = &["name", "id", "status", "container_format", "disk_format"];
const TEXTS: &[&str] = &["owner", "checksum", "os_hash_value"];
const NUMBERS: &[&str] = &["size", "virtual_size", "min_disk", "min_ram"];
const TIMES: &[&str] = &["created_at", "updated_at"];
const SECOND: i64 = 1_000_000;

/// The images that `query` asks for, of those that `viewer` sees.
///
/// # Errors
/// 400 for what cannot be compared with.
pub fn condition(query: &Query, viewer: &Viewer) -> Result<Condition, Fault> {
    let mut condition = seen(query, viewer)?.and(hidden(query)?);
    for tag in query.all("tag") {
        let has = "EXISTS (SELECT 1 FROM image_tags t WHERE t.image_id = image_images.id AND t.tag = ?)";
        condition = condition.and(Condition::new(has, [tag.trim().into()]));
    }
    let mut names: Vec<&str> = query.pairs().map(|(name, _)| name).filter(|name| !HANDLED.contains(name)).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        condition = condition.and(one(name, query.get(name).unwrap_or_default())?);
    }
    Ok(condition)
}

/// What `viewer` sees in a list: see [`crate::domain::visibility`].
fn seen(query: &Query, viewer: &Viewer) -> Result<Condition, Fault> {
    let own = || match &viewer.project {
        Some(project) => Condition::is("owner", project.as_str()),
        None => Condition::none(),
    };
    let open = || Condition::is_in("visibility", ["public".into(), "community".into()]);
    let allowed = match viewer.admin {
        true => Condition::all(),
        false => open().or(own()).or(shared(query, viewer)?),
    };
    let asked = match query.get("visibility") {
        Some("all") => Condition::all(),
        Some(text) if Visibility::parse(text).is_some() => Condition::is("visibility", text),
        Some(text) if !text.is_empty() => {
            return Err(Fault::bad_request(format!("Invalid visibility value: {text}")));
        }
        // A community image is found by whoever looks for it.
        _ => Condition::new("visibility <> 'community'", []).or(own()),
    };
    Ok(allowed.and(asked))
}

/// Shared with the viewer's project, which has said what `member_status` asks for.
fn shared(query: &Query, viewer: &Viewer) -> Result<Condition, Fault> {
    let said = query.get("member_status").unwrap_or("accepted");
    let status = match said {
        "all" => "",
        _ => MemberStatus::parse(said).ok_or_else(|| Fault::bad_request(format!("Invalid status: {said}")))?.as_str(),
    };
    let Some(project) = &viewer.project else { return Ok(Condition::none()) };
    let members = "visibility = 'shared' AND id IN (SELECT m.image_id FROM image_members m WHERE m.member_id = ? \
                   AND ? IN ('', m.status))";
    Ok(Condition::new(members, [project.as_str().into(), status.into()]))
}

fn hidden(query: &Query) -> Result<Condition, Fault> {
    let text = query.get("os_hidden").unwrap_or("false").to_ascii_lowercase();
    truth("os_hidden", &text)
}

fn truth(name: &'static str, text: &str) -> Result<Condition, Fault> {
    match text {
        "true" => Ok(Condition::is(name, true)),
        "false" => Ok(Condition::is(name, false)),
        _ => Err(Fault::bad_request(format!(
            "Invalid value '{text}' for '{name}' filter. Valid values are 'true' or 'false'."
        ))),
    }
}

/// The condition of the parameter `name`.
fn one(name: &str, text: &str) -> Result<Condition, Fault> {
    let known = |names: &[&'static str]| names.iter().copied().find(|known| *known == name);
    if let Some(column) = known(LISTED) {
        return listed(column, text);
    }
    if let Some(column) = known(TIMES) {
        return moment(column, text);
    }
    if let Some(column) = known(TEXTS) {
        return Ok(Condition::is(column, text));
    }
    if let Some(column) = known(NUMBERS) {
        // What is no number equals none.
        return Ok(text.parse::<i64>().map_or_else(|_| Condition::none(), |number| Condition::is(column, number)));
    }
    match name {
        "protected" => truth("protected", text),
        "os_hash_algo" => Ok(Condition::new("os_hash_value IS NOT NULL AND ? = 'sha512'", [SqlValue::from(text)])),
        "changes-since" => Err(Fault::bad_request("The \"changes-since\" filter is no longer available on v2.")),
        _ => match range(name) {
            Some((column, operator)) => between(column, operator, text),
            None => Ok(property(name, text)),
        },
    }
}

/// The column and the operator of `size_min`, `min_ram_max` and their like.
fn range(name: &str) -> Option<(&'static str, &'static str)> {
    let (column, operator) = match (name.strip_suffix("_min"), name.strip_suffix("_max")) {
        (Some(column), _) => (column, ">="),
        (None, column) => (column?, "<="),
    };
    Some((NUMBERS.iter().find(|number| **number == column)?, operator))
}

fn between(column: &str, operator: &str, text: &str) -> Result<Condition, Fault> {
    let number: i64 =
        text.trim().parse().map_err(|_| Fault::bad_request("Unable to filter on a range with a non-numeric value."))?;
    Ok(Condition::new(format!("{column} {operator} ?"), [number.into()]))
}

fn property(name: &str, text: &str) -> Condition {
    let has =
        "EXISTS (SELECT 1 FROM image_properties p WHERE p.image_id = image_images.id AND p.name = ? AND p.value = ?)";
    Condition::new(has, [SqlValue::from(name), SqlValue::from(text)])
}

/// The operator that stands before a colon, and what it is compared with; a time has colons of its own.
fn operator(text: &str) -> (&str, &str) {
    match text.split_once(':') {
        Some(split) if parse_time(text).is_none() => split,
        _ => ("eq", text),
    }
}

fn listed(column: &'static str, text: &str) -> Result<Condition, Fault> {
    match operator(text) {
        ("eq", text) => Ok(Condition::is(column, text)),
        ("in", list) => Ok(Condition::is_in(column, values(list)?.into_iter().map(SqlValue::from))),
        (other, _) => Err(Fault::bad_request(format!("Unable to filter by unknown operator '{other}'."))),
    }
}

/// A moment, to the second, as images show it.
fn moment(column: &str, text: &str) -> Result<Condition, Fault> {
    let (operator, text) = operator(text);
    let at = parse_time(text).ok_or_else(|| {
        Fault::bad_request(format!("Bad \"{column}\" query filter format. Use ISO 8601 DateTime notation."))
    })?;
    let from = time::to_micros(at).div_euclid(SECOND) * SECOND;
    let to = from + SECOND;
    let (sql, values) = match operator {
        "eq" => (format!("{column} >= ? AND {column} < ?"), vec![from, to]),
        "neq" => (format!("{column} < ? OR {column} >= ?"), vec![from, to]),
        "gt" => (format!("{column} >= ?"), vec![to]),
        "gte" => (format!("{column} >= ?"), vec![from]),
        "lt" => (format!("{column} < ?"), vec![from]),
        "lte" => (format!("{column} < ?"), vec![to]),
        _ => return Err(Fault::bad_request("Unable to filter on a unknown operator.")),
    };
    Ok(Condition::new(sql, values.into_iter().map(SqlValue::from)))
}

/// The values of `in:`, separated by commas; one with commas in it stands in quotes, in which a backslash keeps the
/// character after it from having a meaning.
fn values(list: &str) -> Result<Vec<String>, Fault> {
    let wrong = |what: &str| Fault::bad_request(format!("Invalid filter value {list}. {what}"));
    let (mut values, mut rest) = (Vec::new(), list);
    loop {
        let value = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = unquote(quoted).ok_or_else(|| wrong("The quote is not closed."))?;
                rest = after;
                if !rest.is_empty() && !rest.starts_with(',') {
                    return Err(wrong("There is no comma after closing quotation mark."));
                }
                value
            }
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (value, after) = rest.split_at(end);
                rest = after;
                if value.contains('"') {
                    return Err(wrong("There is no comma before opening quotation mark."));
                }
                value.to_owned()
            }
        };
        values.push(value);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Ok(values),
        }
    }
}

/// What stands before the closing quote, with backslashes kept as Glance keeps them, and what after it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    for (index, character) in quoted.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((quoted.get(..index)?.to_owned(), quoted.get(index + 1..)?)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use kit::ids::ProjectId;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_of_values_are_split_at_commas_outside_of_quotes() {
        let split = |list: &str| values(list).map_err(|fault| fault.message().to_owned());
        assert_eq!(split("a,b").unwrap(), ["a", "b"]);
        assert_eq!(split(r#""a,b",c"#).unwrap(), ["a,b", "c"]);
        assert_eq!(split(r#"a,"b\"c""#).unwrap(), ["a", r#"b\"c"#]);
        assert_eq!(split("a,,b").unwrap(), ["a", "", "b"]);
        for wrong in [r#""a"#, r#""a"b"#, r#"a"b""#, r#"a,b"c""#] {
            assert!(split(wrong).unwrap_err().starts_with("Invalid filter value"), "{wrong}");
        }
    }

    #[test]
    fn times_have_operators_and_colons() {
        let at = 1_767_225_600_000_000;
        let of = |text: &str| moment("created_at", text).map(|condition| (condition.sql, condition.values));
        let whole = "created_at >= ? AND created_at < ?".to_owned();
        for same in ["2026-01-01T00:00:00Z", "eq:2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"] {
            assert_eq!(of(same).unwrap(), (whole.clone(), vec![at.into(), (at + SECOND).into()]));
        }
        assert_eq!(of("gt:2026-01-01T00:00:00Z").unwrap(), ("created_at >= ?".to_owned(), vec![(at + SECOND).into()]));
        for wrong in ["yesterday", "gt:", "about:2026-01-01T00:00:00Z"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_query_is_put_into_the_sql(text in "[a-z_]{0,9}(=[ -~]{0,12})?(&[a-z_]{0,9}=[ -~]{0,12}){0,3}") {
            let viewer = Viewer { admin: false, project: Some(ProjectId::new("p")) };
            if let Ok(condition) = condition(&Query::parse(&text), &viewer) {
                prop_assert_eq!(condition.sql.matches('?').count(), condition.values.len());
            }
        }
    }
}
