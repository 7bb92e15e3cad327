//! Which objects and fields are printed.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::cli::output::column;

const COLUMNS: &[Column] = &[
    column("Name", |v| text(v, "/name")),
    column("Size", |v| text(v, "/size") + " GiB"),
    column("Attached to", |v| text(v, "/attachments/0/server_id")),
];

fn things() -> Vec<Value> {
    vec![
        json!({"id": "1", "name": "web-1", "size": 20, "bootable": true, "attachments": [{"server_id": "s9"}]}),
        json!({"id": "2", "name": "db", "size": 3, "bootable": false, "flavor": {"name": "tiny"}}),
        json!({"id": "3", "name": "Web-2", "size": 100, "bootable": true}),
    ]
}

fn names(view: &View) -> Vec<String> {
    let things = things();
    view.chosen(&things, COLUMNS).unwrap().iter().map(|thing| text(thing, "/name")).collect()
}

fn filtered(by: &str) -> Vec<String> {
    names(&View { filters: vec![filter(by).unwrap()], ..View::default() })
}

fn sorted(by: &str) -> Vec<String> {
    names(&View { sort: Some(sort(by).unwrap()), ..View::default() })
}

#[test]
fn what_matches_is_left() {
    assert_eq!(filtered("name=web*"), ["web-1", "Web-2"]);
    assert_eq!(filtered("name!=web*"), ["db"]);
    assert_eq!(filtered("size=20"), filtered("size=20 gib"));
    assert_eq!(filtered("bootable=true"), ["web-1", "Web-2"]);
    assert_eq!(filtered("bootable=yes"), filtered("bootable!=false"));
    assert_eq!(filtered("attached-to=s?"), ["web-1"]);
    assert_eq!(filtered("attached-to="), ["db", "Web-2"]);
    assert_eq!(filtered("flavor.name=tiny"), ["db"]);
}

#[test]
fn numbers_are_sorted_by_their_value() {
    assert_eq!(sorted("size"), ["db", "web-1", "Web-2"]);
    assert_eq!(sorted("-size"), ["Web-2", "web-1", "db"]);
    assert_eq!(sorted("name"), ["db", "web-1", "Web-2"]);
}

#[test]
fn a_column_that_is_not_there_is_an_error_that_names_those_that_are() {
    let things = things();
    let view = View { filters: vec![filter("colour=red").unwrap()], ..View::default() };
    let problem = view.chosen(&things, COLUMNS).unwrap_err();
    assert_eq!(problem.text, "there is no column colour");
    assert_eq!(problem.hint.unwrap(), "there are name, size, attached-to, and the fields that -o json shows");
    // Of nothing nobody knows what it has.
    assert!(view.chosen(&[], COLUMNS).unwrap().is_empty());
    assert!(filter("x").is_err() && filter("=x").is_err() && sort("-").is_err());
}

#[test]
fn programs_get_the_apis_own_values() {
    let view = View { columns: vec!["name".into(), "size".into(), "attached-to".into()], ..View::default() };
    assert_eq!(view.part(&things()[0], COLUMNS).unwrap(), json!({"name": "web-1", "size": 20, "attached-to": "s9"}));
}

proptest! {
    #[test]
    fn a_text_is_like_itself_with_any_part_starred(text in "[a-c?]{0,12}", from in 0usize..12, len in 0usize..12) {
        let from = from.min(text.len());
        let to = (from + len).min(text.len());
        prop_assert!(glob(&text, &text));
        let starred = format!("{}*{}", &text[..from], &text[to..]);
        prop_assert!(glob(&starred, &text));
        let more = format!("{}x", text);
        prop_assert!(!glob(&text, &more));
    }
}
