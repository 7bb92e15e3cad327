//! Patches.

use kit::FaultKind;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::image::Status;

fn image() -> Image {
    let mut image = Image::new("i".into(), Some("p".into()), Timestamp::UNIX_EPOCH);
    image.properties = [("p1".to_owned(), "v".to_owned()), ("os_glance_x".to_owned(), "y".to_owned())].into();
    image
}

fn patched_in(draft: Draft, body: Value) -> Result<Image, Fault> {
    let mut image = image();
    apply_all(&mut image, &parse(&body, draft)?)?;
    Ok(image)
}

fn patched(body: Value) -> Result<Image, Fault> {
    patched_in(Draft::Tenth, body)
}

#[test]
fn attributes_and_properties_are_set_and_removed() {
    let image = patched(json!([
        { "op": "replace", "path": "/name", "value": "new" },
        { "op": "add", "path": "/p~1two~01", "value": "x" },
        { "op": "remove", "path": "/p1" },
        { "op": "replace", "path": "/tags", "value": ["b", "a", "b"] },
        { "op": "add", "path": "/min_ram", "value": 64 },
    ]))
    .unwrap();
    assert_eq!((image.name.as_deref(), image.min_ram), (Some("new"), 64));
    let properties = [("p/two~1", "x"), ("os_glance_x", "y")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(image.properties, properties.into());
    assert_eq!(image.tags, ["a", "b"]);
}

#[test]
fn the_older_way_of_writing_says_the_same_but_adds_only_what_is_not_there() {
    let older = json!([{ "replace": "/name", "value": "new" }, { "add": "/p2", "value": "x" }, { "remove": "/p1" }]);
    let image = patched_in(Draft::Fourth, older.clone()).unwrap();
    assert_eq!((image.name.as_deref(), image.properties.get("p2").map(String::as_str)), (Some("new"), Some("x")));
    for there in [json!([{ "add": "/p1", "value": "x" }]), json!([{ "add": "/name", "value": "x" }])] {
        assert_eq!(patched_in(Draft::Fourth, there).unwrap_err().kind(), FaultKind::Conflict);
    }
    for unclear in [json!([{ "value": 1 }]), json!([{ "add": "/a", "remove": "/a" }]), json!([{ "op": "add" }])] {
        assert_eq!(parse(&unclear, Draft::Fourth).unwrap_err().kind(), FaultKind::BadRequest);
    }
    assert_eq!(parse(&older, Draft::Tenth).unwrap_err().kind(), FaultKind::BadRequest);
}

#[test]
fn what_is_not_allowed_says_so() {
    use FaultKind::{BadRequest, Conflict, Forbidden};
    for (kind, op, path, value) in [
        (Forbidden, "replace", "/status", json!("active")),
        (Forbidden, "replace", "/id", json!("x")),
        (Forbidden, "add", "/stores", json!("x")),
        (Forbidden, "add", "/os_glance_x", json!("x")),
        (Forbidden, "remove", "/os_glance_x", json!(null)),
        (Forbidden, "add", "/deleted", json!("x")),
        (Forbidden, "remove", "/name", json!(null)),
        (Forbidden, "remove", "/checksum", json!(null)),
        (Conflict, "replace", "/nope", json!("x")),
        (Conflict, "remove", "/nope", json!(null)),
        (BadRequest, "add", "/a/b", json!("x")),
        (BadRequest, "add", "/tags/-", json!("x")),
        (BadRequest, "add", "a", json!("x")),
        (BadRequest, "add", "//a", json!("x")),
        (BadRequest, "add", "/a/", json!("x")),
        (BadRequest, "add", "/a~2", json!("x")),
        (BadRequest, "add", "/a~", json!("x")),
        (BadRequest, "add", "/", json!("x")),
        (BadRequest, "move", "/a", json!("x")),
        (BadRequest, "add", "/min_ram", json!(-1)),
        (BadRequest, "add", "/custom", json!(1)),
        (BadRequest, "replace", "/visibility", json!("secret")),
        (BadRequest, "replace", "/disk_format", json!("floppy")),
        (BadRequest, "replace", "/name", json!("x".repeat(256))),
        (BadRequest, "add", "/locations", json!({})),
        (BadRequest, "add", "/locations/-", json!({ "url": "http://x" })),
        (BadRequest, "replace", "/locations", json!("x")),
    ] {
        let fault = patched(json!([{ "op": op, "path": path, "value": value }])).unwrap_err();
        assert_eq!(fault.kind(), kind, "{op} {path}: {}", fault.message());
    }
    assert_eq!(patched(json!({ "op": "add" })).unwrap_err().kind(), BadRequest);
    assert_eq!(patched(json!([{ "op": "add", "path": "/a" }])).unwrap_err().kind(), BadRequest);
}

#[test]
fn formats_change_before_there_are_bytes() {
    let change = parse(&json!([{ "op": "replace", "path": "/disk_format", "value": "raw" }]), Draft::Tenth).unwrap();
    for (status, fine) in [(Status::Queued, true), (Status::Importing, true), (Status::Active, false)] {
        let mut image = Image { status, ..image() };
        assert_eq!(apply_all(&mut image, &change).is_ok(), fine, "{status:?}");
    }
}

#[test]
fn there_are_so_many_custom_properties_and_no_more() {
    let add = |count: usize| -> Value {
        (0..count).map(|index| json!({ "op": "add", "path": format!("/q{index}"), "value": "" })).collect()
    };
    assert_eq!(patched(add(127)).unwrap().custom_properties(), 128);
    assert_eq!(patched(add(128)).unwrap_err().kind(), FaultKind::PayloadTooLarge);
    let tags: Vec<String> = (0..129).map(|index| index.to_string()).collect();
    let tags = json!([{ "op": "replace", "path": "/tags", "value": tags }]);
    assert_eq!(patched(tags).unwrap_err().kind(), FaultKind::PayloadTooLarge);
}

#[test]
fn locations_are_told_apart() {
    let place = json!({ "url": "http://x", "metadata": {} });
    let body = json!([
        { "op": "add", "path": "/locations/-", "value": place },
        { "op": "replace", "path": "/locations", "value": [place] },
        { "op": "replace", "path": "/locations", "value": [] },
        { "op": "remove", "path": "/locations/0" },
    ]);
    let wanted = [Locations::Add, Locations::Replace, Locations::Clear, Locations::Remove].map(Change::Locations);
    assert_eq!(parse(&body, Draft::Tenth).unwrap(), wanted);
}

proptest! {
    #[test]
    fn any_name_comes_back_from_its_pointer(name in "[^\\s~/][^~/]{0,20}[^\\s~/]") {
        prop_assume!(!is_taken(&name));
        let image = patched(json!([{ "op": "add", "path": format!("/{name}"), "value": "x" }])).unwrap();
        prop_assert_eq!(image.properties.get(&name).map(String::as_str), Some("x"));
    }

    #[test]
    fn whatever_is_sent_is_answered(pointer in ".{0,12}", op in "add|remove|replace") {
        let _ = patched(json!([{ "op": op, "path": pointer, "value": "x" }]));
    }
}

fn is_taken(name: &str) -> bool {
    input::is_base(name) || input::check_may_change(name).is_err()
}
